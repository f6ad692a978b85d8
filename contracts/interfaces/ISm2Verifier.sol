// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Stateless SM2 and SM3 for other contracts
/// @notice Curve sm2p256v1 and signatures by GB/T 32918, hash SM3 by GB/T 32905, signer identity 1234567812345678.
interface ISm2Verifier {
    /// @notice Whether (r, s) signs the digest `e = SM3(Z ‖ M)` under the key (x, y), by GB/T 32918.2 §7.
    /// @dev False, not a revert, for r or s outside 1 to n − 1, for r + s = n, and for a key that `isValidKey` refuses.
    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) external view returns (bool);

    /// @notice Z of a key: SM3 over ENTL ‖ ID ‖ a ‖ b ‖ G ‖ (x, y), by GB/T 32918.2 §5.5.
    /// @dev Does not check the key.
    function keyZ(uint256 x, uint256 y) external pure returns (bytes32);

    /// @notice Whether (x, y) can be a public key: coordinates below p, on the curve, and neither G nor −G.
    function isValidKey(uint256 x, uint256 y) external pure returns (bool);

    /// @notice SM3 of `message`, of any length.
    function sm3(bytes calldata message) external pure returns (bytes32);
}
