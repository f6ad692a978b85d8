// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The contracts in which keys stand
/// @notice Code `0x00 ‖ Z ‖ x ‖ y`, and the key's table behind it where it was added (SPEC §5.4).
library KeyContracts {
    /// Length of the code without table.
    uint256 private constant SHORT = 97;

    /// @notice Z of the key; zero where there is no contract.
    function z(address key) internal view returns (bytes32 value) {
        assembly ("memory-safe") {
            // The scratch space is zero where there is less code.
            extcodecopy(key, 0, 1, 32)
            value := mload(0)
        }
    }

    /// @notice Coordinates of the key; zero where there is no contract.
    function point(address key) internal view returns (uint256 x, uint256 y) {
        assembly ("memory-safe") {
            // Both fit into the scratch space.
            extcodecopy(key, 0, 33, 64)
            x := mload(0)
            y := mload(32)
        }
    }

    /// @notice Whether the key stands there together with its table.
    function hasTable(address key) internal view returns (bool) {
        return key.code.length > SHORT;
    }
}
