// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "./IInstitutions.sol";
import {ISm2Keys} from "./ISm2Keys.sol";
import {ISm2Verifier} from "./ISm2Verifier.sol";

/// @title The registry lane of one domain
/// @notice Records statements case by case and refuses whatever does not follow the procedure table that the case is
/// pinned to. Who sends a transaction never matters: everything that counts is in the signed bytes. Nobody owns it: tables
/// come, and the contract closes, by decisions of the members. Bytes: SPEC §2, §3, §8.
interface ICaseRegistry {
    /// @notice State of a case (SPEC §8.5). `flags`: bit 0 closed, 1 paused, 2 frozen, 3 irregular seen, 4 continued.
    struct Case {
        bytes32 head;
        bytes32 table;
        uint32 sequence;
        uint8 state;
        uint8 flags;
        uint32 kindsSeen;
        uint48 lastMain;
        uint48 end;
        uint16 tableIndex;
        uint32 holder;
        uint8 guestCount;
        uint32[8] guests;
        uint32[8] handlers;
        uint64 quantity;
        uint16 unit;
    }

    /// @notice A procedure table (SPEC §8.2) that cases whose first statement occurred at or after `from` and before `until`
    /// (ms; 2^48 − 1: open) can be pinned to.
    event TableRegistered(bytes32 indexed digest, uint16 index, uint48 from, uint48 until, bytes table);
    event TableEnded(bytes32 indexed digest, uint48 until);
    /// @notice Nothing more is recorded here. `successor` is zero where there is none.
    event RegistryClosed(address indexed successor);
    /// @notice A statement (183 bytes) with its signatures (70 bytes each). With the tables these events rebuild every case.
    event StatementRecorded(
        bytes32 indexed digest, bytes32 indexed caseId, bytes32 indexed subject, bytes statement, bytes signatures
    );

    // Tables and closing. `step` names the entry.
    error DomainRange(uint8 got);
    error PredecessorMismatch(address predecessor);
    error TableLength(uint256 expected, uint256 got);
    error TableVersion(uint8 expected, uint8 got);
    error TableDomain(uint8 expected, uint8 got);
    error TableCaseType(uint8 got);
    error TableKindCount(uint256 maximum, uint256 got);
    error TableRepeated(bytes32 digest);
    error TableDates(uint48 from, uint48 until);
    error TableStepOrder(uint8 previous, uint8 got);
    error TableFlags(uint8 step, uint16 got);
    error TableStates(uint8 step, uint32 from, uint8 to);
    error TableMasks(uint8 step, uint32 requiresMask, uint32 forbidsMask);
    error TableWho(uint8 step, uint8 got);
    error TableEffect(uint8 step, uint8 effect);
    error TableTargets(uint8 step, uint32 got);
    error TableSlotCount(uint8 step, uint8 got);
    error TableSlot(uint8 step, uint256 slot, uint24 got);
    error TableSides(uint8 step);
    error TableHandlers(uint8 step, uint8 position);
    error ContractClosed(address successor);

    // The statement by itself.
    error StatementLength(uint256 expected, uint256 got);
    error StatementVersion(uint8 expected, uint8 got);
    error StatementFlags(uint16 got);
    error StatementLane(uint16 got);
    error KindDomain(uint8 expected, uint8 got);
    error StatementInstitution(uint32 got);
    error StatementCounterparty(uint32 got);
    error OccurredInFuture(uint256 limit, uint256 got);
    error SubjectNotZero(bytes32 got);
    error ContentMissing();

    // The statement in its case.
    error AlreadyRecorded(bytes32 digest);
    error CasePrefix(uint32 expected, uint32 got);
    error CaseExists(bytes32 caseId);
    error CaseUnknown(bytes32 caseId);
    error CaseClosed(bytes32 caseId);
    error CaseSequence(uint256 expected, uint256 got);
    error CasePrevious(bytes32 expected, bytes32 got);
    error TableUnknown(bytes32 digest);
    error TableNotInForce(bytes32 table, uint48 from, uint48 until);
    error KindUnknown(bytes32 table, uint16 kind);
    error KindLane(uint16 kind);
    error KindOpening(uint16 kind, uint32 sequence);
    error LateNotAllowed(uint16 kind);
    error IrregularNotAllowed(uint16 kind);
    error CasePaused(uint16 kind);
    error CaseNotPaused(uint16 kind);
    error CaseState(uint32 allowed, uint8 got);
    error KindsMissing(uint32 missing);
    error KindsForbidden(uint32 seen);
    error LateOrder(uint48 limit, uint48 got);
    error EndNotReached(uint48 end, uint48 got);
    error NotParticipant(uint32 institution);
    error RecorderNotEntitled(uint32 institution, uint8 who);
    error CounterpartyNotAllowed(uint16 kind, uint32 counterparty);
    error CounterpartyMissing(uint16 kind);
    error CounterpartyUnknown(uint32 counterparty);
    error InvitationNotAllowed(uint32 recorder, uint32 counterparty);
    error ParticipantsFull(uint32 counterparty);
    error PredecessorMissing();
    error PredecessorOpen(address predecessor);
    error SuccessorMismatch(address successor);
    error ContinueHead(bytes32 expected, bytes32 got);

