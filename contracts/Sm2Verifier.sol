// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm2} from "./libraries/Sm2.sol";
import {Sm3} from "./libraries/Sm3.sol";

/// @title SM2 and SM3 as one contract without state or owner
contract Sm2Verifier {
    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) external view returns (bool) {
        return Sm2.verify(e, r, s, x, y);
    }

    function keyZ(uint256 x, uint256 y) external pure returns (bytes32) {
        return Sm2.z(x, y);
    }

    function isValidKey(uint256 x, uint256 y) external pure returns (bool) {
        return Sm2.isValidKey(x, y);
    }

    function sm3(bytes calldata message) external pure returns (bytes32) {
        return Sm3.hash(message);
    }
}
