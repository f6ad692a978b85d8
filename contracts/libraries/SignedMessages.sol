// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Verifier} from "../interfaces/ISm2Verifier.sol";
import {Sm3} from "./Sm3.sol";

/// @title Signatures on the wire and the messages that they sign
/// @notice Wire: `signer u32 ‖ role u8 ‖ key index u8 ‖ r ‖ s` (SPEC §2.3). Message: 81 bytes (SPEC §2.2).
library SignedMessages {
    struct Signature {
        uint32 signer;
        uint8 role;
        uint8 keyIndex;
        uint256 r;
        uint256 s;
    }

    struct Key {
        bytes32 z;
        uint256 x;
        uint256 y;
    }

    /// What one set of signatures is about.
    struct Subject {
        uint8 tag;
        uint8 count;
        bytes32 contractId;
        bytes32 digest;
    }

    error SignatureLength(uint256 expected, uint256 got);
    error SignatureCount(uint256 expected, uint256 got);
    error SignatureOrder(uint32 previous, uint32 got);
    error SignatureRole(uint32 signer, uint8 got);
    error SignerUnexpected(uint32 expected, uint32 got);
    error SignatureInvalid(uint32 signer, uint8 keyIndex);

    uint8 internal constant TAG_STATEMENT = 1;
    uint8 internal constant TAG_BATCH = 4;
    uint8 internal constant TAG_DECISION = 5;
    uint8 internal constant TAG_POSSESSION = 6;

    /// Set in the numbers of practitioners (SPEC §1).
    uint32 internal constant PRACTITIONER = 0x80000000;

    uint256 private constant SIZE = 70;

    /// @notice Id of the calling contract (SPEC §2.5).
    function contractIdHere(bytes32 foundingDigest) internal view returns (bytes32) {
        return Sm3.hash(abi.encodePacked("tiezheng/1", block.chainid, address(this), foundingDigest));
    }

    /// @notice Whether a number can be an institution's.
    function isInstitution(uint32 number) internal pure returns (bool) {
        return number != 0 && number & PRACTITIONER == 0;
    }

    /// @notice Whether a number can be a practitioner's: the mark alone is nobody's number.
    function isPractitioner(uint32 number) internal pure returns (bool) {
        return number > PRACTITIONER;
    }

    /// @notice Reverts unless `list` holds exactly `count` signatures.
    function requireCount(bytes calldata list, uint256 count) internal pure {
        if (list.length % SIZE != 0) revert SignatureLength(count * SIZE, list.length);
        if (list.length != count * SIZE) revert SignatureCount(count, list.length / SIZE);
    }

    /// @notice Signature at `index` of a list that is long enough.
    function at(bytes calldata list, uint256 index) internal pure returns (Signature memory signature) {
        bytes calldata wire = list[index * SIZE:(index + 1) * SIZE];
        signature.signer = uint32(bytes4(wire[0:4]));
        signature.role = uint8(wire[4]);
        signature.keyIndex = uint8(wire[5]);
        signature.r = uint256(bytes32(wire[6:38]));
        signature.s = uint256(bytes32(wire[38:70]));
    }

    /// @notice The only signature of a list, by `signer` and with role 0.
    function only(bytes calldata list, uint32 signer) internal pure returns (Signature memory signature) {
        requireCount(list, 1);
        signature = at(list, 0);
        if (signature.signer != signer) revert SignerUnexpected(signer, signature.signer);
        requireNoRole(signature);
    }

    /// @notice Reverts unless the role is 0, as in everything but statements.
    function requireNoRole(Signature memory signature) internal pure {
        if (signature.role != 0) revert SignatureRole(signature.signer, signature.role);
    }

    /// @notice Reverts unless `signature` signs the subject under `key`.
    function requireSigned(ISm2Verifier verifier, Key memory key, Signature memory signature, Subject memory subject)
        internal
        view
    {
        bytes32 e = Sm3.hash(
            abi.encodePacked(
                key.z,
                "tiezheng/1",
                subject.tag,
                signature.role,
                subject.count,
                signature.signer,
                subject.contractId,
                subject.digest
            )
        );
        if (!verifier.verify(e, signature.r, signature.s, key.x, key.y)) {
            revert SignatureInvalid(signature.signer, signature.keyIndex);
        }
    }
}
