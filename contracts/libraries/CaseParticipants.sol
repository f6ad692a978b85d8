// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../interfaces/ICaseRegistry.sol";
import {IInstitutions} from "../interfaces/IInstitutions.sol";
import {CaseProgress} from "./CaseProgress.sol";
import {Step} from "./CaseSteps.sol";
import {Places} from "./Places.sol";
import {ProcedureTables} from "./ProcedureTables.sol";
import {Statements} from "./Statements.sol";
import {StoredCase} from "./StoredCases.sol";

/// @title Who records in a case, and who is invited
/// @notice SPEC §8.2 rule 4. The guests are read only where they matter.
library CaseParticipants {
    using CaseProgress for uint256;
    using Places for uint256;
    using ProcedureTables for uint256;

    uint256 private constant MAX_GUESTS = 7;

    /// @notice Reverts unless the recorder is a participant whom the kind entitles; whom it names becomes one.
    function requireRecorder(IInstitutions institutions, Step memory step, StoredCase storage stored) internal view {
        uint256 entry = step.entry;
        uint32 institution = Statements.institution(step.word);
        uint32 opener = Statements.opener(step.caseId);
        uint8 self = institution == opener ? ProcedureTables.OPENER : 0;
        if (institution == step.progress.holder()) self |= ProcedureTables.HOLDER;
        bool invites = self != 0;
        uint8 who = entry.who();
        if (self & who == 0) {
            if (stored.guests.contains(institution)) self |= ProcedureTables.GUEST;
            if (self == 0) revert ICaseRegistry.NotParticipant(institution);
            if (self & who == 0) revert ICaseRegistry.RecorderNotEntitled(institution, who);
        }

        uint32 other = Statements.counterparty(step.word);
        if (other == 0) return;
        if (!entry.has(ProcedureTables.NAMES_COUNTERPARTY)) {
            revert ICaseRegistry.CounterpartyNotAllowed(Statements.kind(step.word), other);
        }
        if (other == opener) return;
        uint256 guests = stored.guests;
        if (guests.contains(other)) return;
        if (!invites) revert ICaseRegistry.InvitationNotAllowed(institution, other);
        uint256 count = step.progress.guestCount();
        if (count == MAX_GUESTS) revert ICaseRegistry.ParticipantsFull(other);
        if (institutions.member(other).status == 0) revert ICaseRegistry.CounterpartyUnknown(other);
        step.guests = guests.set(count, other);
        step.next = step.next.withOneGuestMore();
    }
}
