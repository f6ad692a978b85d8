// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";

/// What holds after any sequence of statements, accepted and refused: the events alone give the state of every case, and
/// each case is one chain of statements.
contract InvariantsTest is Cases {
    struct Rebuilt {
        bytes32 head;
        bytes32 table;
        uint32 length;
        uint8 state;
        bool closed;
        uint32 kindsSeen;
        uint48 lastOccurred;
        uint32[8] participants;
        uint32[8] handlers;
    }

    mapping(bytes32 caseId => Rebuilt) private _rebuilt;
    mapping(bytes32 digest => bytes) private _tables;
    bytes32[2] private _cases;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        _cases[0] = bytes32(uint256(NOTARY_OFFICE) << 224 | 1);
        _cases[1] = bytes32(uint256(NOTARY_OFFICE) << 224 | 2);
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_events_alone_rebuild_every_case(uint256 seed) public {
        uint256 accepted;
        for (uint256 i; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (_attempt(seed)) ++accepted;
        }
        vm.assume(accepted != 0);

        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 replayed;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(registry)) continue;
            if (logs[i].topics[0] == ICaseRegistry.TableRegistered.selector) {
                _tables[logs[i].topics[1]] = abi.decode(logs[i].data, (bytes));
            } else {
                (bytes memory statement, bytes memory signatures) = abi.decode(logs[i].data, (bytes, bytes));
                assertEq(logs[i].topics[1], Sm3.hash(statement));
                _replay(statement, signatures);
                ++replayed;
            }
        }
        assertEq(replayed, accepted);
        _compare(_cases[0]);
        _compare(_cases[1]);
    }

    /// forge-config: default.fuzz.runs = 8
    function testFuzz_a_key_that_ended_stays_ended(uint32 later) public {
        institutions.revokeKey(NOTARY_OFFICE, 0, revocation(NOTARY_OFFICE));
        (bytes32 z,,) = keyOf(NOTARY_OFFICE);
        bytes32 before = institutions.keyRecord(z);
        bytes memory again = revocation(NOTARY_OFFICE);
        vm.warp(START + 1 + uint256(later));
        vm.expectRevert();
        institutions.revokeKey(NOTARY_OFFICE, 0, again);
        assertEq(institutions.keyRecord(z), before);
    }

    function test_members_and_keys_are_rebuilt_from_events() public {
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 keys;
        uint256 ends;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(institutions)) continue;
            uint32 number = uint32(uint256(logs[i].topics[1]));
            if (logs[i].topics[0] == IInstitutions.KeyRegistered.selector) {
                ++keys;
                (uint8 keyIndex, uint256 x, uint256 y,,, bytes32 root) =
                    abi.decode(logs[i].data, (uint8, uint256, uint256, uint8, uint48, bytes32));
                (bytes32 z, uint256 gotX, uint256 gotY,) = institutions.keyAt(number, keyIndex);
                assertEq(z, logs[i].topics[2]);
                assertEq(gotX, x);
                assertEq(gotY, y);
                assertEq(institutions.identityRoot(z), root);
            } else if (logs[i].topics[0] == IInstitutions.KeyEnded.selector) {
                ++ends;
                assertEq(number, NOTARY);
                (, uint48 until,) = abi.decode(logs[i].data, (uint8, uint48, bytes));
                assertEq(uint48(uint256(institutions.keyRecord(logs[i].topics[2])) >> 72), until);
            } else if (logs[i].topics[0] == IInstitutions.PractitionerAdmitted.selector) {
                assertEq(institutions.member(number).institution, uint256(logs[i].topics[2]));
            }
        }
        assertEq(keys, 5 + CROWD_SIZE + 6);
        assertEq(ends, 1);
    }

    /// Sends some statement, well signed, that may or may not be in order.
    function _attempt(uint256 seed) private returns (bool) {
        caseId = _cases[seed & 1];
        uint16 kind = OPEN + uint16((seed >> 8) % 12);
        bool unopened = registry.caseOf(caseId).table == 0;
        if (unopened && (seed >> 16) % 4 != 0) kind = OPEN;
        if (kind == CLOSE && (seed >> 16) % 3 != 0) kind = NOTE;
        Claim memory c = unopened ? opening() : next(kind);
        c.kind = kind;
        c.content = bytes32(seed | 1);
        if (kind == NOTE && (seed >> 24) % 2 == 0) c.counterparty = CROWD + uint32((seed >> 32) % CROWD_SIZE);
        if (kind == AGREE || kind == JOINT) c.counterparty = APPRAISERS;
        if (kind == REPLY) c.institution = registry.caseOf(caseId).participants[1];
        uint32 person = (seed >> 40) % 2 == 0 ? NOTARY : APPROVER;
        bytes memory signatures;
        if (kind == ACCEPT || kind == MOVE) signatures = signed(c, person, HANDLES);
        else if (kind == APPROVE) signatures = signed(c, person, APPROVES);
        else if (kind == ISSUE) signatures = signed(c, NOTARY_OFFICE, SEAL, person, HANDLES);
        else if (kind == AGREE) signatures = signed(c, NOTARY_OFFICE, SEAL, APPRAISERS, OTHER_SEAL);
        else if (kind == JOINT) signatures = signed(c, NOTARY_OFFICE, SEAL, APPRAISER, OTHER_HANDLES);
        else if (kind == TWO) signatures = signed(c, NOTARY, HANDLES, APPROVER, APPROVES);
        else signatures = signed(c, c.institution, SEAL);
        try registry.record(pack(c), signatures) {
            return true;
        } catch {
            return false;
        }
    }

    /// Applies one recorded statement, knowing that it was in order.
    function _replay(bytes memory statement, bytes memory signatures) private {
        Rebuilt storage r = _rebuilt[_word(statement, 23)];
        if (r.length == 0) r.table = _word(statement, 55);
        else assertEq(_word(statement, 55), r.head);
        assertEq(_number(statement, 5), r.length);
        (bytes32 entry, uint256 position) = _find(_tables[r.table], uint8(statement[2]));
        r.head = Sm3.hash(statement);
        ++r.length;
        if (uint8(entry[6]) != 255) r.state = uint8(entry[6]);
        r.closed = entry[1] & 0x02 != 0;
        r.kindsSeen |= uint32(1 << position);
        r.lastOccurred = uint48(bytes6(_word(statement, 17)));
        _add(r.participants, _number(statement, 9));
        if (_number(statement, 13) != 0) _add(r.participants, _number(statement, 13));
        for (uint256 i; i < signatures.length / 70; ++i) {
            for (uint256 j; j < uint8(entry[17]); ++j) {
                if (entry[18 + 3 * j] != signatures[70 * i + 4]) continue;
                uint8 handler = uint8(entry[19 + 3 * j]) >> 4;
                if (handler != 0) r.handlers[handler - 1] = _number(signatures, 70 * i);
            }
        }
    }

    function _compare(bytes32 which) private view {
        ICaseRegistry.Case memory state = registry.caseOf(which);
        Rebuilt storage r = _rebuilt[which];
        assertEq(state.head, r.head);
        assertEq(state.table, r.table);
        if (r.length != 0) assertEq(state.sequence, r.length - 1);
        assertEq(state.state, r.state);
        assertEq(state.closed, r.closed);
        assertEq(state.kindsSeen, r.kindsSeen);
        assertEq(state.lastOccurred, r.lastOccurred);
        for (uint256 i; i < 8; ++i) {
            assertEq(state.participants[i], r.participants[i]);
            assertEq(state.handlers[i], r.handlers[i]);
        }
    }

    function _add(uint32[8] storage list, uint32 number) private {
        for (uint256 i; i < 8; ++i) {
            if (list[i] == number) return;
            if (list[i] == 0) {
                list[i] = number;
                return;
            }
        }
    }

    function _find(bytes memory data, uint8 number) private pure returns (bytes32 entry, uint256 position) {
        while (uint8(data[36 + 32 * position]) != number) ++position;
        entry = _word(data, 36 + 32 * position);
    }

    function _word(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        assembly {
            word := mload(add(add(data, 32), offset))
        }
    }

    function _number(bytes memory data, uint256 offset) private pure returns (uint32) {
        return uint32(bytes4(_word(data, offset)));
    }
}
