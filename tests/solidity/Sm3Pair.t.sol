// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {ISm2Keys} from "../../contracts/interfaces/ISm2Keys.sol";
import {Sm2Keys} from "../../contracts/Sm2Keys.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Sm3Pair} from "../../contracts/libraries/Sm3Pair.sol";
import {PlainSm3} from "./support/PlainSm3.sol";

/// The hash as it is deployed, and two blocks at once.
contract Sm3PairTest is Test {
    ISm2Keys keys;

    function setUp() public {
        keys = new Sm2Keys();
    }

    function testFuzz_two_blocks_at_once_give_what_each_gives_alone(uint256 seed, uint8 one, uint8 other) public pure {
        bytes memory a = _message(seed, one % 56);
        bytes memory b = _message(~seed, other % 56);
        (uint256 first, uint256 second) = _compress(Sm3.IV, Sm3.IV, _padded(a), _padded(b));
        assertEq(bytes32(first), PlainSm3.hash(a));
        assertEq(bytes32(second), PlainSm3.hash(b));
    }

    function testFuzz_two_blocks_go_on_from_any_two_states(uint256[2] memory states, uint256 seed) public view {
        bytes memory a = _message(seed, 64);
        bytes memory b = _message(~seed, 64);
        (uint256 first, uint256 second) = _compress(states[0], states[1], a, b);
        assertEq(first, _compressed(states[0], a));
        assertEq(second, _compressed(states[1], b));
        (first, second) = _compress(type(uint256).max, states[1], b, a);
        assertEq(first, _compressed(type(uint256).max, b));
        assertEq(second, _compressed(states[1], a));
    }

    function test_all_ones_and_all_zeros_do_not_touch_each_other() public view {
        bytes memory zeros = new bytes(64);
        bytes memory ones = new bytes(64);
        for (uint256 i; i < 64; ++i) {
            ones[i] = 0xff;
        }
        for (uint256 i; i < 16; ++i) {
            uint256 s = i & 1 == 0 ? 0 : type(uint256).max;
            uint256 t = i & 2 == 0 ? 0 : type(uint256).max;
            bytes memory a = i & 4 == 0 ? zeros : ones;
            bytes memory b = i & 8 == 0 ? zeros : ones;
            (uint256 first, uint256 second) = _compress(s, t, a, b);
            assertEq(first, _compressed(s, a));
            assertEq(second, _compressed(t, b));
        }
    }

    function test_the_deployed_hash_gives_every_length_from_0_to_260_as_openssl_does() public view {
        bytes32[] memory digests = vm.parseJsonBytes32Array(vm.readFile("tests/solidity/vectors/sm3.json"), ".digests");
        assertEq(digests.length, 261);
        for (uint256 size; size < digests.length; ++size) {
            bytes memory message = PlainSm3.example(size);
            assertEq(keys.sm3(message), digests[size], vm.toString(size));
            assertEq(keys.signedDigests(message, 0, new bytes32[](0))[0], digests[size], vm.toString(size));
            assertEq(keys.signedDigests(message, 0, new bytes32[](2))[0], digests[size], vm.toString(size));
        }
    }

    function testFuzz_the_deployed_hash_is_that_of_a_plain_implementation(uint256 seed, uint8 size) public view {
        bytes memory message = _message(seed, size);
        assertEq(keys.sm3(message), PlainSm3.hash(message));
    }

    function testFuzz_up_to_eight_signers_get_the_digests_of_their_messages(
        uint256 seed,
        uint8 size,
        bytes32 contractId,
        bytes32[16] calldata words
    ) public view {
        bytes memory signed = _message(seed, size);
        uint256 count = seed % 9;
        bytes32[] memory signers = new bytes32[](2 * count);
        for (uint256 i; i < signers.length; ++i) {
            signers[i] = words[i];
        }
        bytes32[] memory digests = keys.signedDigests(signed, contractId, signers);
        assertEq(digests.length, count + 1);
        assertEq(digests[0], PlainSm3.hash(signed));
        for (uint256 i; i < count; ++i) {
            bytes memory message = bytes.concat(words[2 * i], bytes17(words[2 * i + 1]), contractId, digests[0]);
            assertEq(digests[i + 1], PlainSm3.hash(message));
        }
    }

    function test_one_call_costs_at_most_80_000_gas_for_a_signer_and_11_000_more_for_a_second() public {
        keys.signedDigests(new bytes(183), bytes32(uint256(5)), new bytes32[](2));
        uint256 one = vm.lastCallGas().gasTotalUsed;
        keys.signedDigests(new bytes(183), bytes32(uint256(5)), new bytes32[](4));
        uint256 two = vm.lastCallGas().gasTotalUsed;
        assertLe(one, 80_000);
        assertLe(two - one, 11_000);
    }

    function test_two_blocks_cost_at_most_22_800_gas() public view {
        bytes memory block_ = new bytes(64);
        _compress(0, 0, block_, block_);
        uint256 before = gasleft();
        _compress(0, 0, block_, block_);
        assertLe(before - gasleft(), 22_800);
    }

    function _compress(uint256 s, uint256 t, bytes memory a, bytes memory b) private pure returns (uint256, uint256) {
        uint256 first;
        uint256 second;
        uint256 scratch;
        assembly ("memory-safe") {
            first := add(a, 32)
            second := add(b, 32)
            scratch := mload(0x40)
        }
        return Sm3Pair.compress(s, t, first, second, scratch);
    }

    function _compressed(uint256 state, bytes memory text) private pure returns (uint256) {
        uint256 start;
        uint256 scratch;
        assembly ("memory-safe") {
            start := add(text, 32)
            scratch := mload(0x40)
        }
        return Sm3.compress(state, start, scratch);
    }

    function _message(uint256 seed, uint256 size) private pure returns (bytes memory message) {
        message = new bytes(size);
        for (uint256 i; i < size; ++i) {
            uint256 kind = uint256(keccak256(abi.encode(seed, i / 4))) % 4;
            message[i] = kind == 0 ? bytes1(0xff) : kind == 1 ? bytes1(0) : bytes1(keccak256(abi.encode(seed, i)));
        }
    }

    function _padded(bytes memory message) private pure returns (bytes memory) {
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes8 bits = bytes8(uint64(8 * message.length));
        return bytes.concat(message, hex"80", new bytes(55 - message.length), bits);
    }
}
