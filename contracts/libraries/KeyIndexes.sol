// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A set of at most two key indexes
/// @notice Each stands plus one in a byte of its own, the one that came last in the low byte; 0 stands for none. Indexes
/// end at 254.
library KeyIndexes {
    /// @notice Whether there are two.
    function isFull(uint16 set) internal pure returns (bool) {
        return set > type(uint8).max;
    }

    function contains(uint16 set, uint8 keyIndex) internal pure returns (bool) {
        return remove(set, keyIndex) != set;
    }

    /// @notice The set with one more; the caller has made sure that it is not full, and that the index is below 255.
    function add(uint16 set, uint8 keyIndex) internal pure returns (uint16) {
        return set << 8 | (keyIndex + 1);
    }

    /// @notice The set without this one, whether or not it was there.
    function remove(uint16 set, uint8 keyIndex) internal pure returns (uint16) {
        uint16 held = uint16(keyIndex) + 1;
        if (set & 0xff == held) return set >> 8;
        if (set >> 8 == held) return set & 0xff;
        return set;
    }

    /// @notice The one that came last, and the set without it; the caller has made sure that there is one.
    function pop(uint16 set) internal pure returns (uint8 keyIndex, uint16 rest) {
        return (uint8(set) - 1, set >> 8);
    }
}
