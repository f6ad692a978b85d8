// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Members} from "./Members.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {ISm2Keys} from "./interfaces/ISm2Keys.sol";
import {ISm2Verifier} from "./interfaces/ISm2Verifier.sol";
import {Acts} from "./libraries/Acts.sol";
import {KeyContracts} from "./libraries/KeyContracts.sol";
import {KeyIndexes} from "./libraries/KeyIndexes.sol";
import {KeyRecords} from "./libraries/KeyRecords.sol";
import {SignedMessages} from "./libraries/SignedMessages.sol";

/// @title Institutions
contract Institutions is IInstitutions, Members {
    using KeyContracts for address;
    using KeyIndexes for uint16;
    using KeyRecords for bytes32;
    using SignedMessages for bytes;

    uint8 private constant REMOVED = 3;
    uint8 private constant LAST_FUNCTION = 4;
    uint256 private constant MAX_TERM = 90 days;

    /// @param sm2Verifier deployed before, as is `sm2Keys`; their code hashes are part of what the founders signed.
    /// @param founders ascending by number.
    /// @param signatures r ‖ s of each founder over the founding (SPEC §5.1), in the order of the founders.
    constructor(
        ISm2Verifier sm2Verifier,
        ISm2Keys sm2Keys,
        uint8 decisionThreshold,
        Founder[] memory founders,
        bytes[] memory signatures
    ) Members(sm2Verifier, sm2Keys, decisionThreshold, founders, signatures) {
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
        bytes memory action = Acts.newKey(Acts.RENEW_PRACTITIONER_KEY, newKey, changed.changes);
        _requireAdmitters(changed.institution, signatures, action);
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
        (address key, bytes32 record) = _requireValid(own);
        // A date that was marked before is never made later, or a thief would hide what the key signed meanwhile.
        uint48 marked = record.compromisedSince();
        if (marked != 0 && compromisedSince > marked) revert CompromisedSince(marked, compromisedSince);
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
        _requireRecoveryKey(number, signature, Acts.newKey(Acts.RECOVER, newKey, changed.changes));

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
        _requireKnown(action);
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

    /// Requires an action of this contract, by its first byte and its length.
    function _requireKnown(bytes calldata action) private pure {
        uint8 kind = action.length == 0 ? 0 : uint8(action[0]);
        uint256 length = Acts.lengthOf(kind);
        if (length == 0) revert ActionUnknown(kind);
        if (action.length != length) revert ActionLength(length, action.length);
    }

    /// Does what was decided. Every action but the threshold begins with a member's number.
    function _apply(bytes calldata action, bytes calldata possession) private {
        uint8 kind = uint8(action[0]);
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

    // Founding

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
}
