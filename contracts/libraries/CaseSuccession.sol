// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../interfaces/ICaseRegistry.sol";
import {CaseProgress} from "./CaseProgress.sol";
import {CaseSteps, Step} from "./CaseSteps.sol";
import {Places} from "./Places.sol";
import {Statements} from "./Statements.sol";
import {TableTerms} from "./StoredCases.sol";

/// @title How registries succeed each other, and statements that continue a case of a closed one
/// @notice SPEC §8.6.
library CaseSuccession {
    using CaseProgress for uint256;
    using Places for uint256;
    using Statements for bytes;

    /// Position of such a statement: it stands in no table.
    uint256 internal constant POSITION = 255;

    /// @notice Reverts unless `heir` was deployed to succeed this contract, or no case would ever go on.
    function requireHeir(address heir) internal view {
        if (heir.code.length == 0 || address(ICaseRegistry(heir).predecessor()) != address(this)) {
            revert ICaseRegistry.SuccessorMismatch(heir);
        }
    }

    /// @notice Reverts unless the predecessor is closed, by a decision that named this contract.
    function requireNamed(ICaseRegistry predecessor) internal view {
        if (!predecessor.closed()) revert ICaseRegistry.PredecessorOpen(address(predecessor));
        if (predecessor.successor() != address(this)) {
            revert ICaseRegistry.PredecessorMismatch(address(predecessor));
        }
    }

    /// @notice Reverts unless the statement continues the case as it stands in the predecessor; sets the words that it goes on
    /// with.
    /// @param terms of the table that the statement names, as it is registered here.
    function setContinued(
        Step memory step,
        ICaseRegistry predecessor,
        TableTerms memory terms,
        bytes calldata statement
    ) internal view {
        uint256 word = step.word;
        bytes32[5] memory words = predecessor.wordsOf(step.caseId);
        uint256 progress = uint256(words[1]);
        if (progress == 0) revert ICaseRegistry.CaseUnknown(step.caseId);
        bytes32 table = statement.at(Statements.PREVIOUS);
        if (terms.index == 0 || table != predecessor.tableOf(progress.tableIndex())) {
            revert ICaseRegistry.TableUnknown(table);
        }
        if (uint8(Statements.kind(word) >> 8) & 0xf != terms.caseType) {
            revert ICaseRegistry.KindUnknown(table, Statements.kind(word));
        }
        if (step.terms != words[0]) revert ICaseRegistry.ContinueHead(words[0], step.terms);
        uint32 institution = Statements.institution(word);
        if (institution != Statements.opener(step.caseId) && !uint256(words[2]).contains(institution)) {
            revert ICaseRegistry.NotParticipant(institution);
        }
        uint32 other = Statements.counterparty(word);
        if (other != 0) revert ICaseRegistry.CounterpartyNotAllowed(Statements.kind(word), other);
        if (Statements.isLate(word)) revert ICaseRegistry.LateNotAllowed(Statements.kind(word));
        if (Statements.isIrregular(word)) revert ICaseRegistry.IrregularNotAllowed(Statements.kind(word));

        progress = progress.withSequence(0).withTableIndex(terms.index).mark(CaseProgress.CONTINUED);
        if (Statements.occurred(word) > progress.lastMain()) {
            progress = progress.withLastMain(Statements.occurred(word));
        }
        step.next = progress;
        step.guests = uint256(words[2]);
        step.nextHandlers = uint256(words[3]);
        step.changed = uint256(words[4]);
        step.position = POSITION;
        step.status = CaseSteps.IN_FORCE;
        if (progress.marked(CaseProgress.IRREGULAR_SEEN)) step.status |= CaseSteps.IRREGULAR_BEFORE;
    }
}
