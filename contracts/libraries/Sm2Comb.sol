// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm2Curve} from "./Sm2Curve.sol";

/// @title s·G + t·T from the tables of both points
/// @notice A scalar is a sum of ±2^i for i from 0 to 255 (an even one is the opposite of an odd one, so no digit is 0).
/// Digit 128j + 16t + i belongs to column i, part j, tooth t: the eight teeth of a column and a part pick one entry of a
/// table, or its opposite. From the highest column: double, then add the two entries of G and the two of T.
/// @dev The additions are not complete: where both points have the same x, ZZ becomes 0 and stays so.
library Sm2Comb {
    uint256 private constant P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff;
    uint256 private constant N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123;

    /// @notice Where the digits of a scalar lead, two entries a column, in the order of use: byte 2(15 − i) + (1 − j),
    /// counted from the top, is for column i and part j.
    /// @param k From 1 to N − 1.
    /// @return places Bytes of 0 to 255: the number of the entry in the table, part 1 from 128.
    /// @return signs Bytes of 0 or 1: whether it is to be subtracted.
    function digits(uint256 k) internal pure returns (uint256 places, uint256 signs) {
        assembly ("memory-safe") {
            // 1. A bit for a digit, 1 for +: k = Σ(2·bit − 1)·2^i has the bits (k − 1)/2 + 2^255 if k is odd; if it is
            //    even, those of n − k, inverted.
            let even := sub(and(k, 1), 1)
            let w := xor(even, or(shr(1, xor(k, and(even, xor(k, sub(N, k))))), shl(255, 1)))
            // 2. Transpose 16 rows (part and tooth) of 16 bits (columns): in the index of each bit, swap bit 7 with bit 3,
            //    then 6 with 2, 5 with 1, 4 with 0.
            let x := and(xor(w, shr(120, w)), 0xff00ff00ff00ff00ff00ff00ff00ff00)
            w := xor(w, xor(x, shl(120, x)))
            x := and(xor(w, shr(60, w)), 0xf0f0f0f0f0f0f0f00000000000000000f0f0f0f0f0f0f0f0)
            w := xor(w, xor(x, shl(60, x)))
            x := and(xor(w, shr(30, w)), 0x00000000cccccccc00000000cccccccc00000000cccccccc00000000cccccccc)
            w := xor(w, xor(x, shl(30, x)))
            x := and(xor(w, shr(15, w)), 0x0000aaaa0000aaaa0000aaaa0000aaaa0000aaaa0000aaaa0000aaaa0000aaaa)
            w := xor(w, xor(x, shl(15, x)))
            // 3. Where the top tooth says −, the others say what the opposite of the entry has. Bit 7 becomes the part.
            signs := and(shr(7, not(w)), 0x0101010101010101010101010101010101010101010101010101010101010101)
            places := and(xor(w, mul(signs, 0x7f)), 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f)
            places := or(places, 0x8000800080008000800080008000800080008000800080008000800080008000)
        }
    }

    /// @notice X and ZZ of s·G + t·T, or ZZ = 0: then it says nothing.
    /// @dev Adding (x₂, y₂): D = X − x₂·ZZ, R = y₂·ZZZ − Y, X' = R² + D³ − 2X·D², −Y' = R(X' − X·D²) − Y·D³, ZZ' = ZZ·D²,
    /// −ZZZ' = ZZZ·D³. Kept are W = −Y and Z, which is ZZZ and −ZZZ by turns: entries of G meet −ZZZ and are added with
    /// the other sign, those of T meet ZZZ. This and the tables' −x leave one subtraction in an addition.
    /// @param s From 1 to N − 1, as is `t`.
    /// The table of G is the end of the code of this contract. All of memory is overwritten: nothing of the caller's may
    /// be there.
    /// @param key The contract in whose code the table of T begins at `offset`.
    function sum(uint256 s, uint256 t, address key, uint256 offset)
        internal
        view
        returns (uint256 sumX, uint256 sumZz)
    {
        (uint256 places, uint256 signs) = digits(t);
        (uint256 placesG, uint256 signsG) = digits(s);
        assembly {
            extcodecopy(key, 0, offset, 0x4000)
            let tableG := sub(codesize(), 0x4000)
            let p := P
            let m := 0
            let z := 1
            let zz := 1
            codecopy(0x4000, add(tableG, shl(6, byte(0, placesG))), 64)
            let x := sub(p, mload(0x4000))
            let w := sub(byte(0, signsG), 1)
            w := add(xor(mload(0x4020), w), and(w, 0xfffffffeffffffffffffffffffffffffffffffff000000010000000000000000))
            for {} 1 {} {
                {
                    let d := shl(6, byte(m, places))
                    let r := sub(0, byte(m, signs))
                    r := addmod(
                        mulmod(
                            add(
                                xor(mload(add(d, 32)), r),
                                and(r, 0xfffffffeffffffffffffffffffffffffffffffff000000010000000000000000)
                            ),
                            z,
                            p
                        ),
                        w,
                        p
                    )
                    d := addmod(x, mulmod(mload(d), zz, p), p)
                    let dd := mulmod(d, d, p)
                    let q := mulmod(sub(p, x), dd, p)
                    zz := mulmod(zz, dd, p)
                    d := mulmod(d, dd, p)
                    z := mulmod(z, d, p)
                    x := addmod(addmod(mulmod(r, r, p), d, p), addmod(q, q, p), p)
                    w := addmod(mulmod(r, addmod(x, q, p), p), mulmod(w, d, p), p)
                }
                m := add(m, 1)
                {
                    codecopy(0x4000, add(tableG, shl(6, byte(m, placesG))), 64)
                    let d := addmod(x, mulmod(mload(0x4000), zz, p), p)
                    let r := sub(byte(m, signsG), 1)
                    r := addmod(
                        mulmod(
                            add(
                                xor(mload(0x4020), r),
                                and(r, 0xfffffffeffffffffffffffffffffffffffffffff000000010000000000000000)
                            ),
                            z,
                            p
                        ),
                        w,
                        p
                    )
                    let dd := mulmod(d, d, p)
                    let q := mulmod(sub(p, x), dd, p)
                    zz := mulmod(zz, dd, p)
                    d := mulmod(d, dd, p)
                    z := mulmod(z, d, p)
                    x := addmod(addmod(mulmod(r, r, p), d, p), addmod(q, q, p), p)
                    w := addmod(mulmod(r, addmod(x, q, p), p), mulmod(w, d, p), p)
                }
                {
                    let d := shl(6, byte(m, places))
                    let r := sub(0, byte(m, signs))
                    r := addmod(
                        mulmod(
                            add(
                                xor(mload(add(d, 32)), r),
                                and(r, 0xfffffffeffffffffffffffffffffffffffffffff000000010000000000000000)
                            ),
                            z,
                            p
                        ),
                        w,
                        p
                    )
                    d := addmod(x, mulmod(mload(d), zz, p), p)
                    let dd := mulmod(d, d, p)
                    let q := mulmod(sub(p, x), dd, p)
                    zz := mulmod(zz, dd, p)
                    d := mulmod(d, dd, p)
                    z := mulmod(z, d, p)
                    x := addmod(addmod(mulmod(r, r, p), d, p), addmod(q, q, p), p)
                    w := addmod(mulmod(r, addmod(x, q, p), p), mulmod(w, d, p), p)
                }
                m := add(m, 1)
                if eq(m, 32) { break }
                {
                    let v := mulmod(w, w, p)
                    let q := mulmod(sub(p, x), v, p)
                    let h :=
                        mulmod(
                            0x7fffffff7fffffffffffffffffffffffffffffff800000008000000000000001,
                            mulmod(addmod(x, zz, p), addmod(x, sub(p, zz), p), p),
                            p
                        )
                    zz := mulmod(zz, v, p)
                    v := mulmod(v, w, p)
                    z := mulmod(sub(p, v), z, p)
                    x := addmod(mulmod(h, h, p), addmod(q, q, p), p)
                    w := addmod(mulmod(h, addmod(x, q, p), p), mulmod(v, w, p), p)
                }
                {
                    codecopy(0x4000, add(tableG, shl(6, byte(m, placesG))), 64)
                    let d := addmod(x, mulmod(mload(0x4000), zz, p), p)
                    let r := sub(byte(m, signsG), 1)
                    r := addmod(
                        mulmod(
                            add(
                                xor(mload(0x4020), r),
                                and(r, 0xfffffffeffffffffffffffffffffffffffffffff000000010000000000000000)
                            ),
                            z,
                            p
                        ),
                        w,
                        p
                    )
                    let dd := mulmod(d, d, p)
                    let q := mulmod(sub(p, x), dd, p)
                    zz := mulmod(zz, dd, p)
                    d := mulmod(d, dd, p)
                    z := mulmod(z, d, p)
                    x := addmod(addmod(mulmod(r, r, p), d, p), addmod(q, q, p), p)
                    w := addmod(mulmod(r, addmod(x, q, p), p), mulmod(w, d, p), p)
                }
            }
            mstore(0x40, 0x80)
            mstore(0x60, 0)
            sumX := x
            sumZz := zz
        }
    }
}
