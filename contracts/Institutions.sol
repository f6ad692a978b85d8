// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {ISm2Verifier} from "./interfaces/ISm2Verifier.sol";
import {KeyRecords} from "./libraries/KeyRecords.sol";
import {SignedMessages} from "./libraries/SignedMessages.sol";
import {Sm3} from "./libraries/Sm3.sol";

/// @title Institutions
contract Institutions is IInstitutions {
    using KeyRecords for bytes32;
    using SignedMessages for bytes;

    uint8 private constant ACTIVE = 1;
    uint8 private constant SUSPENDED = 2;

    uint8 private constant REGULATOR = 6;
    uint8 private constant LAST_ROLE = 9;
    uint8 private constant LAST_FUNCTION = 3;
    uint8 private constant LAST_CUSTODY = 3;

    /// Founders have to fit into the deploying transaction's code.
    uint256 private constant MAX_FOUNDERS = 32;

    uint8 private constant ADMIT = 1;
    uint8 private constant REVOKE = 2;
    uint8 private constant SUSPEND = 3;

    // Storage proofs rely on the first two slots (SPEC §5.3).
    mapping(bytes32 z => bytes32 record) private _records;
    mapping(bytes32 z => bytes32 root) private _identityRoots;
    mapping(uint32 number => mapping(uint8 keyIndex => SignedMessages.Key)) private _keys;
    mapping(uint32 number => Member) private _members;

    /// @inheritdoc IInstitutions
    ISm2Verifier public immutable verifier;
    /// @inheritdoc IInstitutions
    bytes32 public immutable foundingDigest;
    /// @inheritdoc IInstitutions
    bytes32 public immutable contractId;
    /// @inheritdoc IInstitutions
    uint8 public immutable threshold;

    /// @param sm2Verifier deployed before; its code hash is part of what the founders signed.
    /// @param founders ascending by number.
    /// @param signatures r ‖ s of each founder over the founding (SPEC §5.1), in the order of the founders.
    constructor(
        ISm2Verifier sm2Verifier,
        uint8 decisionThreshold,
        Founder[] memory founders,
        bytes[] memory signatures
    ) {
        if (founders.length > MAX_FOUNDERS) {
            revert FounderCount(MAX_FOUNDERS, founders.length);
        }
        if (decisionThreshold == 0 || decisionThreshold > founders.length) {
            revert ThresholdRange(founders.length, decisionThreshold);
        }
        if (signatures.length != founders.length) {
            revert SignedMessages.SignatureCount(founders.length, signatures.length);
        }
        if (address(sm2Verifier).code.length == 0) revert VerifierWithoutCode(address(sm2Verifier));
        verifier = sm2Verifier;
        threshold = decisionThreshold;

        bytes memory founding = _foundingBytes(decisionThreshold, address(sm2Verifier).codehash, founders);
        foundingDigest = Sm3.hash(founding);
        contractId = SignedMessages.contractIdHere(foundingDigest);
        emit LedgerFounded(foundingDigest, contractId, founding, signatures);

        SignedMessages.Subject memory subject = SignedMessages.Subject({
            tag: SignedMessages.TAG_DECISION,
            count: uint8(founders.length),
            contractId: contractId,
            digest: foundingDigest
        });
        for (uint256 i; i < founders.length; ++i) {
            _found(founders[i], signatures[i], subject);
        }
    }

    /// @inheritdoc IInstitutions
    function admitPractitioner(Admission calldata admission, bytes calldata signatures, bytes calldata possession)
        external
    {
        if (!SignedMessages.isPractitioner(admission.number)) revert PractitionerNumber(admission.number);
        if (!SignedMessages.isInstitution(admission.institution)) revert InstitutionNumber(admission.institution);
        if (admission.practitionerFunction == 0 || admission.practitionerFunction > LAST_FUNCTION) {
            revert FunctionUnknown(admission.practitionerFunction);
        }
        if (_members[admission.number].status != 0) revert MemberExists(admission.number);

        signatures.requireCount(2);
        SignedMessages.Signature memory first = signatures.at(0);
        SignedMessages.Signature memory second = signatures.at(1);
        SignedMessages.Signature memory own = possession.only(admission.number);
        if (own.keyIndex != 0) revert KeyIndexUnexpected(0, own.keyIndex);
        _requireAdmitters(admission.institution, first, second);

        SignedMessages.Key memory key = _register(admission);
        _members[admission.number] = Member({
            institution: admission.institution, role: admission.practitionerFunction, status: ACTIVE, keyCount: 1
        });
        emit PractitionerAdmitted(
            admission.number, admission.institution, admission.practitionerFunction, signatures, possession
        );

        SignedMessages.Subject memory subject = SignedMessages.Subject({
            tag: SignedMessages.TAG_DECISION, count: 2, contractId: contractId, digest: _admissionDigest(admission)
        });
        SignedMessages.requireSigned(verifier, _keys[first.signer][first.keyIndex], first, subject);
        SignedMessages.requireSigned(verifier, _keys[second.signer][second.keyIndex], second, subject);
        subject.tag = SignedMessages.TAG_POSSESSION;
        subject.count = 1;
        subject.digest = Sm3.hash(abi.encodePacked(admission.number, admission.x, admission.y, admission.custody));
        SignedMessages.requireSigned(verifier, key, own, subject);
    }

    /// @inheritdoc IInstitutions
    function revokeKey(uint32 number, uint8 keyIndex, bytes calldata signature) external {
        SignedMessages.Signature memory own = signature.only(number);
        if (own.keyIndex != keyIndex) revert KeyIndexUnexpected(keyIndex, own.keyIndex);
        _requireDecision(own, Sm3.hash(abi.encodePacked(REVOKE, number, keyIndex)));
        _end(number, keyIndex, signature);
    }

    /// @inheritdoc IInstitutions
    function suspendPractitioner(uint32 number, bytes calldata signature) external {
        if (!SignedMessages.isPractitioner(number)) revert PractitionerNumber(number);
        Member memory suspended = _members[number];
        if (suspended.status == 0) revert MemberUnknown(number);
        if (suspended.status == SUSPENDED) revert MemberSuspended(number);
        _requireDecision(signature.only(suspended.institution), Sm3.hash(abi.encodePacked(SUSPEND, number)));

        _members[number].status = SUSPENDED;
        emit PractitionerSuspended(number, signature);
        for (uint8 index; index < suspended.keyCount; ++index) {
            if (_records[_keys[number][index].z].isOpen()) _end(number, index, "");
        }
    }

    /// @inheritdoc IInstitutions
    function keyAt(uint32 number, uint8 keyIndex)
        external
        view
        returns (bytes32 z, uint256 x, uint256 y, bytes32 record)
    {
        SignedMessages.Key storage key = _keys[number][keyIndex];
        z = key.z;
        return (z, key.x, key.y, _records[z]);
    }

    /// @inheritdoc IInstitutions
    function keyRecord(bytes32 z) external view returns (bytes32) {
        return _records[z];
    }

    /// @inheritdoc IInstitutions
    function identityRoot(bytes32 z) external view returns (bytes32) {
        return _identityRoots[z];
    }

    /// @inheritdoc IInstitutions
    function member(uint32 number) external view returns (Member memory) {
        return _members[number];
    }

    /// Checks a founder, registers number and key, and requires the founder's signature.
    function _found(Founder memory founder, bytes memory signature, SignedMessages.Subject memory subject) private {
        if (signature.length != 64) revert SignedMessages.SignatureLength(64, signature.length);
        SignedMessages.Key memory key = _register(
            Admission({
                number: founder.number,
                institution: founder.number,
                practitionerFunction: founder.role,
                custody: founder.custody,
                x: founder.x,
                y: founder.y,
                identityRoot: founder.identityRoot
            })
        );
        _members[founder.number] =
            Member({institution: founder.number, role: founder.role, status: ACTIVE, keyCount: 1});
        emit InstitutionFounded(founder.number, founder.role);

        SignedMessages.Signature memory own;
        own.signer = founder.number;
        (own.r, own.s) = abi.decode(signature, (uint256, uint256));
        SignedMessages.requireSigned(verifier, key, own, subject);
    }

    /// Registers a member's first key, valid from this block.
    function _register(Admission memory admission) private returns (SignedMessages.Key memory key) {
        if (admission.custody == 0 || admission.custody > LAST_CUSTODY) revert CustodyUnknown(admission.custody);
        if (admission.identityRoot == 0) revert IdentityRootMissing(admission.number);
        if (!verifier.isValidKey(admission.x, admission.y)) revert KeyInvalid(admission.x, admission.y);
        key = SignedMessages.Key({z: verifier.keyZ(admission.x, admission.y), x: admission.x, y: admission.y});
        if (_records[key.z] != 0) revert KeyInUse(key.z);

        _records[key.z] = KeyRecords.open(
            admission.number, admission.institution, admission.practitionerFunction, 0, admission.custody
        );
        _identityRoots[key.z] = admission.identityRoot;
        _keys[admission.number][0] = key;
        emit KeyRegistered(
            admission.number, key.z, 0, key.x, key.y, admission.custody, uint48(block.timestamp), admission.identityRoot
        );
    }

    function _end(uint32 number, uint8 keyIndex, bytes memory signature) private {
        bytes32 z = _keys[number][keyIndex].z;
        _records[z] = _records[z].ended();
        emit KeyEnded(number, z, keyIndex, uint48(block.timestamp), signature);
    }

    /// Of two valid keys one must be the institution's and the other one a regulator's.
    function _requireAdmitters(
        uint32 institution,
        SignedMessages.Signature memory first,
        SignedMessages.Signature memory second
    ) private view {
        if (second.signer <= first.signer) {
            revert SignedMessages.SignatureOrder(first.signer, second.signer);
        }
        SignedMessages.requireNoRole(first);
        SignedMessages.requireNoRole(second);
        if (first.signer != institution && second.signer != institution) {
            revert AdmittingInstitution(institution, first.signer, second.signer);
        }
        bytes32 firstRecord = _requireValid(first);
        bytes32 secondRecord = _requireValid(second);
        (uint32 other, uint8 role) =
            first.signer == institution ? (second.signer, secondRecord.role()) : (first.signer, firstRecord.role());
        if (role != REGULATOR) revert RegulatorMissing(other, role);
    }

    /// Requires the only signature under a decision, by a key that is valid now.
    function _requireDecision(SignedMessages.Signature memory signature, bytes32 digest) private view {
        _requireValid(signature);
        SignedMessages.requireSigned(
            verifier,
            _keys[signature.signer][signature.keyIndex],
            signature,
            SignedMessages.Subject({tag: SignedMessages.TAG_DECISION, count: 1, contractId: contractId, digest: digest})
        );
    }

    function _requireValid(SignedMessages.Signature memory signature) private view returns (bytes32 record) {
        record = _records[_keys[signature.signer][signature.keyIndex].z];
        record.requireValid(signature.signer, signature.keyIndex);
    }

    function _admissionDigest(Admission calldata admission) private pure returns (bytes32) {
        return Sm3.hash(
            abi.encodePacked(
                ADMIT,
                admission.number,
                admission.institution,
                admission.practitionerFunction,
                admission.custody,
                admission.x,
                admission.y,
                admission.identityRoot
            )
        );
    }

    function _foundingBytes(uint8 decisionThreshold, bytes32 verifierCode, Founder[] memory founders)
        private
        pure
        returns (bytes memory founding)
    {
        founding = abi.encodePacked("tiezheng/founding/1", decisionThreshold, verifierCode, uint8(founders.length));
        uint32 previous;
        for (uint256 i; i < founders.length; ++i) {
            Founder memory founder = founders[i];
            if (!SignedMessages.isInstitution(founder.number)) revert InstitutionNumber(founder.number);
            if (founder.number <= previous) revert FounderOrder(previous, founder.number);
            if (founder.role == 0 || founder.role > LAST_ROLE) revert RoleUnknown(founder.role);
            previous = founder.number;
            founding = abi.encodePacked(
                founding, founder.number, founder.role, founder.custody, founder.x, founder.y, founder.identityRoot
            );
        }
    }
}
