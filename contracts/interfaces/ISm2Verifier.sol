// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Verification of SM2 signatures
/// @notice Curve sm2p256v1 and signatures by GB/T 32918; `e` is SM3(Z ‖ M) of the message M and the key's Z.
interface ISm2Verifier {
    /// @notice Whether (r, s) signs `e` under the key (x, y), by GB/T 32918.2 §7.
    /// @dev Complete: false, not a revert, for r or s outside 1 to n − 1, for r + s = n, and for a key that is not below p,
    /// not on the curve, or G or −G. About 111,000 gas.
    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) external view returns (bool);

    /// @notice The same for the key that stands in the key contract `key` (SPEC §5.4); about 37,000 gas if it has a table.
    /// @dev It believes what stands there: the caller vouches that `ISm2Keys` created `key`. False for r or s outside 1 to
    /// n − 1, for r + s = n, and where the code of `key` has another length than such a contract.
    function verifyWithKey(bytes32 e, uint256 r, uint256 s, address key) external view returns (bool);
}
