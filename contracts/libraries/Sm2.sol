// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm3} from "./Sm3.sol";

/// @title SM2 signatures (GB/T 32918.2-2016) on the curve sm2p256v1 (GB/T 32918.5-2017)
/// @notice Verification is complete: no input, however chosen, meets a formula outside its domain. Nothing here handles a
/// private key, so nothing is made to run in constant time.
/// @dev Points are (X, Y, ZZ, ZZZ) with x = X/ZZ, y = Y/ZZZ, ZZ³ = ZZZ²; infinity is ZZ = 0, the other three being then
/// of no meaning. Every coordinate is reduced modulo P.
library Sm2 {
    uint256 internal constant P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff;
    uint256 internal constant N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123;
    uint256 internal constant A = P - 3;
    uint256 internal constant B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93;
    uint256 internal constant GX = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7;
    uint256 internal constant GY = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0;

    // 2·G and 3·G.
    uint256 private constant GX2 = 0x56cefd60d7c87c000d58ef57fa73ba4d9c0dfa08c08a7331495c2e1da3f2bd52;
    uint256 private constant GY2 = 0x31b7e7e6cc8189f668535ce0f8eaf1bd6de84c182f6c8e716f780d3a970a23c3;
    uint256 private constant GX3 = 0xa97f7cd4b3c993b4be2daa8cdb41e24ca13f6bd945302244e26918f1d0509ebf;
    uint256 private constant GY3 = 0x530b5dd88c688ef5ccc5cec08a72150f7c400ee5cd045292aaacdd037458f6e6;

    /// SM3 after the first 128 bytes of every preimage of Z with the identity 1234567812345678:
    /// ENTL ‖ ID ‖ a ‖ b ‖ x_G and the first 14 bytes of y_G.
    uint256 private constant Z_STATE = 0xadadedb50446043f08a87acee86d22438e232383bfc81fe2cf9117c84707011d;

    /// The last 18 bytes of y_G, which follow them.
    bytes18 private constant GY_END = 0x2153d0a9877cc62a474002df32e52139f0a0;

    /// The chain lacks the MODEXP precompile, or it is wrong: the contract cannot judge any signature.
    error ModexpUnavailable();

    /// @notice Whether (r, s) signs `digest = SM3(Z ‖ M)` under the key (x, y): GB/T 32918.2 §7.1, whose steps are B1 to B7.
    /// @dev False for everything that is not a valid signature under a valid key. Reverts only for lack of gas or of MODEXP.
    function verify(bytes32 digest, uint256 r, uint256 s, uint256 x, uint256 y) internal view returns (bool) {
        unchecked {
            // B1, B2
            if (r == 0 || r >= N || s == 0 || s >= N || !isValidKey(x, y)) return false;
            // B5
            uint256 t = addmod(r, s, N);
            if (t == 0) return false;
            // B6
            (uint256 sumX, uint256 sumZz) = _sum(s, t, x, y);
            if (sumZz == 0) return false;
            // B7: (digest + x₁) mod n = r, without a division: x₁ is c or, below P, c + n.
            uint256 c = addmod(r, N - uint256(digest) % N, N);
            return mulmod(c, sumZz, P) == sumX || (c < P - N && mulmod(c + N, sumZz, P) == sumX);
        }
    }

    /// @notice Whether (x, y) can be a public key: coordinates below P, on the curve, neither G nor −G.
    /// @dev Infinity has no coordinates: (0, 0) is not on the curve. The keys G and −G belong to the private keys 1 and
    /// n − 1, of which the standard's range 1 to n − 2 excludes the second and nobody can honestly hold the first.
    function isValidKey(uint256 x, uint256 y) internal pure returns (bool) {
        if (x >= P || y >= P || x == GX) return false;
        uint256 cubic = addmod(mulmod(addmod(mulmod(x, x, P), A, P), x, P), B, P);
        return mulmod(y, y, P) == cubic;
    }

    /// @notice Z of the key (x, y) for the identity 1234567812345678: GB/T 32918.2 §5.5. Does not check the key.
    function z(uint256 x, uint256 y) internal pure returns (bytes32) {
        bytes memory rest = abi.encodePacked(GY_END, x, y);
        uint256 start;
        assembly ("memory-safe") {
            start := add(rest, 32)
        }
        return Sm3.resume(Z_STATE, 128, start, rest.length);
    }

    /// @notice The digest that is signed, SM3(Z ‖ M): GB/T 32918.2 §6.1 A1 and A2.
    function e(bytes32 keyZ, bytes memory message) internal pure returns (bytes32) {
        return Sm3.hash(abi.encodePacked(keyZ, message));
    }

    /// X and ZZ of s·G + t·(x, y). Two bits of s and two of t at a time, from the highest.
    function _sum(uint256 s, uint256 t, uint256 x, uint256 y) private view returns (uint256 sumX, uint256 sumZz) {
        unchecked {
            uint256 table = _table(x, y);
            uint256 sumY;
            uint256 sumZzz;
            for (uint256 shift = 256; shift != 0;) {
                shift -= 2;
                (sumX, sumY, sumZz, sumZzz) = _double(sumX, sumY, sumZz, sumZzz);
                (sumX, sumY, sumZz, sumZzz) = _double(sumX, sumY, sumZz, sumZzz);
                uint256 entry = table + ((s >> shift & 3) << 6) + ((t >> shift & 3) << 8);
                (sumX, sumY, sumZz, sumZzz) = _add(sumX, sumY, sumZz, sumZzz, entry);
            }
        }
    }

    /// Lays out i·G + j·(x, y) for i and j from 0 to 3, at 64·(i + 4j): affine coordinates, zeros for infinity.
    /// A key of small private key makes some of them coincide or vanish, which `_add` takes in its stride.
    function _table(uint256 x, uint256 y) private view returns (uint256 table) {
        uint256 points;
        assembly ("memory-safe") {
            // Three areas behind one another: 16 affine points, 16 points of four coordinates, 16 partial products.
            table := mload(0x40)
            points := add(table, 0x400)
            mstore(0x40, add(table, 0xe00))
            // 1. The multiples of G, and the key, as they are.
            mstore(table, 0)
            mstore(add(table, 0x20), 0)
            mstore(add(table, 0x40), GX)
            mstore(add(table, 0x60), GY)
            mstore(add(table, 0x80), GX2)
            mstore(add(table, 0xa0), GY2)
            mstore(add(table, 0xc0), GX3)
            mstore(add(table, 0xe0), GY3)
            mstore(add(table, 0x100), x)
            mstore(add(table, 0x120), y)
        }
        unchecked {
            // 2. The multiples of the key, then the sums with those of G.
            _store(points, 4, x, y, 1, 1);
            (uint256 x2, uint256 y2, uint256 zz2, uint256 zzz2) = _double(x, y, 1, 1);
            _store(points, 8, x2, y2, zz2, zzz2);
            (x2, y2, zz2, zzz2) = _add(x2, y2, zz2, zzz2, table + 0x100);
            _store(points, 12, x2, y2, zz2, zzz2);
            for (uint256 k = 5; k < 16; ++k) {
                if (k & 3 == 0) continue;
                (x2, y2, zz2, zzz2) = _load(points, k & 12);
                (x2, y2, zz2, zzz2) = _add(x2, y2, zz2, zzz2, table + ((k & 3) << 6));
                _store(points, k, x2, y2, zz2, zzz2);
            }
        }
        // 3. All to affine coordinates with one inversion.
        _normalise(points, table);
    }

    /// Brings points 5 to 15 to affine coordinates: one inversion of the product of their ZZZ, then back through the
    /// partial products. Infinity takes part with the factor 1 and comes out as zeros.
    function _normalise(uint256 points, uint256 table) private view {
        uint256 product = 1;
        assembly ("memory-safe") {
            for { let k := 5 } lt(k, 16) { k := add(k, 1) } {
                mstore(add(add(points, 0x800), shl(5, k)), product)
                let zzz := mload(add(add(points, shl(7, k)), 0x60))
                product := mulmod(product, add(zzz, iszero(zzz)), P)
            }
        }
        uint256 inverse = _invert(product);
        assembly ("memory-safe") {
            for { let k := 15 } gt(k, 4) { k := sub(k, 1) } {
                let point := add(points, shl(7, k))
                let to := add(table, shl(6, k))
                let zzz := mload(add(point, 0x60))
                // 1/ZZZ, then 1/ZZ = (ZZ/ZZZ)².
                let i := mulmod(inverse, mload(add(add(points, 0x800), shl(5, k))), P)
                inverse := mulmod(inverse, add(zzz, iszero(zzz)), P)
                mstore(add(to, 0x20), mulmod(mload(add(point, 0x20)), i, P))
                i := mulmod(mload(add(point, 0x40)), i, P)
                mstore(to, mulmod(mload(point), mulmod(i, i, P), P))
                if iszero(zzz) {
                    mstore(to, 0)
                    mstore(add(to, 0x20), 0)
                }
            }
        }
    }

    /// 1/value modulo P, for a value from 1 to P − 1, as value^(P − 2) by the precompile, and checked.
    function _invert(uint256 value) private view returns (uint256 inverse) {
        bool done;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, 0x20)
            mstore(add(m, 0x20), 0x20)
            mstore(add(m, 0x40), 0x20)
            mstore(add(m, 0x60), value)
            mstore(add(m, 0x80), sub(P, 2))
            mstore(add(m, 0xa0), P)
            done := staticcall(gas(), 5, m, 0xc0, m, 0x20)
            inverse := mload(m)
        }
        if (!done || mulmod(value, inverse, P) != 1) revert ModexpUnavailable();
    }

    /// Twice a point, infinity and all: ZZ = 0 stays 0, and no point of a group of odd order doubles to infinity.
    function _double(uint256 x, uint256 y, uint256 zz, uint256 zzz)
        private
        pure
        returns (uint256 x3, uint256 y3, uint256 zz3, uint256 zzz3)
    {
        assembly ("memory-safe") {
            // V = (2Y)², W = (2Y)³, S = X·V, M = 3(X − ZZ)(X + ZZ)
            let m := addmod(y, y, P)
            zz3 := mulmod(m, m, P)
            zzz3 := mulmod(m, zz3, P)
            y3 := mulmod(x, zz3, P)
            m := mulmod(3, mulmod(addmod(x, sub(P, zz), P), addmod(x, zz, P), P), P)
            // X₃ = M² − 2S, Y₃ = M(S − X₃) − W·Y, ZZ₃ = V·ZZ, ZZZ₃ = W·ZZZ
            x3 := addmod(mulmod(m, m, P), sub(P, addmod(y3, y3, P)), P)
            y3 := addmod(mulmod(m, addmod(y3, sub(P, x3), P), P), sub(P, mulmod(zzz3, y, P)), P)
            zz3 := mulmod(zz3, zz, P)
            zzz3 := mulmod(zzz3, zzz, P)
        }
    }

    /// The sum of a point and an affine one at `entry` in memory (zeros for infinity), in every case.
    function _add(uint256 x, uint256 y, uint256 zz, uint256 zzz, uint256 entry)
        private
        pure
        returns (uint256, uint256, uint256, uint256)
    {
        uint256 x2;
        uint256 y2;
        assembly ("memory-safe") {
            x2 := mload(entry)
            y2 := mload(add(entry, 0x20))
        }
        // No point is (0, 0), because b is not 0.
        if (x2 | y2 == 0) return (x, y, zz, zzz);
        if (zz == 0) return (x2, y2, 1, 1);
        assembly ("memory-safe") {
            // D = x₂·ZZ − X, R = y₂·ZZZ − Y
            x2 := addmod(mulmod(x2, zz, P), sub(P, x), P)
            y2 := addmod(mulmod(y2, zzz, P), sub(P, y), P)
        }
        if (x2 == 0) {
            // Same x: the same point, to be doubled, or its opposite.
            if (y2 == 0) return _double(x, y, zz, zzz);
            return (0, 0, 0, 0);
        }
        assembly ("memory-safe") {
            // X₃ = R² − D³ − 2X·D², Y₃ = R(X·D² − X₃) − Y·D³, ZZ₃ = ZZ·D², ZZZ₃ = ZZZ·D³
            let dd := mulmod(x2, x2, P)
            x2 := mulmod(x2, dd, P)
            zz := mulmod(zz, dd, P)
            zzz := mulmod(zzz, x2, P)
            dd := mulmod(x, dd, P)
            x := addmod(mulmod(y2, y2, P), sub(P, addmod(x2, addmod(dd, dd, P), P)), P)
            y := addmod(mulmod(y2, addmod(dd, sub(P, x), P), P), sub(P, mulmod(y, x2, P)), P)
        }
        return (x, y, zz, zzz);
    }

    function _store(uint256 points, uint256 index, uint256 x, uint256 y, uint256 zz, uint256 zzz) private pure {
        assembly ("memory-safe") {
            let to := add(points, shl(7, index))
            mstore(to, x)
            mstore(add(to, 0x20), y)
            mstore(add(to, 0x40), zz)
            mstore(add(to, 0x60), zzz)
        }
    }

    function _load(uint256 points, uint256 index) private pure returns (uint256 x, uint256 y, uint256 zz, uint256 zzz) {
        assembly ("memory-safe") {
            let from := add(points, shl(7, index))
            x := mload(from)
            y := mload(add(from, 0x20))
            zz := mload(add(from, 0x40))
            zzz := mload(add(from, 0x60))
        }
    }
}
