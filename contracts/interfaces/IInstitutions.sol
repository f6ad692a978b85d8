// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Keys} from "./ISm2Keys.sol";
import {ISm2Verifier} from "./ISm2Verifier.sol";

/// @title Institutions, practitioners and their SM2 keys
/// @notice Who may sign, with which key, from when to when, and what the members decided together. Nobody owns this
/// contract. No member, key or period is ever deleted, but that a recovery key is used up; a period's end only moves to the
/// current block, once. Who sends a transaction never matters: founders, institutions, regulators and the keys themselves
/// sign what they do. The founding also fixes the code that verifies signatures and creates keys. Bytes: SPEC §2 and §5.
interface IInstitutions {
    /// @notice One founding institution, in the order of the founding bytes (SPEC §5.1).
    struct Founder {
        uint32 number;
        uint8 role;
        uint8 custody;
        uint256 x;
        uint256 y;
        bytes32 identityRoot;
    }

    /// @notice What institution and regulator or association sign when they admit a practitioner (SPEC §5.2).
    struct Admission {
        uint32 number;
        uint32 institution;
        uint8 practitionerFunction;
        uint8 custody;
        uint256 x;
        uint256 y;
        bytes32 identityRoot;
    }

    /// @notice A further key of a member (SPEC §5.2).
    struct NewKey {
        uint32 number;
        uint8 custody;
        uint256 x;
        uint256 y;
        bytes32 identityRoot;
    }

    /// @notice An institution (its own `institution`, `role` 1 to 9) or a practitioner (`role` is the function, 1 to 4).
    /// @dev status: 0 unknown, 1 active, 2 suspended, 3 removed. `keyCount` is the next key index. `changes`: how often
    /// it was suspended or reinstated. `openKeys`: key index + 1 of each open key in one byte, 0 none; `suspendedKeys`
    /// likewise of the keys that the suspension in force ended.
    struct Member {
        uint32 institution;
        uint8 role;
        uint8 status;
        bool voter;
        uint8 keyCount;
        uint32 changes;
        uint16 openKeys;
        uint16 suspendedKeys;
    }

    /// @notice The founding: its bytes, and the founders' signatures (r ‖ s) in the order of the founders. All of them vote.
    event LedgerFounded(bytes32 indexed foundingDigest, bytes32 indexed contractId, bytes founding, bytes[] signatures);
    event InstitutionFounded(uint32 indexed number, uint8 role);
    /// @notice `signatures` are the two of SPEC §5.2.
    event PractitionerAdmitted(
        uint32 indexed number, uint32 indexed institution, uint8 practitionerFunction, bytes signatures
    );
    /// @notice `changes` is the count that was signed.
    event PractitionerSuspended(uint32 indexed number, uint32 changes, bytes signature);
    /// @notice `keyIndex` as signed; the period that it starts, if any, is told by `KeyRegistered`.
    event PractitionerReinstated(uint32 indexed number, uint32 changes, uint8 keyIndex, bytes signatures);
    /// @notice A practitioner has a further key, told by the `KeyRegistered` before.
    event PractitionerKeyRenewed(uint32 indexed number, uint8 keyIndex, bytes signatures);
    /// @notice An institution's recovery key gave it a new key, told by the `KeyRegistered` before, and is used up.
    event InstitutionRecovered(uint32 indexed number, uint8 keyIndex, bytes signature);

    /// @notice A decision was executed by `executor`. What it changed is told by the events that follow.
    event DecisionExecuted(
        uint64 indexed number, address indexed executor, bytes32 digest, uint48 expires, bytes action, bytes signatures
    );
    event InstitutionAdmitted(uint32 indexed number, uint8 role, bool voter);
    event InstitutionSuspended(uint32 indexed number);
    /// @notice `keyIndex` as decided; the period that it starts, if any, is told by `KeyRegistered`.
    event InstitutionReinstated(uint32 indexed number, uint8 keyIndex);
    event InstitutionRemoved(uint32 indexed number);
    event InstitutionKeyRenewed(uint32 indexed number, uint8 keyIndex);
    event ThresholdChanged(uint8 threshold);
    /// @notice Replaces the recovery key that was there, if any. `possession` is the key's own signature.
    event RecoveryKeyRegistered(uint32 indexed number, bytes32 indexed z, uint256 x, uint256 y, bytes possession);

