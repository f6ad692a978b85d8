// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../../contracts/CaseRegistry.sol";
import {Sm3} from "../../../contracts/libraries/Sm3.sol";
import {Ledger} from "./Ledger.sol";

/// @notice A registry with one table whose kinds between them use everything that a table can say.
abstract contract Cases is Ledger {
    uint8 internal constant DOMAIN = 1;
    uint8 internal constant CASE_TYPE = 1;

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

    uint8 internal constant SEAL = 0x00;
    uint8 internal constant OTHER_SEAL = 0x80;
    uint8 internal constant HANDLES = 0x41;
    uint8 internal constant APPROVES = 0x42;
    uint8 internal constant OTHER_HANDLES = 0xc1;

    /// States 1 to 3.
    uint32 internal constant ANY = 0x0e;

    bytes32 internal tableDigest;
    bytes32 internal caseId = bytes32(uint256(NOTARY_OFFICE) << 224 | 0xca5e);

    function setUp() public virtual override {
        super.setUp();
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        admit(APPROVER, NOTARY_OFFICE, 1, SELF);
        admit(APPRAISER, APPRAISERS, 2, SELF);
        admit(OFFICER, NOTARY_OFFICE, 3, SELF);
        admit(HOSTED_ONE, NOTARY_OFFICE, 1, HOSTED);
        admit(HOSTED_TWO, NOTARY_OFFICE, 1, HOSTED);
        bytes[] memory tables = new bytes[](1);
        tables[0] = table();
        tableDigest = Sm3.hash(tables[0]);
        registry = new CaseRegistry(institutions, DOMAIN, tables);
    }

    function table() internal pure returns (bytes memory) {
        bytes memory header = abi.encodePacked(uint8(1), DOMAIN, CASE_TYPE, uint8(12), bytes32(uint256(0xd0c)));
        bytes memory first = bytes.concat(
            entry(1, 0x09, 0, 1, 0, 0, 1, 1, slot(SEAL, 0, 1, 0), 0),
            entry(2, 0x00, 0x02, 2, 0, 0, 1, 1, slot(HANDLES, 1, 1, 0), 0),
            entry(3, 0x00, 0x04, 3, 0x02, 0, 1, 1, slot(APPROVES, 2, 1, 0x01), 0),
            entry(4, 0x04, 0x08, 255, 0x04, 0x08, 1, 2, slot(SEAL, 0, 1, 0), slot(HANDLES, 0, 1, 0x02)),
            entry(5, 0x08, ANY, 255, 0, 0, 3, 1, slot(SEAL, 0, 0, 0), 0),
            entry(6, 0x08, ANY, 255, 0, 0, 3, 2, slot(SEAL, 0, 0, 0), slot(OTHER_SEAL, 0, 2, 0))
        );
        bytes memory second = bytes.concat(
            entry(7, 0x02, ANY, 4, 0, 0, 1, 1, slot(SEAL, 0, 0, 0), 0),
            entry(8, 0x13, 0, 4, 0, 0, 1, 1, slot(SEAL, 0, 0, 0), 0),
            entry(9, 0x00, ANY, 255, 0, 0, 1, 2, slot(HANDLES, 3, 0, 0), slot(APPROVES, 8, 0, 0)),
            entry(10, 0x08, ANY, 255, 0, 0, 1, 2, slot(SEAL, 0, 0, 0), slot(OTHER_HANDLES, 4, 2, 0)),
            entry(11, 0x00, ANY, 255, 0, 0, 2, 1, slot(SEAL, 0, 0, 0), 0),
            entry(12, 0x00, ANY, 255, 0x02, 0, 1, 1, slot(HANDLES, 1, 0, 0x01), 0)
        );
        return bytes.concat(header, first, second);
    }

    function entry(
        uint8 number,
        uint8 flags,
        uint32 from,
        uint8 to,
        uint32 required,
        uint32 forbidden,
        uint8 who,
        uint8 slots,
        uint24 slot1,
        uint24 slot2
    ) internal pure returns (bytes memory) {
        bytes memory head = abi.encodePacked(number, flags, from, to, required, forbidden);
        return bytes.concat(head, abi.encodePacked(who, uint8(0), slots, slot1, slot2, uint48(0), uint16(0)));
    }

    function slot(uint8 role, uint8 remember, uint8 wanted, uint8 distinct) internal pure returns (uint24) {
        return uint24(role) << 16 | uint24(remember) << 12 | uint24(wanted) << 8 | distinct;
    }

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

    function open() internal {
        Claim memory c = opening();
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL));
    }

    function step(uint16 kind, uint32 signer, uint8 role) internal {
        Claim memory c = next(kind);
        registry.record(pack(c), signed(c, signer, role));
    }

    function step(uint16 kind, uint32 signer1, uint8 role1, uint32 signer2, uint8 role2) internal {
        Claim memory c = next(kind);
        registry.record(pack(c), signed(c, signer1, role1, signer2, role2));
    }

    /// Has the opener name a guest.
    function invite(uint32 guest) internal {
        Claim memory c = next(NOTE);
        c.counterparty = guest;
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL));
    }

    /// A statement by a guest.
    function nextOf(uint32 institution, uint16 kind) internal view returns (Claim memory c) {
        c = next(kind);
        c.institution = institution;
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
}
