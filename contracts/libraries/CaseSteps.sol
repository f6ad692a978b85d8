// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../interfaces/ICaseRegistry.sol";
import {CaseProgress} from "./CaseProgress.sol";
import {ProcedureTables} from "./ProcedureTables.sol";
import {Statements} from "./Statements.sol";

/// @notice What is known of the statement under check, and what it changes.
struct Step {
    /// First 32 bytes of the statement.
    uint256 word;
    bytes32 caseId;
    bytes32 terms;
    /// Stored entry and second word of the kind, and its slots.
    uint256 entry;
    uint256 second;
    uint256 slots;
    /// Progress before and after.
    uint256 progress;
    uint256 next;
    /// Status byte and position of the record.
    uint256 status;
    uint256 position;
    /// Guests afterwards; zero where nobody is new.
    uint256 guests;
    /// Handlers before and after.
    uint256 handlers;
    uint256 nextHandlers;
    /// What the effect changes: a target's record, or the holding.
    uint256 changed;
    /// Tallies of the signers.
    uint256 taken;
    uint256 persons;
    uint256 hosted;
    uint256 hostedPersons;
}

/// @title A statement against the state of its case
/// @notice Flags, pause, state, kinds seen and times (SPEC §8.2 rules 7 to 10).
library CaseSteps {
    using CaseProgress for uint256;
    using ProcedureTables for uint256;

    /// Status and bits of a record (SPEC §8.5).
    uint256 internal constant IN_FORCE = 1;
    uint256 internal constant LATE_BY_TIME = 1 << 3;
    uint256 internal constant FLAG_LATE = 1 << 4;
    uint256 internal constant IRREGULAR = 1 << 5;
    uint256 internal constant IRREGULAR_BEFORE = 1 << 6;

    uint256 private constant HOUR = 3_600_000;
    /// What a kind can do to the case beside its state.
    uint16 private constant OVERLAYS = ProcedureTables.CLOSES | ProcedureTables.PAUSES | ProcedureTables.RESUMES
        | ProcedureTables.FREEZES | ProcedureTables.THAWS;

    /// @notice Reverts unless the procedure allows the statement now; sets what it makes of progress and status.
    function requireProcedure(Step memory step) internal view {
        uint256 word = step.word;
        uint256 entry = step.entry;
        uint256 progress = step.progress;
        bool late = Statements.isLate(word);
        bool irregular = Statements.isIrregular(word);
        if (late && !entry.has(ProcedureTables.MAY_BE_LATE)) {
            revert ICaseRegistry.LateNotAllowed(Statements.kind(word));
        }
        if (irregular && !entry.has(ProcedureTables.MAY_BE_IRREGULAR)) {
            revert ICaseRegistry.IrregularNotAllowed(Statements.kind(word));
        }
        if (!late && (!irregular || moves(entry.effect()))) _requirePause(entry, progress, word);
        if (!late && !irregular) {
            uint32 allowed = entry.from();
            // Zero where the kind opens.
            if (allowed != 0 && allowed >> progress.state() & 1 == 0) {
                revert ICaseRegistry.CaseState(allowed, progress.state());
            }
        }
        if (!irregular) {
            uint32 missing = entry.required() & ~progress.kindsSeen();
            if (missing != 0) revert ICaseRegistry.KindsMissing(missing);
            uint32 barred = entry.forbidden() & progress.kindsSeen();
            if (!late && barred != 0) revert ICaseRegistry.KindsForbidden(barred);
        }
        uint48 occurred = Statements.occurred(word);
        if (late && occurred > progress.lastMain()) revert ICaseRegistry.LateOrder(progress.lastMain(), occurred);
        if (!irregular && entry.has(ProcedureTables.AFTER_END) && occurred < progress.end()) {
            revert ICaseRegistry.EndNotReached(progress.end(), occurred);
        }

        step.next = _next(entry, progress, word);
        step.position = entry.position();
        step.status = _status(entry, progress, word);
    }

    /// @notice Whether an effect moves or uses a sample: a freeze stops it, and irregular does not pass a pause.
    function moves(uint8 effect) internal pure returns (bool) {
        return effect >= ProcedureTables.TRANSFER && effect <= ProcedureTables.SPLIT;
    }

    function _requirePause(uint256 entry, uint256 progress, uint256 word) private pure {
        if (progress.marked(CaseProgress.PAUSED)) {
            bool passes = entry.has(ProcedureTables.RESUMES | ProcedureTables.PASSES_PAUSE);
            if (!passes || entry.has(ProcedureTables.PAUSES)) revert ICaseRegistry.CasePaused(Statements.kind(word));
        } else if (entry.has(ProcedureTables.RESUMES)) {
            revert ICaseRegistry.CaseNotPaused(Statements.kind(word));
        }
    }

    function _next(uint256 entry, uint256 progress, uint256 word) private pure returns (uint256 next) {
        next = progress.withSequence(Statements.sequence(word)).withKind(entry.position());
        if (!Statements.isLate(word)) {
            bool stays = entry.to() == ProcedureTables.KEEP || progress.marked(CaseProgress.CLOSED);
            if (!stays) next = next.withState(entry.to());
            next = next.withLastMain(Statements.occurred(word));
        }
        if (Statements.isIrregular(word)) next = next.mark(CaseProgress.IRREGULAR_SEEN);
        if (!entry.has(OVERLAYS)) return next;
        if (entry.has(ProcedureTables.PAUSES)) next = next.mark(CaseProgress.PAUSED);
        if (entry.has(ProcedureTables.RESUMES)) next = next.unmark(CaseProgress.PAUSED);
        // No pause outlasts the case, or nothing could be corrected or revoked any more.
        if (entry.has(ProcedureTables.CLOSES)) next = next.mark(CaseProgress.CLOSED).unmark(CaseProgress.PAUSED);
        if (entry.has(ProcedureTables.FREEZES)) next = next.mark(CaseProgress.FROZEN);
        if (entry.has(ProcedureTables.THAWS)) next = next.unmark(CaseProgress.FROZEN);
    }

    function _status(uint256 entry, uint256 progress, uint256 word) private view returns (uint256 status) {
        status = IN_FORCE;
        unchecked {
            uint256 limit = entry.limitHours() * HOUR;
            if (limit != 0 && block.timestamp * 1000 > Statements.occurred(word) + limit) status |= LATE_BY_TIME;
        }
        if (Statements.isLate(word)) status |= FLAG_LATE;
        if (Statements.isIrregular(word)) status |= IRREGULAR;
        if (progress.marked(CaseProgress.IRREGULAR_SEEN)) status |= IRREGULAR_BEFORE;
    }
}
