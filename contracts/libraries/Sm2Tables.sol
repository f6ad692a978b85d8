// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm2Curve} from "./Sm2Curve.sol";

/// @title The comb table of a point: what makes multiplying that point cheap
/// @notice 256 points of 64 bytes. At 64·(128j + u), for j from 0 to 1 and u from 0 to 127, stands (P − x, y) for the
/// affine point (x, y) = 2^(128j)·(2^112·T + Σ ±2^(16i)·T), i from 0 to 6, with + where bit i of u is 1.
/// @dev T is on the curve, so its order is the prime n, and every point met here is T times 2^(128j) times an integer of
/// size below 2^114 that is not 0. Two that are added differ in size, so they are neither the same nor opposite.
library Sm2Tables {
    uint256 internal constant SIZE = 16384;

    uint256 private constant P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff;

    /// 3/2 modulo P.
    uint256 private constant SESQUI = 0x7fffffff7fffffffffffffffffffffffffffffff800000008000000000000001;

    /// The chain lacks the MODEXP precompile, or it is wrong: no table can be computed.
    error ModexpUnavailable();

    /// @notice Writes the table of T = (x, y), a point of the curve, to the SIZE bytes of memory from `table`.
    /// @dev They must end at or before the free memory pointer, behind which scratch memory is used.
    function build(uint256 table, uint256 x, uint256 y) internal view {
        unchecked {
            // 32 affine points, 32 of four coordinates, 32 partial products.
            uint256 scratch;
            assembly ("memory-safe") {
                scratch := mload(0x40)
                mstore(0x40, add(scratch, 7168))
            }
            _teeth(scratch, x, y);
            _first(table, scratch, scratch + 2048);
            _first(table + 8192, scratch + 1024, scratch + 2048);
            for (uint256 i; i != 7; ++i) {
                _addToAll(table, 64 << i, scratch + (i << 7) + 64);
            }
            assembly ("memory-safe") {
                mstore(0x40, scratch)
            }
        }
    }

    /// Lays out the points 2^(16m)·T, m from 0 to 15, at 128m, each followed by its double. All are affine.
    function _teeth(uint256 teeth, uint256 x, uint256 y) private view {
        uint256 points;
        assembly ("memory-safe") {
            points := add(teeth, 2048)
            let p := P
            let sesqui := SESQUI
            let zz := 1
            let zzz := 1
            for { let k := 0 } lt(k, 32) { k := add(k, 1) } {
                let to := add(points, shl(7, k))
                mstore(to, x)
                mstore(add(to, 32), y)
                mstore(add(to, 64), zz)
                mstore(add(to, 96), zzz)
                // Double once for the tooth's double, then 15 times for the next tooth.
                for { let n := add(1, mul(14, and(k, 1))) } n { n := sub(n, 1) } {
                    // V = Y², S = X·V, H = 3/2·(X² − ZZ²)
                    let v := mulmod(y, y, p)
                    let s := mulmod(x, v, p)
                    let h := mulmod(sesqui, mulmod(addmod(x, zz, p), addmod(x, sub(p, zz), p), p), p)
                    // X' = H² − 2S, Y' = H(S − X') − Y·Y³, ZZ' = V·ZZ, ZZZ' = Y³·ZZZ
                    zz := mulmod(zz, v, p)
                    v := mulmod(v, y, p)
                    zzz := mulmod(zzz, v, p)
                    x := addmod(mulmod(h, h, p), sub(p, addmod(s, s, p)), p)
                    y := addmod(mulmod(h, addmod(s, sub(p, x), p), p), sub(p, mulmod(v, y, p)), p)
                }
            }
        }
        _toAffine(points, 32, teeth);
    }

    /// Writes entry 0 of a part: its last tooth minus the seven others.
    function _first(uint256 part, uint256 teeth, uint256 scratch) private view {
        unchecked {
            (uint256 x, uint256 y) = _load(teeth + 896);
            uint256 zz = 1;
            uint256 zzz = 1;
            for (uint256 at = teeth; at != teeth + 896; at += 128) {
                (uint256 x2, uint256 y2) = _load(at);
                (x, y, zz, zzz) = Sm2Curve.add(x, y, zz, zzz, x2, P - y2);
            }
            _store(scratch, x, y, zz, zzz);
            _toAffine(scratch, 1, part);
        }
        assembly ("memory-safe") {
            mstore(part, sub(P, mload(part)))
        }
    }

    /// Doubles the entries of both parts, which are `size` bytes each so far: the sum of each and a point follows at the
    /// distance `size`. That is the point at `point` for part 0, the one 1024 bytes further on for part 1. One inversion
    /// serves all; until then, the denominator and the product of those before it stand where the sum will.
    function _addToAll(uint256 table, uint256 size, uint256 point) private view {
        uint256 inverse = 1;
        assembly ("memory-safe") {
            let p := P
            for { let part := 0 } lt(part, 2) { part := add(part, 1) } {
                let x := mload(add(point, shl(10, part)))
                let from := add(table, shl(13, part))
                for { let end := add(from, size) } lt(from, end) { from := add(from, 64) } {
                    let to := add(from, size)
                    let d := addmod(x, mload(from), p)
                    mstore(to, d)
                    mstore(add(to, 32), inverse)
                    inverse := mulmod(inverse, d, p)
                }
            }
        }
        inverse = _invert(inverse);
        assembly ("memory-safe") {
            let p := P
            for { let part := 2 } part {} {
                part := sub(part, 1)
                let x := mload(add(point, shl(10, part)))
                let y := mload(add(point, add(32, shl(10, part))))
                let start := add(table, shl(13, part))
                for { let from := add(start, size) } gt(from, start) {} {
                    from := sub(from, 64)
                    let to := add(from, size)
                    let negX := mload(from)
                    let fromY := mload(add(from, 32))
                    // Slope L = (y − y₁)/(x − x₁), sum x₃ = L² − x₁ − x, y₃ = −(L(x₃ − x₁) + y₁).
                    let slope := mulmod(addmod(y, sub(p, fromY), p), mulmod(inverse, mload(add(to, 32)), p), p)
                    inverse := mulmod(inverse, mload(to), p)
                    let sumX := addmod(addmod(mulmod(slope, slope, p), negX, p), sub(p, x), p)
                    mstore(to, sub(p, sumX))
                    mstore(add(to, 32), sub(p, addmod(mulmod(slope, addmod(sumX, negX, p), p), fromY, p)))
                }
            }
        }
    }

    /// Writes `count` points of four coordinates at `from` as affine ones to `to`, by one inversion of the product of all
    /// ZZZ. Uses 32 bytes a point behind them.
    function _toAffine(uint256 from, uint256 count, uint256 to) private view {
        uint256 inverse = 1;
        uint256 end;
        assembly ("memory-safe") {
            end := add(from, shl(7, count))
            let product := end
            for { let point := from } lt(point, end) { point := add(point, 128) } {
                mstore(product, inverse)
                product := add(product, 32)
                inverse := mulmod(inverse, mload(add(point, 96)), P)
            }
        }
        inverse = _invert(inverse);
        assembly ("memory-safe") {
            for {} count {} {
                count := sub(count, 1)
                let point := add(from, shl(7, count))
                // 1/ZZZ, then 1/ZZ = (ZZ/ZZZ)².
                let i := mulmod(inverse, mload(add(end, shl(5, count))), P)
                inverse := mulmod(inverse, mload(add(point, 96)), P)
                let at := add(to, shl(6, count))
                mstore(add(at, 32), mulmod(mload(add(point, 32)), i, P))
                i := mulmod(mload(add(point, 64)), i, P)
                mstore(at, mulmod(mload(point), mulmod(i, i, P), P))
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

    function _store(uint256 to, uint256 x, uint256 y, uint256 zz, uint256 zzz) private pure {
        assembly ("memory-safe") {
            mstore(to, x)
            mstore(add(to, 0x20), y)
            mstore(add(to, 0x40), zz)
            mstore(add(to, 0x60), zzz)
        }
    }

    function _load(uint256 from) private pure returns (uint256 x, uint256 y) {
        assembly ("memory-safe") {
            x := mload(from)
            y := mload(add(from, 0x20))
        }
    }
}
