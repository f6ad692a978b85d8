"""The vectors of `spec/vectors/sm3` and `spec/vectors/merkle`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tiezheng.digest import sm3
from tiezheng.errors import TiezhengError
from tiezheng.merkle import SHA256_NODE, SM3_NODE, Tree, root, verify_path

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"
NODES = {"sm3": SM3_NODE, "sha256": SHA256_NODE}


def _cases(topic: str, folder: str) -> list[Any]:
    found = []
    for path in sorted((VECTORS / topic / folder).glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["topic"] == topic
        found += [pytest.param(case, id=f"{path.stem}: {case['name']}") for case in document["cases"]]
    return found


def _run(given: dict[str, Any]) -> object:
    """Carry out one Merkle vector's check and return its result in the form of `expect`."""
    node = NODES[given["hash"]]
    if given["check"] == "root":
        return root([bytes.fromhex(leaf) for leaf in given["leaves"]], node).hex()
    path = [bytes.fromhex(step) for step in given["path"]]
    verify_path(bytes.fromhex(given["leaf"]), given["index"], given["count"], path, bytes.fromhex(given["root"]), node)
    return True


@pytest.mark.parametrize("case", _cases("sm3", "ok"))
def test_sm3_gives_the_published_digest(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["input"]["data"])
    assert sm3(data).hex() == case["expect"]
    assert sm3(data[:7], data[7:]).hex() == case["expect"]


@pytest.mark.parametrize("case", _cases("merkle", "ok"))
def test_a_good_tree_or_path_gives_what_it_says(case: dict[str, Any]) -> None:
    assert _run(case["input"]) == case["expect"]


@pytest.mark.parametrize("case", _cases("merkle", "bad"))
def test_a_bad_tree_or_path_is_refused_with_its_code(case: dict[str, Any]) -> None:
    with pytest.raises(TiezhengError) as caught:
        _run(case["input"])
    assert caught.value.code == case["error"]


@pytest.mark.parametrize("count", range(1, 40))
def test_every_path_of_a_tree_leads_to_its_root_and_to_no_other_place(count: int) -> None:
    leaves = [sm3(bytes([number])) for number in range(count)]
    tree = Tree(leaves)
    for index, leaf in enumerate(leaves):
        path = tree.path(index)
        verify_path(leaf, index, count, path, tree.root)
        for elsewhere in range(count):
            if elsewhere != index:
                with pytest.raises(TiezhengError):
                    verify_path(leaf, elsewhere, count, path, tree.root)
