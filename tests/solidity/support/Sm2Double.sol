// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Keys} from "../../../contracts/interfaces/ISm2Keys.sol";
import {ISm2Verifier} from "../../../contracts/interfaces/ISm2Verifier.sol";
import {KeyContracts} from "../../../contracts/libraries/KeyContracts.sol";
import {Sm2} from "../../../contracts/libraries/Sm2.sol";
import {Sm3} from "../../../contracts/libraries/Sm3.sol";

/// @notice Verifies with the plain library, whatever stands behind a key.
contract Sm2VerifierDouble is ISm2Verifier {
    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) external view returns (bool) {
        return Sm2.verify(e, r, s, x, y);
    }

    function verifyWithKey(bytes32 e, uint256 r, uint256 s, address key) external view returns (bool) {
        (uint256 x, uint256 y) = KeyContracts.point(key);
        return Sm2.verify(e, r, s, x, y);
    }
}

/// @notice Creates key contracts whose table is all zero.
contract Sm2KeysDouble is ISm2Keys {
    function create(uint256 x, uint256 y) external returns (bytes32 z, address key) {
        return _create(x, y, "");
    }

    function createWithTable(uint256 x, uint256 y) external returns (bytes32 z, address key) {
        return _create(x, y, new bytes(16_384));
    }

    function isValidKey(uint256 x, uint256 y) external pure returns (bool) {
        return Sm2.isValidKey(x, y);
    }

    function keyZ(uint256 x, uint256 y) external pure returns (bytes32) {
        return Sm2.z(x, y);
    }

    function sm3(bytes calldata message) external pure returns (bytes32) {
        return Sm3.hash(message);
    }

    function _create(uint256 x, uint256 y, bytes memory table) private returns (bytes32 z, address key) {
        if (!Sm2.isValidKey(x, y)) revert KeyInvalid(x, y);
        z = Sm2.z(x, y);
        bytes memory code = abi.encodePacked(uint8(0), z, x, y, table);
        // PUSH3 length, DUP1, PUSH1 offset, PUSH0, CODECOPY, PUSH0, RETURN
        bytes memory init = abi.encodePacked(hex"62", uint24(code.length), hex"80600a5f395ff3", code);
        assembly {
            key := create(0, add(init, 32), mload(init))
        }
        require(key != address(0), "create");
    }
}
