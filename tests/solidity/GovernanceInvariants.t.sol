// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {MemberRebuilder} from "./support/MemberRebuilder.sol";

/// What holds after any sequence of acts, accepted and refused: decisions stay possible unless keys revoke themselves, ends
/// never move, and the events alone give every member, period, recovery key, decision and the threshold.
contract GovernanceInvariantsTest is MemberRebuilder {
    /// Founders, institutions and practitioners that come later, ascending.
    uint32[9] private _numbers = [uint32(101), 106, 107, 109, 301, 302, 303, 0x80000001, 0x80000002];
    uint256 private constant FOUNDERS = 4;
    uint256 private constant INSTITUTIONS = 7;

    /// Private keys by number and key index; recovery keys under 255.
    mapping(uint32 number => mapping(uint8 keyIndex => uint256 d)) private _d;
    uint256 private _names;

    // What was seen before.
    mapping(bytes32 z => mapping(uint8 keyIndex => bytes32 record)) private _seen;
    uint256 private _accepted;
    /// A voter that does not vote.
    uint32 private _silent;

    function setUp() public override {
        super.setUp();
        IInstitutions.Founder[] memory list = new IInstitutions.Founder[](FOUNDERS);
        uint8[4] memory roles = [1, 6, 7, 9];
        for (uint256 i; i < FOUNDERS; ++i) {
            list[i] = founder(_numbers[i], roles[i]);
            _d[_numbers[i]][0] = privateKey(_numbers[i]);
        }
        vm.recordLogs();
        institutions = found(THRESHOLD, list);
        _replay(vm.getRecordedLogs());
        assertTrue(_decide(_admission(_numbers[FOUNDERS], 1 << 48), _numbers[FOUNDERS], 0));
        assertTrue(_decide(_admission(_numbers[FOUNDERS + 1], 0), _numbers[FOUNDERS + 1], 0));
        assertTrue(_admitPractitioner(_numbers[INSTITUTIONS], _numbers[0]));
        assertTrue(_admitPractitioner(_numbers[INSTITUTIONS + 1], _numbers[FOUNDERS]));
        _check();
    }

    /// forge-config: default.fuzz.runs = 6
    function testFuzz_decisions_stay_possible_through_decisions(uint256 seed) public {
        _walk(seed, 14, false);
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_events_alone_rebuild_members_and_keys(uint256 seed) public {
        _walk(seed, 24, true);
        for (uint256 i; i < _numbers.length; ++i) {
            _compare(_numbers[i]);
        }
        assertEq(_decisions, institutions.decisions());
        assertEq(_threshold, institutions.threshold());
    }

    /// One voter is left to spare: a decision that sets the threshold as it is succeeds by the first voters, and where
    /// there are no more than one to spare, whichever of them keeps its vote back.
    function _requireDecisions() private {
        uint8 threshold = institutions.threshold();
        assertGt(institutions.activeVoters(), threshold);
        uint256 before = vm.snapshotState();
        assertTrue(_decide(thresholdAction(threshold), 0, 0));
        for (uint256 i; institutions.activeVoters() == threshold + 1 && i < INSTITUTIONS; ++i) {
            IInstitutions.Member memory m = institutions.member(_numbers[i]);
            if (!m.voter || m.openKeys == 0) continue;
            _silent = _numbers[i];
            assertTrue(_decide(thresholdAction(threshold), 0, 0));
        }
        vm.revertToState(before);
    }

    // The walk

    function _walk(uint256 seed, uint256 steps, bool revoking) private {
        for (uint256 i; i < steps; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint64 before = institutions.decisions();
            bool accepted = _act(seed, revoking);
            if (!accepted) assertEq(institutions.decisions(), before);
            _check();
            if (!revoking) _requireDecisions();
        }
        vm.assume(_accepted != 0);
    }

    /// One act with random parts, most of which make sense.
    function _act(uint256 seed, bool revoking) private returns (bool) {
        uint32 institution = _numbers[(seed >> 8) % INSTITUTIONS];
        uint32 practitioner = _numbers[INSTITUTIONS + (seed >> 16) % 2];
        uint8 index = uint8((seed >> 24) % 4);
        if (index == 3) index = RECOVERY;
        uint256 act = seed % 16;
        if (act == 0) vm.warp(block.timestamp + (seed >> 32) % 1000);
        if (act == 0) return _decide(_admission(institution, seed), institution, 0);
        if (act == 1 || act == 3 || act == 11) index = _suspended(act == 3 ? institution : practitioner, index);
        if (act == 2) return _decide(suspendAction(institution), 0, 0);
        if (act == 3) return _decide(reinstateAction(institution, index), institution, index);
        if (act == 4) return seed >> 40 & 1 == 0 && _decide(removeAction(institution), 0, 0);
        if (act == 5) return _decide(_newKey(institution), institution, 0);
        if (act == 6) return _decide(thresholdAction(uint8((seed >> 40) % 5)), 0, 0);
        if (act == 7) return _decide(_recoveryKey(institution), institution, RECOVERY);
        if (act == 8) return _decide(compromisedAction(institution, index, uint48(block.timestamp - seed % 99)), 0, 0);
        if (act == 9) return _admitPractitioner(practitioner, institution);
        if (act == 1) return _reinstatePractitioner(practitioner, index);
        if (act == 10) return _suspendPractitioner(practitioner);
        if (act == 11) return _reinstatePractitioner(practitioner, index);
        if (act == 12) return _renewPractitioner(practitioner);
        if (act == 13) return _recover(institution);
        return revoking && _revoke(seed >> 41 & 1 == 0 ? institution : practitioner, index);
    }

    /// Mostly a key that the suspension ended, else `otherwise`.
    function _suspended(uint32 number, uint8 otherwise) private view returns (uint8) {
        uint16 indexes = institutions.member(number).suspendedKeys;
        return indexes == 0 || otherwise == 2 ? otherwise : uint8(indexes) - 1;
    }

    /// Sends a call; where it is accepted, remembers the private key that it brought or restarted.
    function _send(bytes memory call, uint32 number, uint256 d) private returns (bool done) {
        uint8 next = nextIndex(number);
        (done,) = address(institutions).call(call);
        // What a refused call told before it was undone is recorded too.
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!done) return false;
        _replay(logs);
        ++_accepted;
        if (nextIndex(number) > next) _d[number][next] = d;
    }

    /// A decision by as many active voters as the threshold says; refused without a transaction where there are too few.
    function _decide(bytes memory action, uint32 number, uint8 keyIndex) private returns (bool done) {
        uint64 next = institutions.decisions() + 1;
        uint48 expires = uint48(block.timestamp + 1);
        bytes32 digest = decisionDigest(action, next, expires, institutions.contractId());
        (bytes memory signatures, uint256 got) = _votes(digest, institutions.threshold());
        if (got < institutions.threshold()) return false;
        // A fresh key, if the action brings one; a reinstatement restarts an old one.
        uint256 d = uint8(action[0]) == 0x12 ? _d[number][keyIndex] : _fresh();
        bytes memory own;
        if (uint8(action[0]) == 0x10 || uint8(action[0]) == 0x14) {
            own = _possession(number, d, nextIndex(number), SELF);
        }
        if (uint8(action[0]) == 0x16) own = _possession(number, d, RECOVERY, 0);
        done = _send(abi.encodeCall(institutions.execute, (action, next, expires, signatures, own)), number, d);
        if (done && uint8(action[0]) == 0x16) _d[number][RECOVERY] = d;
    }

    function _votes(bytes32 digest, uint8 count) private view returns (bytes memory list, uint256 got) {
        for (uint256 i; i < INSTITUTIONS && got < count; ++i) {
            IInstitutions.Member memory m = institutions.member(_numbers[i]);
            if (!m.voter || m.status != 1 || m.openKeys == 0 || _numbers[i] == _silent) continue;
            uint8 index = uint8(m.openKeys) - 1;
            list = bytes.concat(list, wireBy(_d[_numbers[i]][index], index, 5, count, _numbers[i], digest));
            ++got;
        }
    }

    /// The private key of the action that is being made, and of the next one after it was made.
    function _fresh() private view returns (uint256) {
        return uint256(keccak256(abi.encode("walk", _names))) >> 1;
    }

    function _freshPoint() private returns (uint256 x, uint256 y) {
        ++_names;
        remember(_fresh());
        (, x, y) = publicKey(_fresh());
    }

    function _admission(uint32 number, uint256 seed) private returns (bytes memory) {
        (uint256 x, uint256 y) = _freshPoint();
        uint8 voter = uint8(seed >> 48 & 1);
        return abi.encodePacked(uint8(0x10), number, uint8(4), voter, SELF, x, y, cardOf(number));
    }

    function _newKey(uint32 number) private returns (bytes memory) {
        (uint256 x, uint256 y) = _freshPoint();
        return abi.encodePacked(uint8(0x14), number, SELF, x, y, keccak256(abi.encode("card", x)));
    }

    function _keyAct(uint8 kind, uint32 number) private returns (bytes memory) {
        (uint256 x, uint256 y) = _freshPoint();
        uint32 changes = institutions.member(number).changes;
        return abi.encodePacked(kind, number, changes, SELF, x, y, keccak256(abi.encode("card", x)));
    }

    function _recoveryKey(uint32 number) private returns (bytes memory) {
        (uint256 x, uint256 y) = _freshPoint();
        return abi.encodePacked(uint8(0x16), number, x, y);
    }

    function _possession(uint32 number, uint256 d, uint8 keyIndex, uint8 custody) private view returns (bytes memory) {
        (, uint256 x, uint256 y) = publicKey(d);
        return wireBy(d, keyIndex, 6, 1, number, Sm3.hash(abi.encodePacked(number, x, y, custody)));
    }

    /// Signatures of an institution and of a regulator or association, by keys that are open; empty where there are none.
    function _admitters(uint32 institution, bytes memory action) private view returns (bytes memory) {
        uint32 other = institution == 106 ? 107 : 106;
        (uint32 first, uint32 second) = institution < other ? (institution, other) : (other, institution);
        bytes32 digest = Sm3.hash(action);
        return bytes.concat(_signed(first, 2, digest), _signed(second, 2, digest));
    }

    function _signed(uint32 number, uint8 count, bytes32 digest) private view returns (bytes memory) {
        uint16 open = institutions.member(number).openKeys;
        if (open == 0) return "";
        uint8 index = uint8(open) - 1;
        return wireBy(_d[number][index], index, 5, count, number, digest);
    }

    function _admitPractitioner(uint32 number, uint32 institution) private returns (bool) {
        (uint256 x, uint256 y) = _freshPoint();
        IInstitutions.Admission memory a = IInstitutions.Admission(number, institution, 1, SELF, x, y, cardOf(number));
        bytes memory own = _possession(number, _fresh(), 0, SELF);
        bytes memory call =
            abi.encodeCall(institutions.admitPractitioner, (a, _admitters(institution, _admissionBytes(a)), own));
        return _send(call, number, _fresh());
    }

    function _admissionBytes(IInstitutions.Admission memory a) private pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), a.number, a.institution, uint8(1), SELF, a.x, a.y, a.identityRoot);
    }

    function _suspendPractitioner(uint32 number) private returns (bool) {
        IInstitutions.Member memory m = institutions.member(number);
        bytes memory signature = _signed(m.institution, 1, Sm3.hash(abi.encodePacked(uint8(3), number, m.changes)));
        return _send(abi.encodeCall(institutions.suspendPractitioner, (number, signature)), number, 0);
    }

    function _reinstatePractitioner(uint32 number, uint8 keyIndex) private returns (bool) {
        IInstitutions.Member memory m = institutions.member(number);
        bytes memory signatures = _admitters(m.institution, abi.encodePacked(uint8(4), number, m.changes, keyIndex));
        return _send(
            abi.encodeCall(institutions.reinstatePractitioner, (number, keyIndex, signatures)),
            number,
            _d[number][keyIndex]
        );
    }

    function _renewPractitioner(uint32 number) private returns (bool) {
        bytes memory action = _keyAct(5, number);
        bytes memory signatures = _admitters(institutions.member(number).institution, action);
        bytes memory own = _possession(number, _fresh(), nextIndex(number), SELF);
        return
            _send(
                abi.encodeCall(institutions.renewPractitionerKey, (_keyOf(number), signatures, own)), number, _fresh()
            );
    }

    function _recover(uint32 number) private returns (bool) {
        uint256 recovery = _d[number][RECOVERY];
        if (recovery == 0) return false;
        bytes memory action = _keyAct(6, number);
        bytes memory signature = wireBy(recovery, RECOVERY, 5, 1, number, Sm3.hash(action));
        bytes memory own = _possession(number, _fresh(), nextIndex(number), SELF);
        return _send(abi.encodeCall(institutions.recover, (_keyOf(number), signature, own)), number, _fresh());
    }

    function _revoke(uint32 number, uint8 keyIndex) private returns (bool) {
        if (_d[number][keyIndex] == 0) return false;
        uint48 since = keyIndex == 1 ? uint48(block.timestamp - 5) : 0;
        bytes memory signature = wireBy(
            _d[number][keyIndex], keyIndex, 5, 1, number, Sm3.hash(abi.encodePacked(uint8(2), number, keyIndex, since))
        );
        return _send(abi.encodeCall(institutions.revokeKey, (number, keyIndex, since, signature)), number, 0);
    }

    function _keyOf(uint32 number) private view returns (IInstitutions.NewKey memory) {
        (, uint256 x, uint256 y) = publicKey(_fresh());
        return IInstitutions.NewKey(number, SELF, x, y, keccak256(abi.encode("card", x)));
    }

    // What always holds

    function _check() private {
        uint256 active;
        for (uint256 i; i < _numbers.length; ++i) {
            if (_checkMember(_numbers[i])) ++active;
        }
        assertEq(institutions.activeVoters(), active);
    }

    function _checkMember(uint32 number) private returns (bool activeVoter) {
        IInstitutions.Member memory m = institutions.member(number);
        uint256 open;
        for (uint8 i; i < m.keyCount; ++i) {
            (bytes32 z,, bytes32 record, bool active) = institutions.keyOf(number, i);
            assertEq(institutions.holderOf(z), number);
            assertEq(active, institutions.member(m.institution).status == 1);
            bool isOpen = uint48(uint256(record) >> 72) == OPEN;
            assertEq(isOpen, m.openKeys & 0xff == uint16(i) + 1 || m.openKeys >> 8 == uint16(i) + 1);
            if (isOpen) ++open;
            _checkEnd(_seen[z][i], record);
            _seen[z][i] = record;
        }
        assertLe(open, 2);
        if (m.status != 1) assertEq(open, 0);
        return m.voter && open != 0;
    }

    /// What a record says stays, but for an end that is reached once and the date of compromise.
    function _checkEnd(bytes32 before, bytes32 record) private view {
        assertEq(uint16(uint256(record)), 0);
        if (before == 0) {
            assertEq(uint48(uint256(record) >> 120), block.timestamp);
            return;
        }
        assertEq(uint256(before) >> 120, uint256(record) >> 120);
        if (uint48(uint256(before) >> 72) != OPEN) {
            assertEq(uint48(uint256(before) >> 72), uint48(uint256(record) >> 72));
            assertEq(uint8(uint256(before) >> 16), uint8(uint256(record) >> 16));
        } else if (uint48(uint256(record) >> 72) != OPEN) {
            assertEq(uint48(uint256(record) >> 72), block.timestamp);
            assertNotEq(uint8(uint256(record) >> 16), 0);
        } else {
            assertEq(uint8(uint256(record) >> 16), 0);
        }
    }
}
