// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";
import {Ledger} from "./support/Ledger.sol";
import {Members} from "./support/Members.sol";
import {Walks} from "./support/Walks.sol";

/// While keys are revoked, suspended, reinstated and renewed, only keys that are valid write: whoever replays the
/// events never meets a signature of a key behind its end, nor of a person whose institution was suspended.
contract KeyInvariantsTest is Walks, Members {
    uint32[5] private _signers = [NOTARY_OFFICE, APPRAISERS, NOTARY, APPROVER, APPRAISER];

    /// Private keys by key index.
    mapping(uint32 number => uint256[]) private _ds;
    uint256 private _names;

    // What the events said.
    mapping(uint32 number => mapping(uint8 keyIndex => bool)) private _open;
    mapping(uint32 number => bool) private _suspended;
    mapping(uint32 number => mapping(uint8 keyIndex => bytes32 z)) private _zs;
    uint256 private _records;

    function setUp() public override(Cases, Ledger) {
        vm.recordLogs();
        super.setUp();
        for (uint256 i; i < _signers.length; ++i) {
            _ds[_signers[i]].push(privateKey(_signers[i]));
        }
    }

    /// forge-config: default.fuzz.runs = 8
    function testFuzz_only_valid_keys_ever_write(uint256 seed) public {
        walk(seed, 24);
        _audit(vm.getRecordedLogs());
        assertEq(_records, accepted);
    }

    // What happens to keys

    function stir(uint256 seed) internal override {
        vm.warp(block.timestamp + (seed >> 32) % 3);
        uint32 number = _signers[(seed >> 8) % _signers.length];
        bool person = number > 0x80000000;
        IInstitutions.Member memory m = institutions.member(number);
        // Whoever cannot sign gets another key sooner than the others lose theirs.
        if (m.status == 2 && !person && seed % 4 != 0) return; // its persons try meanwhile
        if (m.status == 2) return _reinstate(number, m, person);
        if (m.openKeys == 0) return _renew(number, m, person);
        if (seed % 3 != 0) return;
        uint256 act = (seed >> 16) % 4;
        if (act == 0 && m.openKeys >> 8 == 0) _renew(number, m, person);
        if (act == 1 || act == 2) _suspend(number, m, person);
        if (act == 3) _revoke(number, uint8(m.openKeys) - 1);
    }

    function _suspend(uint32 number, IInstitutions.Member memory m, bool person) private {
        if (!person) return _decide(suspendAction(number), "");
        bytes memory signature = wire(
            5, 0, 1, REGULATOR, institutions.contractId(), Sm3.hash(abi.encodePacked(uint8(3), number, m.changes))
        );
        institutions.suspendPractitioner(number, signature);
    }

    /// With one of the keys that ended; without any where there is none.
    function _reinstate(uint32 number, IInstitutions.Member memory m, bool person) private {
        uint8 keyIndex = m.suspendedKeys == 0 ? RECOVERY : uint8(m.suspendedKeys) - 1;
        if (person) {
            bytes memory action = abi.encodePacked(uint8(4), number, m.changes, keyIndex);
            bytes memory signatures = _admitters(m.institution, action);
            if (signatures.length == 0) return;
            institutions.reinstatePractitioner(number, keyIndex, signatures);
        } else {
            _decide(reinstateAction(number, keyIndex), "");
        }
        if (keyIndex != RECOVERY) _ds[number].push(_ds[number][keyIndex]);
    }

    function _renew(uint32 number, IInstitutions.Member memory m, bool person) private {
        string memory name = vm.toString(++_names);
        remember(privateKey(number, name));
        IInstitutions.NewKey memory k = newKey(number, name);
        bytes memory own = proof(k, name, m.keyCount);
        if (person) {
            bytes memory signatures = _admitters(m.institution, keyActBytes(5, k));
            if (signatures.length == 0) return;
            institutions.renewPractitionerKey(k, signatures, own);
        } else {
            _decide(newKeyBytes(k), own);
        }
        _ds[number].push(privateKey(number, name));
    }

    function _revoke(uint32 number, uint8 keyIndex) private {
        bytes32 digest = Sm3.hash(abi.encodePacked(uint8(2), number, keyIndex, uint48(0)));
        institutions.revokeKey(number, keyIndex, 0, wireBy(_ds[number][keyIndex], keyIndex, 5, 1, number, digest));
    }

    /// By two voters that sign no statements.
    function _decide(bytes memory action, bytes memory own) private {
        uint64 number = institutions.decisions() + 1;
        uint48 expires = uint48(block.timestamp);
        bytes memory list = votes(action, number, expires, institutions.contractId(), REGULATOR, OPERATOR);
        institutions.execute(action, number, expires, list, own);
    }

    /// The institution, where it can sign, and the regulator.
    function _admitters(uint32 institution, bytes memory action) private view returns (bytes memory) {
        uint16 open = institutions.member(institution).openKeys;
        if (open == 0) return "";
        uint8 keyIndex = uint8(open) - 1;
        bytes32 digest = Sm3.hash(action);
        return bytes.concat(
            wireBy(_ds[institution][keyIndex], keyIndex, 5, 2, institution, digest),
            wire(5, 0, 2, REGULATOR, institutions.contractId(), digest)
        );
    }

    // What is signed with them

    /// Persons sign more often than elsewhere.
    function picked(uint256 seed, bool isSample) internal view override returns (uint16) {
        if (seed >> 240 & 1 == 0) return super.picked(seed, isSample);
        return isSample ? CONSUME : TWO;
    }

    /// Each signer signs with its last key, or with any that it ever had.
    function resigned(Claim memory c, bytes memory signatures) internal view override returns (bytes memory list) {
        bytes32 digest = Sm3.hash(pack(c));
        for (uint256 i; i < signatures.length / 70; ++i) {
            (uint32 signer, uint8 role,) = _head(signatures, i);
            uint8 keyIndex = _keyIndex(signer, uint256(keccak256(abi.encode(c.content, signer))));
            if (keyIndex == 0) {
                list = bytes.concat(list, _part(signatures, i));
                continue;
            }
            bytes memory text = message(1, role, uint8(signatures.length / 70), signer, registry.contractId(), digest);
            list = bytes.concat(list, abi.encodePacked(signer, role, keyIndex), sign(_ds[signer][keyIndex], text));
        }
    }

    /// The other members keep their first keys.
    function _keyIndex(uint32 signer, uint256 chance) private view returns (uint8) {
        uint256 known = _ds[signer].length;
        if (known == 0) return 0;
        return uint8(chance % 3 == 0 ? (chance >> 8) % known : known - 1);
    }

    function _part(bytes memory list, uint256 at) private pure returns (bytes memory signature) {
        signature = new bytes(70);
        for (uint256 i; i < 70; ++i) {
            signature[i] = list[at * 70 + i];
        }
    }

    function _head(bytes memory list, uint256 at) private pure returns (uint32 signer, uint8 role, uint8 keyIndex) {
        uint256 head;
        assembly ("memory-safe") {
            head := shr(208, mload(add(add(list, 32), mul(at, 70))))
        }
        return (uint32(head >> 16), uint8(head >> 8), uint8(head));
    }

    // What the events say of it

    function _audit(Vm.Log[] memory logs) private {
        for (uint256 i; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            uint32 number = uint32(uint256(logs[i].topics.length > 1 ? logs[i].topics[1] : bytes32(0)));
            if (topic == ICaseRegistry.StatementRecorded.selector) _auditRecord(logs[i]);
            if (topic == IInstitutions.InstitutionSuspended.selector) _suspended[number] = true;
            if (topic == IInstitutions.InstitutionReinstated.selector) _suspended[number] = false;
            if (topic == IInstitutions.KeyRegistered.selector) {
                uint8 keyIndex = abi.decode(logs[i].data, (uint8));
                (_open[number][keyIndex], _zs[number][keyIndex]) = (true, logs[i].topics[2]);
            }
            if (topic == IInstitutions.KeyEnded.selector) _open[number][abi.decode(logs[i].data, (uint8))] = false;
        }
    }

    function _auditRecord(Vm.Log memory log) private {
        ++_records;
        (bytes memory statement, bytes memory signatures) = abi.decode(log.data, (bytes, bytes));
        uint256 time = uint256(registry.recordOf(log.topics[1])) >> 208;
        assertEq(Sm3.hash(statement), log.topics[1]);
        for (uint256 i; i < signatures.length / 70; ++i) {
            (uint32 signer,, uint8 keyIndex) = _head(signatures, i);
            assertTrue(_open[signer][keyIndex], "behind its end");
            uint256 word = uint256(institutions.keyRecord(_zs[signer][keyIndex], keyIndex));
            assertEq(word >> 224, signer);
            assertLe(uint48(word >> 120), time, "before its start");
            assertGe(uint48(word >> 72), time, "after its end");
            assertFalse(_suspended[uint32(word >> 192)], "of a suspended institution");
        }
    }
}
