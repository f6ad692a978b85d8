// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {ISm2Keys} from "./interfaces/ISm2Keys.sol";
import {ISm2Verifier} from "./interfaces/ISm2Verifier.sol";
import {Acts} from "./libraries/Acts.sol";
import {KeyContracts} from "./libraries/KeyContracts.sol";
import {KeyIndexes} from "./libraries/KeyIndexes.sol";
import {KeyRecords} from "./libraries/KeyRecords.sol";
import {SignedMessages} from "./libraries/SignedMessages.sol";

/// @title Institutions
contract Institutions is IInstitutions {
    using KeyContracts for address;
    using KeyIndexes for uint16;
    using KeyRecords for bytes32;
    using SignedMessages for bytes;

    uint8 private constant ACTIVE = 1;
    uint8 private constant SUSPENDED = 2;
    uint8 private constant REMOVED = 3;

    uint8 private constant REGULATOR = 6;
    uint8 private constant ASSOCIATION = 7;
    uint8 private constant LAST_ROLE = 9;
    uint8 private constant LAST_FUNCTION = 4;
    uint8 private constant LAST_CUSTODY = 3;

    /// Founders have to fit into the deploying transaction, voters into that of a decision.
    uint256 private constant MAX_SIGNERS = 32;
    uint256 private constant MAX_TERM = 90 days;
    /// Stands for an institution's recovery key, and for no key in a reinstatement.
    uint8 private constant RECOVERY = 255;

    // Storage proofs rely on the first two slots (SPEC §5.3).
    mapping(bytes32 z => mapping(uint256 keyIndex => bytes32 record)) private _records;
    mapping(bytes32 z => mapping(uint256 keyIndex => bytes32 root)) private _identityRoots;
    mapping(uint32 number => mapping(uint256 keyIndex => address key)) private _keys;
    mapping(uint32 number => Member) private _members;
    /// @inheritdoc IInstitutions
    mapping(bytes32 z => uint32 number) public holderOf;
    /// @inheritdoc IInstitutions
    uint64 public decisions;
    /// @inheritdoc IInstitutions
    uint32 public activeVoters;
    /// @inheritdoc IInstitutions
    uint8 public threshold;

    /// @inheritdoc IInstitutions
    ISm2Verifier public immutable verifier;
    /// @inheritdoc IInstitutions
    ISm2Keys public immutable keys;
    /// @inheritdoc IInstitutions
    bytes32 public immutable foundingDigest;
    /// @inheritdoc IInstitutions
    bytes32 public immutable contractId;

    /// @param sm2Verifier deployed before, as is `sm2Keys`; their code hashes are part of what the founders signed.
    /// @param founders ascending by number.
    /// @param signatures r ‖ s of each founder over the founding (SPEC §5.1), in the order of the founders.
    constructor(
        ISm2Verifier sm2Verifier,
        ISm2Keys sm2Keys,
        uint8 decisionThreshold,
        Founder[] memory founders,
        bytes[] memory signatures
    ) {
        if (founders.length > MAX_SIGNERS) revert FounderCount(MAX_SIGNERS, founders.length);
        uint256 most = founders.length == 0 ? 0 : founders.length - 1;
        if (decisionThreshold == 0 || decisionThreshold > most) revert ThresholdRange(most, decisionThreshold);
        if (signatures.length != founders.length) {
            revert SignedMessages.SignatureCount(founders.length, signatures.length);
        }
        if (address(sm2Verifier).code.length == 0) revert VerifierWithoutCode(address(sm2Verifier));
        if (address(sm2Keys).code.length == 0) revert KeysWithoutCode(address(sm2Keys));
        verifier = sm2Verifier;
        keys = sm2Keys;
        threshold = decisionThreshold;

        bytes memory founding =
            Acts.founding(decisionThreshold, address(sm2Verifier).codehash, address(sm2Keys).codehash, founders);
        foundingDigest = sm2Keys.sm3(founding);
        contractId = sm2Keys.sm3(SignedMessages.contractIdBytes(address(this), foundingDigest));
        emit LedgerFounded(foundingDigest, contractId, founding, signatures);

        SignedMessages.Subject memory subject = _decided(uint8(founders.length), foundingDigest);
        uint32 previous;
        for (uint256 i; i < founders.length; ++i) {
            uint32 number = founders[i].number;
            if (!SignedMessages.isInstitution(number)) revert InstitutionNumber(number);
            if (number <= previous) revert FounderOrder(previous, number);
            previous = number;
            _found(founders[i], signatures[i], subject);
        }
    }

    // What institutions, regulators and keys do by themselves

    /// @inheritdoc IInstitutions
    function admitPractitioner(Admission calldata admission, bytes calldata signatures, bytes calldata possession)
        external
    {
        uint32 number = admission.number;
        if (!SignedMessages.isPractitioner(number)) revert PractitionerNumber(number);
        if (!SignedMessages.isInstitution(admission.institution)) revert InstitutionNumber(admission.institution);
        if (admission.practitionerFunction == 0 || admission.practitionerFunction > LAST_FUNCTION) {
            revert FunctionUnknown(admission.practitionerFunction);
        }
        if (_members[number].status != 0) revert MemberExists(number);
        _requireAdmitters(admission.institution, signatures, Acts.admission(admission));

        Member memory changed;
        changed.institution = admission.institution;
        changed.role = admission.practitionerFunction;
        changed.status = ACTIVE;
        _register(
            changed, NewKey(number, admission.custody, admission.x, admission.y, admission.identityRoot), possession
        );
        emit PractitionerAdmitted(number, admission.institution, admission.practitionerFunction, signatures);
    }

    /// @inheritdoc IInstitutions
    function renewPractitionerKey(NewKey calldata newKey, bytes calldata signatures, bytes calldata possession)
        external
    {
        Member memory changed = _practitioner(newKey.number, ACTIVE);
        _requireAdmitters(changed.institution, signatures, Acts.newKey(Acts.RENEW_PRACTITIONER_KEY, newKey));
        uint8 keyIndex = _register(changed, newKey, possession);
        emit PractitionerKeyRenewed(newKey.number, keyIndex, signatures);
    }

    /// @inheritdoc IInstitutions
    function suspendPractitioner(uint32 number, bytes calldata signature) external {
        Member memory changed = _practitioner(number, ACTIVE);
        SignedMessages.Signature memory signed = signature.only();
        (address key, bytes32 record) = _requireValid(signed);
        // Functions of practitioners end below the role of a regulator, so none of them passes for one.
        if (signed.signer != changed.institution && record.role() != REGULATOR) {
            revert RegulatorMissing(signed.signer, record.role());
        }
        bytes memory action = abi.encodePacked(Acts.SUSPEND_PRACTITIONER, number, changed.changes);
        _requireSigned(key, signed, _decided(1, keys.sm3(action)));

        uint16 open = _suspend(number, changed);
        emit PractitionerSuspended(number, changed.changes - 1, signature);
        _endAll(number, open, KeyRecords.SUSPENDED);
    }

    /// @inheritdoc IInstitutions
    function reinstatePractitioner(uint32 number, uint8 keyIndex, bytes calldata signatures) external {
        Member memory changed = _practitioner(number, SUSPENDED);
        _requireAdmitters(
            changed.institution,
            signatures,
            abi.encodePacked(Acts.REINSTATE_PRACTITIONER, number, changed.changes, keyIndex)
        );
        _reinstate(number, changed, keyIndex);
        emit PractitionerReinstated(number, changed.changes - 1, keyIndex, signatures);
        _restart(number, changed, keyIndex);
    }

    /// @inheritdoc IInstitutions
    function revokeKey(uint32 number, uint8 keyIndex, uint48 compromisedSince, bytes calldata signature) external {
        SignedMessages.Signature memory own = signature.onlyBy(number);
        if (own.keyIndex != keyIndex) revert KeyIndexUnexpected(keyIndex, own.keyIndex);
        if (compromisedSince > block.timestamp) revert CompromisedSince(block.timestamp, compromisedSince);
        (address key,) = _requireValid(own);
        bytes memory action = abi.encodePacked(Acts.REVOKE_KEY, number, keyIndex, compromisedSince);
        _requireSigned(key, own, _decided(1, keys.sm3(action)));

        Member memory changed = _members[number];
        changed.openKeys = changed.openKeys.remove(keyIndex);
        _store(number, changed);
        // Before the end, so that whoever replays the events knows what was signed when the end comes.
        if (compromisedSince != 0) _mark(number, keyIndex, compromisedSince);
        _end(number, keyIndex, KeyRecords.REVOKED, signature);
    }

    /// @inheritdoc IInstitutions
    function recover(NewKey calldata newKey, bytes calldata signature, bytes calldata possession) external {
        uint32 number = newKey.number;
        Member memory changed = _institution(number);
        _requireStatus(number, changed, ACTIVE);
        _requireRecoveryKey(number, signature, Acts.newKey(Acts.RECOVER, newKey));

        delete _keys[number][RECOVERY];
        _endAll(number, changed.openKeys, KeyRecords.RECOVERED);
        changed.openKeys = 0;
        uint8 keyIndex = _register(changed, newKey, possession);
        emit InstitutionRecovered(number, keyIndex, signature);
    }

    /// @inheritdoc IInstitutions
    function addTable(uint32 number, uint8 keyIndex) external {
        address key = _keys[number][keyIndex];
        if (key == address(0)) revert KeyRecords.KeyUnknown(number, keyIndex);
        if (key.hasTable()) revert KeyTablePresent(number, keyIndex);
        (uint256 x, uint256 y) = key.point();
        (, key) = keys.createWithTable(x, y);
        _keys[number][keyIndex] = key;
        emit KeyTableAdded(number, keyIndex, key);
    }

    // What members decide together

    /// @inheritdoc IInstitutions
    function execute(
        bytes calldata action,
        uint64 number,
        uint48 expires,
        bytes calldata signatures,
        bytes calldata possession
    ) external {
        uint32 votersBefore = activeVoters;
        uint8 thresholdBefore = threshold;
        _consume(address(this), action, number, expires, signatures);
        _apply(action, possession);
        // What is decided keeps decisions possible, even if one voter more is lost.
        if ((activeVoters < votersBefore || threshold > thresholdBefore) && activeVoters <= threshold) {
            revert VotersTooFew(uint256(threshold) + 1, activeVoters);
        }
    }

    /// @inheritdoc IInstitutions
    function consumeDecision(bytes calldata action, uint64 number, uint48 expires, bytes calldata signatures) external {
        _consume(msg.sender, action, number, expires, signatures);
    }

    // What others read

    /// @inheritdoc IInstitutions
    function keyOf(uint32 number, uint8 keyIndex)
        external
        view
        returns (bytes32 z, address key, bytes32 record, bool institutionActive)
    {
        key = _keys[number][keyIndex];
        z = key.z();
        record = _records[z][keyIndex];
        if (record == 0) return (0, address(0), 0, false);
        // An institution has an open key only while it is active, which saves reading its status.
        institutionActive =
            record.institution() == number && record.isOpen() || _members[record.institution()].status == ACTIVE;
    }

    /// @inheritdoc IInstitutions
    function keyAt(uint32 number, uint8 keyIndex)
        external
        view
        returns (bytes32 z, uint256 x, uint256 y, bytes32 record)
    {
        address key = _keys[number][keyIndex];
        z = key.z();
        (x, y) = key.point();
        record = _records[z][keyIndex];
    }

    /// @inheritdoc IInstitutions
    function keyRecord(bytes32 z, uint8 keyIndex) external view returns (bytes32) {
        return _records[z][keyIndex];
    }

    /// @inheritdoc IInstitutions
    function identityRoot(bytes32 z, uint8 keyIndex) external view returns (bytes32) {
        return _identityRoots[z][keyIndex];
    }

    /// @inheritdoc IInstitutions
    function member(uint32 number) external view returns (Member memory) {
        return _members[number];
    }

    // Decisions

    /// Uses up the next decision, which names the executor and is signed by enough active voters.
    function _consume(address executor, bytes calldata action, uint64 number, uint48 expires, bytes calldata signatures)
        private
    {
        if (number != decisions + 1) revert DecisionNumber(decisions + 1, number);
        if (block.timestamp > expires) revert DecisionExpired(expires, block.timestamp);
        if (expires > block.timestamp + MAX_TERM) revert DecisionTooLong(block.timestamp + MAX_TERM, expires);
        uint256 count = signatures.length / SignedMessages.SIZE;
        if (count < threshold) revert DecisionSignatures(threshold, count);
        signatures.requireCount(count > MAX_SIGNERS ? MAX_SIGNERS : count);

        bytes32 executorId =
            executor == address(this) ? contractId : keys.sm3(SignedMessages.contractIdBytes(executor, foundingDigest));
        bytes32 digest = keys.sm3(abi.encodePacked(Acts.DECISION, number, expires, executorId, action));
        _requireVoters(signatures, _decided(uint8(count), digest));

        decisions = number;
        emit DecisionExecuted(number, executor, digest, expires, action, signatures);
    }

    function _requireVoters(bytes calldata signatures, SignedMessages.Subject memory subject) private view {
        uint32 previous;
        for (uint256 i; i < subject.count; ++i) {
            SignedMessages.Signature memory signed = signatures.at(i);
            if (signed.signer <= previous) revert SignedMessages.SignatureOrder(previous, signed.signer);
            SignedMessages.requireNoRole(signed);
            Member storage voter = _members[signed.signer];
            if (!voter.voter || voter.status != ACTIVE) revert VoterUnknown(signed.signer);
            (address key,) = _requireValid(signed);
            _requireSigned(key, signed, subject);
            previous = signed.signer;
        }
    }

    /// Does what was decided. Every action but the threshold begins with a member's number.
    function _apply(bytes calldata action, bytes calldata possession) private {
        uint8 kind = action.length == 0 ? 0 : uint8(action[0]);
        uint256 length = Acts.lengthOf(kind);
        if (length == 0) revert ActionUnknown(kind);
        if (action.length != length) revert ActionLength(length, action.length);
        if (kind == Acts.ADMIT_INSTITUTION) return _admitInstitution(action, possession);
        if (kind == Acts.RENEW_INSTITUTION_KEY) return _renewInstitutionKey(action, possession);
        if (kind == Acts.REGISTER_RECOVERY_KEY) return _registerRecoveryKey(action, possession);

        possession.requireCount(0);
        if (kind == Acts.CHANGE_THRESHOLD) return _changeThreshold(uint8(action[1]));
        uint32 number = Acts.numberIn(action);
        if (kind == Acts.MARK_COMPROMISED) {
            return _markByDecision(number, uint8(action[5]), uint48(bytes6(action[6:12])));
        }
        Member memory changed = _institution(number);
        if (kind == Acts.SUSPEND_INSTITUTION) {
            _requireStatus(number, changed, ACTIVE);
            uint16 open = _suspend(number, changed);
            emit InstitutionSuspended(number);
            _endAll(number, open, KeyRecords.SUSPENDED);
        } else if (kind == Acts.REINSTATE_INSTITUTION) {
            _requireStatus(number, changed, SUSPENDED);
            _reinstate(number, changed, uint8(action[5]));
            emit InstitutionReinstated(number, uint8(action[5]));
            _restart(number, changed, uint8(action[5]));
        } else {
            if (changed.status == REMOVED) revert MemberStatus(number, REMOVED);
            uint16 open = changed.openKeys;
            (changed.status, changed.openKeys) = (REMOVED, 0);
            _store(number, changed);
            emit InstitutionRemoved(number);
            _endAll(number, open, KeyRecords.REMOVED);
        }
    }

    function _admitInstitution(bytes calldata action, bytes calldata possession) private {
        NewKey memory newKey = Acts.newKeyIn(action, 7);
        Member memory changed;
        changed.institution = newKey.number;
        changed.role = uint8(action[5]);
        changed.status = ACTIVE;
        uint8 voter = uint8(action[6]);
        if (!SignedMessages.isInstitution(newKey.number)) revert InstitutionNumber(newKey.number);
        _requireRole(changed.role);
        if (voter > 1) revert VoterFlag(voter);
        if (_members[newKey.number].status != 0) revert MemberExists(newKey.number);
        changed.voter = voter == 1;
        _register(changed, newKey, possession);
        emit InstitutionAdmitted(newKey.number, changed.role, changed.voter);
    }

    function _renewInstitutionKey(bytes calldata action, bytes calldata possession) private {
        NewKey memory newKey = Acts.newKeyIn(action, 5);
        Member memory changed = _institution(newKey.number);
        _requireStatus(newKey.number, changed, ACTIVE);
        uint8 keyIndex = _register(changed, newKey, possession);
        emit InstitutionKeyRenewed(newKey.number, keyIndex);
    }

    function _registerRecoveryKey(bytes calldata action, bytes calldata possession) private {
        uint32 number = Acts.numberIn(action);
        uint256 x = uint256(bytes32(action[5:37]));
        uint256 y = uint256(bytes32(action[37:69]));
        _requireStatus(number, _institution(number), ACTIVE);
        (bytes32 z, address key) = _create(number, x, y);
        _requirePossession(key, NewKey(number, 0, x, y, 0), RECOVERY, possession);
        _keys[number][RECOVERY] = key;
        emit RecoveryKeyRegistered(number, z, x, y, possession);
    }

    function _changeThreshold(uint8 changed) private {
        if (changed == 0 || changed > MAX_SIGNERS) revert ThresholdRange(MAX_SIGNERS, changed);
        threshold = changed;
        emit ThresholdChanged(changed);
    }

    function _markByDecision(uint32 number, uint8 keyIndex, uint48 since) private {
        if (since == 0 || since > block.timestamp) revert CompromisedSince(block.timestamp, since);
        if (_records[_keys[number][keyIndex].z()][keyIndex] == 0) revert KeyRecords.KeyUnknown(number, keyIndex);
        _mark(number, keyIndex, since);
    }

    // Members and keys

    /// Checks a founder, registers number and key, and requires the founder's signature.
    function _found(Founder memory founder, bytes memory signature, SignedMessages.Subject memory subject) private {
        _requireRole(founder.role);
        if (signature.length != 64) revert SignedMessages.SignatureLength(64, signature.length);
        Member memory changed;
        changed.institution = founder.number;
        changed.role = founder.role;
        changed.status = ACTIVE;
        changed.voter = true;
        address key =
            _openKey(changed, NewKey(founder.number, founder.custody, founder.x, founder.y, founder.identityRoot), "");
        emit InstitutionFounded(founder.number, founder.role);

        SignedMessages.Signature memory own;
        own.signer = founder.number;
        (own.r, own.s) = abi.decode(signature, (uint256, uint256));
        _requireSigned(key, own, subject);
    }

    /// Registers a key that proves its possession, under the holder's next index.
    function _register(Member memory holder, NewKey memory newKey, bytes calldata possession)
        private
        returns (uint8 keyIndex)
    {
        keyIndex = holder.keyCount;
        _requirePossession(_openKey(holder, newKey, possession), newKey, keyIndex, possession);
    }

    /// Registers a key that was never registered before and starts its first period.
    function _openKey(Member memory holder, NewKey memory newKey, bytes memory possession)
        private
        returns (address key)
    {
        if (newKey.custody == 0 || newKey.custody > LAST_CUSTODY) {
            revert CustodyUnknown(newKey.custody);
        }
        if (newKey.identityRoot == 0) revert IdentityRootMissing(newKey.number);
        (, key) = _create(newKey.number, newKey.x, newKey.y);
        _start(holder, key, newKey, possession);
    }

    /// Creates the key contract of a key that nobody ever had.
    function _create(uint32 holder, uint256 x, uint256 y) private returns (bytes32 z, address key) {
        (z, key) = keys.create(x, y);
        if (holderOf[z] != 0) revert KeyInUse(z);
        holderOf[z] = holder;
    }

    /// Starts a period under the holder's next index, valid from this block.
    function _start(Member memory holder, address key, NewKey memory newKey, bytes memory possession) private {
        uint8 keyIndex = holder.keyCount;
        if (keyIndex == RECOVERY) revert KeyIndexUnexpected(RECOVERY - 1, keyIndex);
        if (holder.openKeys.isFull()) revert KeysOpen(newKey.number);
        holder.keyCount = keyIndex + 1;
        holder.openKeys = holder.openKeys.add(keyIndex);
        _store(newKey.number, holder);

        bytes32 z = key.z();
        _keys[newKey.number][keyIndex] = key;
        _records[z][keyIndex] =
            KeyRecords.open(newKey.number, holder.institution, holder.role, keyIndex, newKey.custody);
        _identityRoots[z][keyIndex] = newKey.identityRoot;
        emit KeyRegistered(
            newKey.number,
            z,
            keyIndex,
            newKey.x,
            newKey.y,
            newKey.custody,
            uint48(block.timestamp),
            newKey.identityRoot,
            possession
        );
    }

    /// Suspends a member; the caller ends the keys that are `open`.
    function _suspend(uint32 number, Member memory changed) private returns (uint16 open) {
        open = changed.openKeys;
        (changed.status, changed.openKeys, changed.suspendedKeys) = (SUSPENDED, 0, open);
        ++changed.changes;
        _store(number, changed);
    }

    /// Ends a suspension; the caller restarts the key, if one was named, which is one that the suspension ended.
    function _reinstate(uint32 number, Member memory changed, uint8 keyIndex) private {
        if (keyIndex != RECOVERY && !changed.suspendedKeys.contains(keyIndex)) {
            revert PeriodNotSuspended(number, keyIndex);
        }
        (changed.status, changed.suspendedKeys) = (ACTIVE, 0);
        ++changed.changes;
        _store(number, changed);
    }

    /// Starts a new period of a key that ended.
    function _restart(uint32 number, Member memory changed, uint8 keyIndex) private {
        if (keyIndex == RECOVERY) return;
        address key = _keys[number][keyIndex];
        bytes32 z = key.z();
        bytes32 record = _records[z][keyIndex];
        uint8 next = changed.keyCount;
        NewKey memory again;
        (again.number, again.custody) = (number, record.custody());
        (again.x, again.y) = key.point();
        again.identityRoot = _identityRoots[z][keyIndex];
        _start(changed, key, again, "");
        if (record.compromisedSince() != 0) _mark(number, next, record.compromisedSince());
    }

    /// Ends the keys of a set of indexes; the caller stores the member.
    function _endAll(uint32 number, uint16 indexes, uint8 by) private {
        uint8 keyIndex;
        while (indexes != 0) {
            (keyIndex, indexes) = indexes.pop();
            _end(number, keyIndex, by, "");
        }
    }

    function _end(uint32 number, uint8 keyIndex, uint8 by, bytes memory signature) private {
        bytes32 z = _keys[number][keyIndex].z();
        _records[z][keyIndex] = _records[z][keyIndex].ended(by);
        emit KeyEnded(number, z, keyIndex, uint48(block.timestamp), by, signature);
    }

    function _mark(uint32 number, uint8 keyIndex, uint48 since) private {
        bytes32 z = _keys[number][keyIndex].z();
        _records[z][keyIndex] = _records[z][keyIndex].compromised(since);
        emit KeyCompromised(number, z, keyIndex, since);
    }

    /// Writes a member and keeps count of the active voters.
    function _store(uint32 number, Member memory changed) private {
        bool before = _isActiveVoter(_members[number]);
        bool after_ = _isActiveVoter(changed);
        _members[number] = changed;
        if (after_ && !before) ++activeVoters;
        if (before && !after_) --activeVoters;
    }

    function _isActiveVoter(Member memory candidate) private pure returns (bool) {
        return candidate.voter && candidate.status == ACTIVE && candidate.openKeys != 0;
    }

    function _practitioner(uint32 number, uint8 status) private view returns (Member memory found) {
        if (!SignedMessages.isPractitioner(number)) revert PractitionerNumber(number);
        found = _members[number];
        if (found.status == 0) revert MemberUnknown(number);
        _requireStatus(number, found, status);
    }

    function _institution(uint32 number) private view returns (Member memory found) {
        if (!SignedMessages.isInstitution(number)) revert InstitutionNumber(number);
        found = _members[number];
        if (found.status == 0) revert MemberUnknown(number);
    }

    function _requireStatus(uint32 number, Member memory of_, uint8 status) private pure {
        if (of_.status != status) revert MemberStatus(number, of_.status);
    }

    function _requireRole(uint8 role) private pure {
        if (role == 0 || role > LAST_ROLE) revert RoleUnknown(role);
    }

    // Signatures

    /// Requires `action` signed by the institution and by a regulator or association, in the order of their numbers.
    function _requireAdmitters(uint32 institution, bytes calldata signatures, bytes memory action) private view {
        signatures.requireCount(2);
        SignedMessages.Signature memory first = signatures.at(0);
        SignedMessages.Signature memory second = signatures.at(1);
        if (second.signer <= first.signer) revert SignedMessages.SignatureOrder(first.signer, second.signer);
        SignedMessages.requireNoRole(first);
        SignedMessages.requireNoRole(second);
        if (first.signer != institution && second.signer != institution) {
            revert AdmittingInstitution(institution, first.signer, second.signer);
        }
        (address firstKey, bytes32 firstRecord) = _requireValid(first);
        (address secondKey, bytes32 secondRecord) = _requireValid(second);
        (uint32 other, uint8 role) =
            first.signer == institution ? (second.signer, secondRecord.role()) : (first.signer, firstRecord.role());
        // Functions of practitioners end below these roles.
        if (role != REGULATOR && role != ASSOCIATION) revert RegulatorMissing(other, role);

        SignedMessages.Subject memory subject = _decided(2, keys.sm3(action));
        _requireSigned(firstKey, first, subject);
        _requireSigned(secondKey, second, subject);
    }

    /// Requires `action` signed by the recovery key of an institution.
    function _requireRecoveryKey(uint32 number, bytes calldata signature, bytes memory action) private view {
        address key = _keys[number][RECOVERY];
        if (key == address(0)) revert RecoveryKeyMissing(number);
        SignedMessages.Signature memory own = signature.onlyBy(number);
        if (own.keyIndex != RECOVERY) revert KeyIndexUnexpected(RECOVERY, own.keyIndex);
        _requireSigned(key, own, _decided(1, keys.sm3(action)));
    }

    function _requirePossession(address key, NewKey memory newKey, uint8 keyIndex, bytes calldata possession)
        private
        view
    {
        SignedMessages.Signature memory own = possession.onlyBy(newKey.number);
        if (own.keyIndex != keyIndex) revert KeyIndexUnexpected(keyIndex, own.keyIndex);
        SignedMessages.Subject memory subject =
            _decided(1, keys.sm3(abi.encodePacked(newKey.number, newKey.x, newKey.y, newKey.custody)));
        subject.tag = SignedMessages.TAG_POSSESSION;
        _requireSigned(key, own, subject);
    }

    function _requireValid(SignedMessages.Signature memory signature)
        private
        view
        returns (address key, bytes32 record)
    {
        key = _keys[signature.signer][signature.keyIndex];
        record = _records[key.z()][signature.keyIndex];
        record.requireValid(signature.signer, signature.keyIndex);
    }

    function _requireSigned(
        address key,
        SignedMessages.Signature memory signature,
        SignedMessages.Subject memory subject
    ) private view {
        bytes32 e = keys.sm3(SignedMessages.signedBytes(key.z(), signature, subject));
        if (!verifier.verifyWithKey(e, signature.r, signature.s, key)) {
            revert SignedMessages.SignatureInvalid(signature.signer, signature.keyIndex);
        }
    }

    function _decided(uint8 count, bytes32 digest) private view returns (SignedMessages.Subject memory) {
        return SignedMessages.Subject({
            tag: SignedMessages.TAG_DECISION, count: count, contractId: contractId, digest: digest
        });
    }
}
