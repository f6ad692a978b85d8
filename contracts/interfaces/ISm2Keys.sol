// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title SM2 keys as contracts, and SM3
/// @notice A key contract (SPEC §5.4) is never run, only read. Its code is 00 ‖ Z ‖ x ‖ y of 97 bytes, or that and a table
/// of 16,384 bytes (`Sm2Tables`) that makes verification cheap. Z is the signer's for the identity 1234567812345678.
/// @dev Anyone may create key contracts; what one holds depends on (x, y) alone. Every call creates another one.
interface ISm2Keys {
    /// (x, y) is no public key: not below p, not on the curve, or G or −G.
    error KeyInvalid(uint256 x, uint256 y);

    /// The key contract was not created: most likely too little gas was given.
    error KeyNotCreated();

    /// @notice Creates the contract of a key without a table.
    /// @return z Z of the key.
    /// @return key The new contract.
    function create(uint256 x, uint256 y) external returns (bytes32 z, address key);

    /// @notice Creates the contract of a key with its table, computed here: about 3,700,000 gas for the transaction.
    /// @return z Z of the key.
    /// @return key The new contract.
    function createWithTable(uint256 x, uint256 y) external returns (bytes32 z, address key);

    /// @notice Whether (x, y) can be a public key: coordinates below p, on the curve, and neither G nor −G.
    function isValidKey(uint256 x, uint256 y) external pure returns (bool);

    /// @notice Z of a key: SM3 over ENTL ‖ ID ‖ a ‖ b ‖ G ‖ (x, y), by GB/T 32918.2 §5.5.
    /// @dev Does not check the key.
    function keyZ(uint256 x, uint256 y) external pure returns (bytes32);

    /// @notice SM3 of `signed`, and for each signer the digest e = SM3(Z ‖ message) that its signature is over, where the
    /// message is the 81 bytes of SPEC §2.2: one call hashes all that a set of signatures asks for.
    /// @param signers for each signer Z, then the first 17 bytes of the message: `tiezheng/1`, tag, role, count, signer.
    /// @return digests SM3 of `signed` first, then one for each signer.
    function signedDigests(bytes calldata signed, bytes32 contractId, bytes32[] calldata signers)
        external
        pure
        returns (bytes32[] memory digests);

    /// @notice SM3 of `message`, of any length.
    function sm3(bytes calldata message) external pure returns (bytes32);
}
