// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Eight numbers in a word
/// @notice Participants and handlers of a case: eight u32, the first in the highest bits, 0 where the place is free
/// (SPEC §8.5).
library Places {
    uint256 internal constant COUNT = 8;

    /// @notice The number at a place from 0 to 7.
    function at(uint256 word, uint256 place) internal pure returns (uint32) {
        return uint32(word >> (224 - 32 * place));
    }

    /// @notice The first place of a number; COUNT if it is not there.
    function find(uint256 word, uint32 number) internal pure returns (uint256 place) {
        while (place < COUNT && at(word, place) != number) ++place;
    }

    /// @notice The word with `number` at a place from 0 to 7.
    function set(uint256 word, uint256 place, uint32 number) internal pure returns (uint256) {
        uint256 shift = 224 - 32 * place;
        return (word & ~(uint256(type(uint32).max) << shift)) | uint256(number) << shift;
    }

    /// @notice All eight.
    function all(uint256 word) internal pure returns (uint32[8] memory numbers) {
        for (uint256 i; i < COUNT; ++i) {
            numbers[i] = at(word, i);
        }
    }
}
