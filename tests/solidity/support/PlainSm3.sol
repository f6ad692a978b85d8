// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title SM3 word by word, as GB/T 32905-2016 writes it: slow, and independent of the library under test.
library PlainSm3 {
    /// The message of a size whose digest stands in vectors/sm3.json.
    function example(uint256 size) internal pure returns (bytes memory message) {
        message = new bytes(size);
        for (uint256 i; i < size; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast)
            message[i] = bytes1(uint8(7 * i + size));
        }
    }

    function hash(bytes memory message) internal pure returns (bytes32) {
        uint256 zeros = (119 - (message.length % 64)) % 64;
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes memory padded = bytes.concat(message, hex"80", new bytes(zeros), bytes8(uint64(8 * message.length)));
        uint32[8] memory v =
            [uint32(0x7380166f), 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];
        for (uint256 at; at < padded.length; at += 64) {
            _compress(v, _expand(padded, at));
        }
        return bytes32(abi.encodePacked(bytes4(v[0]), bytes4(v[1]), bytes4(v[2]), bytes4(v[3])))
            | (bytes32(abi.encodePacked(bytes4(v[4]), bytes4(v[5]), bytes4(v[6]), bytes4(v[7]))) >> 128);
    }

    function _expand(bytes memory padded, uint256 at) private pure returns (uint32[68] memory w) {
        for (uint256 j; j < 68; ++j) {
            if (j < 16) {
                for (uint256 i; i < 4; ++i) {
                    w[j] = (w[j] << 8) | uint8(padded[at + 4 * j + i]);
                }
            } else {
                uint32 x = w[j - 16] ^ w[j - 9] ^ _rotl(w[j - 3], 15);
                w[j] = x ^ _rotl(x, 15) ^ _rotl(x, 23) ^ _rotl(w[j - 13], 7) ^ w[j - 6];
            }
        }
    }

    function _compress(uint32[8] memory v, uint32[68] memory w) private pure {
        unchecked {
            uint32[8] memory s;
            for (uint256 i; i < 8; ++i) {
                s[i] = v[i];
            }
            for (uint256 j; j < 64; ++j) {
                uint32 ss1 = _rotl(_rotl(s[0], 12) + s[4] + _rotl(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32), 7);
                uint32 ff = j < 16 ? s[0] ^ s[1] ^ s[2] : (s[0] & s[1]) | (s[0] & s[2]) | (s[1] & s[2]);
                uint32 gg = j < 16 ? s[4] ^ s[5] ^ s[6] : (s[4] & s[5]) | (~s[4] & s[6]);
                uint32 tt1 = ff + s[3] + (ss1 ^ _rotl(s[0], 12)) + (w[j] ^ w[j + 4]);
                uint32 tt2 = gg + s[7] + ss1 + w[j];
                (s[3], s[2], s[1], s[0]) = (s[2], _rotl(s[1], 9), s[0], tt1);
                (s[7], s[6], s[5], s[4]) = (s[6], _rotl(s[5], 19), s[4], tt2 ^ _rotl(tt2, 9) ^ _rotl(tt2, 17));
            }
            for (uint256 i; i < 8; ++i) {
                v[i] ^= s[i];
            }
        }
    }

    function _rotl(uint32 x, uint256 by) private pure returns (uint32) {
        return by == 0 ? x : (x << by) | (x >> (32 - by));
    }
}
