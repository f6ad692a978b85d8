// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "./interfaces/ICaseRegistry.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {ISm2Verifier} from "./interfaces/ISm2Verifier.sol";
import {KeyRecords} from "./libraries/KeyRecords.sol";
import {Places} from "./libraries/Places.sol";
import {ProcedureTables} from "./libraries/ProcedureTables.sol";
import {SignedMessages} from "./libraries/SignedMessages.sol";
import {Sm3} from "./libraries/Sm3.sol";

/// @title CaseRegistry
/// @dev How a statement is checked, cheap checks first:
/// 1. the statement by itself (SPEC §3);
/// 2. its place in the case: opening, or next in an open case (§3, §8.5);
/// 3. the kind's entry in the table: lane, state, kinds seen (§8.2);
/// 4. who records, and the counterparty that is named (§8.2);
/// 5. the signers: slots, sides, roles, keys, handlers, custody (§2.3, §2.4, §8.2);
/// 6. the signatures themselves (§2.1, §2.2).
contract CaseRegistry is ICaseRegistry {
    using KeyRecords for bytes32;
    using Places for uint256;
    using ProcedureTables for bytes32;
    using ProcedureTables for bytes;
    using SignedMessages for bytes;

    /// Words as SPEC §8.5 lays them out.
    struct StoredCase {
        bytes32 head;
        bytes32 table;
        uint256 progress;
        uint256 participants;
        uint256 handlers;
    }

    /// What is known of the statement under check, and what the case's words become.
    struct Step {
        uint16 kind;
        uint32 sequence;
        uint32 institution;
        uint32 counterparty;
        uint48 occurred;
        bytes32 caseId;
        bytes32 previous;
        bytes32 entry;
        uint8 state;
        uint32 kindsSeen;
        uint256 participants;
        uint256 handlers;
    }

    uint256 private constant LENGTH = 183;
    uint8 private constant VERSION = 1;
    uint16 private constant FLAGS_NOT_ACCEPTED = 3; // late, irregular
    uint16 private constant FLAG_CONFIDENTIAL = 4;
    uint16 private constant FLAG_BATCH_LANE = 8;
    uint16 private constant KNOWN_FLAGS = 15;

    /// Clocks of institutions may be ahead of the block's by this much.
    uint256 private constant AHEAD_SECONDS = 300;

    uint8 private constant IN_FORCE = 1;

    // Storage proofs rely on the first two slots (SPEC §8.5).
    mapping(bytes32 digest => bytes32 record) private _records;
    mapping(bytes32 caseId => StoredCase) private _cases;
    /// Entries with their position in place of the step, which is in the kind. Never zero: each has a slot.
    mapping(bytes32 table => mapping(uint16 kind => bytes32 entry)) private _entries;
    mapping(bytes32 table => bool) private _registered;
    bytes32[] private _tables;

    /// @inheritdoc ICaseRegistry
    IInstitutions public immutable institutions;
    /// @inheritdoc ICaseRegistry
    ISm2Verifier public immutable verifier;
    /// @inheritdoc ICaseRegistry
    uint8 public immutable domain;
    /// @inheritdoc ICaseRegistry
    bytes32 public immutable contractId;

    /// @param tables_ procedure tables (SPEC §8.2), the only ones that cases here will ever be pinned to.
    constructor(IInstitutions institutions_, uint8 domain_, bytes[] memory tables_) {
        ProcedureTables.requireDomain(domain_);
        institutions = institutions_;
        verifier = institutions_.verifier();
        domain = domain_;
        contractId = SignedMessages.contractIdHere(institutions_.foundingDigest());
        for (uint256 i; i < tables_.length; ++i) {
            _registerTable(tables_[i], domain_);
        }
    }

    /// @inheritdoc ICaseRegistry
    function record(bytes calldata statement, bytes calldata signatures) external {
        Step memory step = _parse(statement);
        if (step.sequence == 0) _open(step, statement);
        else _continue(step, statement);
        _requireProcedure(step);
        _requireRecorder(step);
        (SignedMessages.Signature[] memory signed, SignedMessages.Key[] memory keys) = _requireSigners(step, signatures);

        SignedMessages.Subject memory subject = SignedMessages.Subject({
            tag: SignedMessages.TAG_STATEMENT,
            count: uint8(signed.length),
            contractId: contractId,
            digest: Sm3.hash(statement)
        });
        for (uint256 i; i < signed.length; ++i) {
            SignedMessages.requireSigned(verifier, keys[i], signed[i], subject);
        }

        _write(step, subject.digest);
        emit StatementRecorded(subject.digest, step.caseId, bytes32(statement[87:119]), statement, signatures);
    }

    /// @inheritdoc ICaseRegistry
    function recordOf(bytes32 digest) external view returns (bytes32) {
        return _records[digest];
    }

    /// @inheritdoc ICaseRegistry
    function caseOf(bytes32 caseId) external view returns (Case memory found) {
        StoredCase storage stored = _cases[caseId];
        uint256 progress = stored.progress;
        found.head = stored.head;
        found.table = stored.table;
        found.sequence = uint32(progress >> 224);
        found.state = uint8(progress >> 216);
        found.closed = uint8(progress >> 208) != 0;
        found.kindsSeen = uint32(progress >> 176);
        found.lastOccurred = uint48(progress >> 128);
        found.participants = stored.participants.all();
        found.handlers = stored.handlers.all();
    }

    /// @inheritdoc ICaseRegistry
    function registeredTables() external view returns (bytes32[] memory) {
        return _tables;
    }

    /// @inheritdoc ICaseRegistry
    function entryOf(bytes32 table, uint16 kind) external view returns (bytes32 entry, uint8 position) {
        entry = _entries[table][kind];
        if (entry != 0) {
            position = uint8(entry[0]);
            entry = entry.withFirstByte(uint8(kind));
        }
    }

    function _registerTable(bytes memory table, uint8 domain_) private {
        table.requireWellFormed(domain_);
        bytes32 digest = Sm3.hash(table);
        if (_registered[digest]) revert TableRepeated(digest);
        _registered[digest] = true;
        _tables.push(digest);
        uint256 count = table.countOf();
        for (uint256 i; i < count; ++i) {
            bytes32 entry = table.entryAt(i);
            _entries[digest][table.kindOf(entry)] = entry.withFirstByte(uint8(i));
        }
        emit TableRegistered(digest, table);
    }

    /// 1. Reads the statement and checks all that needs nothing else.
    function _parse(bytes calldata statement) private view returns (Step memory step) {
        if (statement.length != LENGTH) revert StatementLength(LENGTH, statement.length);
        if (uint8(statement[0]) != VERSION) revert StatementVersion(VERSION, uint8(statement[0]));
        step.kind = uint16(bytes2(statement[1:3]));
        step.sequence = uint32(bytes4(statement[5:9]));
        step.institution = uint32(bytes4(statement[9:13]));
        step.counterparty = uint32(bytes4(statement[13:17]));
        step.occurred = uint48(bytes6(statement[17:23]));
        step.caseId = bytes32(statement[23:55]);
        step.previous = bytes32(statement[55:87]);

        uint16 flags = uint16(bytes2(statement[3:5]));
        if (flags & ~KNOWN_FLAGS != 0) revert StatementFlags(flags);
        if (flags & FLAG_BATCH_LANE != 0) revert StatementLane(flags);
        if (flags & FLAGS_NOT_ACCEPTED != 0) revert FlagNotAccepted(flags);
        if (uint8(step.kind >> 12) != domain) revert KindDomain(domain, uint8(step.kind >> 12));
        if (!SignedMessages.isInstitution(step.institution)) revert StatementInstitution(step.institution);
        if (
            step.counterparty != 0
                && (!SignedMessages.isInstitution(step.counterparty) || step.counterparty == step.institution)
        ) {
            revert StatementCounterparty(step.counterparty);
        }
        uint256 limit = (block.timestamp + AHEAD_SECONDS) * 1000;
        if (step.occurred > limit) revert OccurredInFuture(limit, step.occurred);
        if (flags & FLAG_CONFIDENTIAL != 0 && bytes32(statement[87:119]) != 0) {
            revert SubjectNotZero(bytes32(statement[87:119]));
        }
        if (bytes32(statement[119:151]) == 0) revert ContentMissing();
        if (bytes32(statement[151:183]) != 0) revert TermsNotZero(bytes32(statement[151:183]));
    }

    /// 2. A first statement: `previous` is the table, and the case's number begins with its opener.
    function _open(Step memory step, bytes calldata statement) private view {
        uint32 prefix = uint32(bytes4(step.caseId));
        if (prefix != step.institution) revert CasePrefix(step.institution, prefix);
        if (_cases[step.caseId].table != 0) {
            _requireNew(statement);
            revert CaseExists(step.caseId);
        }
        if (!_registered[step.previous]) revert TableUnknown(step.previous);
        _setEntry(step, step.previous);
        step.participants = Places.set(0, 0, step.institution);
    }

    /// 2. Any other statement: the next one of a case that is open.
    function _continue(Step memory step, bytes calldata statement) private view {
        StoredCase storage stored = _cases[step.caseId];
        bytes32 table = stored.table;
        if (table == 0) revert CaseUnknown(step.caseId);
        uint256 progress = stored.progress;
        if (uint8(progress >> 208) != 0) {
            _requireNew(statement);
            revert CaseClosed(step.caseId);
        }
        uint256 expected = (progress >> 224) + 1;
        if (step.sequence != expected) {
            _requireNew(statement);
            revert CaseSequence(expected, step.sequence);
        }
        if (step.previous != stored.head) revert CasePrevious(stored.head, step.previous);
        _setEntry(step, table);
        step.state = uint8(progress >> 216);
        step.kindsSeen = uint32(progress >> 176);
        step.participants = stored.participants;
        step.handlers = stored.handlers;
    }

    /// A statement that is here already gets that answer, rather than what its repetition would break.
    function _requireNew(bytes calldata statement) private view {
        bytes32 digest = Sm3.hash(statement);
        if (_records[digest] != 0) revert AlreadyRecorded(digest);
    }

    function _setEntry(Step memory step, bytes32 table) private view {
        step.entry = _entries[table][step.kind];
        if (step.entry == 0) revert KindUnknown(table, step.kind);
        if (step.entry.has(ProcedureTables.LANE_BATCH)) revert KindLane(step.kind);
        if (step.entry.has(ProcedureTables.OPENS) != (step.sequence == 0)) {
            revert KindOpening(step.kind, step.sequence);
        }
    }

    /// 3. State and kinds seen, before and after.
    function _requireProcedure(Step memory step) private pure {
        bytes32 entry = step.entry;
        if (step.sequence != 0) {
            uint32 allowed = entry.from();
            if (allowed >> step.state & 1 == 0) revert CaseState(allowed, step.state);
            uint32 missing = entry.required() & ~step.kindsSeen;
            if (missing != 0) revert KindsMissing(missing);
            uint32 barred = entry.forbidden() & step.kindsSeen;
            if (barred != 0) revert KindsForbidden(barred);
        }
        if (entry.to() != ProcedureTables.KEEP) step.state = entry.to();
        step.kindsSeen |= uint32(1) << uint8(entry[0]);
    }

    /// 4. The recorder is a participant whom the kind entitles; whom it names becomes one.
    function _requireRecorder(Step memory step) private view {
        bytes32 entry = step.entry;
        uint256 place = step.participants.find(step.institution);
        if (place == Places.COUNT) revert NotParticipant(step.institution);
        uint8 self = place == 0 ? ProcedureTables.OPENER : ProcedureTables.GUEST;
        if (entry.who() & self == 0) revert RecorderNotEntitled(step.institution, entry.who());

        if (step.counterparty == 0) return;
        if (!entry.has(ProcedureTables.NAMES_COUNTERPARTY)) {
            revert CounterpartyNotAllowed(step.kind, step.counterparty);
        }
        if (step.participants.find(step.counterparty) != Places.COUNT) return;
        uint256 free = step.participants.find(0);
        if (free == Places.COUNT) revert ParticipantsFull(step.counterparty);
        if (institutions.member(step.counterparty).status == 0) revert CounterpartyUnknown(step.counterparty);
        step.participants = step.participants.set(free, step.counterparty);
    }

    /// 5. One signer for each slot, with a key that is valid now; remembers the handlers.
    function _requireSigners(Step memory step, bytes calldata signatures)
        private
        view
        returns (SignedMessages.Signature[] memory signed, SignedMessages.Key[] memory keys)
    {
        uint256 count = step.entry.slots();
        signatures.requireCount(count);
        signed = new SignedMessages.Signature[](count);
        keys = new SignedMessages.Key[](count);
        uint256 taken;
        uint256 persons;
        uint256 hosted;
        uint256 handlers = step.handlers;
        for (uint256 i; i < count; ++i) {
            SignedMessages.Signature memory signature = signatures.at(i);
            if (i != 0 && signature.signer <= signed[i - 1].signer) {
                revert SignedMessages.SignatureOrder(signed[i - 1].signer, signature.signer);
            }
            signed[i] = signature;
            uint256 index = _slotFor(step.entry, signature, taken);
            taken |= 1 << index;
            uint24 slot = step.entry.slot(index);
            bytes32 keyRecord;
            (keys[i], keyRecord) = _requireSigner(step, signature, uint8(slot >> 8) & 0xf);
            if (signature.role & ProcedureTables.PERSON != 0) {
                ++persons;
                if (keyRecord.custody() == KeyRecords.HOSTED) ++hosted;
            }
            _requireDistinct(step.handlers, uint8(slot), signature.signer);
            uint256 position = uint8(slot >> 12) & 0xf;
            if (position != 0) handlers = handlers.set(position - 1, signature.signer);
        }
        if (persons > 1 && hosted == persons) revert HostedKeysAlone(persons);
        step.handlers = handlers;
    }

    /// The first slot of the signature's role that no signature before took.
    function _slotFor(bytes32 entry, SignedMessages.Signature memory signature, uint256 taken)
        private
        pure
        returns (uint256 index)
    {
        uint256 count = entry.slots();
        while (index < count && (taken >> index & 1 != 0 || uint8(entry.slot(index) >> 16) != signature.role)) {
            ++index;
        }
        if (index == count) revert SignedMessages.SignatureRole(signature.signer, signature.role);
    }

    /// The signer belongs to the side that the role names, is what the slot asks for, and holds a key valid now.
    function _requireSigner(Step memory step, SignedMessages.Signature memory signature, uint8 wanted)
        private
        view
        returns (SignedMessages.Key memory key, bytes32 keyRecord)
    {
        bool person = signature.role & ProcedureTables.PERSON != 0;
        uint32 side = step.institution;
        if (signature.role & ProcedureTables.COUNTERPARTY_SIDE != 0) {
            side = step.counterparty;
            if (side == 0) revert CounterpartyMissing(step.kind);
        }
        if (person) {
            if (SignedMessages.isInstitution(signature.signer)) revert SignerNotPractitioner(signature.signer);
        } else if (signature.signer != side) {
            revert SignerNotInstitution(side, signature.signer);
        }

        (key.z, key.x, key.y, keyRecord) = institutions.keyAt(signature.signer, signature.keyIndex);
        keyRecord.requireValid(signature.signer, signature.keyIndex);
        if (person && keyRecord.institution() != side) revert PractitionerInstitution(side, keyRecord.institution());
        if (wanted != 0 && keyRecord.role() != wanted) {
            if (person) revert PractitionerFunction(wanted, keyRecord.role());
            revert InstitutionRole(wanted, keyRecord.role());
        }
    }

    /// The signer is none of the handlers in the mask, as they were before this statement.
    function _requireDistinct(uint256 handlers, uint8 mask, uint32 signer) private pure {
        for (uint256 i; i < Places.COUNT; ++i) {
            if (mask >> i & 1 != 0 && handlers.at(i) == signer) {
                revert HandlerNotDistinct(uint8(i + 1), signer);
            }
        }
    }

    function _write(Step memory step, bytes32 digest) private {
        _records[digest] =
            bytes32(abi.encodePacked(uint48(block.timestamp), uint48(block.number), IN_FORCE, bytes19(0)));
        StoredCase storage stored = _cases[step.caseId];
        stored.head = digest;
        if (step.sequence == 0) stored.table = step.previous;
        uint8 closed = step.entry.has(ProcedureTables.CLOSES) ? 1 : 0;
        stored.progress = uint256(
            bytes32(abi.encodePacked(step.sequence, step.state, closed, step.kindsSeen, step.occurred, bytes16(0)))
        );
        if (step.participants != stored.participants) stored.participants = step.participants;
        if (step.handlers != stored.handlers) stored.handlers = step.handlers;
    }
}
