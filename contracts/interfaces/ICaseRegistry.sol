// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "./IInstitutions.sol";
import {ISm2Verifier} from "./ISm2Verifier.sol";

/// @title The registry lane of one domain
/// @notice Records statements case by case and refuses whatever does not follow the procedure table that the case is
/// pinned to. Who sends a transaction never matters: everything that counts is in the signed bytes. Bytes: SPEC §2, §3, §8.
interface ICaseRegistry {
    /// @notice State of a case (SPEC §8.5).
    struct Case {
        bytes32 head;
        bytes32 table;
        uint32 sequence;
        uint8 state;
        bool closed;
        uint32 kindsSeen;
        uint48 lastOccurred;
        uint32[8] participants;
        uint32[8] handlers;
    }

    /// @notice A procedure table (SPEC §8.2) that cases of this registry can be pinned to.
    event TableRegistered(bytes32 indexed digest, bytes table);
    /// @notice A statement (183 bytes) with its signatures (70 bytes each). These events alone rebuild every case.
    event StatementRecorded(
        bytes32 indexed digest, bytes32 indexed caseId, bytes32 indexed subject, bytes statement, bytes signatures
    );

    // Tables, when the registry is deployed. `step` names the entry.
    error DomainRange(uint8 got);
    error TableLength(uint256 expected, uint256 got);
    error TableVersion(uint8 expected, uint8 got);
    error TableDomain(uint8 expected, uint8 got);
    error TableCaseType(uint8 got);
    error TableKindCount(uint256 maximum, uint256 got);
    error TableRepeated(bytes32 digest);
    error TableStepOrder(uint8 previous, uint8 got);
    error TableFlags(uint8 step, uint8 got);
    error TableStates(uint8 step, uint32 from, uint8 to);
    error TableMasks(uint8 step, uint32 requiresMask, uint32 forbidsMask);
    error TableWho(uint8 step, uint8 got);
    error TableTerms(uint8 step, uint8 got);
    error TableSlotCount(uint8 step, uint8 got);
    error TableSlot(uint8 step, uint256 slot, uint24 got);
    error TableSides(uint8 step);
    error TableHandlers(uint8 step, uint8 position);

    // The statement by itself.
    error StatementLength(uint256 expected, uint256 got);
    error StatementVersion(uint8 expected, uint8 got);
    error StatementFlags(uint16 got);
    error StatementLane(uint16 got);
    error FlagNotAccepted(uint16 got);
    error KindDomain(uint8 expected, uint8 got);
    error StatementInstitution(uint32 got);
    error StatementCounterparty(uint32 got);
    error OccurredInFuture(uint256 limit, uint256 got);
    error SubjectNotZero(bytes32 got);
    error ContentMissing();
    error TermsNotZero(bytes32 got);

    // The statement in its case.
    error AlreadyRecorded(bytes32 digest);
    error CasePrefix(uint32 expected, uint32 got);
    error CaseExists(bytes32 caseId);
    error CaseUnknown(bytes32 caseId);
    error CaseClosed(bytes32 caseId);
    error CaseSequence(uint256 expected, uint256 got);
    error CasePrevious(bytes32 expected, bytes32 got);
    error TableUnknown(bytes32 digest);
    error KindUnknown(bytes32 table, uint16 kind);
    error KindLane(uint16 kind);
    error KindOpening(uint16 kind, uint32 sequence);
    error CaseState(uint32 allowed, uint8 got);
    error KindsMissing(uint32 missing);
    error KindsForbidden(uint32 seen);
    error NotParticipant(uint32 institution);
    error RecorderNotEntitled(uint32 institution, uint8 who);
    error CounterpartyNotAllowed(uint16 kind, uint32 counterparty);
    error CounterpartyMissing(uint16 kind);
    error CounterpartyUnknown(uint32 counterparty);
    error ParticipantsFull(uint32 counterparty);

    // The signers; errors that all contracts share stand in `SignedMessages` and `KeyRecords`.
    error SignerNotInstitution(uint32 expected, uint32 got);
    error SignerNotPractitioner(uint32 got);
    error PractitionerInstitution(uint32 expected, uint32 got);
    error InstitutionRole(uint8 expected, uint8 got);
    error PractitionerFunction(uint8 expected, uint8 got);
    error HandlerNotDistinct(uint8 position, uint32 signer);
    error HostedKeysAlone(uint256 practitioners);

    /// @notice Records a statement with its signatures; anyone may send it.
    /// @param statement 183 bytes (SPEC §3).
    /// @param signatures 70 bytes each (SPEC §2.3), ascending by signer, exactly one for each slot of the kind.
    function record(bytes calldata statement, bytes calldata signatures) external;

    /// @notice The record word of a statement (SPEC §8.5), by digest; zero where there is none.
    function recordOf(bytes32 digest) external view returns (bytes32);

    /// @notice State of a case; all zero where there is none.
    function caseOf(bytes32 caseId) external view returns (Case memory);

    /// @notice Digests of the registered tables, in order of registration.
    function registeredTables() external view returns (bytes32[] memory);

    /// @notice A kind's entry in a table as registered (SPEC §8.2) and its position there; zero where there is none.
    function entryOf(bytes32 table, uint16 kind) external view returns (bytes32 entry, uint8 position);

    function institutions() external view returns (IInstitutions);

    function verifier() external view returns (ISm2Verifier);

    /// @notice The domain whose kinds this registry takes, 1 to 15.
    function domain() external view returns (uint8);

    /// @notice This contract's id (SPEC §2.5).
    function contractId() external view returns (bytes32);
}
