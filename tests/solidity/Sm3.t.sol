// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {PlainSm3} from "./support/PlainSm3.sol";

contract Sm3Test is Test {
    function test_abc_hashes_as_in_the_standard() public pure {
        assertEq(Sm3.hash("abc"), hex"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    }

    function test_sixty_four_bytes_hash_as_in_the_standard() public pure {
        assertEq(
            Sm3.hash("abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd"),
            hex"debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        );
    }

    function test_every_length_from_0_to_260_hashes_as_openssl_does() public view {
        bytes32[] memory digests = vm.parseJsonBytes32Array(vm.readFile("tests/solidity/vectors/sm3.json"), ".digests");
        assertEq(digests.length, 261);
        for (uint256 size; size < digests.length; ++size) {
            bytes memory message = PlainSm3.example(size);
            assertEq(Sm3.hash(message), digests[size], vm.toString(size));
        }
    }

    function test_two_words_hash_as_their_64_bytes() public pure {
        bytes32 a = "abcdabcdabcdabcdabcdabcdabcdabcd";
        assertEq(Sm3.hash(a, a), hex"debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
        assertNotEq(Sm3.hash(a, 0), Sm3.hash(0, a));
    }

    function testFuzz_neither_dirty_memory_nor_alignment_matters(uint8 size, uint8 offset, uint256 seed) public pure {
        bytes memory message = new bytes(size);
        for (uint256 i; i < size; ++i) {
            message[i] = bytes1(keccak256(abi.encode(seed, i)));
        }
        bytes32 expected = Sm3.hash(message);
        uint256 start;
        assembly {
            start := add(mload(0x40), offset)
            let end := add(start, size)
            mstore(0x40, end)
            for { let i := 0 } lt(i, 2048) { i := add(i, 32) } { mstore(add(end, i), not(0)) }
            for { let i := 0 } lt(i, size) { i := add(i, 1) } {
                mstore8(add(start, i), shr(248, mload(add(add(message, 32), i))))
            }
        }
        uint256 free = _free();
        assertEq(Sm3.hash(start, size), expected);
        assertEq(_free(), free, "free memory pointer");
        bytes32 again;
        assembly {
            again := keccak256(start, size)
        }
        assertEq(again, keccak256(message), "message left as it was");
    }

    function test_the_digest_of_a_rest_goes_on_from_the_state_of_a_prefix() public pure {
        bytes memory message = "abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd";
        bytes memory whole = bytes.concat(message, message, "abc");
        uint256 start;
        assembly {
            start := add(whole, 32)
        }
        uint256 iv = 0x7380166f4914b2b9172442d7da8a0600a96f30bc163138aae38dee4db0fb0e4e;
        assertEq(Sm3.resume(iv, 0, start, whole.length), Sm3.hash(whole));
        // The state after the first 128 bytes, which here are the same block twice.
        uint256 scratch;
        assembly ("memory-safe") {
            scratch := mload(0x40)
        }
        uint256 prefix = Sm3.compress(Sm3.compress(iv, start, scratch), start + 64, scratch);
        assertEq(Sm3.resume(prefix, 128, start + 128, whole.length - 128), Sm3.hash(whole));
        assertNotEq(Sm3.resume(prefix, 64, start + 128, whole.length - 128), Sm3.hash(whole), "length of the prefix");
        assertNotEq(Sm3.resume(iv, 64, start, whole.length), Sm3.hash(whole), "length of the prefix");
        assertNotEq(Sm3.resume(iv ^ 1, 0, start, whole.length), Sm3.hash(whole), "state of the prefix");
    }

    function testFuzz_words_of_extreme_bits_hash_as_a_plain_implementation_does(uint256 seed, uint8 size) public pure {
        bytes memory message = new bytes(size);
        for (uint256 i; i < size; ++i) {
            uint256 kind = uint256(keccak256(abi.encode(seed, i / 4))) % 4;
            message[i] = kind == 0 ? bytes1(0xff) : kind == 1 ? bytes1(0) : bytes1(keccak256(abi.encode(seed, i)));
        }
        assertEq(Sm3.hash(message), PlainSm3.hash(message));
    }

    function testFuzz_a_flipped_bit_changes_the_digest(bytes memory message, uint256 at) public pure {
        vm.assume(message.length != 0);
        bytes32 before = Sm3.hash(message);
        at %= 8 * message.length;
        message[at / 8] ^= bytes1(uint8(1)) << (at % 8);
        assertNotEq(Sm3.hash(message), before);
    }

    function test_a_block_costs_at_most_17_500_gas() public view {
        bytes memory one = new bytes(55);
        bytes memory eleven = new bytes(695);
        Sm3.hash(eleven);
        uint256 gas0 = gasleft();
        Sm3.hash(one);
        uint256 gas1 = gasleft();
        Sm3.hash(eleven);
        uint256 gas2 = gasleft();
        assertLe((gas1 - gas2 - (gas0 - gas1)) / 10, 17_500);
    }

    function _free() private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40)
        }
    }
}
