// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Verification of SM2 signatures
/// @notice Curve sm2p256v1, signatures by GB/T 32918.2 §7. No state, no owner.
interface ISm2Verifier {
    /// @notice Whether (r, s) signs the digest `e = SM3(Z ‖ M)` under the key (x, y).
    /// @dev False, not a revert, for r or s outside 1 to n − 1, for r + s = n, and for a key off the curve or equal to ±G.
    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) external view returns (bool);

    /// @notice The same under the key that stands in the key contract `key` (SPEC §5.4), cheap where its table is there.
    /// @dev Trusts what stands there: the caller vouches that `ISm2Keys` created it. False for code of another length.
    function verifyWithKey(bytes32 e, uint256 r, uint256 s, address key) external view returns (bool);
}
