// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The word that says how far a case has come
/// @notice `sequence u32 ‖ state u8 ‖ flags u8 ‖ kinds seen u32 ‖ last main occurred u48 ‖ end u48 ‖ table index u16 ‖
/// holder u32 ‖ number of guests u8 ‖ 3 zero bytes` (SPEC §8.5). Zero: there is no such case.
library CaseProgress {
    uint8 internal constant CLOSED = 1;
    uint8 internal constant PAUSED = 2;
    uint8 internal constant FROZEN = 4;
    uint8 internal constant IRREGULAR_SEEN = 8;
    uint8 internal constant CONTINUED = 16;

    uint256 private constant SEQUENCE = 224;
    uint256 private constant STATE = 216;
    uint256 private constant FLAGS = 208;
    uint256 private constant KINDS_SEEN = 176;
    uint256 private constant LAST_MAIN = 128;
    uint256 private constant END = 80;
    uint256 private constant TABLE = 64;
    uint256 private constant HOLDER = 32;
    uint256 private constant GUESTS = 24;

    /// @notice A case before its first statement.
    function start(uint16 tableIndex_) internal pure returns (uint256) {
        return uint256(tableIndex_) << TABLE;
    }

    function sequence(uint256 word) internal pure returns (uint32) {
        return uint32(word >> SEQUENCE);
    }

    function state(uint256 word) internal pure returns (uint8) {
        return uint8(word >> STATE);
    }

    function marks(uint256 word) internal pure returns (uint8) {
        return uint8(word >> FLAGS);
    }

    function marked(uint256 word, uint8 flag) internal pure returns (bool) {
        return word >> FLAGS & flag != 0;
    }

    /// @notice Mask of kinds, by their position in the table.
    function kindsSeen(uint256 word) internal pure returns (uint32) {
        return uint32(word >> KINDS_SEEN);
    }

    /// @notice When the last statement that was not late occurred, in ms.
    function lastMain(uint256 word) internal pure returns (uint48) {
        return uint48(word >> LAST_MAIN);
    }

    /// @notice End time in ms, 0 where there is none.
    function end(uint256 word) internal pure returns (uint48) {
        return uint48(word >> END);
    }

    function tableIndex(uint256 word) internal pure returns (uint16) {
        return uint16(word >> TABLE);
    }

    /// @notice Who holds the sample, 0 where nobody does.
    function holder(uint256 word) internal pure returns (uint32) {
        return uint32(word >> HOLDER);
    }

    function guestCount(uint256 word) internal pure returns (uint8) {
        return uint8(word >> GUESTS);
    }

    function withSequence(uint256 word, uint32 value) internal pure returns (uint256) {
        return (word & ~(uint256(type(uint32).max) << SEQUENCE)) | uint256(value) << SEQUENCE;
    }

    function withState(uint256 word, uint8 value) internal pure returns (uint256) {
        return (word & ~(uint256(type(uint8).max) << STATE)) | uint256(value) << STATE;
    }

    function mark(uint256 word, uint8 flag) internal pure returns (uint256) {
        return word | uint256(flag) << FLAGS;
    }

    function unmark(uint256 word, uint8 flag) internal pure returns (uint256) {
        return word & ~(uint256(flag) << FLAGS);
    }

    function withKind(uint256 word, uint8 position) internal pure returns (uint256) {
        return word | uint256(1) << (KINDS_SEEN + position);
    }

    function withLastMain(uint256 word, uint48 value) internal pure returns (uint256) {
        return (word & ~(uint256(type(uint48).max) << LAST_MAIN)) | uint256(value) << LAST_MAIN;
    }

    function withEnd(uint256 word, uint48 value) internal pure returns (uint256) {
        return (word & ~(uint256(type(uint48).max) << END)) | uint256(value) << END;
    }

    function withTableIndex(uint256 word, uint16 value) internal pure returns (uint256) {
        return (word & ~(uint256(type(uint16).max) << TABLE)) | uint256(value) << TABLE;
    }

    function withHolder(uint256 word, uint32 value) internal pure returns (uint256) {
        return (word & ~(uint256(type(uint32).max) << HOLDER)) | uint256(value) << HOLDER;
    }

    function withOneGuestMore(uint256 word) internal pure returns (uint256) {
        return word + (1 << GUESTS);
    }
}
