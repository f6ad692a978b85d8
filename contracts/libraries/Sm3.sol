// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title SM3 (GB/T 32905-2016)
/// @notice Hash of byte strings in memory. Lengths are below 2^61 bytes, which no memory can exceed.
/// @dev How a block is compressed:
/// 1. Every 32-bit word sits in a lane of 8 bytes, upper half zero, so that one 256-bit operation works on four words.
///    Rotation left by k in all lanes at once: multiply by 2^32 + 1, shift right by 32 − k, mask the lanes.
/// 2. In the rounds only the low 32 bits of a value count. What stands above them is tolerated, because sums and bitwise
///    operations never carry it down; it is masked off before each multiplication.
/// 3. A and B are kept as x·(2^32 + 1), E and F with that in their low 64 bits, so that a rotation is a single right shift.
library Sm3 {
    /// Initial value, §4.1.
    uint256 private constant IV = 0x7380166f4914b2b9172442d7da8a0600a96f30bc163138aae38dee4db0fb0e4e;

    /// Scratch memory behind the free pointer, which stays where it is: W lanes (72 of 8 bytes), from 608 the lanes of
    /// T_j <<< j (64 of 8 bytes), from 1120 the padded end of the message (128 bytes).
    uint256 private constant TAIL = 1120;

    /// @notice SM3 of `message`.
    function hash(bytes memory message) internal pure returns (bytes32) {
        uint256 start;
        assembly ("memory-safe") {
            start := add(message, 32)
        }
        return hash(start, message.length);
    }

    /// @notice SM3 of the 64 bytes `a ‖ b`.
    function hash(bytes32 a, bytes32 b) internal pure returns (bytes32 digest) {
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(start, a)
            mstore(add(start, 32), b)
            mstore(0x40, add(start, 64))
        }
        digest = hash(start, 64);
        assembly ("memory-safe") {
            mstore(0x40, start)
        }
    }

    /// @notice SM3 of the `length` bytes of memory from `start`.
    /// @dev The range must end at or before the free memory pointer, behind which scratch memory is used.
    function hash(uint256 start, uint256 length) internal pure returns (bytes32) {
        return resume(IV, 0, start, length);
    }

    /// @notice SM3 of a constant prefix and the `length` bytes of memory from `start`.
    /// @param state The state after the prefix, A in the top 32 bits to H in the low ones.
    /// @param absorbed The length of the prefix in bytes, a multiple of 64.
    function resume(uint256 state, uint256 absorbed, uint256 start, uint256 length) internal pure returns (bytes32) {
        uint256 scratch = _prepare();
        uint256 end = start + (length & ~uint256(63));
        for (; start != end; start += 64) {
            state = _compress(state, start, scratch);
        }

        // Padding, §5.2: bit 1, zeros, the length in bits as 64-bit integer; a second block if 9 bytes do not fit.
        uint256 tail = scratch + TAIL;
        bool twoBlocks = (length & 63) > 55;
        assembly ("memory-safe") {
            let rest := and(length, 63)
            mstore(tail, mload(start))
            mstore(add(tail, 32), mload(add(start, 32)))
            mstore(add(tail, rest), shl(255, 1))
            mstore(add(add(tail, rest), 32), 0)
            mstore(add(tail, 96), 0)
            let last := add(tail, add(32, shl(6, twoBlocks)))
            mstore(last, or(mload(last), shl(3, add(absorbed, length))))
        }
        state = _compress(state, tail, scratch);
        if (twoBlocks) state = _compress(state, tail + 64, scratch);
        return bytes32(state);
    }

    /// Lays out the constants T_j <<< j and returns the start of the scratch memory.
    function _prepare() private pure returns (uint256 m) {
        assembly ("memory-safe") {
            m := mload(0x40)
            mstore(add(m, 0x260), 0x0000000079cc451900000000f3988a3200000000e731146500000000ce6228cb)
            mstore(add(m, 0x280), 0x000000009cc45197000000003988a32f000000007311465e00000000e6228cbc)
            mstore(add(m, 0x2a0), 0x00000000cc45197900000000988a32f300000000311465e7000000006228cbce)
            mstore(add(m, 0x2c0), 0x00000000c451979c0000000088a32f390000000011465e7300000000228cbce6)
            mstore(add(m, 0x2e0), 0x000000009d8a7a87000000003b14f50f000000007629ea1e00000000ec53d43c)
            mstore(add(m, 0x300), 0x00000000d8a7a87900000000b14f50f300000000629ea1e700000000c53d43ce)
            mstore(add(m, 0x320), 0x000000008a7a879d0000000014f50f3b0000000029ea1e760000000053d43cec)
            mstore(add(m, 0x340), 0x00000000a7a879d8000000004f50f3b1000000009ea1e762000000003d43cec5)
            mstore(add(m, 0x360), 0x000000007a879d8a00000000f50f3b1400000000ea1e762900000000d43cec53)
            mstore(add(m, 0x380), 0x00000000a879d8a70000000050f3b14f00000000a1e7629e0000000043cec53d)
            mstore(add(m, 0x3a0), 0x00000000879d8a7a000000000f3b14f5000000001e7629ea000000003cec53d4)
            mstore(add(m, 0x3c0), 0x0000000079d8a7a800000000f3b14f5000000000e7629ea100000000cec53d43)
            mstore(add(m, 0x3e0), 0x000000009d8a7a87000000003b14f50f000000007629ea1e00000000ec53d43c)
            mstore(add(m, 0x400), 0x00000000d8a7a87900000000b14f50f300000000629ea1e700000000c53d43ce)
            mstore(add(m, 0x420), 0x000000008a7a879d0000000014f50f3b0000000029ea1e760000000053d43cec)
            mstore(add(m, 0x440), 0x00000000a7a879d8000000004f50f3b1000000009ea1e762000000003d43cec5)
        }
    }

    /// Compression, §5.3: the 64-byte block at `source` into `state`.
    function _compress(uint256 state, uint256 source, uint256 m) private pure returns (uint256 result) {
        _expand(source, m);
        assembly ("memory-safe") {
            let p := m
            let end := add(m, 128)
            let a := mul(shr(224, state), 0x100000001)
            let b := mul(and(shr(192, state), 0xffffffff), 0x100000001)
            let c := shr(160, state)
            let d := shr(128, state)
            let e := mul(and(shr(96, state), 0xffffffff), 0x100000001)
            let f := mul(and(shr(64, state), 0xffffffff), 0x100000001)
            let g := shr(32, state)
            let h := state
            // Rounds 0 to 15, four a pass; the roles of the variables move on by one a round.
            for {} lt(p, end) { p := add(p, 32) } {
                {
                    let a12 := shr(20, a)
                    let ss1 := shr(25, mul(and(add(add(a12, e), mload(add(p, 584))), 0xffffffff), 0x100000001))
                    let w := mload(sub(p, 24))
                    d := mul(
                        0x100000001,
                        and(0xffffffff, add(add(xor(ss1, a12), xor(w, mload(add(p, 8)))), add(d, xor(xor(a, b), c))))
                    )
                    w := mul(and(add(add(xor(xor(e, f), g), h), add(ss1, w)), 0xffffffff), 0x10000000100000001)
                    h := xor(w, xor(shr(23, w), shr(15, w)))
                    b := shr(23, b)
                    f := shr(13, f)
                }
                {
                    let a12 := shr(20, d)
                    let ss1 := shr(25, mul(and(add(add(a12, h), mload(add(p, 592))), 0xffffffff), 0x100000001))
                    let w := mload(sub(p, 16))
                    c := mul(
                        0x100000001,
                        and(0xffffffff, add(add(xor(ss1, a12), xor(w, mload(add(p, 16)))), add(c, xor(xor(d, a), b))))
                    )
                    w := mul(and(add(add(xor(xor(h, e), f), g), add(ss1, w)), 0xffffffff), 0x10000000100000001)
                    g := xor(w, xor(shr(23, w), shr(15, w)))
                    a := shr(23, a)
                    e := shr(13, e)
                }
                {
                    let a12 := shr(20, c)
                    let ss1 := shr(25, mul(and(add(add(a12, g), mload(add(p, 600))), 0xffffffff), 0x100000001))
                    let w := mload(sub(p, 8))
                    b := mul(
                        0x100000001,
                        and(0xffffffff, add(add(xor(ss1, a12), xor(w, mload(add(p, 24)))), add(b, xor(xor(c, d), a))))
                    )
                    w := mul(and(add(add(xor(xor(g, h), e), f), add(ss1, w)), 0xffffffff), 0x10000000100000001)
                    f := xor(w, xor(shr(23, w), shr(15, w)))
                    d := shr(23, d)
                    h := shr(13, h)
                }
                {
                    let a12 := shr(20, b)
                    let ss1 := shr(25, mul(and(add(add(a12, f), mload(add(p, 608))), 0xffffffff), 0x100000001))
                    let w := mload(p)
                    a := mul(
                        0x100000001,
                        and(0xffffffff, add(add(xor(ss1, a12), xor(w, mload(add(p, 32)))), add(a, xor(xor(b, c), d))))
                    )
                    w := mul(and(add(add(xor(xor(f, g), h), e), add(ss1, w)), 0xffffffff), 0x10000000100000001)
                    e := xor(w, xor(shr(23, w), shr(15, w)))
                    c := shr(23, c)
                    g := shr(13, g)
                }
            }
            // Rounds 16 to 63.
            end := add(end, 384)
            for {} lt(p, end) { p := add(p, 32) } {
                {
                    let a12 := shr(20, a)
                    let ss1 := shr(25, mul(and(add(add(a12, e), mload(add(p, 584))), 0xffffffff), 0x100000001))
                    let w := mload(sub(p, 24))
                    d := mul(
                        0x100000001,
                        and(
                            0xffffffff,
                            add(add(xor(ss1, a12), xor(w, mload(add(p, 8)))), add(d, or(and(a, b), and(c, or(a, b)))))
                        )
                    )
                    w := mul(and(add(add(xor(g, and(e, xor(f, g))), h), add(ss1, w)), 0xffffffff), 0x10000000100000001)
                    h := xor(w, xor(shr(23, w), shr(15, w)))
                    b := shr(23, b)
                    f := shr(13, f)
                }
                {
                    let a12 := shr(20, d)
                    let ss1 := shr(25, mul(and(add(add(a12, h), mload(add(p, 592))), 0xffffffff), 0x100000001))
                    let w := mload(sub(p, 16))
                    c := mul(
                        0x100000001,
                        and(
                            0xffffffff,
                            add(add(xor(ss1, a12), xor(w, mload(add(p, 16)))), add(c, or(and(d, a), and(b, or(d, a)))))
                        )
                    )
                    w := mul(and(add(add(xor(f, and(h, xor(e, f))), g), add(ss1, w)), 0xffffffff), 0x10000000100000001)
                    g := xor(w, xor(shr(23, w), shr(15, w)))
                    a := shr(23, a)
                    e := shr(13, e)
                }
                {
                    let a12 := shr(20, c)
                    let ss1 := shr(25, mul(and(add(add(a12, g), mload(add(p, 600))), 0xffffffff), 0x100000001))
                    let w := mload(sub(p, 8))
                    b := mul(
                        0x100000001,
                        and(
                            0xffffffff,
                            add(add(xor(ss1, a12), xor(w, mload(add(p, 24)))), add(b, or(and(c, d), and(a, or(c, d)))))
                        )
                    )
                    w := mul(and(add(add(xor(e, and(g, xor(h, e))), f), add(ss1, w)), 0xffffffff), 0x10000000100000001)
                    f := xor(w, xor(shr(23, w), shr(15, w)))
                    d := shr(23, d)
                    h := shr(13, h)
                }
                {
                    let a12 := shr(20, b)
                    let ss1 := shr(25, mul(and(add(add(a12, f), mload(add(p, 608))), 0xffffffff), 0x100000001))
                    let w := mload(p)
                    a := mul(
                        0x100000001,
                        and(
                            0xffffffff,
                            add(add(xor(ss1, a12), xor(w, mload(add(p, 32)))), add(a, or(and(b, c), and(d, or(b, c)))))
                        )
                    )
                    w := mul(and(add(add(xor(h, and(f, xor(g, h))), e), add(ss1, w)), 0xffffffff), 0x10000000100000001)
                    e := xor(w, xor(shr(23, w), shr(15, w)))
                    c := shr(23, c)
                    g := shr(13, g)
                }
            }
            result := or(shl(224, a), shl(192, and(b, 0xffffffff)))
            result := or(result, or(shl(160, and(c, 0xffffffff)), shl(128, and(d, 0xffffffff))))
            result := or(result, or(shl(96, and(e, 0xffffffff)), shl(64, and(f, 0xffffffff))))
            result := or(result, or(shl(32, and(g, 0xffffffff)), and(h, 0xffffffff)))
            result := xor(result, state)
        }
    }

    /// Message expansion, §5.3.2: W_0 to W_67 into the lanes at `m`, three new words a pass.
    /// The fourth lane of a pass is a wrong word with a clean upper half; the next pass replaces it.
    function _expand(uint256 source, uint256 m) private pure {
        assembly ("memory-safe") {
            // 1. Spread eight words over two times four lanes, twice.
            for { let half := 0 } lt(half, 2) { half := add(half, 1) } {
                let words := mload(add(source, shl(5, half)))
                let to := add(m, shl(6, half))
                let x := shr(128, words)
                x := and(or(x, shl(64, x)), 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff)
                mstore(to, and(or(x, shl(32, x)), 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff))
                x := and(words, 0xffffffffffffffffffffffffffffffff)
                x := and(or(x, shl(64, x)), 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff)
                mstore(
                    add(to, 32),
                    and(or(x, shl(32, x)), 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff)
                )
            }
            mstore(add(m, 128), 0)
            // 2. W_j = P1(W_j−16 ^ W_j−9 ^ (W_j−3 <<< 15)) ^ (W_j−13 <<< 7) ^ W_j−6, p at lane j − 16.
            let end := add(m, 432)
            for { let p := m } lt(p, end) { p := add(p, 24) } {
                let x :=
                    and(
                        shr(17, mul(mload(add(p, 104)), 0x100000001)),
                        0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff
                    )
                x := xor(x, xor(mload(p), mload(add(p, 56))))
                let y := mul(x, 0x100000001)
                y := xor(xor(shr(17, y), shr(9, y)), shr(25, mul(mload(add(p, 24)), 0x100000001)))
                y := xor(
                    and(y, 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff),
                    xor(x, mload(add(p, 80)))
                )
                mstore(add(p, 128), y)
            }
        }
    }
}
