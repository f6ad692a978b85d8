// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../../contracts/CaseRegistry.sol";
import {ICaseRegistry} from "../../../contracts/interfaces/ICaseRegistry.sol";
import {Sm3} from "../../../contracts/libraries/Sm3.sol";
import {Ledger} from "./Ledger.sol";
import {Tables} from "./Tables.sol";

/// @notice A registry with the two tables of `Tables`, and cases in it.
abstract contract Cases is Ledger {
    uint8 internal constant DOMAIN = 1;
    uint48 internal constant FOREVER = type(uint48).max;

    // Kinds: domain, case type, step.
    uint16 internal constant OPEN = 0x1101;
    uint16 internal constant ACCEPT = 0x1102;
    uint16 internal constant APPROVE = 0x1103;
    uint16 internal constant ISSUE = 0x1104;
    uint16 internal constant NOTE = 0x1105;
    uint16 internal constant AGREE = 0x1106;
    uint16 internal constant CLOSE = 0x1107;
    uint16 internal constant BULK = 0x1108;
    uint16 internal constant TWO = 0x1109;
    uint16 internal constant JOINT = 0x110a;
    uint16 internal constant REPLY = 0x110b;
    uint16 internal constant MOVE = 0x110c;
    uint16 internal constant VISIT = 0x110d;
    uint16 internal constant PAUSE = 0x110e;
    uint16 internal constant RESUME = 0x110f;
    uint16 internal constant PASS = 0x1110;
    uint16 internal constant PUBLISH = 0x1111;
    uint16 internal constant DECIDE = 0x1112;
    uint16 internal constant WIDE = 0x1113;
    uint16 internal constant CORRECT = 0x1114;
    uint16 internal constant SUPPLEMENT = 0x1115;
    uint16 internal constant SUSPEND = 0x1116;
    uint16 internal constant LIFT = 0x1117;
    uint16 internal constant REVOKE = 0x1118;
    uint16 internal constant REVOKE_PART = 0x1119;
    uint16 internal constant REST = 0x111a;
    uint16 internal constant ARCHIVE = 0x111b;
    uint16 internal constant ACT = 0x111c;
    uint16 internal constant STOP = 0x111d;
    uint16 internal constant CONTINUE = 0x11ff;

    uint16 internal constant HOLD = 0x1201;
    uint16 internal constant HOLD_OTHER = 0x1202;
    uint16 internal constant CHILD = 0x1203;
    uint16 internal constant TRANSFER = 0x1204;
    uint16 internal constant CONSUME = 0x1205;
    uint16 internal constant SPLIT = 0x1206;
    uint16 internal constant SPLIT_OTHER = 0x1207;
    uint16 internal constant FREEZE = 0x1208;
    uint16 internal constant THAW = 0x1209;
    uint16 internal constant DISPOSE = 0x120a;
    uint16 internal constant DISPOSE_OTHER = 0x120b;
    uint16 internal constant DISPOSE_BY = 0x120c;
    uint16 internal constant HALT = 0x120d;
    uint16 internal constant GO_ON = 0x120e;
    uint16 internal constant REMARK = 0x120f;

    uint8 internal constant SEAL = 0x00;
    uint8 internal constant OTHER_SEAL = 0x80;
    uint8 internal constant HANDLES = 0x41;
    uint8 internal constant APPROVES = 0x42;
    uint8 internal constant OTHER_HANDLES = 0xc1;
    uint8 internal constant ANSWERS = 0xff;

    uint16 internal constant LATE = 1;
    uint16 internal constant IRREGULAR = 2;

    bytes32 internal tableDigest;
    bytes32 internal sampleTable;
    bytes32 internal caseId = bytes32(uint256(NOTARY_OFFICE) << 224 | 0xca5e);

    function setUp() public virtual override {
        super.setUp();
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        admit(APPROVER, NOTARY_OFFICE, 1, SELF);
        admit(APPRAISER, APPRAISERS, 2, SELF);
        admit(OFFICER, NOTARY_OFFICE, 3, SELF);
        admit(HOSTED_ONE, NOTARY_OFFICE, 1, HOSTED);
        admit(HOSTED_TWO, NOTARY_OFFICE, 1, HOSTED);
        registry = new CaseRegistry(institutions, DOMAIN, ICaseRegistry(address(0)));
        tableDigest = registerTable(Tables.matter(), 0, FOREVER);
        sampleTable = registerTable(Tables.sample(), 0, FOREVER);
    }

    // Decisions on the registry

    function registerTable(bytes memory data, uint48 from, uint48 until) internal returns (bytes32 digest) {
        digest = Sm3.hash(data);
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x20), digest, from, until), registry.contractId());
        registry.registerTable(data, from, until, number, expires, signatures);
    }

    function endTable(bytes32 digest, uint48 until) internal {
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x21), digest, until), registry.contractId());
        registry.endTable(digest, until, number, expires, signatures);
    }

    function close(address successor) internal {
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x22), successor), registry.contractId());
        registry.close(successor, number, expires, signatures);
    }

    /// A registry that succeeds the present one, which is closed, with the same tables; it becomes `registry`.
    function succeed() internal returns (ICaseRegistry old) {
        old = registry;
        CaseRegistry heir = new CaseRegistry(institutions, DOMAIN, old);
        close(address(heir));
        registry = heir;
        // In another order, so that the indices differ.
        registerTable(Tables.sample(), 0, FOREVER);
        registerTable(Tables.matter(), 0, FOREVER);
    }

    // Statements

    function opening() internal view returns (Claim memory c) {
        c.version = 1;
        c.kind = OPEN;
        c.institution = NOTARY_OFFICE;
        c.occurred = uint48(block.timestamp * 1000);
        c.caseId = caseId;
        c.previous = tableDigest;
        c.content = keccak256("content");
        c.subject = keccak256("subject");
    }

    /// The next statement of the case, whatever its kind.
    function next(uint16 kind) internal view returns (Claim memory c) {
        c = opening();
        c.kind = kind;
        c.sequence = registry.caseOf(caseId).sequence + 1;
        c.previous = registry.caseOf(caseId).head;
    }

    /// A statement by a guest.
    function nextOf(uint32 institution, uint16 kind) internal view returns (Claim memory c) {
        c = next(kind);
        c.institution = institution;
    }

    function take(Claim memory c, bytes memory signatures) internal returns (bytes32 digest) {
        registry.record(pack(c), signatures);
        digest = Sm3.hash(pack(c));
    }

    function take(Claim memory c, uint32 signer, uint8 role) internal returns (bytes32) {
        return take(c, signed(c, signer, role));
    }

    function open() internal {
        take(opening(), NOTARY_OFFICE, SEAL);
    }

    function step(uint16 kind, uint32 signer, uint8 role) internal returns (bytes32) {
        return take(next(kind), signer, role);
    }

    function step(uint16 kind, uint32 signer1, uint8 role1, uint32 signer2, uint8 role2) internal returns (bytes32) {
        Claim memory c = next(kind);
        return take(c, signed(c, signer1, role1, signer2, role2));
    }

    /// Has the opener name a guest.
    function invite(uint32 guest) internal {
        Claim memory c = next(NOTE);
        c.counterparty = guest;
        take(c, NOTARY_OFFICE, SEAL);
    }

    function holding(uint64 quantity, uint16 unit, uint32 holder) internal pure returns (bytes32) {
        return bytes32(abi.encodePacked(quantity, unit, holder, bytes18(0)));
    }

    /// The status byte of a record.
    function statusOf(bytes32 digest) internal view returns (uint8) {
        return uint8(registry.recordOf(digest)[12]);
    }

    function refuse(Claim memory c, bytes memory signatures, bytes memory expected) internal {
        bytes memory statement = pack(c);
        vm.expectRevert(expected);
        registry.record(statement, signatures);
    }

    /// Refused before any signature is looked at.
    function refuse(Claim memory c, bytes memory expected) internal {
        refuse(c, "", expected);
    }

    function reason(bytes4 selector, uint256 a) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a);
    }

    function reason(bytes4 selector, uint256 a, uint256 b) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a, b);
    }

    function reasonOf(bytes4 selector, bytes32 a, uint256 b) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a, b);
    }

    function reasonOf(bytes4 selector, bytes32 a) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a);
    }
}
