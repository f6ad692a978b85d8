// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title s·G + t·T from the tables of both points
/// @notice A scalar is a sum of ±2^i for i from 0 to 255 (an even one is the opposite of an odd one), so no digit is 0.
/// Digit 128j + 16h + i belongs to column i, part j, tooth h: the eight teeth of a column and a part pick one entry of a
/// table, or its opposite. From the highest column on: double, then add two entries of G and two of T.
/// @dev The formulas have exceptions: where the points of an addition have the same x, ZZ becomes 0 and stays so.
library Sm2Comb {
    uint256 private constant P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff;
    uint256 private constant N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123;
    /// 3/2 modulo P.
    uint256 private constant SESQUI = 0x7fffffff7fffffffffffffffffffffffffffffff800000008000000000000001;

    /// @notice Where the digits of a scalar lead, two entries a column, in the order of use: byte 2(15 − i) + (1 − j),
    /// counted from the top, is for column i and part j.
    /// @param k From 1 to N − 1.
    /// @return places Bytes of 0 to 255: the number of the entry in the table, part 1 from 128 on.
    /// @return signs Bytes of 0 or 1: whether it is to be subtracted.
    function digits(uint256 k) internal pure returns (uint256 places, uint256 signs) {
        assembly ("memory-safe") {
            // 1. A bit for a digit, 1 for +: k = Σ(2·bit − 1)·2^i has the bits (k − 1)/2 + 2^255 if k is odd; if it is
            //    even, those of n − k, inverted.
            let even := sub(and(k, 1), 1)
            let w := xor(even, or(shr(1, xor(k, and(even, xor(k, sub(N, k))))), shl(255, 1)))
            // 2. Transpose 16 rows (part and tooth) of 16 bits (columns): in the number of each bit, swap bit 7 with bit 3,
            //    then 6 with 2, 5 with 1, 4 with 0. The product by 2^d + 1 is a xor of two words that share no bit.
            w := xor(w, mul(add(shl(120, 1), 1), and(xor(w, shr(120, w)), 0xff00ff00ff00ff00ff00ff00ff00ff00)))
            w := xor(
                w,
                mul(add(shl(60, 1), 1), and(xor(w, shr(60, w)), 0xf0f0f0f0f0f0f0f00000000000000000f0f0f0f0f0f0f0f0))
            )
            w := xor(
                w,
                mul(
                    0x40000001,
                    and(xor(w, shr(30, w)), 0x00000000cccccccc00000000cccccccc00000000cccccccc00000000cccccccc)
                )
            )
            w := xor(
                w,
                mul(0x8001, and(xor(w, shr(15, w)), 0x0000aaaa0000aaaa0000aaaa0000aaaa0000aaaa0000aaaa0000aaaa0000aaaa))
            )
            // 3. Where the top tooth says −, the others say what the opposite of the entry has. Bit 7 becomes the part.
            signs := and(shr(7, not(w)), 0x0101010101010101010101010101010101010101010101010101010101010101)
            places := or(
                and(xor(w, mul(signs, 0x7f)), 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f),
                0x8000800080008000800080008000800080008000800080008000800080008000
            )
        }
    }

    /// @notice X and ZZ of s·G + t·T with x = X/ZZ, or ZZ = 0: then nothing is known.
    /// @dev Kept are x and zz, which are X and ZZ, w = −Y and z, which is ZZZ and −ZZZ by turns: entries of T meet ZZZ,
    /// those of G meet −ZZZ and get the other sign. With the tables' −x, this leaves one subtraction in an addition.
    /// To add (x₂, y₂): D = X − x₂·ZZ, R = y₂·ZZZ − Y, Q = −X·D²; X' = R² + D³ + 2Q, −Y' = R(X' + Q) − Y·D³,
    /// ZZ' = ZZ·D², −ZZZ' = ZZZ·D³.
    /// To double: V = Y², Q = −X·V, H = 3/2·(X² − ZZ²); X' = H² + 2Q, −Y' = H(X' + Q) + Y·Y³, ZZ' = V·ZZ, ZZZ' = Y³·ZZZ.
    /// @param s From 1 to N − 1, as is `t`.
    /// @param key A key contract: T and its table. The table of G is the end of the code of this contract.
    function sum(uint256 s, uint256 t, address key) internal view returns (uint256 sumX, uint256 sumZz) {
        // In this order, all stay within reach.
        uint256 placesG;
        uint256 places;
        uint256 signs;
        uint256 signsG;
        (places, signs) = digits(t);
        (placesG, signsG) = digits(s);
        assembly ("memory-safe") {
            // An entry is copied to 0, where its −x, once used, gives way to −y. The bytes of the signs become the places of
            // the y to be used: 32 or 0.
            signs := shl(5, xor(signs, 0x0101010101010101010101010101010101010101010101010101010101010101))
            signsG := shl(5, signsG)
            let from := key
            let tableG := sub(codesize(), 16384)
            let sesqui := SESQUI
            let m := 0
            let p := P
            codecopy(0, add(tableG, shl(6, byte(0, placesG))), 64)
            let x := sub(p, mload(0))
            mstore(0, sub(p, mload(32)))
            let w := mload(byte(0, signsG))
            let zz := 1
            let z := 1
            for {} 1 {} {
                // T, part 1.
                {
                    extcodecopy(from, 0, add(97, shl(6, byte(m, places))), 64)
                    let d := addmod(x, mulmod(mload(0), zz, p), p)
                    mstore(0, sub(p, mload(32)))
                    let r := addmod(mulmod(mload(byte(m, signs)), z, p), w, p)
                    let dd := mulmod(d, d, p)
                    let ddd := mulmod(d, dd, p)
                    let q := mulmod(sub(p, x), dd, p)
                    x := addmod(addmod(mulmod(r, r, p), ddd, p), addmod(q, q, p), p)
                    w := addmod(mulmod(r, addmod(x, q, p), p), mulmod(w, ddd, p), p)
                    zz := mulmod(zz, dd, p)
                    z := mulmod(z, ddd, p)
                }
                m := add(m, 1)
                // G, part 0.
                {
                    codecopy(0, add(tableG, shl(6, byte(m, placesG))), 64)
                    let d := addmod(x, mulmod(mload(0), zz, p), p)
                    mstore(0, sub(p, mload(32)))
                    let r := addmod(mulmod(mload(byte(m, signsG)), z, p), w, p)
                    let dd := mulmod(d, d, p)
                    let ddd := mulmod(d, dd, p)
                    let q := mulmod(sub(p, x), dd, p)
                    x := addmod(addmod(mulmod(r, r, p), ddd, p), addmod(q, q, p), p)
                    w := addmod(mulmod(r, addmod(x, q, p), p), mulmod(w, ddd, p), p)
                    zz := mulmod(zz, dd, p)
                    z := mulmod(z, ddd, p)
                }
                // T, part 0.
                {
                    extcodecopy(from, 0, add(97, shl(6, byte(m, places))), 64)
                    let d := addmod(x, mulmod(mload(0), zz, p), p)
                    mstore(0, sub(p, mload(32)))
                    let r := addmod(mulmod(mload(byte(m, signs)), z, p), w, p)
                    let dd := mulmod(d, d, p)
                    let ddd := mulmod(d, dd, p)
                    let q := mulmod(sub(p, x), dd, p)
                    x := addmod(addmod(mulmod(r, r, p), ddd, p), addmod(q, q, p), p)
                    w := addmod(mulmod(r, addmod(x, q, p), p), mulmod(w, ddd, p), p)
                    zz := mulmod(zz, dd, p)
                    z := mulmod(z, ddd, p)
                }
                m := add(m, 1)
                if iszero(lt(m, 32)) { break }
                // Double.
                {
                    let v := mulmod(w, w, p)
                    let vw := mulmod(v, w, p)
                    let q := mulmod(sub(p, x), v, p)
                    let h := mulmod(sesqui, mulmod(addmod(x, zz, p), addmod(x, sub(p, zz), p), p), p)
                    zz := mulmod(zz, v, p)
                    z := mulmod(sub(p, vw), z, p)
                    x := addmod(mulmod(h, h, p), addmod(q, q, p), p)
                    w := addmod(mulmod(h, addmod(x, q, p), p), mulmod(vw, w, p), p)
                }
                // G, part 1 of the next column.
                {
                    codecopy(0, add(tableG, shl(6, byte(m, placesG))), 64)
                    let d := addmod(x, mulmod(mload(0), zz, p), p)
                    mstore(0, sub(p, mload(32)))
                    let r := addmod(mulmod(mload(byte(m, signsG)), z, p), w, p)
                    let dd := mulmod(d, d, p)
                    let ddd := mulmod(d, dd, p)
                    let q := mulmod(sub(p, x), dd, p)
                    x := addmod(addmod(mulmod(r, r, p), ddd, p), addmod(q, q, p), p)
                    w := addmod(mulmod(r, addmod(x, q, p), p), mulmod(w, ddd, p), p)
                    zz := mulmod(zz, dd, p)
                    z := mulmod(z, ddd, p)
                }
            }
            sumX := x
            sumZz := zz
        }
    }
}
