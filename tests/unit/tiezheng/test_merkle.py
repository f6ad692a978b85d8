"""Trees: cost and refusals that the vectors do not name."""

import pytest

from tiezheng.digest import sm3
from tiezheng.errors import Malformed
from tiezheng.merkle import Tree, path_length, root_from_path, sm3_node


def test_all_paths_of_ten_thousand_leaves_cost_one_hash_for_each_node() -> None:
    count, hashed = 10_000, 0

    def node(left: bytes, right: bytes) -> bytes:
        nonlocal hashed
        hashed += 1
        return sm3_node(left, right)

    leaves = [sm3(number.to_bytes(4, "big")) for number in range(count)]
    tree = Tree(leaves, node)
    paths = [tree.path(index) for index in range(count)]
    assert hashed == count - 1
    for index in (0, 1, 4095, 4096, 8191, 8192, 9998, 9999):
        assert root_from_path(leaves[index], index, count, paths[index]) == tree.root


@pytest.mark.parametrize("count", range(1, 130))
def test_the_length_of_a_path_is_known_from_index_and_count(count: int) -> None:
    tree = Tree([bytes(32)] * count, lambda left, right: left)
    assert [len(tree.path(index)) for index in range(count)] == [path_length(index, count) for index in range(count)]


@pytest.mark.parametrize("index", [-1, 3])
def test_a_path_outside_the_tree_is_refused(index: int) -> None:
    with pytest.raises(Malformed, match=r"merkle\.index_range"):
        Tree([bytes(32)] * 3).path(index)


def test_a_leaf_that_is_no_digest_is_refused() -> None:
    with pytest.raises(Malformed, match=r"merkle\.leaf_length"):
        Tree([bytes(32), bytes(31)])
