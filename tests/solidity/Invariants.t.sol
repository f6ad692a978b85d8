// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {Rebuilder} from "./support/Rebuilder.sol";
import {Walks} from "./support/Walks.sol";

/// What holds after any sequence of statements, accepted and refused: the events alone give every word of SPEC §8.5, digests
/// never change or vanish, each case is one chain, a sample has one holder, and nothing comes of nothing.
contract InvariantsTest is Walks {
    Rebuilder private _rebuilder;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        _rebuilder = new Rebuilder();
    }

    /// forge-config: default.fuzz.runs = 12
    function testFuzz_events_alone_rebuild_every_word(uint256 seed) public {
        walk(seed, 24);
        _rebuild(registry, ICaseRegistry(address(0)));
    }

    /// forge-config: default.fuzz.runs = 6
    function testFuzz_events_rebuild_a_successor_as_well(uint256 seed) public {
        walk(seed, 12);
        ICaseRegistry old = succeed();
        walk(uint256(keccak256(abi.encode(seed))), 12);
        _rebuild(registry, old);
    }

    function _rebuild(ICaseRegistry which, ICaseRegistry before) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(which) && logs[i].emitter != address(before)) continue;
            _rebuilder.apply_(logs[i]);
        }
        assertEq(_rebuilder.count(), accepted);
        for (uint256 i; i < CASES; ++i) {
            bytes32[5] memory expected = _rebuilder.wordsOf(address(which), cases(i));
            bytes32[5] memory got = which.wordsOf(cases(i));
            for (uint256 j; j < 5; ++j) {
                assertEq(got[j], expected[j]);
            }
        }
        for (uint256 i; i < _rebuilder.count(); ++i) {
            (address where, bytes32 digest) = _rebuilder.at(i);
            // Time and number stand in the block, not in the event.
            assertEq(
                uint256(ICaseRegistry(where).recordOf(digest)) << 96 >> 96, uint256(_rebuilder.recordOf(where, digest))
            );
            (uint64 quantity, uint16 unit, uint32 holder, bool used) = ICaseRegistry(where).splitOf(digest);
            bytes memory split = abi.encodePacked(quantity, unit, holder, bytes17(0), used);
            assertEq(bytes32(split), _rebuilder.splitOf(where, digest));
        }
    }
}
