// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm2Comb} from "./Sm2Comb.sol";
import {Sm2Curve} from "./Sm2Curve.sol";

/// @title SM2 verification (GB/T 32918.2-2016 §7.1) under a bare key, without a table of the key
/// @notice Complete: where a formula meets an input outside its domain, `Sm2Curve.completeSum` computes the sum again.
/// @dev The last 16,384 bytes of the running contract's code have to be the table of G (`Sm2Tables`).
///
/// s·G + t·P is one chain of 251 doublings. t has a digit every 5 doublings, one of ±1, ±3, … ±31; the 16 odd multiples
/// of P are made first, all over one common Z, called Zg. Until position 16 their (X, Y) are taken for affine points,
/// which they are on the isomorphic curve y² = x³ + a·Zg⁴·x + b·Zg⁶. The last 16 doublings are made on the curve itself
/// and carry the comb of s·G (`Sm2Comb.digits`).
///
/// Adding two points with the same x makes Z (ZZ, ZZZ) 0, and every later step keeps it 0: Z = 0 at the end tells all
/// exceptions. Doubling has none, because the order of the group is odd.
///
/// A doubling and an addition spare one subtraction each by giving −Y. Kept is V, which is Y and −Y by turns.
library Sm2Plain {
    uint256 private constant P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff;

    /// 3/2 and a/2 = −3/2 modulo P.
    uint256 private constant THREE_HALVES = 0x7fffffff7fffffffffffffffffffffffffffffff800000008000000000000001;
    uint256 private constant A_HALF = 0x7fffffff7fffffffffffffffffffffffffffffff800000007ffffffffffffffe;

    /// For each entry of G's table in the order of use, 1 if it meets V = Y and has to be added with the other sign.
    uint256 private constant FLIPS = 0x0001000101000001010000010001010000010100000100010100000101000001;

    /// @notice Whether (r, s) signs `e = SM3(Z ‖ M)` under the key (x, y).
    /// @dev False for everything that is not a valid signature under a valid key. Reverts only for lack of gas.
    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) internal pure returns (bool) {
        uint256 t = Sm2Curve.scalar(r, s);
        if (t == 0 || !Sm2Curve.isValidKey(x, y)) return false;
        (uint256 sumX, uint256 sumZz) = sum(s, t, x, y);
        if (sumZz == 0) (sumX, sumZz) = Sm2Curve.completeSum(s, t, x, y);
        return Sm2Curve.accepts(e, r, sumX, sumZz);
    }

    /// @notice X and ZZ of s·G + t·(x, y), or ZZ = 0 where an addition was exceptional (or the sum is infinity).
    /// @param s From 1 to n − 1, as is `t`. (x, y) is on the curve.
    function sum(uint256 s, uint256 t, uint256 x, uint256 y) internal pure returns (uint256 sumX, uint256 sumZz) {
        uint256 table;
        assembly ("memory-safe") {
            table := mload(0x40)
        }
        uint256 zg = _multiples(table, x, y);
        t = _signs(t);
        _high(table, t, zg);
        (uint256 places, uint256 signs) = Sm2Comb.digits(s);
        assembly ("memory-safe") {
            mstore(add(table, 0x800), zg)
            // The digits of t at 15, 10, 5 and 0, plus 32, in bytes 0, 10, 20 and 30: two bytes for a doubling. That at
            // 15 is one bit wide, so it is 1 or −1: 10000 or 01111 in five bits.
            t := or(
                or(shl(248, add(0x2f, and(shr(15, t), 1))), shl(168, or(0x20, and(shr(10, t), 0x1f)))),
                or(shl(88, or(0x20, and(shr(5, t), 0x1f))), shl(8, or(0x20, and(t, 0x1f))))
            )
            signs := xor(signs, FLIPS)
            // From here on `s` is where the table of G begins.
            s := sub(codesize(), 0x4000)
        }
        return _low(table, t, places, signs, s);
    }

    /// k, from 1 to n − 1, as Σ ±2^i for i from 0 to 255, a bit for a sign, 1 for +: k itself if odd, k − n if even.
    /// Five bits w in a row are the digit 2w − 31.
    function _signs(uint256 k) private pure returns (uint256) {
        unchecked {
            return k & 1 == 1 ? k >> 1 | 1 << 255 : ~((Sm2Curve.N - k) >> 1 | 1 << 255);
        }
    }

    /// Lays out d·(x, y) for d = −31, −29, … 31 at `table` + 32·(d + 31), as −X, Y over a common Z, which is returned.
    /// No addition here can be exceptional: −1, 1, 3, … 31 are different multiples of a point of large prime order.
    function _multiples(uint256 table, uint256 x, uint256 y) private pure returns (uint256 zg) {
        assembly ("memory-safe") {
            let p := P
            let up := add(table, 0x400)
            let down := add(table, 0x3c0)
            // 1. (x, y) = (x, w) and its double D = (−nx, −u), both over Z = y. The factors of Z wait in the lower half
            //    of the table: first y, then one f an addition.
            mstore(down, y)
            y := mulmod(y, y, p)
            let w := mulmod(y, y, p)
            zg := addmod(mulmod(mulmod(x, x, p), THREE_HALVES, p), A_HALF, p)
            x := mulmod(x, y, p)
            let nx := sub(p, addmod(mulmod(zg, zg, p), mulmod(x, sub(p, 2), p), p))
            let u := addmod(mulmod(zg, sub(p, addmod(x, nx, p)), p), w, p)
            mstore(up, x)
            mstore(add(up, 0x20), w)
            // 2. 3, 5, … 31 times: add D by Meloni's formulas, which bring it to the Z of the sum at no cost.
            //    F = X_D − X, R = U + W, D = (X_D·F², U·F³), X' = R² + F³ − 2·X_D·F², W' = R·(X' − X_D·F²) + U·F³,
            //    Z' = Z·F. W, U and Z change their signs each time, so that (X, W, Z) is the point itself.
            for {} gt(down, table) {} {
                up := add(up, 0x40)
                down := sub(down, 0x40)
                let f := sub(p, addmod(x, nx, p))
                mstore(down, f)
                let r := addmod(u, w, p)
                let ff := mulmod(f, f, p)
                nx := mulmod(nx, ff, p)
                {
                    let fff := mulmod(f, ff, p)
                    u := mulmod(u, fff, p)
                    x := addmod(addmod(mulmod(r, r, p), fff, p), addmod(nx, nx, p), p)
                }
                w := addmod(u, mulmod(r, addmod(nx, x, p), p), p)
                mstore(up, x)
                mstore(add(up, 0x20), w)
            }
            // 3. Back from 31 to 1: `zg` is the factor that is missing to the common Z.
            zg := 1
            for { let end := add(table, 0x400) } lt(down, end) {} {
                let f := mload(down)
                let zz := mulmod(zg, zg, p)
                x := mulmod(mload(up), sub(p, zz), p)
                w := mulmod(mload(add(up, 0x20)), mulmod(zz, zg, p), p)
                mstore(up, x)
                mstore(add(up, 0x20), w)
                mstore(down, x)
                mstore(add(down, 0x20), sub(p, w))
                zg := mulmod(zg, f, p)
                up := sub(up, 0x40)
                down := add(down, 0x40)
            }
        }
    }

    /// Digits 255 to 16 of t: the five highest, then 47 times five doublings and an addition, on the isomorphic curve.
    /// The point is (X/Z², ±V/Z³), and T = a·Zg⁴·Z⁴/2. Leaves X, V and Z at `table` + 2080. No addition can be
    /// exceptional: the sum so far is a multiple of P by ±32 or more, below 2^240, and an entry by ±31 or less.
    function _high(uint256 table, uint256 signs, uint256 zg) private pure {
        assembly ("memory-safe") {
            let z := 1
            // A constant in a variable, like P: the compiler would compute it anew each time rather than write it out.
            let c := THREE_HALVES
            let t := mulmod(zg, zg, P)
            t := mulmod(mulmod(t, t, P), A_HALF, P)
            zg := add(table, shl(6, shr(251, signs)))
            let v := mload(add(zg, 0x20))
            let p := P
            let x := sub(p, mload(zg))
            // From here on `zg` is the position of a digit less 11: `signs` is moved by 5, an entry has 2^6 bytes.
            signs := shr(5, signs)
            for { zg := 235 } zg { zg := sub(zg, 5) } {
                // A doubling: N = 3/2·X² + T, Q = −X·V², X₃ = N² + 2Q, V₃ = N·(X₃ + Q) + V⁴, Z₃ = V·Z, T₃ = T·V⁴.
                // Always two of them, because a new variable costs less than overwriting one. For the same reason there
                // is a block wherever a variable has been used up: in one block, the compiler would overwrite it.
                {
                    let yy := mulmod(v, v, p)
                    let n := addmod(mulmod(mulmod(x, x, p), c, p), t, p)
                    let q := sub(p, mulmod(x, yy, p))
                    {
                        let y4 := mulmod(yy, yy, p)
                        let x2 := addmod(addmod(q, q, p), mulmod(n, n, p), p)
                        let v2 := addmod(y4, mulmod(n, addmod(q, x2, p), p), p)
                        z := mulmod(z, mulmod(v, v2, p), p)
                        {
                            let t2 := mulmod(t, y4, p)
                            let yy2 := mulmod(v2, v2, p)
                            let n2 := addmod(mulmod(mulmod(x2, x2, p), c, p), t2, p)
                            let q2 := sub(p, mulmod(x2, yy2, p))
                            {
                                let y42 := mulmod(yy2, yy2, p)
                                t := mulmod(t2, y42, p)
                                x := addmod(addmod(q2, q2, p), mulmod(n2, n2, p), p)
                                v := addmod(y42, mulmod(n2, addmod(q2, x, p), p), p)
                            }
                        }
                    }
                }
                {
                    let yy := mulmod(v, v, p)
                    let n := addmod(mulmod(mulmod(x, x, p), c, p), t, p)
                    let q := sub(p, mulmod(x, yy, p))
                    {
                        let y4 := mulmod(yy, yy, p)
                        let x2 := addmod(addmod(q, q, p), mulmod(n, n, p), p)
                        let v2 := addmod(y4, mulmod(n, addmod(q, x2, p), p), p)
                        z := mulmod(z, mulmod(v, v2, p), p)
                        {
                            let t2 := mulmod(t, y4, p)
                            let yy2 := mulmod(v2, v2, p)
                            let n2 := addmod(mulmod(mulmod(x2, x2, p), c, p), t2, p)
                            let q2 := sub(p, mulmod(x2, yy2, p))
                            {
                                let y42 := mulmod(yy2, yy2, p)
                                t := mulmod(t2, y42, p)
                                x := addmod(addmod(q2, q2, p), mulmod(n2, n2, p), p)
                                v := addmod(y42, mulmod(n2, addmod(q2, x, p), p), p)
                            }
                        }
                    }
                }
                {
                    let yy := mulmod(v, v, p)
                    let n := addmod(mulmod(mulmod(x, x, p), c, p), t, p)
                    let q := sub(p, mulmod(x, yy, p))
                    {
                        let y4 := mulmod(yy, yy, p)
                        let x2 := addmod(addmod(q, q, p), mulmod(n, n, p), p)
                        let v2 := addmod(y4, mulmod(n, addmod(q, x2, p), p), p)
                        let h := add(table, and(shr(zg, signs), 0x7c0))
                        let z2 := mulmod(v, z, p)
                        {
                            // An addition of (x', y'): H = X − x'·Z², R = y'·Z³ + V, Q = −X·H², X₃ = R² + H³ + 2Q,
                            // V₃ = R·(X₃ + Q) + V·H³, Z₃ = Z·H, T₃ = T·H⁴.
                            let hh := mulmod(z2, z2, p)
                            let r := addmod(mulmod(mload(add(h, 0x20)), mulmod(hh, z2, p), p), v2, p)
                            h := addmod(mulmod(mload(h), hh, p), x2, p)
                            z := mulmod(z2, h, p)
                            hh := mulmod(h, h, p)
                            t := mulmod(t, mulmod(y4, mulmod(hh, hh, p), p), p)
                            let q2 := sub(p, mulmod(x2, hh, p))
                            {
                                let hhh := mulmod(h, hh, p)
                                x := addmod(addmod(q2, q2, p), addmod(hhh, mulmod(r, r, p), p), p)
                                v := addmod(mulmod(v2, hhh, p), mulmod(r, addmod(q2, x, p), p), p)
                            }
                        }
                    }
                }
            }
            mstore(add(table, 0x820), x)
            mstore(add(table, 0x840), v)
            mstore(add(table, 0x860), z)
        }
    }

    /// Digits 15 to 0 of t and all of s·G: 16 times a doubling and two entries of G's table, with t's digits at 15, 10,
    /// 5 and 0, in (X, V, ZZ, ZZZ) on the curve.
    /// @param digits Digits of t plus 32, a byte each; 0 where there is none. Byte m goes with entry m of G's table.
    /// @param places `Sm2Comb.digits`, with `signs` for V = −Y.
    function _low(uint256 table, uint256 digits, uint256 places, uint256 signs, uint256 tableG)
        private
        pure
        returns (uint256 x, uint256 zz)
    {
        assembly ("memory-safe") {
            x := mload(add(table, 0x820))
            zz := mulmod(mload(add(table, 0x860)), mload(add(table, 0x800)), P)
            let v := mload(add(table, 0x840))
            let zzz := mulmod(zz, mulmod(zz, zz, P), P)
            zz := mulmod(zz, zz, P)
            let c := THREE_HALVES
            let m := 0
            let p := P
            for {} lt(m, 32) { m := add(m, 1) } {
                {
                    // N = 3/2·(X + ZZ)(X − ZZ), ZZ₃ = ZZ·V², ZZZ₃ = ZZZ·V³; otherwise as above.
                    let yy := mulmod(v, v, p)
                    let n := mulmod(mulmod(addmod(x, zz, p), addmod(x, sub(p, zz), p), p), c, p)
                    let q := sub(p, mulmod(x, yy, p))
                    let y3 := mulmod(v, yy, p)
                    zz := mulmod(zz, yy, p)
                    zzz := mulmod(zzz, y3, p)
                    x := addmod(addmod(q, q, p), mulmod(n, n, p), p)
                    v := addmod(mulmod(v, y3, p), mulmod(n, addmod(q, x, p), p), p)
                }
                {
                    // H = X − x'·ZZ, R = y'·ZZZ + V, ZZ₃ = ZZ·H², ZZZ₃ = ZZZ·H³; otherwise as above.
                    codecopy(0, add(tableG, shl(6, byte(m, places))), 0x40)
                    let r := mload(0x20)
                    if byte(m, signs) { r := sub(p, r) }
                    r := addmod(mulmod(r, zzz, p), v, p)
                    let h := addmod(mulmod(mload(0), zz, p), x, p)
                    let hh := mulmod(h, h, p)
                    let q := sub(p, mulmod(x, hh, p))
                    zz := mulmod(zz, hh, p)
                    {
                        let hhh := mulmod(h, hh, p)
                        zzz := mulmod(zzz, hhh, p)
                        x := addmod(addmod(q, q, p), addmod(hhh, mulmod(r, r, p), p), p)
                        v := addmod(mulmod(v, hhh, p), mulmod(r, addmod(q, x, p), p), p)
                    }
                }
                m := add(m, 1)
                {
                    codecopy(0, add(tableG, shl(6, byte(m, places))), 0x40)
                    let r := mload(0x20)
                    if byte(m, signs) { r := sub(p, r) }
                    r := addmod(mulmod(r, zzz, p), v, p)
                    let h := addmod(mulmod(mload(0), zz, p), x, p)
                    let hh := mulmod(h, h, p)
                    let q := sub(p, mulmod(x, hh, p))
                    zz := mulmod(zz, hh, p)
                    {
                        let hhh := mulmod(h, hh, p)
                        zzz := mulmod(zzz, hhh, p)
                        x := addmod(addmod(q, q, p), addmod(hhh, mulmod(r, r, p), p), p)
                        v := addmod(mulmod(v, hhh, p), mulmod(r, addmod(q, x, p), p), p)
                    }
                }
                if byte(sub(m, 1), digits) {
                    // As above, but the entry is over Zg: X and ZZ times Zg², V and ZZZ times Zg³ are the same point.
                    let h := add(table, sub(shl(6, byte(sub(m, 1), digits)), 0x800))
                    let f := mload(add(table, 0x800))
                    let r := mulmod(mload(add(h, 0x20)), zzz, p)
                    h := mulmod(mload(h), zz, p)
                    let ff := mulmod(f, f, p)
                    x := mulmod(x, ff, p)
                    zz := mulmod(zz, ff, p)
                    f := mulmod(f, ff, p)
                    v := mulmod(v, f, p)
                    zzz := mulmod(zzz, f, p)
                    r := addmod(r, v, p)
                    h := addmod(h, x, p)
                    f := mulmod(h, h, p)
                    ff := sub(p, mulmod(x, f, p))
                    zz := mulmod(zz, f, p)
                    f := mulmod(h, f, p)
                    zzz := mulmod(zzz, f, p)
                    x := addmod(addmod(ff, ff, p), addmod(f, mulmod(r, r, p), p), p)
                    v := addmod(mulmod(v, f, p), mulmod(r, addmod(ff, x, p), p), p)
                }
            }
        }
    }
}
