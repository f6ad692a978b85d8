// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Procedure tables and their entries
/// @notice Layout of SPEC §8.2, and the form in which a registry stores an entry.
/// @dev Stored, the step stands in the key, with the table's index and the case type; its byte holds `slots − 1 (3 bits) ‖
/// position (5 bits)`. Two flag bits that tables leave zero say what else has to be read: the handlers, and the second word,
/// which is stored only where it has slots or targets. A stored entry is never zero, as `who` is not.
library ProcedureTables {
    uint16 internal constant OPENS = 1;
    uint16 internal constant CLOSES = 1 << 1;
    uint16 internal constant INSTRUMENT = 1 << 2;
    uint16 internal constant NAMES_COUNTERPARTY = 1 << 3;
    uint16 internal constant LANE_BATCH = 1 << 4;
    uint16 internal constant MAY_BE_LATE = 1 << 5;
    uint16 internal constant MAY_BE_IRREGULAR = 1 << 6;
    uint16 internal constant PAUSES = 1 << 7;
    uint16 internal constant RESUMES = 1 << 8;
    uint16 internal constant PASSES_PAUSE = 1 << 9;
    uint16 internal constant FREEZES = 1 << 10;
    uint16 internal constant THAWS = 1 << 11;
    uint16 internal constant AFTER_CLOSE = 1 << 12;
    uint16 internal constant AFTER_END = 1 << 13;
    uint16 internal constant KNOWN_FLAGS = (1 << 14) - 1;
    /// Stored entries alone: some slot remembers a handler or must be distinct from one.
    uint16 internal constant USES_HANDLERS = 1 << 14;
    /// Stored entries alone: there is a second word.
    uint16 internal constant HAS_SECOND = 1 << 15;

    uint8 internal constant OPENER = 1;
    uint8 internal constant GUEST = 2;
    uint8 internal constant HOLDER = 4;

    uint8 internal constant NO_EFFECT = 0;
    uint8 internal constant END = 1;
    uint8 internal constant CORRECT = 2;
    uint8 internal constant SUPPLEMENT = 3;
    uint8 internal constant REVOKE_PART = 7;
    uint8 internal constant BASIS = 8;
    uint8 internal constant HOLD = 9;
    uint8 internal constant TRANSFER = 10;
    uint8 internal constant CONSUME = 11;
    uint8 internal constant SPLIT = 12;
    uint8 internal constant CHILD = 13;
    uint8 internal constant DISPOSE = 14;

    /// `to` of a kind that leaves the state as it is.
    uint8 internal constant KEEP = 255;

    /// In roles (SPEC §2.4).
    uint8 internal constant COUNTERPARTY_SIDE = 0x80;
    uint8 internal constant PERSON = 0x40;
    /// The institution that answers for an irregular statement.
    uint8 internal constant ANSWERS = 0xff;

    uint256 internal constant HEADER = 36;
    uint256 internal constant ENTRY = 64;
    uint256 internal constant MAX_SLOTS = 8;

    /// Bit 7 of the roles of eight slots, as `slots` gives them.
    uint256 private constant OTHER_SIDES = 0x800000800000800000800000800000800000800000800000;
    /// What slots remember, and from whom they are distinct.
    uint256 private constant HANDLER_BITS = 0x00f0ff00f0ff00f0ff00f0ff00f0ff00f0ff00f0ff00f0ff;

    /// @notice Number of kinds.
    function countOf(bytes memory table) internal pure returns (uint256) {
        return uint8(table[3]);
    }

    /// @notice The two words of the entry at a position that is below the number of kinds.
    function entryAt(bytes memory table, uint256 index) internal pure returns (uint256 first, uint256 second) {
        uint256 offset = 32 + HEADER + index * ENTRY;
        assembly ("memory-safe") {
            first := mload(add(table, offset))
            second := mload(add(add(table, offset), 32))
        }
    }

    /// @notice Place of a kind's first word among the stored ones.
    function firstKey(uint16 tableIndex, uint16 kind) internal pure returns (uint256) {
        return uint256(tableIndex) << 16 | kind & 0xfff;
    }

    /// @notice Place of a kind's second word.
    function secondKey(uint16 tableIndex, uint16 kind) internal pure returns (uint256) {
        return uint256(tableIndex) << 16 | 0x1000 | kind & 0xfff;
    }

    /// @notice The first word as it is stored.
    function stored(uint256 first, uint256 second, uint256 index) internal pure returns (uint256 word) {
        word = (first & (type(uint256).max >> 8)) | index << 248 | (slotCountOf(second) - 1) << 253;
        uint256 all = slots(first, second);
        if (all & HANDLER_BITS != 0) word |= uint256(USES_HANDLERS) << 232;
        if (needsSecond(second)) word |= uint256(HAS_SECOND) << 232;
    }

    /// @notice The two words of the entry as it was registered, from what is stored.
    function unstored(uint256 first, uint256 second, uint8 step) internal pure returns (uint256, uint256) {
        uint256 count = slotCount(first);
        first &= (type(uint256).max >> 8) & ~(uint256(USES_HANDLERS | HAS_SECOND) << 232);
        return (first | uint256(step) << 248, second | count << 120);
    }

    /// @notice Whether the second word says more than the number of slots.
    function needsSecond(uint256 second) internal pure returns (bool) {
        return second >> 128 != 0;
    }

    /// @notice Number of slots in the second word of a table's entry.
    function slotCountOf(uint256 second) internal pure returns (uint256) {
        return uint8(second >> 120);
    }

    function position(uint256 entry) internal pure returns (uint8) {
        return uint8(entry >> 248) & 31;
    }

    /// @notice Number of slots of a stored entry.
    function slotCount(uint256 entry) internal pure returns (uint256) {
        return (entry >> 253) + 1;
    }

    function flags(uint256 entry) internal pure returns (uint16) {
        return uint16(entry >> 232);
    }

    function has(uint256 entry, uint16 flag) internal pure returns (bool) {
        return entry >> 232 & flag != 0;
    }

    /// @notice Mask of the states in which the kind may be recorded.
    function from(uint256 entry) internal pure returns (uint32) {
        return uint32(entry >> 200);
    }

    function to(uint256 entry) internal pure returns (uint8) {
        return uint8(entry >> 192);
    }

    /// @notice Mask of the kinds that must have been seen.
    function required(uint256 entry) internal pure returns (uint32) {
        return uint32(entry >> 160);
    }

    /// @notice Mask of the kinds that must not have been seen.
    function forbidden(uint256 entry) internal pure returns (uint32) {
        return uint32(entry >> 128);
    }

    function who(uint256 entry) internal pure returns (uint8) {
        return uint8(entry >> 120);
    }

    function effect(uint256 entry) internal pure returns (uint8) {
        return uint8(entry >> 112);
    }

    /// @notice Hours after which a statement is late by time, 0: never.
    function limitHours(uint256 entry) internal pure returns (uint16) {
        return uint16(entry >> 96);
    }

    /// @notice Mask of the kinds that terms may name.
    function targets(uint256 second) internal pure returns (uint32) {
        return uint32(second >> 128);
    }

    /// @notice The eight slots, 24 bits each, the first in the highest of 192 bits.
    function slots(uint256 first, uint256 second) internal pure returns (uint256) {
        return (first & type(uint96).max) << 96 | second >> 160;
    }

    /// @notice Slot from 0 to 7: `role u8 ‖ remember u4 ‖ required role or function u4 ‖ mask of handlers u8`.
    function slot(uint256 slots_, uint256 index) internal pure returns (uint24) {
        unchecked {
            return uint24(slots_ >> (168 - 24 * index));
        }
    }

    /// @notice Whether a slot is of the counterparty's side.
    function hasOtherSide(uint256 slots_) internal pure returns (bool) {
        return slots_ & OTHER_SIDES != 0;
    }
}