    /// @notice A period starts. `possession` is the key's own signature; empty for founders, who signed the founding, and
    /// where a reinstatement starts a new period of a key.
    event KeyRegistered(
        uint32 indexed number,
        bytes32 indexed z,
        uint8 keyIndex,
        uint256 x,
        uint256 y,
        uint8 custody,
        uint48 validFrom,
        bytes32 identityRoot,
        bytes possession
    );
    /// @notice `endedBy` as in SPEC §5.3. `signature` is the holder's for a revocation, else empty.
    event KeyEnded(
        uint32 indexed number, bytes32 indexed z, uint8 keyIndex, uint48 validUntil, uint8 endedBy, bytes signature
    );
    event KeyCompromised(uint32 indexed number, bytes32 indexed z, uint8 keyIndex, uint48 since);
    /// @notice The key stands in another contract now, with its table (SPEC §5.4).
    event KeyTableAdded(uint32 indexed number, uint8 keyIndex, address key);

    error FounderCount(uint256 maximum, uint256 got);
    error ThresholdRange(uint256 maximum, uint256 got);
    error VerifierWithoutCode(address verifier);
    error KeysWithoutCode(address keys);
    error FounderOrder(uint32 previous, uint32 got);
    error InstitutionNumber(uint32 got);
    error PractitionerNumber(uint32 got);
    error RoleUnknown(uint8 got);
    error FunctionUnknown(uint8 got);
    error CustodyUnknown(uint8 got);
    error VoterFlag(uint8 got);
    error IdentityRootMissing(uint32 number);
    error KeyInUse(bytes32 z);
    error KeyIndexUnexpected(uint8 expected, uint8 got);
    error KeyTablePresent(uint32 number, uint8 keyIndex);
    error KeysOpen(uint32 number);
    error CompromisedSince(uint256 latest, uint48 got);
    error MemberExists(uint32 number);
    error MemberUnknown(uint32 number);
    error MemberStatus(uint32 number, uint8 got);
    error PeriodNotSuspended(uint32 number, uint8 keyIndex);
    error RecoveryKeyMissing(uint32 number);
    error AdmittingInstitution(uint32 expected, uint32 first, uint32 second);
    error RegulatorMissing(uint32 signer, uint8 role);

    error DecisionNumber(uint64 expected, uint64 got);
    error DecisionExpired(uint48 expires, uint256 blockTime);
    error DecisionTooLong(uint256 latest, uint48 expires);
    error DecisionSignatures(uint256 threshold, uint256 got);
    error VoterUnknown(uint32 number);
    error VotersTooFew(uint256 minimum, uint256 got);
    error ActionUnknown(uint8 got);
    error ActionLength(uint256 expected, uint256 got);

    /// @notice Admits a practitioner with a first key, which is valid from this block.
    /// @param signatures two of 70 bytes, ascending by signer: the institution's and a regulator's or association's (tag 5).
    /// @param possession 70 bytes: the new key's own signature (tag 6), key index 0.
    function admitPractitioner(Admission calldata admission, bytes calldata signatures, bytes calldata possession)
        external;

    /// @notice Gives a practitioner a further key; two may be open at once.
    /// @param signatures as for an admission.
    /// @param possession 70 bytes: the new key's own signature (tag 6), under the index that it gets.
    function renewPractitionerKey(NewKey calldata newKey, bytes calldata signatures, bytes calldata possession) external;

    /// @notice Suspends a practitioner and ends its open keys, by the institution's or a regulator's signature (tag 5, 70
    /// bytes).
    function suspendPractitioner(uint32 number, bytes calldata signature) external;

