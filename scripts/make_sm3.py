"""Writes the unrolled compression function into contracts/libraries/Sm3.sol, between its two marks.

Guaranteed: the same text on every run; `--check` writes nothing and exits 1 where the file differs. Not guaranteed:
that the text is right, which tests/solidity/Sm3.t.sol shows. The method is explained in the library itself.
"""

from sm3_text import Round, load, write_or_check

HEAD = """\
    /// Compression, §5.3: the 64-byte block at `source` into `state`, with scratch memory from `m`.
    function compress(uint256 state, uint256 source, uint256 m) internal pure returns (uint256 result) {
        // Message expansion, §5.3.2: W_0 to W_67 into the lanes at `m`.
        assembly ("memory-safe") {
            let lanes := 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff
            let pairs := 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff
"""
TURN = """\
        }
        // Rounds 0 to 63, §5.3.3. x, y, z, v: A with E, B with F, C with G, D with H; the roles move on by one.
        assembly ("memory-safe") {
            let low := 0xffffffff
            let high := 0xffffffff00000000000000000000000000000000
            let both := 0xffffffff000000000000000000000000ffffffff
            let doubled := 0x10000000100000000000000000000000100000001
            let tripled := 0x10000000100000001
            let x := mul(0x100000001, and(both, shr(96, state)))
            let y := mul(0x100000001, and(both, shr(64, state)))
            // Rotated back, for each round first rotates what becomes C and G.
            let z := or(
                and(0x7fffffff80000000000000000000000000000000000000, shr(9, state)),
                and(0x1fffffffe000, shr(19, state))
            )
            let v := and(both, state)
            let p := m
"""
TAIL = """\
            z := or(and(high, shr(23, z)), and(low, shr(13, z)))
            result := xor(state, or(or(shl(96, and(both, x)), shl(64, and(both, y))), or(shl(32, z), v)))
        }
    }
"""


def expansion() -> list[str]:
    """The block's 16 words into lanes; then W_16 on, three a pass."""
    lines = ["// Four words at a time: two lanes of 16 bytes, then four of 8."]
    for i in range(0, 64, 16):
        lines += [f"{'' if i else 'let '}y1 := shr(128, {load('source', i)})"]
        lines += ["y1 := and(pairs, or(shl(64, y1), y1))"]
        lines += [f"mstore({f'add(m, {2 * i})' if i else 'm'}, and(lanes, or(shl(32, y1), y1)))"] if i < 48 else []
    lines += ["y1 := and(lanes, or(shl(32, y1), y1))", "mstore(add(m, 96), y1)"]
    lines += ["// y1, y2, y3: from W_j-3, W_j-6 and W_j-9; the fourth lane is wrong, and the next pass replaces it."]
    lines += ["y1 := shl(64, y1)", "let y2 := mload(add(m, 80))", "let y3 := mload(add(m, 56))"]
    for i in range(0, 432, 24):
        y1, y2, y3 = (f"y{(k - i // 24) % 3 + 1}" for k in range(3))
        lines += ["{", "    let q := mul(0x100000001, and(lanes,"]
        lines += [f"        xor({y3}, xor({load('m', i)}, shr(17, mul(0x100000001, {y1}))))))"]
        lines += [f"    {y3} := and(lanes, xor({y2}, xor(xor(shr(17, q), q),"]
        lines += [f"        xor(shr(9, q), shr(25, mul(0x100000001, {load('m', i + 24)}))))))"]
        lines += [f"    mstore(add(m, {i + 128}), {y3})", "}"]
    return lines


def one_round(j: int, words: str) -> list[str]:
    """Round j, with W'_j in the high lane of `words` and W_j in the low one."""
    one = Round(j)
    x, _, _, v = one.names
    ss1 = f"shr(25, mul(doubled, and(low, add({one.constant:#010x}, add(shr(148, {x}), {x})))))"
    rest = [f"        add({v}, add({words}, xor(and(high, shr(20, {x})),", f"            {ss1}))"]
    sums = [f"    let s := mul(tripled, and(both, add({one.mixed},", *rest, "    ))))"]
    return ["{", *one.turn, *sums, f"    {v} := xor(s, and(0xffffffffffffffff, xor(shr(23, s), shr(15, s))))", "}"]


def eight(j: int, at: int) -> list[str]:
    """Rounds j to j + 7, W_j at the lane p + at. w0 and w2: W' and W of two rounds each."""
    lines = ["{", f"    let n := {load('p', at + 32)}"]
    for k, w, following in ((j, "w", "n"), (j + 4, "n", load("p", at + 64))):
        lines += ["    {"] + ([f"        let w := {load('p', at)}"] if w == "w" else [])
        lines += [f"        let u := xor({w}, {following})"]
        lines += [f"        let w0 := or(and(0x{'f' * 32}{'0' * 32}, u),", f"            shr(128, {w}))"]
        lines += [f"        let w2 := or(and(0x{'f' * 32}, {w}), shl(128, u))"]
        for i, words in enumerate(("shr(64, w0)", "w0", "shr(64, w2)", "w2")):
            lines += ["        " + line for line in one_round(k + i, words)]
        lines += ["    }"]
    return [*lines, "}"]


def text() -> str:
    """The generated part of the library."""
    rounds = [*eight(0, 0), *eight(8, 64), "// Rounds 48 to 63 have the constants of rounds 16 to 31.", "for {} 1 {} {"]
    rounds += ["    " + line for line in [*eight(16, 128), *eight(24, 192), "if gt(p, m) { break }"]]
    rounds += ["    " + line for line in [*eight(32, 256), *eight(40, 320), "p := add(p, 256)"]] + ["}"]
    first, second = ("".join(" " * 12 + line + "\n" for line in part) for part in (expansion(), rounds))
    return HEAD + first + TURN + second + TAIL


if __name__ == "__main__":
    write_or_check("Sm3.sol", "make_sm3.py", text())
