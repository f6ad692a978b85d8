// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "./interfaces/ICaseRegistry.sol";
import {ProcedureTables} from "./libraries/ProcedureTables.sol";

/// @title The shape of procedure tables
/// @notice The only place where a table's shape is looked at (SPEC §8.2): whatever passed here is relied on later. A contract
/// of its own, which each registry creates for itself, so that registries stay below the limit of code size. No state.
contract TableShapes {
    using ProcedureTables for uint256;

    uint8 private constant VERSION = 1;
    /// As many as the mask of kinds seen has bits.
    uint256 private constant MAX_KINDS = 32;
    uint256 private constant MAX_HANDLERS = 8;
    uint8 private constant MAX_STATE = 31;
    uint8 private constant MAX_CASE_TYPE = 15;
    /// The step above is that of `continue`, which stands in no table (§8.6).
    uint8 private constant MAX_STEP = 254;
    uint8 private constant MAX_FUNCTION_BITS = 0x3f;

    /// What a kind that may be late cannot be.
    uint16 private constant NEVER_LATE = ProcedureTables.OPENS | ProcedureTables.CLOSES | ProcedureTables.INSTRUMENT
        | ProcedureTables.NAMES_COUNTERPARTY | ProcedureTables.PAUSES | ProcedureTables.RESUMES
        | ProcedureTables.FREEZES | ProcedureTables.THAWS;

    /// @notice Reverts unless `table` is a well-formed table of the domain.
    function requireWellFormed(bytes memory table, uint8 domain) external pure {
        uint256 header = ProcedureTables.HEADER;
        if (table.length < header) revert ICaseRegistry.TableLength(header, table.length);
        if (uint8(table[0]) != VERSION) revert ICaseRegistry.TableVersion(VERSION, uint8(table[0]));
        if (uint8(table[1]) != domain) revert ICaseRegistry.TableDomain(domain, uint8(table[1]));
        uint8 caseType = uint8(table[2]);
        if (caseType == 0 || caseType > MAX_CASE_TYPE) revert ICaseRegistry.TableCaseType(caseType);
        uint256 count = ProcedureTables.countOf(table);
        if (count == 0 || count > MAX_KINDS) revert ICaseRegistry.TableKindCount(MAX_KINDS, count);
        uint256 length = header + count * ProcedureTables.ENTRY;
        if (table.length != length) revert ICaseRegistry.TableLength(length, table.length);
        uint8 previous;
        for (uint256 i; i < count; ++i) {
            (uint256 first, uint256 second) = ProcedureTables.entryAt(table, i);
            uint8 step = uint8(first >> 248);
            if (step <= previous || step > MAX_STEP) revert ICaseRegistry.TableStepOrder(previous, step);
            previous = step;
            _requireFlags(first, step);
            _requireStates(first, step);
            _requireMasks(first, step, count);
            _requireWho(first, step);
            _requireSlots(first, second, step);
            _requireEffect(first, second, step, count);
        }
    }

    function _requireFlags(uint256 entry, uint8 step) private pure {
        uint16 flags = entry.flags();
        if (
            flags & ~ProcedureTables.KNOWN_FLAGS != 0
                || _hasAll(flags, ProcedureTables.INSTRUMENT | ProcedureTables.MAY_BE_IRREGULAR)
                || (flags & ProcedureTables.MAY_BE_LATE != 0 && flags & NEVER_LATE != 0)
                || _hasAll(flags, ProcedureTables.PAUSES | ProcedureTables.RESUMES)
                || _hasAll(flags, ProcedureTables.PAUSES | ProcedureTables.AFTER_CLOSE)
                || _hasAll(flags, ProcedureTables.FREEZES | ProcedureTables.THAWS)
        ) revert ICaseRegistry.TableFlags(step, flags);
        if (
            flags & ProcedureTables.LANE_BATCH != 0
                && (!_hasAll(flags, ProcedureTables.OPENS | ProcedureTables.CLOSES)
                    || flags & ProcedureTables.MAY_BE_IRREGULAR != 0)
        ) revert ICaseRegistry.TableFlags(step, flags);
    }

    function _requireStates(uint256 entry, uint8 step) private pure {
        bool opens = entry.has(ProcedureTables.OPENS);
        uint8 to = entry.to();
        if ((entry.from() == 0) != opens || (to > MAX_STATE && (opens || to != ProcedureTables.KEEP))) {
            revert ICaseRegistry.TableStates(step, entry.from(), to);
        }
    }

    function _requireMasks(uint256 entry, uint8 step, uint256 count) private pure {
        uint32 needs = entry.required();
        uint32 bars = entry.forbidden();
        bool opens = entry.has(ProcedureTables.OPENS);
        if (uint256(needs | bars) >> count != 0 || needs & bars != 0 || (opens && needs | bars != 0)) {
            revert ICaseRegistry.TableMasks(step, needs, bars);
        }
    }

    function _requireWho(uint256 entry, uint8 step) private pure {
        uint8 who = entry.who();
        uint8 effect = entry.effect();
        bool holderAlone = effect >= ProcedureTables.TRANSFER && effect <= ProcedureTables.SPLIT;
        if (
            who == 0 || who > (ProcedureTables.OPENER | ProcedureTables.GUEST | ProcedureTables.HOLDER)
                || (entry.has(ProcedureTables.OPENS) && who != ProcedureTables.OPENER)
                || (holderAlone && who != ProcedureTables.HOLDER)
        ) revert ICaseRegistry.TableWho(step, who);
    }

    function _requireSlots(uint256 entry, uint256 second, uint8 step) private pure {
        uint256 count = second.slotCountOf();
        uint256 maximum = ProcedureTables.MAX_SLOTS;
        if (count == 0 || count > maximum) revert ICaseRegistry.TableSlotCount(step, uint8(count));
        // Behind the last slot, the targets and the number of slots.
        if (uint120(second) != 0) revert ICaseRegistry.TableFlags(step, entry.flags());
        uint256 slots = entry.slots(second);
        bool ownSide;
        bool seal;
        uint256 remembered;
        for (uint256 i; i < maximum; ++i) {
            uint24 slot = slots.slot(i);
            uint8 role = uint8(slot >> 16);
            uint8 position = uint8(slot >> 12) & 0xf;
            bool otherSide = role & ProcedureTables.COUNTERPARTY_SIDE != 0;
            if (
                (i >= count && slot != 0) || role == ProcedureTables.ANSWERS || position > MAX_HANDLERS
                    || (role & ProcedureTables.PERSON == 0 && role & MAX_FUNCTION_BITS != 0)
            ) revert ICaseRegistry.TableSlot(step, i, slot);
            if (otherSide && !entry.has(ProcedureTables.NAMES_COUNTERPARTY)) revert ICaseRegistry.TableSides(step);
            if (uint8(slot) != 0 && entry.has(ProcedureTables.OPENS)) {
                revert ICaseRegistry.TableHandlers(step, uint8(slot));
            }
            if (i < count && !otherSide) ownSide = true;
            if (i < count && role == 0) seal = true;
            if (position != 0) {
                if (remembered >> position & 1 != 0) revert ICaseRegistry.TableHandlers(step, position);
                remembered |= 1 << position;
            }
        }
        if (!ownSide || (!seal && entry.has(ProcedureTables.LANE_BATCH))) revert ICaseRegistry.TableSides(step);
    }

    function _requireEffect(uint256 entry, uint256 second, uint8 step, uint256 count) private pure {
        uint8 effect = entry.effect();
        bool opens = entry.has(ProcedureTables.OPENS);
        bool named = effect >= ProcedureTables.CORRECT && effect <= ProcedureTables.REVOKE_PART;
        bool must = effect == ProcedureTables.HOLD || effect == ProcedureTables.CHILD;
        bool mustNot = named || effect >= ProcedureTables.TRANSFER && !must;
        bool othersSign = entry.slots(second).hasOtherSide();
        bool bare = entry.has(ProcedureTables.LANE_BATCH) || entry.has(ProcedureTables.MAY_BE_LATE);
        if (
            effect > ProcedureTables.DISPOSE || (must && !opens) || (mustNot && opens)
                || (bare && effect != ProcedureTables.NO_EFFECT) || (effect == ProcedureTables.TRANSFER && !othersSign)
                // Nobody becomes a holder, nor loses what is held, without signing.
                || (effect >= ProcedureTables.HOLD && othersSign && entry.has(ProcedureTables.MAY_BE_IRREGULAR))
                || (effect == ProcedureTables.DISPOSE && !entry.has(ProcedureTables.CLOSES))
        ) revert ICaseRegistry.TableEffect(step, effect);
        uint32 targets = second.targets();
        if ((targets != 0) != named || uint256(targets) >> count != 0) {
            revert ICaseRegistry.TableTargets(step, targets);
        }
    }

    function _hasAll(uint16 flags, uint16 wanted) private pure returns (bool) {
        return flags & wanted == wanted;
    }
}