    /// @notice Ends a suspension.
    /// @param keyIndex one of the keys that the suspension ended: a new period of it starts under the next index; 255: none.
    /// @param signatures as for an admission.
    function reinstatePractitioner(uint32 number, uint8 keyIndex, bytes calldata signatures) external;

    /// @notice Ends a key at this block, by that key's own signature (tag 5, 70 bytes). Nothing else can stand in
    /// the way of an open key that ends.
    /// @param compromisedSince seconds, not after this block, nor after a date that was marked before; 0: no such date.
    function revokeKey(uint32 number, uint8 keyIndex, uint48 compromisedSince, bytes calldata signature) external;

    /// @notice Gives an institution a new key in place of all that are open, by its recovery key, which is used up.
    /// @param signature 70 bytes: the recovery key's (tag 5, key index 255).
    /// @param possession 70 bytes: the new key's own signature (tag 6), under the index that it gets.
    function recover(NewKey calldata newKey, bytes calldata signature, bytes calldata possession) external;

    /// @notice Has the table of a registered key added, so that its signatures cost less; anyone may.
    function addTable(uint32 number, uint8 keyIndex) external;

    /// @notice Executes a decision on members, keys or threshold (SPEC §5.2, actions 0x10 to 0x17).
    /// @param number the one after the last executed decision.
    /// @param expires seconds, from now to 90 days ahead.
    /// @param signatures 70 bytes each, of active voters ascending by number, at least the threshold, at most 32 (tag 5).
    /// @param possession 70 bytes where the action brings a key, else empty.
    function execute(
        bytes calldata action,
        uint64 number,
        uint48 expires,
        bytes calldata signatures,
        bytes calldata possession
    ) external;

    /// @notice Uses up a decision whose action the calling contract executes: reverts unless it stands and names the
    /// contract id of the caller. Parameters as of `execute`.
    function consumeDecision(bytes calldata action, uint64 number, uint48 expires, bytes calldata signatures) external;

    /// @notice What a contract needs to accept a signature: Z, the key contract (SPEC §5.4), the record word (SPEC §5.3),
    /// and whether the institution that the record names is active. All zero where there is no such key.
    function keyOf(uint32 number, uint8 keyIndex)
        external
        view
        returns (bytes32 z, address key, bytes32 record, bool institutionActive);

    /// @notice A key by holder and index, with its record word (SPEC §5.3); all zero where there is none. Under index 255
    /// an institution's recovery key, which has no record.
    function keyAt(uint32 number, uint8 keyIndex)
        external
        view
        returns (bytes32 z, uint256 x, uint256 y, bytes32 record);

    /// @notice The record word of a key period (SPEC §5.3); zero where there is none.
    function keyRecord(bytes32 z, uint8 keyIndex) external view returns (bytes32);

    /// @notice The root of the identity card that was fixed with a key period; zero where there is none.
    function identityRoot(bytes32 z, uint8 keyIndex) external view returns (bytes32);

    /// @notice Whose key it is or was, recovery keys too; zero where none with this Z was ever registered.
    function holderOf(bytes32 z) external view returns (uint32 number);

    /// @notice A member by number; all zero where there is none.
    function member(uint32 number) external view returns (Member memory);

    /// @notice How many signatures a decision needs.
    function threshold() external view returns (uint8);

    /// @notice How many voters are active: not suspended or removed, and with an open key.
    function activeVoters() external view returns (uint32);

    /// @notice Number of the last executed decision; 0 before the first.
    function decisions() external view returns (uint64);

    /// @notice SM3 of the founding bytes (SPEC §5.1).
    function foundingDigest() external view returns (bytes32);

    /// @notice This contract's id (SPEC §2.5).
    function contractId() external view returns (bytes32);

    /// @notice What verifies every signature of this ledger; keccak of its code is in the founding bytes.
    function verifier() external view returns (ISm2Verifier);

    /// @notice What creates every key contract of this ledger and hashes for it; keccak of its code is in the founding bytes.
    function keys() external view returns (ISm2Keys);
}
