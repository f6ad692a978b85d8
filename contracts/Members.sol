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

/// @title Members, their keys and the periods of these
/// @dev What `Institutions` keeps, and how it changes; by whose signatures it changes stands there.
abstract contract Members is IInstitutions {
    using KeyContracts for address;
    using KeyIndexes for uint16;
    using KeyRecords for bytes32;
    using SignedMessages for bytes;

    uint8 internal constant ACTIVE = 1;
    uint8 internal constant SUSPENDED = 2;

    uint8 internal constant REGULATOR = 6;
    uint8 internal constant ASSOCIATION = 7;
    uint8 internal constant LAST_ROLE = 9;
    uint8 internal constant LAST_CUSTODY = 3;

    /// Founders have to fit into the deploying transaction, voters into that of a decision.
    uint256 internal constant MAX_SIGNERS = 32;
    /// Stands for an institution's recovery key, and for no key in a reinstatement.
    uint8 internal constant RECOVERY = 255;

    // Storage proofs rely on the first two slots (SPEC §5.3).
    mapping(bytes32 z => mapping(uint256 keyIndex => bytes32 record)) internal _records;
    mapping(bytes32 z => mapping(uint256 keyIndex => bytes32 root)) private _identityRoots;
    mapping(uint32 number => mapping(uint256 keyIndex => address key)) internal _keys;
    mapping(uint32 number => Member) internal _members;
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

    /// @dev Parameters as of `Institutions`.
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

    // Members and keys

    /// Registers a key that proves its possession, under the holder's next index.
    function _register(Member memory holder, NewKey memory newKey, bytes calldata possession)
        internal
        returns (uint8 keyIndex)
    {
        keyIndex = holder.keyCount;
        _requirePossession(_openKey(holder, newKey, possession), newKey, keyIndex, possession);
    }

    /// Registers a key that was never registered before and starts its first period.
    function _openKey(Member memory holder, NewKey memory newKey, bytes memory possession)
        internal
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
    function _create(uint32 holder, uint256 x, uint256 y) internal returns (bytes32 z, address key) {
        (z, key) = keys.create(x, y);
        if (holderOf[z] != 0) revert KeyInUse(z);
        holderOf[z] = holder;
    }

    /// Starts a period under the holder's next index, valid from this block.
    function _start(Member memory holder, address key, NewKey memory newKey, bytes memory possession) internal {
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
    function _suspend(uint32 number, Member memory changed) internal returns (uint16 open) {
        open = changed.openKeys;
        (changed.status, changed.openKeys, changed.suspendedKeys) = (SUSPENDED, 0, open);
        ++changed.changes;
        _store(number, changed);
    }

    /// Ends a suspension; the caller restarts the key, if one was named, which is one that the suspension ended.
    function _reinstate(uint32 number, Member memory changed, uint8 keyIndex) internal {
        if (keyIndex != RECOVERY && !changed.suspendedKeys.contains(keyIndex)) {
            revert PeriodNotSuspended(number, keyIndex);
        }
        (changed.status, changed.suspendedKeys) = (ACTIVE, 0);
        ++changed.changes;
        _store(number, changed);
    }

    /// Starts a new period of a key that ended.
    function _restart(uint32 number, Member memory changed, uint8 keyIndex) internal {
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
    function _endAll(uint32 number, uint16 indexes, uint8 by) internal {
        uint8 keyIndex;
        while (indexes != 0) {
            (keyIndex, indexes) = indexes.pop();
            _end(number, keyIndex, by, "");
        }
    }

    function _end(uint32 number, uint8 keyIndex, uint8 by, bytes memory signature) internal {
        bytes32 z = _keys[number][keyIndex].z();
        _records[z][keyIndex] = _records[z][keyIndex].ended(by);
        emit KeyEnded(number, z, keyIndex, uint48(block.timestamp), by, signature);
    }

    function _mark(uint32 number, uint8 keyIndex, uint48 since) internal {
        bytes32 z = _keys[number][keyIndex].z();
        _records[z][keyIndex] = _records[z][keyIndex].compromised(since);
        emit KeyCompromised(number, z, keyIndex, since);
    }

    /// Writes a member and keeps count of the active voters.
    function _store(uint32 number, Member memory changed) internal {
        bool before = _isActiveVoter(_members[number]);
        bool after_ = _isActiveVoter(changed);
        _members[number] = changed;
        if (after_ && !before) ++activeVoters;
        if (before && !after_) --activeVoters;
    }

    function _isActiveVoter(Member memory candidate) internal pure returns (bool) {
        return candidate.voter && candidate.status == ACTIVE && candidate.openKeys != 0;
    }

    function _practitioner(uint32 number, uint8 status) internal view returns (Member memory found) {
        if (!SignedMessages.isPractitioner(number)) revert PractitionerNumber(number);
        found = _members[number];
        if (found.status == 0) revert MemberUnknown(number);
        _requireStatus(number, found, status);
    }

    function _institution(uint32 number) internal view returns (Member memory found) {
        if (!SignedMessages.isInstitution(number)) revert InstitutionNumber(number);
        found = _members[number];
        if (found.status == 0) revert MemberUnknown(number);
    }

    function _requireStatus(uint32 number, Member memory of_, uint8 status) internal pure {
        if (of_.status != status) revert MemberStatus(number, of_.status);
    }

    function _requireRole(uint8 role) internal pure {
        if (role == 0 || role > LAST_ROLE) revert RoleUnknown(role);
    }

    // Signatures

    /// Requires `action` signed by the institution and by a regulator or association, in the order of their numbers.
    function _requireAdmitters(uint32 institution, bytes calldata signatures, bytes memory action) internal view {
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
    function _requireRecoveryKey(uint32 number, bytes calldata signature, bytes memory action) internal view {
        address key = _keys[number][RECOVERY];
        if (key == address(0)) revert RecoveryKeyMissing(number);
        SignedMessages.Signature memory own = signature.onlyBy(number);
        if (own.keyIndex != RECOVERY) revert KeyIndexUnexpected(RECOVERY, own.keyIndex);
        _requireSigned(key, own, _decided(1, keys.sm3(action)));
    }

    function _requirePossession(address key, NewKey memory newKey, uint8 keyIndex, bytes calldata possession)
        internal
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
        internal
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
    ) internal view {
        bytes32 e = keys.sm3(SignedMessages.signedBytes(key.z(), signature, subject));
        if (!verifier.verifyWithKey(e, signature.r, signature.s, key)) {
            revert SignedMessages.SignatureInvalid(signature.signer, signature.keyIndex);
        }
    }

    function _decided(uint8 count, bytes32 digest) internal view returns (SignedMessages.Subject memory) {
        return SignedMessages.Subject({
            tag: SignedMessages.TAG_DECISION, count: count, contractId: contractId, digest: digest
        });
    }
}
