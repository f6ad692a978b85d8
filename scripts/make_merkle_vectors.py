"""Writes spec/vectors/sm3 and spec/vectors/merkle: published values, and trees built apart from the kernel.

Guaranteed: the same files on every run; `--check` writes nothing and exits 1 if a committed file differs.
Published: GB/T 32905 annex A; the reference tree and its roots as in transparency-dev/merkle (Apache-2.0).
"""

import hashlib
import sys
from collections.abc import Iterator

from vector_files import Case, write

REFERENCE_LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
REFERENCE_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PUBLISHED_SM3 = (
    (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
)
NAMES = ("sm3", "sha256")
SIZES = (0, 1, 55, 56, 63, 64, 65, 119, 183, 1000)
SHAPES = ((0, 1), (0, 2), (1, 2), (2, 3), (3, 5), (4, 5), (0, 7), (6, 7), (5, 8), (12, 13), (8, 17), (16, 17))


def digest(name: str, *parts: bytes) -> bytes:
    return hashlib.new(name, b"".join(parts)).digest()


def tree(name: str, leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, by recursion."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return digest(name, b"\x01", tree(name, leaves[:half]), tree(name, leaves[half:]))


def path(name: str, leaves: list[bytes], index: int) -> list[bytes]:
    """RFC 6962 §2.1.1, by recursion."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*path(name, leaves[:half], index), tree(name, leaves[half:])]
    return [*path(name, leaves[half:], index - half), tree(name, leaves[:half])]


def sample(name: str, count: int) -> list[bytes]:
    if name == "sha256" and count <= len(REFERENCE_LEAVES):
        return [digest(name, b"\x00", bytes.fromhex(leaf)) for leaf in REFERENCE_LEAVES[:count]]
    return [digest(name, b"\x00", f"leaf {i}".encode()) for i in range(count)]


def proof(name: str, index: int, count: int) -> Case:
    leaves = sample(name, count)
    steps = [step.hex() for step in path(name, leaves, index)]
    end = tree(name, leaves).hex()
    given = {"leaf": leaves[index].hex(), "index": index, "count": count, "path": steps, "root": end}
    return {"name": f"{name} {index} of {count}", "input": {"check": "path", "hash": name} | given, "expect": True}


def corrupted(good: Case) -> Iterator[Case]:
    given = good["input"]
    steps, count, leaf, end = (given[key] for key in ("path", "count", "leaf", "root"))
    flipped = f"{int(leaf[0], 16) ^ 8:x}{leaf[1:]}"
    changes: list[tuple[str, Case, str]] = [
        ("leaf flipped", {"leaf": flipped}, "merkle.root_mismatch"),
        ("leaf short", {"leaf": leaf[2:]}, "merkle.leaf_length"),
        ("root flipped", {"root": f"{int(end[0], 16) ^ 1:x}{end[1:]}"}, "merkle.root_mismatch"),
        ("index = count", {"index": count}, "merkle.index_range"),
        ("index negative", {"index": -1}, "merkle.index_range"),
        ("count 0", {"count": 0}, "merkle.empty"),
        ("path with one more", {"path": [*steps, end]}, "merkle.path_length"),
    ]
    if steps:
        changes += [
            ("path without its last", {"path": steps[:-1]}, "merkle.path_length"),
            ("path empty", {"path": []}, "merkle.path_length"),
            ("path node flipped", {"path": [flipped, *steps[1:]]}, "merkle.root_mismatch"),
            ("path node short", {"path": [steps[0][2:], *steps[1:]]}, "merkle.node_length"),
            ("count 1", {"count": 1, "index": 0}, "merkle.path_length"),
        ]
    if len(steps) > 1:
        changes.append(("path reversed", {"path": steps[::-1]}, "merkle.root_mismatch"))
    for what, change, error in changes:
        yield {"name": f"{good['name']}, {what}", "input": given | change, "error": error}


def root(name: str, count: int) -> Case:
    leaves = sample(name, count)
    given = {"check": "root", "hash": name, "leaves": [leaf.hex() for leaf in leaves]}
    return {"name": f"{name} {count} leaves", "input": given, "expect": tree(name, leaves).hex()}


def hashed(size: int) -> Case:
    data = bytes(i % 251 for i in range(size))
    return {"name": f"{size} bytes", "input": {"data": data.hex()}, "expect": digest("sm3", data).hex()}


def main() -> int:
    good = [proof(name, *shape) for name in NAMES for shape in SHAPES]
    roots = [root(name, count) for name in NAMES for count in range(1, 18)]
    assert [root("sha256", count)["expect"] for count in range(1, 9)] == list(REFERENCE_ROOTS)
    bad = [case for original in good for case in corrupted(original)]
    empty = {"name": "no leaves", "input": {"check": "root", "hash": "sm3", "leaves": []}, "error": "merkle.empty"}
    digests = [{"name": "GB/T 32905 annex A", "input": {"data": d.hex()}, "expect": e} for d, e in PUBLISHED_SM3]
    digests += [hashed(size) for size in SIZES]
    merkle = {"ok/paths": good, "ok/roots": roots, "bad/paths": bad, "bad/roots": [empty]}
    return write({f"merkle/{name}.json": cases for name, cases in merkle.items()} | {"sm3/ok/digests.json": digests})


if __name__ == "__main__":
    sys.exit(main())
