// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "./interfaces/ICaseRegistry.sol";
import {CaseProgress} from "./libraries/CaseProgress.sol";
import {ProcedureTables} from "./libraries/ProcedureTables.sol";
import {SignedMessages} from "./libraries/SignedMessages.sol";
import {Statements} from "./libraries/Statements.sol";

/// @title What a statement's terms say, by the effect of its kind
/// @notice Checks of SPEC §8.2, and the words that come of them. A contract of its own, which each registry creates for
/// itself, so that registries stay below the limit of code size; statements without effect never come here. No state.
contract CaseEffects {
    using CaseProgress for uint256;
    using ProcedureTables for uint256;

    /// @notice A statement, the kind's entry, and the case's progress before it and after it so far.
    struct Act {
        uint256 word;
        bytes32 caseId;
        bytes32 terms;
        uint256 entry;
        uint256 second;
        uint256 progress;
        uint256 next;
    }

    /// Set in the word of a split that a child has taken.
    uint256 private constant USED = 1;

    uint256 private constant POSITION = 128;
    uint256 private constant TABLE = 136;
    uint256 private constant STATUS = 152;
    uint256 private constant SUPPLEMENTED = 1 << 7;

    /// Status after effects 2 to 7, one digit for each status from 0 (lowest) to 7; 0 where the target is refused.
    /// From the lowest 32 bits: correct, supplement, suspend, lift, revoke, revoke in part.
    uint256 private constant NEXT_STATUS = 0x065060500440404005001000006000300650301000200020;

    /// @notice Reverts unless the terms are what the effect asks for.
    /// @param found what the registry has: effects 2 to 8 the record that the terms name, 9 to 12 the holding, 13 the split.
    /// @return next the case's progress after the statement.
    /// @return changed effects 2 to 7 the target's record, 9, 11 to 14 the holding, 10 what was found.
    function check(Act calldata act, uint256 found) external pure returns (uint256 next, uint256 changed) {
        uint8 effect = act.entry.effect();
        if (effect == ProcedureTables.END) return (_end(act), 0);
        if (effect <= ProcedureTables.REVOKE_PART) return (act.next, _target(act, effect, found));
        if (effect == ProcedureTables.BASIS) {
            if (found == 0) revert ICaseRegistry.BasisUnknown(act.terms);
            return (act.next, 0);
        }
        if (effect == ProcedureTables.CHILD) return _child(act, found);
        if (effect == ProcedureTables.DISPOSE) return _dispose(act);
        return _move(act, effect, found);
    }

    function _end(Act calldata act) private pure returns (uint256) {
        uint256 terms = uint256(act.terms);
        if (terms >> 208 == 0 || uint208(terms) != 0) _refuseLayout(act);
        return act.next.withEnd(uint48(terms >> 208));
    }

    function _target(Act calldata act, uint8 effect, uint256 found) private pure returns (uint256) {
        if (found == 0 || uint128(found) != Statements.mark(act.caseId)) revert ICaseRegistry.TargetUnknown(act.terms);
        uint32 allowed = act.second.targets();
        uint8 position = uint8(found >> POSITION);
        if (allowed >> position & 1 == 0) revert ICaseRegistry.TargetKind(allowed, position);
        uint256 status = found >> STATUS & 7;
        uint256 shift = uint256(effect - ProcedureTables.CORRECT) * 32 + status * 4;
        uint256 next = NEXT_STATUS >> shift & 7;
        if (next == 0) revert ICaseRegistry.TargetStatus(act.terms, uint8(status));
        found ^= (status ^ next) << STATUS;
        if (effect == ProcedureTables.SUPPLEMENT) found |= SUPPLEMENTED << STATUS;
        // A record of the predecessor has the table's index there.
        return (found & ~(uint256(type(uint16).max) << TABLE)) | uint256(act.progress.tableIndex()) << TABLE;
    }

    /// Effects 9 to 12; `held` is the holding before.
    function _move(Act calldata act, uint8 effect, uint256 held) private pure returns (uint256, uint256) {
        uint256 terms = uint256(act.terms);
        uint32 holder = uint32(terms >> 144);
        uint16 unit = uint16(terms >> 176);
        uint64 quantity = uint64(terms >> 192);
        if (quantity == 0 || unit == 0 || !SignedMessages.isInstitution(holder) || uint144(terms) != 0) {
            _refuseLayout(act);
        }
        if (effect == ProcedureTables.HOLD) {
            _requireHolder(_side(act), holder);
            return (act.next.withHolder(holder), terms >> 176 << 176);
        }

        if (act.progress.marked(CaseProgress.FROZEN)) revert ICaseRegistry.CaseFrozen(act.caseId);
        uint32 expected = act.progress.holder();
        if (effect == ProcedureTables.TRANSFER) expected = Statements.counterparty(act.word);
        else if (effect == ProcedureTables.SPLIT) expected = _side(act);
        _requireHolder(expected, holder);
        if (unit != uint16(held >> 176)) revert ICaseRegistry.UnitUnexpected(uint16(held >> 176), unit);
        uint64 rest = uint64(held >> 192);
        if (effect == ProcedureTables.TRANSFER) {
            if (quantity != rest) revert ICaseRegistry.QuantityUnexpected(rest, quantity);
            return (act.next.withHolder(holder), held);
        }
        if (quantity > rest) revert ICaseRegistry.QuantityExceeded(rest, quantity);
        return (act.next, held - (uint256(quantity) << 192));
    }

    function _child(Act calldata act, uint256 split) private pure returns (uint256, uint256) {
        if (split == 0) revert ICaseRegistry.SplitUnknown(act.terms);
        if (split & USED != 0) revert ICaseRegistry.SplitUsed(act.terms);
        uint32 institution = Statements.institution(act.word);
        _requireHolder(uint32(split >> 144), institution);
        return (act.next.withHolder(institution), split >> 176 << 176);
    }

    /// Nothing is held any more. A supervisor's disposal, for guests alone, does not look at the holder.
    function _dispose(Act calldata act) private pure returns (uint256, uint256) {
        if (act.terms != 0) revert ICaseRegistry.TermsNotZero(act.terms);
        if (act.entry.who() != ProcedureTables.GUEST) _requireHolder(act.progress.holder(), _side(act));
        return (act.next.withHolder(0), 0);
    }

    /// The side that a holding must name: the counterparty where a slot is of its side, else the institution.
    function _side(Act calldata act) private pure returns (uint32) {
        bool other = act.entry.slots(act.second).hasOtherSide();
        return other ? Statements.counterparty(act.word) : Statements.institution(act.word);
    }

    function _requireHolder(uint32 expected, uint32 got) private pure {
        if (expected != got) revert ICaseRegistry.HolderUnexpected(expected, got);
    }

    function _refuseLayout(Act calldata act) private pure {
        revert ICaseRegistry.TermsLayout(Statements.kind(act.word), act.terms);
    }
}
