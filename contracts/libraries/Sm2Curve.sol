// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm3} from "./Sm3.sol";

/// @title The curve sm2p256v1 (GB/T 32918.5-2017): constants, keys, and what every way of verifying has in common
/// @notice `completeSum` is right for all inputs and slow. The fast ways have formulas with exceptions; whatever meets one
/// ends with ZZ = 0 and is computed again by it.
/// @dev Points are (X, Y, ZZ, ZZZ) with x = X/ZZ, y = Y/ZZZ, ZZ³ = ZZZ²; infinity is ZZ = 0, the other three being then
/// of no meaning. Every coordinate is reduced modulo P.
library Sm2Curve {
    uint256 internal constant P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff;
    uint256 internal constant N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123;
    uint256 internal constant A = P - 3;
    uint256 internal constant B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93;
    uint256 internal constant GX = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7;
    uint256 internal constant GY = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0;

    /// SM3 after the first 128 bytes of every preimage of Z with the identity 1234567812345678:
    /// ENTL ‖ ID ‖ a ‖ b ‖ x_G and the first 14 bytes of y_G.
    uint256 private constant Z_STATE = 0xadadedb50446043f08a87acee86d22438e232383bfc81fe2cf9117c84707011d;

    /// The last 18 bytes of y_G, which follow them.
    bytes18 private constant GY_END = 0x2153d0a9877cc62a474002df32e52139f0a0;

    /// @notice Whether (x, y) can be a public key: coordinates below P, on the curve, neither G nor −G.
    /// @dev Infinity has no coordinates: (0, 0) is not on the curve. The keys G and −G belong to the private keys 1 and
    /// n − 1, of which the standard's range 1 to n − 2 excludes the second and nobody can honestly hold the first.
    function isValidKey(uint256 x, uint256 y) internal pure returns (bool) {
        if (x >= P || y >= P || x == GX) return false;
        uint256 cubic = addmod(mulmod(addmod(mulmod(x, x, P), A, P), x, P), B, P);
        return mulmod(y, y, P) == cubic;
    }

    /// @notice Z of the key (x, y) for the identity 1234567812345678: GB/T 32918.2 §5.5. Does not check the key.
    function keyZ(uint256 x, uint256 y) internal pure returns (bytes32) {
        bytes memory rest = abi.encodePacked(GY_END, x, y);
        uint256 start;
        assembly ("memory-safe") {
            start := add(rest, 32)
        }
        return Sm3.resume(Z_STATE, 128, start, rest.length);
    }

    /// @notice Steps B1, B2 and B5 of GB/T 32918.2 §7.1: t = r + s modulo n, or 0 where r, s or t is out of range.
    function scalar(uint256 r, uint256 s) internal pure returns (uint256 t) {
        if (r == 0 || r >= N || s == 0 || s >= N) return 0;
        return addmod(r, s, N);
    }

    /// @notice Step B7: whether (e + x₁) mod n = r, with x₁ = sumX / sumZz, without a division: x₁ is r − e or, where that
    /// is below P, n more. Infinity (sumZz = 0) is never accepted.
    /// @param sumX Reduced modulo P, as is `sumZz`.
    function accepts(bytes32 e, uint256 r, uint256 sumX, uint256 sumZz) internal pure returns (bool) {
        unchecked {
            uint256 c = addmod(r, N - uint256(e) % N, N);
            return sumZz != 0 && (mulmod(c, sumZz, P) == sumX || (c < P - N && mulmod(c + N, sumZz, P) == sumX));
        }
    }

    /// @notice X and ZZ of s·G + t·(x, y), a bit of s and of t at a time, every case treated. Infinity is ZZ = 0.
    /// @param s Any number, as is `t`. (x, y) is on the curve.
    function completeSum(uint256 s, uint256 t, uint256 x, uint256 y)
        internal
        pure
        returns (uint256 sumX, uint256 sumZz)
    {
        unchecked {
            uint256 sumY;
            uint256 sumZzz;
            for (uint256 i = 256; i != 0;) {
                --i;
                (sumX, sumY, sumZz, sumZzz) = double(sumX, sumY, sumZz, sumZzz);
                if (s >> i & 1 != 0) (sumX, sumY, sumZz, sumZzz) = add(sumX, sumY, sumZz, sumZzz, GX, GY);
                if (t >> i & 1 != 0) (sumX, sumY, sumZz, sumZzz) = add(sumX, sumY, sumZz, sumZzz, x, y);
            }
        }
    }

    /// @notice Twice a point, infinity and all: ZZ = 0 stays 0, and no point of a group of odd order doubles to infinity.
    function double(uint256 x, uint256 y, uint256 zz, uint256 zzz)
        internal
        pure
        returns (uint256 x3, uint256 y3, uint256 zz3, uint256 zzz3)
    {
        assembly ("memory-safe") {
            let p := P
            // V = (2Y)², W = (2Y)³, S = X·V, M = 3(X − ZZ)(X + ZZ)
            let m := addmod(y, y, p)
            zz3 := mulmod(m, m, p)
            zzz3 := mulmod(m, zz3, p)
            y3 := mulmod(x, zz3, p)
            m := mulmod(3, mulmod(addmod(x, sub(p, zz), p), addmod(x, zz, p), p), p)
            // X₃ = M² − 2S, Y₃ = M(S − X₃) − W·Y, ZZ₃ = V·ZZ, ZZZ₃ = W·ZZZ
            x3 := addmod(mulmod(m, m, p), sub(p, addmod(y3, y3, p)), p)
            y3 := addmod(mulmod(m, addmod(y3, sub(p, x3), p), p), sub(p, mulmod(zzz3, y, p)), p)
            zz3 := mulmod(zz3, zz, p)
            zzz3 := mulmod(zzz3, zzz, p)
        }
    }

    /// @notice The sum of a point and an affine one, in every case.
    function add(uint256 x, uint256 y, uint256 zz, uint256 zzz, uint256 x2, uint256 y2)
        internal
        pure
        returns (uint256, uint256, uint256, uint256)
    {
        if (zz == 0) return (x2, y2, 1, 1);
        assembly ("memory-safe") {
            // D = x₂·ZZ − X, R = y₂·ZZZ − Y
            x2 := addmod(mulmod(x2, zz, P), sub(P, x), P)
            y2 := addmod(mulmod(y2, zzz, P), sub(P, y), P)
        }
        // The same point is to be doubled. For its opposite the formula gives ZZ = 0, which is infinity.
        if (x2 | y2 == 0) return double(x, y, zz, zzz);
        assembly ("memory-safe") {
            // X₃ = R² − D³ − 2X·D², Y₃ = R(X·D² − X₃) − Y·D³, ZZ₃ = ZZ·D², ZZZ₃ = ZZZ·D³
            let p := P
            let dd := mulmod(x2, x2, p)
            x2 := mulmod(x2, dd, p)
            zz := mulmod(zz, dd, p)
            zzz := mulmod(zzz, x2, p)
            dd := mulmod(x, dd, p)
            x := addmod(mulmod(y2, y2, p), sub(p, addmod(x2, addmod(dd, dd, p), p)), p)
            y := addmod(mulmod(y2, addmod(dd, sub(p, x), p), p), sub(p, mulmod(y, x2, p)), p)
        }
        return (x, y, zz, zzz);
    }
}
