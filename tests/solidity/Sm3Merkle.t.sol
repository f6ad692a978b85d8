// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Sm3Merkle} from "../../contracts/libraries/Sm3Merkle.sol";

/// Trees and paths come from the recursive definitions MTH and PATH of RFC 6962 §2.1, which share nothing with the check.
contract Sm3MerkleTest is Test {
    uint256 constant LARGEST = 17;

    bytes32[] leaves;

    function setUp() public {
        for (uint256 i; i < LARGEST; ++i) {
            leaves.push(Sm3.hash(abi.encodePacked(uint8(0), "leaf ", i)));
        }
    }

    function test_every_leaf_of_every_tree_up_to_17_is_proven() public view {
        for (uint256 count = 1; count <= LARGEST; ++count) {
            bytes32 root = _root(0, count);
            for (uint256 index; index < count; ++index) {
                assertTrue(this.check(leaves[index], index, count, _path(index, 0, count), root));
            }
        }
    }

    function test_every_corruption_of_every_proof_up_to_9_is_refused() public view {
        for (uint256 count = 1; count <= 9; ++count) {
            bytes32 root = _root(0, count);
            for (uint256 index; index < count; ++index) {
                bytes32[] memory path = _path(index, 0, count);
                assertFalse(this.check(leaves[index] ^ bytes32(uint256(1)), index, count, path, root), "leaf");
                assertFalse(this.check(leaves[index], index, count, path, ~root), "root");
                for (uint256 other; other <= count; ++other) {
                    if (other == index) continue;
                    assertFalse(this.check(leaves[index], other, count, path, root), "index");
                }
                assertFalse(this.check(leaves[index], index, count, _with(path, 0), root), "longer");
                assertFalse(this.check(leaves[index], index, count, _with(path, root), root), "longer by the root");
                bytes32 above = Sm3Merkle.node(~root, root);
                assertFalse(
                    this.check(leaves[index], index, count, _with(path, ~root), above), "longer, to a root above"
                );
                if (path.length == 0) continue;
                assertFalse(this.check(leaves[index], index, count, _without(path), root), "shorter");
                for (uint256 i; i < path.length; ++i) {
                    path[i] ^= bytes32(uint256(1) << 200);
                    assertFalse(this.check(leaves[index], index, count, path, root), "sibling");
                    path[i] ^= bytes32(uint256(1) << 200);
                }
            }
        }
    }

    function test_an_empty_tree_and_an_index_beyond_the_tree_prove_nothing() public view {
        bytes32[] memory none = new bytes32[](0);
        assertFalse(this.check(0, 0, 0, none, 0));
        assertFalse(this.check(leaves[0], 0, 0, none, leaves[0]));
        assertTrue(this.check(leaves[0], 0, 1, none, leaves[0]));
        assertFalse(this.check(leaves[0], 1, 1, none, leaves[0]));
        assertFalse(this.check(leaves[0], type(uint256).max, type(uint256).max, none, leaves[0]));
    }

    function test_an_inner_node_is_no_leaf_of_a_smaller_tree_of_the_same_root() public view {
        bytes32 root = _root(0, 4);
        bytes32[] memory path = new bytes32[](1);
        path[0] = _root(2, 4);
        // With the true count the short path is refused; a caller who takes the count from the prover is deceived.
        assertFalse(this.check(_root(0, 2), 0, 4, path, root));
        assertTrue(this.check(_root(0, 2), 0, 2, path, root));
    }

    function test_a_node_is_the_hash_of_one_left_and_right() public view {
        bytes32 parent = Sm3.hash(abi.encodePacked(uint8(1), leaves[0], leaves[1]));
        assertEq(Sm3Merkle.node(leaves[0], leaves[1]), parent);
        assertNotEq(Sm3Merkle.node(leaves[1], leaves[0]), parent);
        assertEq(Sm3Merkle.node(0, 0), 0x5ec1420cd14f308650cb6ac8dcd6bab89589f1f3dced7c1a17345f269e605291);
    }

    function test_a_path_of_10_000_leaves_costs_at_most_760_000_gas() public view {
        bytes32[] memory path = new bytes32[](14);
        uint256 before = gasleft();
        this.check(leaves[0], 0, 10_000, path, 0);
        assertLe(before - gasleft(), 760_000);
    }

    function check(bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata path, bytes32 root)
        external
        pure
        returns (bool)
    {
        return Sm3Merkle.verify(leaf, index, count, path, root);
    }

    function _root(uint256 from, uint256 to) private view returns (bytes32) {
        if (to - from == 1) return leaves[from];
        uint256 middle = from + _split(to - from);
        return Sm3.hash(abi.encodePacked(uint8(1), _root(from, middle), _root(middle, to)));
    }

    function _path(uint256 index, uint256 from, uint256 to) private view returns (bytes32[] memory) {
        if (to - from == 1) return new bytes32[](0);
        uint256 middle = from + _split(to - from);
        return index < middle
            ? _with(_path(index, from, middle), _root(middle, to))
            : _with(_path(index, middle, to), _root(from, middle));
    }

    /// The largest power of two below `size`.
    function _split(uint256 size) private pure returns (uint256 k) {
        for (k = 1; 2 * k < size; k *= 2) {}
    }

    function _with(bytes32[] memory path, bytes32 last) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](path.length + 1);
        for (uint256 i; i < path.length; ++i) {
            longer[i] = path[i];
        }
        longer[path.length] = last;
    }

    function _without(bytes32[] memory path) private pure returns (bytes32[] memory shorter) {
        shorter = new bytes32[](path.length - 1);
        for (uint256 i; i < shorter.length; ++i) {
            shorter[i] = path[i];
        }
    }
}
