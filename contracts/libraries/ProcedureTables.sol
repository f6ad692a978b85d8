// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../interfaces/ICaseRegistry.sol";

/// @title Procedure tables and their entries
/// @notice Layout of SPEC §8.2. `requireWellFormed` is the only place where a table's shape is looked at: whatever passed
/// it is relied on later.
library ProcedureTables {
    uint8 internal constant OPENS = 1;
    uint8 internal constant CLOSES = 2;
    uint8 internal constant NAMES_COUNTERPARTY = 8;
    uint8 internal constant LANE_BATCH = 16;

    uint8 internal constant OPENER = 1;
    uint8 internal constant GUEST = 2;

    /// `to` of a kind that leaves the state as it is.
    uint8 internal constant KEEP = 255;

    /// In roles (SPEC §2.4).
    uint8 internal constant COUNTERPARTY_SIDE = 0x80;
    uint8 internal constant PERSON = 0x40;

    uint8 private constant VERSION = 1;
    uint8 private constant RESERVED_ROLE = 0xff;
    uint8 private constant KNOWN_FLAGS = 0x1f;
    uint256 private constant HEADER = 36;
    uint256 private constant ENTRY = 32;
    /// As many as the mask of kinds seen has bits.
    uint256 private constant MAX_KINDS = 32;
    uint256 private constant MAX_SLOTS = 4;
    uint256 private constant MAX_HANDLERS = 8;
    uint8 private constant MAX_STATE = 31;
    uint8 private constant MAX_DOMAIN = 15;

    /// @notice Reverts unless a kind's four bits can hold the domain, and it is not zero.
    function requireDomain(uint8 domain) internal pure {
        if (domain == 0 || domain > MAX_DOMAIN) revert ICaseRegistry.DomainRange(domain);
    }

    /// @notice Reverts unless `table` is a well-formed table of the domain.
    function requireWellFormed(bytes memory table, uint8 domain) internal pure {
        if (table.length < HEADER) revert ICaseRegistry.TableLength(HEADER, table.length);
        if (uint8(table[0]) != VERSION) revert ICaseRegistry.TableVersion(VERSION, uint8(table[0]));
        if (uint8(table[1]) != domain) revert ICaseRegistry.TableDomain(domain, uint8(table[1]));
        if (table[2] == 0 || uint8(table[2]) > MAX_DOMAIN) revert ICaseRegistry.TableCaseType(uint8(table[2]));
        uint256 count = countOf(table);
        if (count == 0 || count > MAX_KINDS) revert ICaseRegistry.TableKindCount(MAX_KINDS, count);
        if (table.length != HEADER + count * ENTRY) {
            revert ICaseRegistry.TableLength(HEADER + count * ENTRY, table.length);
        }
        uint8 previous;
        for (uint256 i; i < count; ++i) {
            bytes32 entry = entryAt(table, i);
            uint8 step = uint8(entry[0]);
            if (step <= previous) revert ICaseRegistry.TableStepOrder(previous, step);
            previous = step;
            _requireEntry(entry, step, count);
            _requireSlots(entry, step);
        }
    }

    /// @notice Number of kinds.
    function countOf(bytes memory table) internal pure returns (uint256) {
        return uint8(table[3]);
    }

    /// @notice Entry at a position that is below the number of kinds.
    function entryAt(bytes memory table, uint256 position) internal pure returns (bytes32 entry) {
        uint256 offset = 32 + HEADER + position * ENTRY;
        assembly ("memory-safe") {
            entry := mload(add(table, offset))
        }
    }

    /// @notice The kind that an entry of the table is about: domain, case type and step.
    function kindOf(bytes memory table, bytes32 entry) internal pure returns (uint16) {
        return uint16(uint8(table[1])) << 12 | uint16(uint8(table[2])) << 8 | uint8(entry[0]);
    }

    /// @notice The entry with `first` in place of the step.
    function withFirstByte(bytes32 entry, uint8 first) internal pure returns (bytes32) {
        return bytes32((uint256(entry) & (type(uint256).max >> 8)) | uint256(first) << 248);
    }

    function has(bytes32 entry, uint8 flag) internal pure returns (bool) {
        return uint8(entry[1]) & flag != 0;
    }

    /// @notice Mask of the states in which the kind may be recorded.
    function from(bytes32 entry) internal pure returns (uint32) {
        return uint32(uint256(entry) >> 208);
    }

    function to(bytes32 entry) internal pure returns (uint8) {
        return uint8(entry[6]);
    }

    /// @notice Mask of the kinds that must have been seen.
    function required(bytes32 entry) internal pure returns (uint32) {
        return uint32(uint256(entry) >> 168);
    }

    /// @notice Mask of the kinds that must not have been seen.
    function forbidden(bytes32 entry) internal pure returns (uint32) {
        return uint32(uint256(entry) >> 136);
    }

    function who(bytes32 entry) internal pure returns (uint8) {
        return uint8(entry[15]);
    }

    function slots(bytes32 entry) internal pure returns (uint8) {
        return uint8(entry[17]);
    }

    /// @notice Slot at `index`: `role u8 ‖ remember u4 ‖ required role or function u4 ‖ mask of handlers u8`.
    function slot(bytes32 entry, uint256 index) internal pure returns (uint24) {
        return uint24(uint256(entry) >> (88 - 24 * index));
    }

    function _requireEntry(bytes32 entry, uint8 step, uint256 count) private pure {
        uint8 flags = uint8(entry[1]);
        if (flags & ~KNOWN_FLAGS != 0) revert ICaseRegistry.TableFlags(step, flags);

        bool opens = flags & OPENS != 0;
        uint8 target = to(entry);
        if ((from(entry) == 0) != opens || (target > MAX_STATE && (opens || target != KEEP))) {
            revert ICaseRegistry.TableStates(step, from(entry), target);
        }

        uint32 needs = required(entry);
        uint32 bars = forbidden(entry);
        if ((needs | bars) >> count != 0 || needs & bars != 0 || (opens && needs | bars != 0)) {
            revert ICaseRegistry.TableMasks(step, needs, bars);
        }

        uint8 entitled = who(entry);
        if (entitled == 0 || entitled & ~(OPENER | GUEST) != 0 || (opens && entitled != OPENER)) {
            revert ICaseRegistry.TableWho(step, entitled);
        }
        if (entry[16] != 0) revert ICaseRegistry.TableTerms(step, uint8(entry[16]));
    }

    function _requireSlots(bytes32 entry, uint8 step) private pure {
        uint8 count = slots(entry);
        if (count == 0 || count > MAX_SLOTS) revert ICaseRegistry.TableSlotCount(step, count);
        bool ownSide;
        uint256 remembered;
        for (uint256 i; i < MAX_SLOTS; ++i) {
            uint24 word = slot(entry, i);
            uint8 role = uint8(word >> 16);
            uint8 position = uint8(word >> 12) & 0xf;
            bool unused = i >= count;
            bool other = role & COUNTERPARTY_SIDE != 0;
            if (
                (unused && word != 0) || role == RESERVED_ROLE || position > MAX_HANDLERS
                    || (other && !has(entry, NAMES_COUNTERPARTY))
            ) {
                revert ICaseRegistry.TableSlot(step, i, word);
            }
            if (!unused && !other) ownSide = true;
            if (position != 0) {
                if (remembered >> position & 1 != 0) revert ICaseRegistry.TableHandlers(step, position);
                remembered |= 1 << position;
            }
        }
        if (!ownSide) revert ICaseRegistry.TableSides(step);
    }
}
