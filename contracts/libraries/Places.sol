// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Eight numbers in a word
/// @notice Guests and handlers of a case: up to eight u32, the first in the highest bits, 0 where the place is free
/// (SPEC §8.5).
library Places {
    uint256 internal constant COUNT = 8;

    /// @notice The number at a place from 0 to 7.
    function at(uint256 word, uint256 place) internal pure returns (uint32) {
        unchecked {
            return uint32(word >> (224 - 32 * place));
        }
    }

    /// @notice Whether a number that is not zero stands at some place.
    function contains(uint256 word, uint32 number) internal pure returns (bool) {
        for (; word != 0; word <<= 32) {
            if (word >> 224 == number) return true;
        }
        return false;
    }

    /// @notice The word with `number` at a place from 0 to 7.
    function set(uint256 word, uint256 place, uint32 number) internal pure returns (uint256) {
        unchecked {
            uint256 shift = 224 - 32 * place;
            return (word & ~(uint256(type(uint32).max) << shift)) | uint256(number) << shift;
        }
    }

    /// @notice All eight.
    function all(uint256 word) internal pure returns (uint32[8] memory numbers) {
        for (uint256 i; i < COUNT; ++i) {
            numbers[i] = at(word, i);
        }
    }
}
