// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {BatchAnchor} from "../../../contracts/BatchAnchor.sol";
import {Institutions} from "../../../contracts/Institutions.sol";
import {Sm2Keys} from "../../../contracts/Sm2Keys.sol";
import {Sm2Verifier} from "../../../contracts/Sm2Verifier.sol";
import {ICaseRegistry} from "../../../contracts/interfaces/ICaseRegistry.sol";
import {IInstitutions} from "../../../contracts/interfaces/IInstitutions.sol";
import {ISm2Keys} from "../../../contracts/interfaces/ISm2Keys.sol";
import {ISm2Verifier} from "../../../contracts/interfaces/ISm2Verifier.sol";
import {Sm3} from "../../../contracts/libraries/Sm3.sol";
import {Sm2Signer} from "./Sm2Signer.sol";

/// @notice A founded ledger with real keys, and the means to sign and send whatever a test wants. Bytes are put together
/// here from the specification, apart from the contracts' own code.
abstract contract Ledger is Test {
    struct Claim {
        uint8 version;
        uint16 kind;
        uint16 flags;
        uint32 sequence;
        uint32 institution;
        uint32 counterparty;
        uint48 occurred;
        bytes32 caseId;
        bytes32 previous;
        bytes32 subject;
        bytes32 content;
        bytes32 terms;
    }

    uint32 internal constant NOTARY_OFFICE = 101;
    uint32 internal constant APPRAISERS = 102;
    uint32 internal constant PRISON = 103;
    uint32 internal constant REGULATOR = 106;
    uint32 internal constant OPERATOR = 109;
    /// Further institutions, which only crowd a case.
    uint32 internal constant CROWD = 201;
    uint32 internal constant CROWD_SIZE = 6;

    uint32 internal constant NOTARY = 0x80000001;
    uint32 internal constant APPROVER = 0x80000002;
    uint32 internal constant APPRAISER = 0x80000003;
    uint32 internal constant OFFICER = 0x80000004; // of the notary office, with another function
    uint32 internal constant HOSTED_ONE = 0x80000005;
    uint32 internal constant HOSTED_TWO = 0x80000006;

    uint8 internal constant SELF = 1;
    uint8 internal constant HOSTED = 3;

    uint256 internal constant START = 1_793_500_000;

    /// Of the founding; NOTARY_OFFICE and REGULATOR are enough.
    uint8 internal constant THRESHOLD = 2;
    /// Key index of a recovery key, and of no key in a reinstatement.
    uint8 internal constant RECOVERY = 255;

    struct Point {
        bytes32 z;
        uint256 x;
        uint256 y;
    }

    mapping(uint256 d => Point) private _known;
    ISm2Verifier internal verifier;
    ISm2Keys internal keys;
    Institutions internal institutions;
    ICaseRegistry internal registry;
    BatchAnchor internal batches;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1000);
        verifier = ISm2Verifier(address(new Sm2Verifier()));
        keys = new Sm2Keys();
        uint32[11] memory members = [
            NOTARY_OFFICE,
            APPRAISERS,
            PRISON,
            REGULATOR,
            OPERATOR,
            NOTARY,
            APPROVER,
            APPRAISER,
            OFFICER,
            HOSTED_ONE,
            HOSTED_TWO
        ];
        for (uint256 i; i < members.length; ++i) {
            remember(privateKey(members[i]));
        }
        institutions = found(THRESHOLD, founders());
        batches = new BatchAnchor(institutions);
    }

    // Keys and signatures

    /// A member's first key.
    function privateKey(uint32 number) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("key of", number))) >> 1;
    }

    /// A member's further keys, by whatever name a test gives them.
    function privateKey(uint32 number, string memory name) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("further key of", number, name))) >> 1;
    }

    function publicKey(uint256 d) internal view returns (bytes32 z, uint256 x, uint256 y) {
        Point storage known = _known[d];
        if (known.z != 0) return (known.z, known.x, known.y);
        (x, y) = Sm2Signer.publicKey(d);
        z = keys.keyZ(x, y);
    }

    /// Computes a public key once and for all, which halves the time of each signature.
    function remember(uint256 d) internal {
        (bytes32 z, uint256 x, uint256 y) = publicKey(d);
        _known[d] = Point(z, x, y);
    }

    function keyOf(uint32 number) internal view returns (bytes32 z, uint256 x, uint256 y) {
        return publicKey(privateKey(number));
    }

    /// r ‖ s by the private key over an 81-byte message.
    function sign(uint256 d, bytes memory text) internal view returns (bytes memory) {
        assertEq(text.length, 81);
        (bytes32 z,,) = publicKey(d);
        (uint256 r, uint256 s) = Sm2Signer.sign(d, Sm3.hash(bytes.concat(z, text)));
        return abi.encodePacked(r, s);
    }

    function message(uint8 tag, uint8 role, uint8 count, uint32 signer, bytes32 contractId, bytes32 digest)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked("tiezheng/1", tag, role, count, signer, contractId, digest);
    }

    /// A signature on the wire, 70 bytes, by the signer's first key under index 0.
    function wire(uint8 tag, uint8 role, uint8 count, uint32 signer, bytes32 contractId, bytes32 digest)
        internal
        view
        returns (bytes memory)
    {
        bytes memory text = message(tag, role, count, signer, contractId, digest);
        return abi.encodePacked(signer, role, uint8(0), sign(privateKey(signer), text));
    }

    /// A signature under `Institutions`, by any key under any index.
    function wireBy(uint256 d, uint8 keyIndex, uint8 tag, uint8 count, uint32 signer, bytes32 digest)
        internal
        view
        returns (bytes memory)
    {
        bytes memory text = message(tag, 0, count, signer, institutions.contractId(), digest);
        return abi.encodePacked(signer, uint8(0), keyIndex, sign(d, text));
    }

    // Founding and members

    function founders() internal view returns (IInstitutions.Founder[] memory list) {
        list = new IInstitutions.Founder[](5 + CROWD_SIZE);
        list[0] = founder(NOTARY_OFFICE, 1);
        list[1] = founder(APPRAISERS, 2);
        list[2] = founder(PRISON, 3);
        list[3] = founder(REGULATOR, 6);
        list[4] = founder(OPERATOR, 9);
        for (uint32 i; i < CROWD_SIZE; ++i) {
            list[5 + i] = founder(CROWD + i, 1);
        }
    }

    function founder(uint32 number, uint8 role) internal view returns (IInstitutions.Founder memory) {
        (, uint256 x, uint256 y) = keyOf(number);
        return IInstitutions.Founder(number, role, SELF, x, y, cardOf(number));
    }

    function cardOf(uint32 number) internal pure returns (bytes32) {
        return keccak256(abi.encode("identity card of", number));
    }

    function foundingDigest(uint8 threshold, IInstitutions.Founder[] memory list) internal view returns (bytes32) {
        bytes memory founding = abi.encodePacked(
            "tiezheng/founding/1",
            threshold,
            keccak256(address(verifier).code),
            keccak256(address(keys).code),
            uint8(list.length)
        );
        for (uint256 i; i < list.length; ++i) {
            founding = abi.encodePacked(
                founding, list[i].number, list[i].role, list[i].custody, list[i].x, list[i].y, list[i].identityRoot
            );
        }
        return Sm3.hash(founding);
    }

    /// The founders' signatures for the next contract that this one creates.
    function foundingSignatures(uint8 threshold, IInstitutions.Founder[] memory list)
        internal
        view
        returns (bytes[] memory signatures)
    {
        bytes32 digest = foundingDigest(threshold, list);
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        bytes32 contractId = idOf(next, digest);
        signatures = new bytes[](list.length);
        for (uint256 i; i < list.length; ++i) {
            signatures[i] =
                sign(privateKey(list[i].number), message(5, 0, uint8(list.length), list[i].number, contractId, digest));
        }
    }

    function idOf(address at, bytes32 digest) internal view returns (bytes32) {
        return Sm3.hash(abi.encodePacked("tiezheng/1", block.chainid, at, digest));
    }

    function found(uint8 threshold, IInstitutions.Founder[] memory list) internal returns (Institutions) {
        return new Institutions(verifier, keys, threshold, list, foundingSignatures(threshold, list));
    }

    function admission(uint32 number, uint32 institution, uint8 practitionerFunction, uint8 custody)
        internal
        view
        returns (IInstitutions.Admission memory)
    {
        (, uint256 x, uint256 y) = keyOf(number);
        return IInstitutions.Admission(number, institution, practitionerFunction, custody, x, y, cardOf(number));
    }

    function admissionDigest(IInstitutions.Admission memory a) internal pure returns (bytes32) {
        return Sm3.hash(
            abi.encodePacked(
                uint8(1), a.number, a.institution, a.practitionerFunction, a.custody, a.x, a.y, a.identityRoot
            )
        );
    }

    function admissionSignatures(IInstitutions.Admission memory a, uint32 first, uint32 second)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = admissionDigest(a);
        bytes32 id = institutions.contractId();
        return bytes.concat(wire(5, 0, 2, first, id, digest), wire(5, 0, 2, second, id, digest));
    }

    function possession(IInstitutions.Admission memory a) internal view returns (bytes memory) {
        bytes32 digest = Sm3.hash(abi.encodePacked(a.number, a.x, a.y, a.custody));
        return wire(6, 0, 1, a.number, institutions.contractId(), digest);
    }

    function admit(uint32 number, uint32 institution, uint8 practitionerFunction, uint8 custody) internal {
        IInstitutions.Admission memory a = admission(number, institution, practitionerFunction, custody);
        institutions.admitPractitioner(a, admissionSignatures(a, institution, REGULATOR), possession(a));
    }

    function suspension(uint32 number, uint32 signer) internal view returns (bytes memory) {
        bytes memory action = abi.encodePacked(uint8(3), number, institutions.member(number).changes);
        return wire(5, 0, 1, signer, institutions.contractId(), Sm3.hash(action));
    }

    function reinstatement(uint32 number, uint8 keyIndex, uint32 first, uint32 second)
        internal
        view
        returns (bytes memory)
    {
        bytes32 id = institutions.contractId();
        bytes32 digest = Sm3.hash(abi.encodePacked(uint8(4), number, institutions.member(number).changes, keyIndex));
        return bytes.concat(wire(5, 0, 2, first, id, digest), wire(5, 0, 2, second, id, digest));
    }

    /// By the first key, under index 0, not compromised.
    function revocation(uint32 number) internal view returns (bytes memory) {
        return revocation(number, 0);
    }

    function revocation(uint32 number, uint48 compromisedSince) internal view returns (bytes memory) {
        bytes memory action = abi.encodePacked(uint8(2), number, uint8(0), compromisedSince);
        return wire(5, 0, 1, number, institutions.contractId(), Sm3.hash(action));
    }

    function revoke(uint32 number) internal {
        institutions.revokeKey(number, 0, 0, revocation(number));
    }

    /// A key period's record word (SPEC §5.3), key index 0, not compromised.
    function keyWord(
        uint32 number,
        uint32 institution,
        uint8 role,
        uint8 custody,
        uint48 from,
        uint48 until,
        uint8 endedBy
    ) internal pure returns (bytes32) {
        bytes memory head = abi.encodePacked(number, institution, role, uint8(0), custody);
        return bytes32(bytes.concat(head, abi.encodePacked(from, until, uint48(0), endedBy, uint16(0))));
    }

    // Decisions

    function decisionDigest(bytes memory action, uint64 number, uint48 expires, bytes32 executorId)
        internal
        pure
        returns (bytes32)
    {
        return Sm3.hash(abi.encodePacked(uint8(0x80), number, expires, executorId, action));
    }

    /// Signatures of two voters by their first keys; `second` zero: of the first alone.
    function votes(bytes memory action, uint64 number, uint48 expires, bytes32 executorId, uint32 first, uint32 second)
        internal
        view
        returns (bytes memory list)
    {
        bytes32 id = institutions.contractId();
        bytes32 digest = decisionDigest(action, number, expires, executorId);
        uint8 count = second == 0 ? 1 : 2;
        list = wire(5, 0, count, first, id, digest);
        if (second != 0) list = bytes.concat(list, wire(5, 0, count, second, id, digest));
    }

    /// The next decision, of the threshold of voters, that the contract with `executorId` can execute for a day.
    function decide(bytes memory action, bytes32 executorId)
        internal
        view
        returns (uint64 number, uint48 expires, bytes memory signatures)
    {
        number = institutions.decisions() + 1;
        expires = uint48(block.timestamp + 1 days);
        signatures = votes(action, number, expires, executorId, NOTARY_OFFICE, REGULATOR);
    }

    /// Has `Institutions` execute an action that brings no key.
    function execute(bytes memory action) internal {
        execute(action, "");
    }

    function execute(bytes memory action, bytes memory own) internal {
        (uint64 number, uint48 expires, bytes memory signatures) = decide(action, institutions.contractId());
        institutions.execute(action, number, expires, signatures, own);
    }

    // Statements

    function pack(Claim memory c) internal pure returns (bytes memory) {
        return bytes.concat(
            abi.encodePacked(c.version, c.kind, c.flags, c.sequence, c.institution, c.counterparty, c.occurred),
            abi.encodePacked(c.caseId, c.previous, c.subject, c.content, c.terms)
        );
    }

    function signStatement(Claim memory c, uint32[] memory signers, uint8[] memory roles)
        internal
        view
        returns (bytes memory list)
    {
        bytes32 digest = Sm3.hash(pack(c));
        for (uint256 i; i < signers.length; ++i) {
            list =
                bytes.concat(list, wire(1, roles[i], uint8(signers.length), signers[i], registry.contractId(), digest));
        }
    }

    function signed(Claim memory c, uint32 signer, uint8 role) internal view returns (bytes memory) {
        uint32[] memory signers = new uint32[](1);
        uint8[] memory roles = new uint8[](1);
        (signers[0], roles[0]) = (signer, role);
        return signStatement(c, signers, roles);
    }

    function signed(Claim memory c, uint32 signer1, uint8 role1, uint32 signer2, uint8 role2)
        internal
        view
        returns (bytes memory)
    {
        uint32[] memory signers = new uint32[](2);
        uint8[] memory roles = new uint8[](2);
        (signers[0], signers[1]) = (signer1, signer2);
        (roles[0], roles[1]) = (role1, role2);
        return signStatement(c, signers, roles);
    }

    /// `data` with one byte changed.
    function flip(bytes memory data, uint256 index) internal pure returns (bytes memory changed) {
        changed = bytes.concat(data);
        changed[index] = changed[index] ^ 0x01;
    }
}
