// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Key contracts, Z and SM3
/// @notice Creates the contracts in which keys stand (SPEC §5.4). No state, no owner: what is created depends on the key alone.
interface ISm2Keys {
    /// @notice The key is off the curve, has a coordinate of p or more, or is ±G.
    error KeyInvalid(uint256 x, uint256 y);

    /// @notice Creates a key contract without table: code `0x00 ‖ Z ‖ x ‖ y`.
    function create(uint256 x, uint256 y) external returns (bytes32 z, address key);

    /// @notice Creates a key contract with the key's table, computed here.
    function createWithTable(uint256 x, uint256 y) external returns (bytes32 z, address key);

    /// @notice Whether (x, y) can be a public key: coordinates below p, on the curve, and neither G nor −G.
    function isValidKey(uint256 x, uint256 y) external pure returns (bool);

    /// @notice Z of a key: SM3 over ENTL ‖ ID ‖ a ‖ b ‖ G ‖ (x, y), by GB/T 32918.2 §5.5.
    /// @dev Does not check the key.
    function keyZ(uint256 x, uint256 y) external pure returns (bytes32);

    /// @notice SM3 of `message`, of any length.
    function sm3(bytes calldata message) external pure returns (bytes32);
}
