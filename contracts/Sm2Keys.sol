// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Keys} from "./interfaces/ISm2Keys.sol";
import {Sm2Curve} from "./libraries/Sm2Curve.sol";
import {Sm2Tables} from "./libraries/Sm2Tables.sol";
import {Sm3} from "./libraries/Sm3.sol";
import {Sm3Pair} from "./libraries/Sm3Pair.sol";

/// @title SM2 keys as contracts, and SM3: one contract without state or owner
contract Sm2Keys is ISm2Keys {
    /// The length of a key contract's code before its table: 00 ‖ Z ‖ x ‖ y.
    uint256 private constant HEAD = 97;

    /// @inheritdoc ISm2Keys
    function create(uint256 x, uint256 y) external returns (bytes32 z, address key) {
        return _create(x, y, false);
    }

    /// @inheritdoc ISm2Keys
    function createWithTable(uint256 x, uint256 y) external returns (bytes32 z, address key) {
        return _create(x, y, true);
    }

    /// @inheritdoc ISm2Keys
    function isValidKey(uint256 x, uint256 y) external pure returns (bool) {
        return Sm2Curve.isValidKey(x, y);
    }

    /// @inheritdoc ISm2Keys
    function keyZ(uint256 x, uint256 y) external pure returns (bytes32) {
        return Sm2Curve.keyZ(x, y);
    }

    /// @inheritdoc ISm2Keys
    function signedDigests(bytes calldata signed, bytes32 contractId, bytes32[] calldata signers)
        external
        pure
        returns (bytes32[] memory digests)
    {
        return Sm3Pair.signedDigests(signed, contractId, signers);
    }

    /// @inheritdoc ISm2Keys
    function sm3(bytes calldata message) external pure returns (bytes32) {
        return Sm3.hash(message);
    }

    function _create(uint256 x, uint256 y, bool withTable) private returns (bytes32 z, address key) {
        if (!Sm2Curve.isValidKey(x, y)) revert KeyInvalid(x, y);
        z = Sm2Curve.keyZ(x, y);
        uint256 length = withTable ? HEAD + Sm2Tables.SIZE : HEAD;
        uint256 code;
        assembly ("memory-safe") {
            // The word with the code that deploys, then what it deploys: its first byte is 0.
            code := mload(0x40)
            mstore(0x40, add(code, add(length, 32)))
            mstore8(add(code, 32), 0)
            mstore(add(code, 33), z)
            mstore(add(code, 65), x)
            mstore(add(code, 97), y)
            // PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN: return what follows these 10 bytes.
            mstore(code, or(0x61000080600a5f395ff3, shl(56, length)))
        }
        unchecked {
            if (withTable) Sm2Tables.build(code + 32 + HEAD, x, y);
        }
        assembly ("memory-safe") {
            key := create(0, add(code, 22), add(length, 10))
        }
        if (key == address(0)) revert KeyNotCreated();
    }
}
