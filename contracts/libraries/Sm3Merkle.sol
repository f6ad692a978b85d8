// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm3} from "./Sm3.sol";

/// @title Inclusion proofs in a Merkle tree of the shape of RFC 6962, hashed with SM3
/// @notice Nodes are SM3(0x01 ‖ left ‖ right). Leaves come hashed, with the prefix that the specification gives them.
library Sm3Merkle {
    /// @notice Whether `leaf` stands at `index` in the tree of `count` leaves with this root.
    function verify(bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata path, bytes32 root)
        internal
        pure
        returns (bool)
    {
        (bool fits, bytes32 computed) = rootFrom(leaf, index, count, path);
        return fits && computed == root;
    }

    /// @notice The root of the tree of `count` leaves that has `leaf` at `index`, by its path.
    /// @dev RFC 9162 §2.1.3.2, whose step numbers the body carries. A path of any other length than the one that `index`
    /// and `count` call for does not fit, nor does any index in an empty tree; the root then means nothing.
    function rootFrom(bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata path)
        internal
        pure
        returns (bool fits, bytes32 r)
    {
        // 1.
        if (index >= count) return (false, 0);
        // 2. and 3.
        uint256 fn = index;
        uint256 sn = count - 1;
        r = leaf;
        // 4.
        for (uint256 i; i < path.length; ++i) {
            if (sn == 0) return (false, 0);
            if (fn & 1 == 1 || fn == sn) {
                r = node(path[i], r);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                r = node(r, path[i]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        // 5.
        fits = sn == 0;
    }

    /// @notice The parent of two nodes: SM3(0x01 ‖ left ‖ right).
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 parent) {
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore8(start, 1)
            mstore(add(start, 1), left)
            mstore(add(start, 33), right)
            mstore(0x40, add(start, 96))
        }
        parent = Sm3.hash(start, 65);
        assembly ("memory-safe") {
            mstore(0x40, start)
        }
    }
}
