// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseEffects} from "./CaseEffects.sol";
import {TableShapes} from "./TableShapes.sol";
import {ICaseRegistry} from "./interfaces/ICaseRegistry.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {ISm2Keys} from "./interfaces/ISm2Keys.sol";
import {ISm2Verifier} from "./interfaces/ISm2Verifier.sol";
import {CaseParticipants} from "./libraries/CaseParticipants.sol";
import {CaseProgress} from "./libraries/CaseProgress.sol";
import {CaseSigners} from "./libraries/CaseSigners.sol";
import {CaseStatements} from "./libraries/CaseStatements.sol";
import {CaseSteps, Step} from "./libraries/CaseSteps.sol";
import {CaseSuccession} from "./libraries/CaseSuccession.sol";
import {LedgerCalls} from "./libraries/LedgerCalls.sol";
import {Places} from "./libraries/Places.sol";
import {ProcedureTables} from "./libraries/ProcedureTables.sol";
import {SignedMessages} from "./libraries/SignedMessages.sol";
import {Statements} from "./libraries/Statements.sol";
import {StoredCase, TableTerms} from "./libraries/StoredCases.sol";

/// @title CaseRegistry
/// @dev How a statement is checked, cheap checks first:
/// 1. the statement by itself (SPEC §3, `CaseStatements`);
/// 2. its place: opening, next in a case, or continuing one of the predecessor (§3, §8.5, §8.6, `CaseSuccession`);
/// 3. flags, pause, state, kinds seen and times (§8.2, `CaseSteps`);
/// 4. who records, and the counterparty that is named (§8.2, `CaseParticipants`);
/// 5. what the terms say (§8.2, `CaseEffects`);
/// 6. the signers: slots, sides, roles, keys, handlers, custody (§2.3, §2.4, §8.2, `CaseSigners`);
/// 7. the signatures themselves (§2.1, §2.2).
contract CaseRegistry is ICaseRegistry {
    using CaseProgress for uint256;
    using Places for uint256;
    using ProcedureTables for uint256;
    using Statements for bytes;

    /// Set in the word of a split that a child has taken.
    uint256 private constant USED = 1;
    uint48 private constant OPEN = type(uint48).max;

    uint8 private constant REGISTER_TABLE = 0x20;
    uint8 private constant END_TABLE = 0x21;
    uint8 private constant CLOSE = 0x22;

    // Storage proofs rely on the first three slots (SPEC §8.5).
    mapping(bytes32 digest => bytes32 record) private _records;
    mapping(bytes32 caseId => StoredCase) private _cases;
    mapping(uint256 index => bytes32 table) private _tables;
    mapping(uint256 key => uint256 entry) private _entries;
    mapping(bytes32 table => TableTerms) private _terms;
    mapping(bytes32 digest => uint256 split) private _splits;
    bool private _closed;
    address private _successor;
    uint16 private _tableCount;

    /// @inheritdoc ICaseRegistry
    IInstitutions public immutable institutions;
    /// @inheritdoc ICaseRegistry
    ISm2Verifier public immutable verifier;
    /// @inheritdoc ICaseRegistry
    ISm2Keys public immutable keys;
    /// @inheritdoc ICaseRegistry
    ICaseRegistry public immutable predecessor;
    /// @inheritdoc ICaseRegistry
    uint8 public immutable domain;
    /// @inheritdoc ICaseRegistry
    bytes32 public immutable contractId;
    TableShapes private immutable _shapes;
    CaseEffects private immutable _effects;

    /// @param predecessor_ of the same domain and institutions; zero: none.
    constructor(IInstitutions institutions_, uint8 domain_, ICaseRegistry predecessor_) {
        if (domain_ == 0 || domain_ > 15) revert DomainRange(domain_);
        if (address(predecessor_) != address(0)) {
            if (predecessor_.domain() != domain_ || address(predecessor_.institutions()) != address(institutions_)) {
                revert PredecessorMismatch(address(predecessor_));
            }
        }
        institutions = institutions_;
        verifier = institutions_.verifier();
        predecessor = predecessor_;
        domain = domain_;
        keys = institutions_.keys();
        contractId = keys.sm3(SignedMessages.contractIdBytes(address(this), institutions_.foundingDigest()));
        _shapes = new TableShapes();
        _effects = new CaseEffects();
    }

    /// @inheritdoc ICaseRegistry
    function record(bytes calldata statement, bytes calldata signatures) external {
        Step memory step;
        CaseStatements.read(step, statement, domain);
        _requireOpen();
        StoredCase storage stored = _cases[step.caseId];
        if (Statements.step(step.word) == Statements.CONTINUE) {
            _requirePredecessor(step, stored, statement);
        } else {
            if (Statements.sequence(step.word) == 0) _setOpening(step, stored, statement);
            else _setFollowing(step, stored, statement);
            CaseSteps.requireProcedure(step);
            CaseParticipants.requireRecorder(institutions, step, stored);
            _requireEffect(step, stored);
            if (step.entry.has(ProcedureTables.USES_HANDLERS)) {
                step.handlers = step.nextHandlers = stored.handlers;
            }
        }
        (uint256 count, uint256 call_, uint256 keyContracts) =
            CaseSigners.requireSigners(institutions, step, signatures);
        uint256 digests = LedgerCalls.signedDigests(keys, contractId, statement, call_, count);
        CaseSigners.requireSigned(verifier, digests, signatures, keyContracts);

        bytes32 digest = LedgerCalls.at(digests);
        _write(step, stored, digest);
        CaseStatements.tell(digest, step.caseId, statement, signatures);
    }

    /// @inheritdoc ICaseRegistry
    function registerTable(
        bytes calldata table,
        uint48 from,
        uint48 until,
        uint64 number,
        uint48 expires,
        bytes calldata signatures
    ) external {
        _requireOpen();
        _shapes.requireWellFormed(table, domain);
        bytes memory copy = table;
        bytes32 digest = keys.sm3(copy);
        if (_terms[digest].index != 0) revert TableRepeated(digest);
        if (from >= until) revert TableDates(from, until);
        _decide(abi.encodePacked(REGISTER_TABLE, digest, from, until), number, expires, signatures);

        uint16 index = ++_tableCount;
        uint8 caseType = uint8(copy[2]);
        _tables[index] = digest;
        _terms[digest] = TableTerms({index: index, caseType: caseType, from: from, until: until});
        for (uint256 i; i < ProcedureTables.countOf(copy); ++i) {
            (uint256 first, uint256 second) = ProcedureTables.entryAt(copy, i);
            uint16 kind = uint16(caseType) << 8 | uint8(first >> 248);
            _entries[ProcedureTables.firstKey(index, kind)] = first.stored(second, i);
            if (second.needsSecond()) _entries[ProcedureTables.secondKey(index, kind)] = second;
        }
        emit TableRegistered(digest, index, from, until, copy);
    }

    /// @inheritdoc ICaseRegistry
    function endTable(bytes32 table, uint48 until, uint64 number, uint48 expires, bytes calldata signatures) external {
        _requireOpen();
        TableTerms storage terms = _terms[table];
        if (terms.index == 0) revert TableUnknown(table);
        if (terms.until != OPEN || until < terms.from || until == OPEN) revert TableDates(terms.from, until);
        _decide(abi.encodePacked(END_TABLE, table, until), number, expires, signatures);
        terms.until = until;
        emit TableEnded(table, until);
    }

    /// @inheritdoc ICaseRegistry
    function close(address successor_, uint64 number, uint48 expires, bytes calldata signatures) external {
        _requireOpen();
        if (successor_ != address(0)) CaseSuccession.requireHeir(successor_);
        _decide(abi.encodePacked(CLOSE, successor_), number, expires, signatures);
        _closed = true;
        // Zero means that there is no successor.
        // slither-disable-next-line missing-zero-check
        _successor = successor_;
        emit RegistryClosed(successor_);
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
        found.table = _tables[progress.tableIndex()];
        found.sequence = progress.sequence();
        found.state = progress.state();
        found.flags = progress.marks();
        found.kindsSeen = progress.kindsSeen();
        found.lastMain = progress.lastMain();
        found.end = progress.end();
        found.tableIndex = progress.tableIndex();
        found.holder = progress.holder();
        found.guestCount = progress.guestCount();
        found.guests = stored.guests.all();
        found.handlers = stored.handlers.all();
        found.quantity = uint64(stored.holding >> 192);
        found.unit = uint16(stored.holding >> 176);
    }

    /// @inheritdoc ICaseRegistry
    function wordsOf(bytes32 caseId) external view returns (bytes32[5] memory words) {
        StoredCase storage stored = _cases[caseId];
        words[0] = stored.head;
        words[1] = bytes32(stored.progress);
        words[2] = bytes32(stored.guests);
        words[3] = bytes32(stored.handlers);
        words[4] = bytes32(stored.holding);
    }

    /// @inheritdoc ICaseRegistry
    function headOf(bytes32 caseId) external view returns (bytes32) {
        return _cases[caseId].head;
    }

    /// @inheritdoc ICaseRegistry
    function hasCase(bytes32 caseId) external view returns (bool) {
        if (_cases[caseId].progress != 0) return true;
        return address(predecessor) != address(0) && predecessor.hasCase(caseId);
    }

    /// @inheritdoc ICaseRegistry
    function splitOf(bytes32 digest) external view returns (uint64 quantity, uint16 unit, uint32 holder, bool used) {
        uint256 split = _splits[digest];
        return (uint64(split >> 192), uint16(split >> 176), uint32(split >> 144), split & USED != 0);
    }

    /// @inheritdoc ICaseRegistry
    function registeredTables() external view returns (bytes32[] memory tables) {
        tables = new bytes32[](_tableCount);
        for (uint256 i; i < tables.length; ++i) {
            tables[i] = _tables[i + 1];
        }
    }

    /// @inheritdoc ICaseRegistry
    function tableOf(uint16 index) external view returns (bytes32) {
        return _tables[index];
    }

    /// @inheritdoc ICaseRegistry
    function termsOf(bytes32 table) external view returns (uint16 index, uint48 from, uint48 until) {
        TableTerms storage terms = _terms[table];
        return (terms.index, terms.from, terms.until);
    }

    /// @inheritdoc ICaseRegistry
    function entryOf(bytes32 table, uint16 kind) external view returns (bytes memory entry, uint8 position) {
        uint16 index = _terms[table].index;
        uint256 first = _entries[ProcedureTables.firstKey(index, kind)];
        if (first == 0 || kind >> 12 != domain) return ("", 0);
        uint256 second = _entries[ProcedureTables.secondKey(index, kind)];
        position = first.position();
        (first, second) = first.unstored(second, uint8(kind));
        entry = abi.encodePacked(first, second);
    }

    /// @inheritdoc ICaseRegistry
    function closed() external view returns (bool) {
        return _closed;
    }

    /// @inheritdoc ICaseRegistry
    function successor() external view returns (address) {
        return _successor;
    }

    /// Uses up the decision on an action of this contract.
    function _decide(bytes memory action, uint64 number, uint48 expires, bytes calldata signatures) private {
        institutions.consumeDecision(action, number, expires, signatures);
    }

    function _requireOpen() private view {
        if (_closed) revert ContractClosed(_successor);
    }

    /// 2. A first statement: `previous` is the table, and the case's number begins with its opener.
    function _setOpening(Step memory step, StoredCase storage stored, bytes calldata statement) private view {
        uint32 prefix = Statements.opener(step.caseId);
        uint32 institution = Statements.institution(step.word);
        if (prefix != institution) revert CasePrefix(institution, prefix);
        _requireNoCase(step, stored, statement);
        if (address(predecessor) != address(0)) {
            CaseSuccession.requireNamed(predecessor);
            if (predecessor.hasCase(step.caseId)) revert CaseExists(step.caseId);
        }
        bytes32 table = statement.at(Statements.PREVIOUS);
        TableTerms memory terms = _terms[table];
        if (terms.index == 0) revert TableUnknown(table);
        step.progress = CaseProgress.start(terms.index);
        _setEntry(step);
        uint48 occurred = Statements.occurred(step.word);
        if (occurred < terms.from || occurred >= terms.until) revert TableNotInForce(table, terms.from, terms.until);
    }

    /// 2. Any other statement: the next one of a case.
    function _setFollowing(Step memory step, StoredCase storage stored, bytes calldata statement) private view {
        uint256 progress = stored.progress;
        if (progress == 0) revert CaseUnknown(step.caseId);
        uint256 expected = uint256(progress.sequence()) + 1;
        if (Statements.sequence(step.word) != expected) {
            _requireNew(statement);
            revert CaseSequence(expected, Statements.sequence(step.word));
        }
        bytes32 previous = statement.at(Statements.PREVIOUS);
        if (previous != stored.head) revert CasePrevious(stored.head, previous);
        step.progress = progress;
        _setEntry(step);
        if (progress.marked(CaseProgress.CLOSED) && !step.entry.has(ProcedureTables.AFTER_CLOSE)) {
            revert CaseClosed(step.caseId);
        }
    }

    /// 2. The statement continues a case of the predecessor: all is checked here but the signature.
    function _requirePredecessor(Step memory step, StoredCase storage stored, bytes calldata statement) private view {
        uint256 word = step.word;
        if (Statements.sequence(word) != 0) {
            revert KindOpening(Statements.kind(word), Statements.sequence(word));
        }
        if (address(predecessor) == address(0)) revert PredecessorMissing();
        CaseSuccession.requireNamed(predecessor);
        _requireNoCase(step, stored, statement);
        CaseSuccession.setContinued(step, predecessor, _terms[statement.at(Statements.PREVIOUS)], statement);
        // An entry of zero has one slot, for the institution's own seal.
    }

    function _requireNoCase(Step memory step, StoredCase storage stored, bytes calldata statement) private view {
        if (stored.progress == 0) return;
        _requireNew(statement);
        revert CaseExists(step.caseId);
    }

    /// A statement that is here already gets that answer, rather than what its repetition would break.
    function _requireNew(bytes calldata statement) private view {
        bytes32 digest = keys.sm3(statement);
        if (_records[digest] != 0) revert AlreadyRecorded(digest);
    }

    function _setEntry(Step memory step) private view {
        uint16 index = step.progress.tableIndex();
        uint16 kind = Statements.kind(step.word);
        uint256 entry = _entries[ProcedureTables.firstKey(index, kind)];
        if (entry == 0) revert KindUnknown(_tables[index], kind);
        if (entry.has(ProcedureTables.LANE_BATCH)) revert KindLane(kind);
        if (entry.has(ProcedureTables.OPENS) != (Statements.sequence(step.word) == 0)) {
            revert KindOpening(kind, Statements.sequence(step.word));
        }
        step.entry = entry;
        if (entry.has(ProcedureTables.HAS_SECOND)) step.second = _entries[ProcedureTables.secondKey(index, kind)];
        step.slots = entry.slots(step.second);
    }

    /// 5. The terms are what the kind's effect asks for.
    function _requireEffect(Step memory step, StoredCase storage stored) private view {
        uint8 effect = step.entry.effect();
        if (effect == ProcedureTables.NO_EFFECT) {
            if (step.terms != 0) revert TermsNotZero(step.terms);
            return;
        }
        uint256 found;
        if (effect >= ProcedureTables.HOLD) {
            found = effect == ProcedureTables.CHILD ? _splits[step.terms] : stored.holding;
        } else if (effect != ProcedureTables.END) {
            found = uint256(_records[step.terms]);
            // A target may be a statement of the predecessor.
            if (found == 0 && effect != ProcedureTables.BASIS && step.progress.marked(CaseProgress.CONTINUED)) {
                found = uint256(predecessor.recordOf(step.terms));
            }
        }
        (step.next, step.changed) = _effects.check(
            CaseEffects.Act({
                word: step.word,
                caseId: step.caseId,
                terms: step.terms,
                entry: step.entry,
                second: step.second,
                progress: step.progress,
                next: step.next
            }),
            found
        );
    }

    function _write(Step memory step, StoredCase storage stored, bytes32 digest) private {
        _records[digest] = bytes32(
            block.timestamp << 208 | block.number << 160 | step.status << 152 | uint256(step.next.tableIndex()) << 136
                | step.position << 128 | Statements.mark(step.caseId)
        );
        stored.head = digest;
        stored.progress = step.next;
        if (step.guests != 0) stored.guests = step.guests;
        if (step.nextHandlers != step.handlers) stored.handlers = step.nextHandlers;
        uint8 effect = step.entry.effect();
        if (effect == ProcedureTables.NO_EFFECT) {
            if (step.position == CaseSuccession.POSITION) stored.holding = step.changed;
        } else if (effect >= ProcedureTables.HOLD) {
            if (effect != ProcedureTables.TRANSFER) stored.holding = step.changed;
            if (effect == ProcedureTables.SPLIT) _splits[digest] = uint256(step.terms);
            else if (effect == ProcedureTables.CHILD) _splits[step.terms] |= USED;
        } else if (step.changed != 0) {
            _records[step.terms] = bytes32(step.changed);
        }
    }
}
