// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../interfaces/ICaseRegistry.sol";
import {Step} from "./CaseSteps.sol";
import {SignedMessages} from "./SignedMessages.sol";
import {Statements} from "./Statements.sol";

/// @title A statement by itself
/// @notice SPEC §3, for statements of the registry lane.
library CaseStatements {
    using Statements for bytes;

    /// Clocks of institutions may be ahead of the block's by this much.
    uint256 private constant AHEAD_SECONDS = 300;

    /// @notice Reads a statement and reverts unless all is right that needs nothing else.
    function read(Step memory step, bytes calldata statement, uint8 domain) internal view {
        if (statement.length != Statements.LENGTH) {
            revert ICaseRegistry.StatementLength(Statements.LENGTH, statement.length);
        }
        uint256 word = uint256(statement.at(0));
        step.word = word;
        step.caseId = statement.at(Statements.CASE);
        step.terms = statement.at(Statements.TERMS);
        if (Statements.version(word) != Statements.VERSION) {
            revert ICaseRegistry.StatementVersion(Statements.VERSION, Statements.version(word));
        }
        uint16 flags = Statements.flags(word);
        if (flags & ~Statements.KNOWN_FLAGS != 0) revert ICaseRegistry.StatementFlags(flags);
        if (flags & Statements.BATCH_LANE != 0) revert ICaseRegistry.StatementLane(flags);
        uint8 kindDomain = uint8(Statements.kind(word) >> 12);
        if (kindDomain != domain) revert ICaseRegistry.KindDomain(domain, kindDomain);
        uint32 institution = Statements.institution(word);
        if (!SignedMessages.isInstitution(institution)) revert ICaseRegistry.StatementInstitution(institution);
        uint32 other = Statements.counterparty(word);
        if (other != 0 && (!SignedMessages.isInstitution(other) || other == institution)) {
            revert ICaseRegistry.StatementCounterparty(other);
        }
        uint256 limit;
        unchecked {
            limit = (block.timestamp + AHEAD_SECONDS) * 1000;
        }
        if (Statements.occurred(word) > limit) revert ICaseRegistry.OccurredInFuture(limit, Statements.occurred(word));
        if (flags & Statements.CONFIDENTIAL != 0 && statement.at(Statements.SUBJECT) != 0) {
            revert ICaseRegistry.SubjectNotZero(statement.at(Statements.SUBJECT));
        }
        if (statement.at(Statements.CONTENT) == 0) revert ICaseRegistry.ContentMissing();
    }

    /// @notice Emits `StatementRecorded`, without the copies that the compiler would make.
    function tell(bytes32 digest, bytes32 caseId, bytes calldata statement, bytes calldata signatures) internal {
        bytes32 signature = ICaseRegistry.StatementRecorded.selector;
        bytes32 subject = statement.at(Statements.SUBJECT);
        assembly ("memory-safe") {
            let data := mload(0x40)
            let size := signatures.length
            // Where the two begin; length and bytes of the statement, filled up with zeros; the same of the signatures.
            mstore(data, 0x40)
            mstore(add(data, 0x20), 0x120)
            mstore(add(data, 0x40), 183)
            mstore(add(data, 0x100), 0)
            calldatacopy(add(data, 0x60), statement.offset, 183)
            mstore(add(data, 0x120), size)
            calldatacopy(add(data, 0x140), signatures.offset, size)
            mstore(add(add(data, 0x140), size), 0)
            log4(data, add(0x140, and(add(size, 31), not(31))), signature, digest, caseId, subject)
        }
    }
}
