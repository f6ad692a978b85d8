// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Signatures on the wire and the messages that they sign
/// @notice Wire: `signer u32 ‖ role u8 ‖ key index u8 ‖ r ‖ s` (SPEC §2.3). Message: 81 bytes (SPEC §2.2). Nothing is
/// hashed here: contracts differ in where they have SM3 from.
library SignedMessages {
    struct Signature {
        uint32 signer;
        uint8 role;
        uint8 keyIndex;
        uint256 r;
        uint256 s;
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

    /// Bytes of a signature on the wire.
    uint256 internal constant SIZE = 70;

    /// @notice What the id of a contract is the SM3 of (SPEC §2.5).
    function contractIdBytes(address contract_, bytes32 foundingDigest) internal view returns (bytes memory) {
        return abi.encodePacked("tiezheng/1", block.chainid, contract_, foundingDigest);
    }

    /// @notice What `e` is the SM3 of: Z ‖ the 81 bytes that `signature` signs.
    function signedBytes(bytes32 z, Signature memory signature, Subject memory subject)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(
            z,
            "tiezheng/1",
            subject.tag,
            signature.role,
            subject.count,
            signature.signer,
            subject.contractId,
            subject.digest
        );
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
        uint256 head = uint256(bytes32(wire));
        signature.signer = uint32(head >> 224);
        signature.role = uint8(head >> 216);
        signature.keyIndex = uint8(head >> 208);
        signature.r = uint256(bytes32(wire[6:38]));
        signature.s = uint256(bytes32(wire[38:70]));
    }

    /// @notice The only signature of a list, with role 0.
    function only(bytes calldata list) internal pure returns (Signature memory signature) {
        requireCount(list, 1);
        signature = at(list, 0);
        requireNoRole(signature);
    }

    /// @notice The only signature of a list, by `signer` and with role 0.
    function onlyBy(bytes calldata list, uint32 signer) internal pure returns (Signature memory signature) {
        signature = only(list);
        if (signature.signer != signer) revert SignerUnexpected(signer, signature.signer);
    }

    /// @notice Reverts unless the role is 0, as in everything but statements.
    function requireNoRole(Signature memory signature) internal pure {
        if (signature.role != 0) revert SignatureRole(signature.signer, signature.role);
    }
}
