// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../contracts/CaseRegistry.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {Tables} from "./support/Tables.sol";
import {Walks} from "./support/Walks.sol";

/// A closed registry never moves: whatever is signed and decided for it afterwards, and whatever becomes of its cases
/// in the successor, every word stays as it stood, and no decision is used up.
contract ClosedInvariantsTest is Walks {
    ICaseRegistry private _closed;
    address private _heir;
    bytes32[] private _kept;

    /// forge-config: default.fuzz.runs = 6
    function testFuzz_a_closed_registry_never_moves(uint256 seed) public {
        walk(seed, 12);
        _closed = registry;
        _kept = digests();
        // With a successor, and without.
        if (seed % 3 != 0) _heir = address(new CaseRegistry(institutions, DOMAIN, registry));
        close(_heir);
        bytes memory words = _words();

        uint256 before = accepted;
        walk(uint256(keccak256(abi.encode(seed))), 8);
        assertEq(accepted, before);
        _refuseDecisions(seed);
        assertEq(_words(), words);
        if (_heir == address(0)) return;

        registry = ICaseRegistry(_heir);
        registerTable(Tables.sample(), 0, FOREVER);
        registerTable(Tables.matter(), 0, FOREVER);
        walk(uint256(keccak256(abi.encode(seed, "heir"))), 8);
        assertEq(_words(), words);
    }

    /// Well-formed statements are refused for the closing alone.
    function told(bytes memory why) internal view override {
        if (registry == _closed) assertEq(why, _refusal());
    }

    function _refusal() private view returns (bytes memory) {
        return abi.encodeWithSelector(ICaseRegistry.ContractClosed.selector, _heir);
    }

    /// Decided by the voters for just this registry.
    function _refuseDecisions(uint256 seed) private {
        bytes memory table = Tables.matter();
        table[2] = 0x03;
        uint48 until = uint48(seed);
        bytes32 id = registry.contractId();
        (uint64 number, uint48 expires, bytes memory list) =
            decide(abi.encodePacked(uint8(0x20), keys.sm3(table), uint48(0), until), id);
        vm.expectRevert(_refusal());
        registry.registerTable(table, 0, until, number, expires, list);
        (,, list) = decide(abi.encodePacked(uint8(0x21), tableDigest, until), id);
        vm.expectRevert(_refusal());
        registry.endTable(tableDigest, until, number, expires, list);
        (,, list) = decide(abi.encodePacked(uint8(0x22), address(0)), id);
        vm.expectRevert(_refusal());
        registry.close(address(0), number, expires, list);
        assertEq(institutions.decisions(), number - 1);
    }

    /// Everything that the closed registry says.
    function _words() private view returns (bytes memory all) {
        (, uint48 from, uint48 until) = _closed.termsOf(tableDigest);
        all = abi.encode(_closed.closed(), _closed.successor(), _closed.registeredTables(), from, until);
        for (uint256 i; i < CASES; ++i) {
            all = bytes.concat(all, abi.encode(_closed.wordsOf(cases(i))));
        }
        for (uint256 i; i < _kept.length; ++i) {
            (uint64 quantity,, uint32 holder, bool used) = _closed.splitOf(_kept[i]);
            all = bytes.concat(all, abi.encode(_closed.recordOf(_kept[i]), quantity, holder, used));
        }
    }
}
