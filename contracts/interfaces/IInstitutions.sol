// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Verifier} from "./ISm2Verifier.sol";

/// @title Institutions, practitioners and their SM2 keys
/// @notice Who may sign, with which key, from when to when. Nobody owns this contract and nothing is ever deleted:
/// institutions are fixed by the founding that each of them signed, practitioners are admitted by their institution and
/// a regulator, and a key's end only moves to the current block, once. The founding also fixes the code that verifies all
/// signatures, so nobody can found a ledger with another verifier than the founders signed. Bytes: SPEC §2 and §5.
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

    /// @notice What institution and regulator sign when they admit a practitioner (SPEC §5.2).
    struct Admission {
        uint32 number;
        uint32 institution;
        uint8 practitionerFunction;
        uint8 custody;
        uint256 x;
        uint256 y;
        bytes32 identityRoot;
    }

    /// @notice An institution (its own `institution`, `role` 1 to 9) or a practitioner (`role` is the function, 1 to 3).
    /// @dev status: 0 unknown, 1 active, 2 suspended.
    struct Member {
        uint32 institution;
        uint8 role;
        uint8 status;
        uint8 keyCount;
    }

    /// @notice The founding: its bytes, and the founders' signatures (r ‖ s) in the order of the founders.
    event LedgerFounded(bytes32 indexed foundingDigest, bytes32 indexed contractId, bytes founding, bytes[] signatures);
    event InstitutionFounded(uint32 indexed number, uint8 role);
    /// @notice `signatures` are the two of SPEC §5.2, `possession` the practitioner's own, each as on the wire (§2.3).
    event PractitionerAdmitted(
        uint32 indexed number,
        uint32 indexed institution,
        uint8 practitionerFunction,
        bytes signatures,
        bytes possession
    );
    event PractitionerSuspended(uint32 indexed number, bytes signature);
    event KeyRegistered(
        uint32 indexed number,
        bytes32 indexed z,
        uint8 keyIndex,
        uint256 x,
        uint256 y,
        uint8 custody,
        uint48 validFrom,
        bytes32 identityRoot
    );
    /// @notice `signature` is the holder's for a revocation; empty where the practitioner was suspended.
    event KeyEnded(uint32 indexed number, bytes32 indexed z, uint8 keyIndex, uint48 validUntil, bytes signature);

    error FounderCount(uint256 maximum, uint256 got);
    error ThresholdRange(uint256 maximum, uint256 got);
    error VerifierWithoutCode(address verifier);
    error FounderOrder(uint32 previous, uint32 got);
    error InstitutionNumber(uint32 got);
    error PractitionerNumber(uint32 got);
    error RoleUnknown(uint8 got);
    error FunctionUnknown(uint8 got);
    error CustodyUnknown(uint8 got);
    error IdentityRootMissing(uint32 number);
    error KeyInvalid(uint256 x, uint256 y);
    error KeyInUse(bytes32 z);
    error MemberExists(uint32 number);
    error MemberUnknown(uint32 number);
    error MemberSuspended(uint32 number);
    error AdmittingInstitution(uint32 expected, uint32 first, uint32 second);
    error RegulatorMissing(uint32 signer, uint8 role);
    error KeyIndexUnexpected(uint8 expected, uint8 got);

    /// @notice Admits a practitioner with a first key, which is valid from this block.
    /// @param signatures two of 70 bytes, ascending by signer: the institution's and a regulator's (tag 5).
    /// @param possession 70 bytes: the new key's own signature (tag 6), key index 0.
    function admitPractitioner(Admission calldata admission, bytes calldata signatures, bytes calldata possession)
        external;

    /// @notice Ends a key at this block, by that key's own signature (tag 5, 70 bytes).
    function revokeKey(uint32 number, uint8 keyIndex, bytes calldata signature) external;

    /// @notice Suspends a practitioner and ends the practitioner's keys at this block, by the institution's signature
    /// (tag 5, 70 bytes).
    function suspendPractitioner(uint32 number, bytes calldata signature) external;

    /// @notice A key by holder and index, with its record word (SPEC §5.3); all zero where there is none.
    function keyAt(uint32 number, uint8 keyIndex)
        external
        view
        returns (bytes32 z, uint256 x, uint256 y, bytes32 record);

    /// @notice The record word of a key (SPEC §5.3), by Z; zero where there is none.
    function keyRecord(bytes32 z) external view returns (bytes32);

    /// @notice The root of the identity card that was fixed with a key, by Z; zero where there is none.
    function identityRoot(bytes32 z) external view returns (bytes32);

    /// @notice A member by number; all zero where there is none.
    function member(uint32 number) external view returns (Member memory);

    /// @notice SM3 of the founding bytes (SPEC §5.1).
    function foundingDigest() external view returns (bytes32);

    /// @notice This contract's id (SPEC §2.5).
    function contractId() external view returns (bytes32);

    /// @notice How many founding members a later decision needs, as the founding fixed it.
    function threshold() external view returns (uint8);

    /// @notice What verifies every signature of this ledger; keccak of its code is in the founding bytes.
    function verifier() external view returns (ISm2Verifier);
}
