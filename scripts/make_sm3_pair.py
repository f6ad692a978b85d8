"""Writes the unrolled compression of two blocks into contracts/libraries/Sm3Pair.sol, between its two marks.

Guaranteed: the same text on every run; `--check` writes nothing and exits 1 where the file differs. Not guaranteed:
that the text is right, which tests/solidity/Sm3Pair.t.sol shows. The method is explained in the library itself.
"""

from sm3_text import Round, load, write_or_check

TWICE = "0x100000001"
ALL = "0xffffffff00000000ffffffff00000000ffffffff00000000ffffffff"
HIGH, LOW = "0xffffffff00000000ffffffff" + 32 * "0", "0xffffffff00000000ffffffff"
FIRST, SECOND = "0xffffffff" + 24 * "0" + "ffffffff" + 16 * "0", "0xffffffff" + 24 * "0" + "ffffffff"


def lanes(offset: int) -> str:
    """Two words of each block, in the order of the lanes."""
    first = f"and({FIRST}, mul(0x10000000000000000000000010000000000000000, shr(192, {load('source1', offset)})))"
    second = f"and({SECOND}, mul(0x1000000000000000000000001, shr(192, {load('source2', offset)})))"
    return f"or(\n    {first},\n    {second}\n)"


def expansion(turns: int) -> list[str]:
    """W_0 to W_15 of both blocks; then two words of each a pass, p at the place of W_j-16."""
    lines = [f"mstore({f'add(m, {32 * i})' if i else 'm'}, {lanes(8 * i)})" for i in range(8)]
    step = 32 * 26 // turns
    lines += [f"let end := add(m, {26 * 32})"]
    lines += [f"for {{ let p := m }} lt(p, end) {{ p := add(p, {step}) }} {{"]
    for i in range(0, step, 32):
        lines += ["    {", f"        let q := mul({TWICE}, and(all, xor({load('p', i + 112)},"]
        lines += [f"            xor({load('p', i)}, shr(17, mul({TWICE}, {load('p', i + 208)}))))))"]
        lines += [f"        mstore(add(p, {i + 256}), and(all, xor({load('p', i + 160)}, xor(xor(shr(17, q), q),"]
        lines += [f"            xor(shr(9, q), shr(25, mul({TWICE}, {load('p', i + 48)})))))))", "    }"]
    return [*lines, "}"]


def one_round(j: int, words: str) -> list[str]:
    one = Round(j)
    x, _, _, v = one.names
    t = one.constant
    return [
        "{",
        *one.turn,
        f"    let r := and(high, shr(20, {x}))",
        f"    let d := mul({TWICE}, and(all, add({v}, add(and(all, {one.mixed}), add({words},",
        "        and(all, xor(r, shr(25, mul(0x10000000100000000000000000000000100000001,",
        f"            and(low, add({t:#010x}00000000{t:08x}, add(shr(128, r), and(low, {x})))))))",
        "        )",
        "    )))))",
        f"    {v} := xor(d, mul({TWICE}, and(low, xor(shr(15, d), shr(23, d)))))",
        "}",
    ]


def two(j: int, at: int) -> list[str]:
    lines = ["{", f"    let w := {load('p', at)}", f"    let u := xor(w, {load('p', at + 64)})"]
    lines += ["    " + s for s in one_round(j, f"or(and(0x{'f' * 32}{'0' * 32}, u), shr(128, w))")]
    lines += ["    " + s for s in one_round(j + 1, f"or(shl(128, u), and(0x{'f' * 32}, w))")]
    return [*lines, "}"]


def sixteen(j: int, at: int) -> list[str]:
    return [line for i in range(0, 16, 2) for line in two(j + i, at + 16 * i)]


def text() -> str:
    shifts = ("shr(32, {})", "{}", "shl(32, {})", "shl(64, {})"), ("shr(96, {})", "shr(64, {})", "shr(32, {})", "{}")
    head = f"""\
/// Compression, §5.3, of two blocks: that at `source1` into `state1`, that at `source2` into `state2`.
function compress(uint256 state1, uint256 state2, uint256 source1, uint256 source2, uint256 m)
    internal pure returns (uint256 result1, uint256 result2)
{{
    assembly ("memory-safe") {{
        let all := {ALL}
""".splitlines()
    head += ["        " + line for part in expansion(2) for line in part.split("\n")]
    head += ["    }", '    assembly ("memory-safe") {', f"        let all := {ALL}"]
    head += [f"        let high := {HIGH}", f"        let low := {LOW}", "        let p := m"]
    for i, name in enumerate("xyzv"):
        one, other = (shifts[k][i].format(f"state{k + 1}") for k in range(2))
        value = f"or(and({FIRST}, {one}), and({SECOND}, {other}))"
        head += [f"        let {name} := " + (f"mul({TWICE}, {value})" if name in "xy" else value)]
    # Rotated back, for each round first rotates what becomes C and G.
    turned, twice = "z := or(and(high, shr(9, z)), and(low, shr(19, z)))", f"        z := mul({TWICE}, z)"
    head += [twice, "        " + turned, twice]
    rounds = [*sixteen(0, 0), "for {} 1 {} {", *["    " + s for s in sixteen(16, 256)], "    if gt(p, m) { break }"]
    rounds += ["    " + s for s in sixteen(32, 512)] + ["    p := add(p, 512)", "}"]
    tail = ["z := or(and(high, shr(23, z)), and(low, shr(13, z)))"]
    for k, mask in ((0, FIRST), (1, SECOND)):
        back = (
            ("shl(32, {})", "{}", "shr(32, {})", "shr(64, {})")
            if k == 0
            else ("shl(96, {})", "shl(64, {})", "shl(32, {})", "{}")
        )
        parts = [b.format(f"and({mask}, {n})") for b, n in zip(back, "xyzv", strict=True)]
        tail += [f"result{k + 1} := xor(state{k + 1}, or(or({parts[0]}, {parts[1]}), or({parts[2]}, {parts[3]})))"]
    lines = [*head, *["        " + s for s in [*rounds, *tail]], "    }", "}"]
    return "".join(f"    {s}\n" for s in lines)


if __name__ == "__main__":
    write_or_check("Sm3Pair.sol", "make_sm3_pair.py", text())