    // What the kind does.
    error TermsNotZero(bytes32 got);
    error TermsLayout(uint16 kind, bytes32 terms);
    error CaseFrozen(bytes32 caseId);
    error TargetUnknown(bytes32 target);
    error TargetKind(uint32 allowed, uint8 position);
    error TargetStatus(bytes32 target, uint8 status);
    error BasisUnknown(bytes32 digest);
    error HolderUnexpected(uint32 expected, uint32 got);
    error UnitUnexpected(uint16 expected, uint16 got);
    error QuantityUnexpected(uint64 expected, uint64 got);
    error QuantityExceeded(uint64 held, uint64 got);
    error SplitUnknown(bytes32 digest);
    error SplitUsed(bytes32 digest);

    // The signers; errors that all contracts share stand in `SignedMessages` and `KeyRecords`.
    error SignerNotInstitution(uint32 expected, uint32 got);
    error SignerNotPractitioner(uint32 got);
    error PractitionerInstitution(uint32 expected, uint32 got);
    error MemberNotActive(uint32 number);
    error InstitutionRole(uint8 expected, uint8 got);
    error PractitionerFunction(uint8 expected, uint8 got);
    error HandlerNotDistinct(uint8 position, uint32 signer);
    error IrregularSealMissing(uint32 institution);
    error HostedKeysAlone(uint256 practitioners);

    /// @notice Records a statement with its signatures; anyone may send it.
    /// @param statement 183 bytes (SPEC §3).
    /// @param signatures 70 bytes each (SPEC §2.3), ascending by signer, exactly one for each slot of the kind; of an
    /// irregular statement as SPEC §8.2 rule 8 says.
    function record(bytes calldata statement, bytes calldata signatures) external;

    /// @notice Registers a table by decision (action 0x20 of SPEC §5.2).
    /// @param from in ms; `until` likewise, after `from`, 2^48 − 1 for open.
    /// @param number of the decision; `expires` and `signatures` as in `IInstitutions.consumeDecision`.
    function registerTable(
        bytes calldata table,
        uint48 from,
        uint48 until,
        uint64 number,
        uint48 expires,
        bytes calldata signatures
    ) external;

    /// @notice Gives an open table its end, once, by decision (action 0x21). No case opens under it from `until` on; those that
    /// are open go on.
    /// @param until in ms, not before the table's `from` and below 2^48 − 1; a time that has passed is allowed.
    function endTable(bytes32 table, uint48 until, uint64 number, uint48 expires, bytes calldata signatures) external;

    /// @notice Closes this contract for ever, by decision (action 0x22).
    /// @param successor_ the registry that continues the cases, zero for none: its `predecessor` is this contract.
    function close(address successor_, uint64 number, uint48 expires, bytes calldata signatures) external;

    /// @notice The record word of a statement (SPEC §8.5), by digest; zero where there is none.
    function recordOf(bytes32 digest) external view returns (bytes32);

    /// @notice State of a case; all zero where there is none.
    function caseOf(bytes32 caseId) external view returns (Case memory);

    /// @notice Digest of the last statement of a case; zero where there is none.
    function headOf(bytes32 caseId) external view returns (bytes32);

    /// @notice Whether this registry, its predecessor, or one before that has the case: then it is opened nowhere again.
    function hasCase(bytes32 caseId) external view returns (bool);

    /// @notice The five words of a case (SPEC §8.5): head, progress, guests, handlers, holding.
    function wordsOf(bytes32 caseId) external view returns (bytes32[5] memory);

    /// @notice What a recorded split keeps for its child, and whether the child has taken it; zero where there is none.
    function splitOf(bytes32 digest) external view returns (uint64 quantity, uint16 unit, uint32 holder, bool used);

    /// @notice Digests of the registered tables, by index from 1.
    function registeredTables() external view returns (bytes32[] memory);

    /// @notice Digest of the table with an index; zero where there is none.
    function tableOf(uint16 index) external view returns (bytes32);

    /// @notice Index and dates of a registered table, all zero where there is none.
    function termsOf(bytes32 table) external view returns (uint16 index, uint48 from, uint48 until);

    /// @notice A kind's entry in a table as registered (64 bytes, SPEC §8.2) and its position there; empty where there is none.
    function entryOf(bytes32 table, uint16 kind) external view returns (bytes memory entry, uint8 position);

    function institutions() external view returns (IInstitutions);

    function verifier() external view returns (ISm2Verifier);

    /// @notice What hashes for this contract.
    function keys() external view returns (ISm2Keys);

    /// @notice The registry whose cases can be continued here once it is closed and has named this one; zero where there is
    /// none.
    function predecessor() external view returns (ICaseRegistry);

    function closed() external view returns (bool);

    /// @notice The registry that the closing decision named; zero where it named none, and while this one is not closed.
    function successor() external view returns (address);

    /// @notice The domain whose kinds this registry takes, 1 to 15.
    function domain() external view returns (uint8);

    /// @notice This contract's id (SPEC §2.5).
    function contractId() external view returns (bytes32);
}
