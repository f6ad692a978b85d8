// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {IInstitutions} from "../../../contracts/interfaces/IInstitutions.sol";
import {Sm3} from "../../../contracts/libraries/Sm3.sol";
import {Members} from "./Members.sol";

/// @notice Rebuilds members, periods, recovery keys, decisions and the threshold from events alone (SPEC §5.2).
abstract contract MemberRebuilder is Members {
    struct Period {
        bytes32 z;
        uint8 custody;
        uint48 from;
        uint48 until;
        uint48 compromised;
        uint8 endedBy;
        bytes32 identityRoot;
    }

    uint48 internal constant OPEN = type(uint48).max;
    mapping(uint32 number => IInstitutions.Member) private _members;
    mapping(uint32 number => mapping(uint8 keyIndex => Period)) private _periods;
    mapping(uint32 number => bytes32 z) private _recovery;
    uint64 internal _decisions;
    uint8 internal _threshold;

    function _replay(Vm.Log[] memory logs) internal {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(institutions)) continue;
            uint32 number = uint32(uint256(logs[i].topics.length > 1 ? logs[i].topics[1] : bytes32(0)));
            bytes32 topic = logs[i].topics[0];
            if (topic == IInstitutions.LedgerFounded.selector) {
                (bytes memory founding,) = abi.decode(logs[i].data, (bytes, bytes[]));
                assertEq(Sm3.hash(founding), logs[i].topics[1]);
                _threshold = uint8(founding[19]);
            } else if (topic == IInstitutions.ThresholdChanged.selector) {
                _threshold = abi.decode(logs[i].data, (uint8));
            } else if (topic == IInstitutions.DecisionExecuted.selector) {
                _replayDecision(logs[i]);
            } else if (!_replayKey(topic, number, logs[i]) && !_replayStatus(topic, number)) {
                _replayMember(topic, number, logs[i]);
            }
        }
    }

    function _replayDecision(Vm.Log memory log) private {
        (bytes32 digest, uint48 expires, bytes memory action,) = abi.decode(log.data, (bytes32, uint48, bytes, bytes));
        ++_decisions;
        assertEq(uint256(log.topics[1]), _decisions);
        bytes32 executorId = idOf(address(uint160(uint256(log.topics[2]))), institutions.foundingDigest());
        assertEq(digest, decisionDigest(action, _decisions, expires, executorId));
    }

    function _replayKey(bytes32 topic, uint32 number, Vm.Log memory log) private returns (bool) {
        IInstitutions.Member storage m = _members[number];
        if (topic == IInstitutions.KeyRegistered.selector) {
            uint8 index = abi.decode(log.data, (uint8));
            assertEq(index, m.keyCount);
            m.keyCount = index + 1;
            m.openKeys = m.openKeys << 8 | (index + 1);
            _startPeriod(_periods[number][index], log);
        } else if (topic == IInstitutions.KeyEnded.selector) {
            (uint8 index, uint48 until, uint8 by,) = abi.decode(log.data, (uint8, uint48, uint8, bytes));
            assertEq(_periods[number][index].z, log.topics[2]);
            (_periods[number][index].until, _periods[number][index].endedBy) = (until, by);
            m.openKeys = m.openKeys & 0xff == uint16(index) + 1 ? m.openKeys >> 8 : m.openKeys & 0xff;
        } else if (topic == IInstitutions.KeyCompromised.selector) {
            (uint8 index, uint48 since) = abi.decode(log.data, (uint8, uint48));
            _periods[number][index].compromised = since;
        } else if (topic == IInstitutions.RecoveryKeyRegistered.selector) {
            _recovery[number] = log.topics[2];
        } else if (topic == IInstitutions.InstitutionRecovered.selector) {
            _recovery[number] = 0;
        } else {
            return false;
        }
        return true;
    }

    function _startPeriod(Period storage p, Vm.Log memory log) private {
        (,,, uint8 custody, uint48 from, bytes32 root,) =
            abi.decode(log.data, (uint8, uint256, uint256, uint8, uint48, bytes32, bytes));
        p.z = log.topics[2];
        (p.custody, p.from, p.until, p.identityRoot) = (custody, from, OPEN, root);
    }

    function _replayStatus(bytes32 topic, uint32 number) private returns (bool) {
        IInstitutions.Member storage m = _members[number];
        if (
            topic == IInstitutions.InstitutionSuspended.selector
                || topic == IInstitutions.PractitionerSuspended.selector
        ) {
            m.status = 2;
            m.suspendedKeys = m.openKeys;
            ++m.changes;
        } else if (
            topic == IInstitutions.InstitutionReinstated.selector
                || topic == IInstitutions.PractitionerReinstated.selector
        ) {
            m.status = 1;
            m.suspendedKeys = 0;
            ++m.changes;
        } else if (topic == IInstitutions.InstitutionRemoved.selector) {
            m.status = 3;
        } else {
            return false;
        }
        return true;
    }

    function _replayMember(bytes32 topic, uint32 number, Vm.Log memory log) private {
        IInstitutions.Member storage m = _members[number];
        if (topic == IInstitutions.InstitutionFounded.selector) {
            (m.institution, m.role, m.status, m.voter) = (number, abi.decode(log.data, (uint8)), 1, true);
        } else if (topic == IInstitutions.InstitutionAdmitted.selector) {
            (uint8 role, bool voter) = abi.decode(log.data, (uint8, bool));
            (m.institution, m.role, m.status, m.voter) = (number, role, 1, voter);
        } else if (topic == IInstitutions.PractitionerAdmitted.selector) {
            m.institution = uint32(uint256(log.topics[2]));
            (m.role,) = abi.decode(log.data, (uint8, bytes));
            m.status = 1;
        }
    }

    function _compare(uint32 number) internal view {
        IInstitutions.Member memory m = _members[number];
        assertEq(abi.encode(institutions.member(number)), abi.encode(m));
        for (uint8 i; i < m.keyCount; ++i) {
            Period memory p = _periods[number][i];
            bytes memory head = abi.encodePacked(number, m.institution, m.role, i, p.custody);
            bytes32 word =
                bytes32(bytes.concat(head, abi.encodePacked(p.from, p.until, p.compromised, p.endedBy, uint16(0))));
            assertEq(institutions.keyRecord(p.z, i), word);
            assertEq(institutions.identityRoot(p.z, i), p.identityRoot);
        }
        (bytes32 z,,,) = institutions.keyAt(number, RECOVERY);
        assertEq(z, _recovery[number]);
    }
}
