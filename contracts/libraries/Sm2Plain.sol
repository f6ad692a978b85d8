// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm2Curve} from "./Sm2Curve.sol";

/// @title SM2 verification of a bare key
library Sm2Plain {
    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) internal view returns (bool) {
        gasleft();
        uint256 t = Sm2Curve.scalar(r, s);
        if (t == 0 || !Sm2Curve.isValidKey(x, y)) return false;
        (uint256 sumX, uint256 sumZz) = Sm2Curve.completeSum(s, t, x, y);
        return Sm2Curve.accepts(e, r, sumX, sumZz);
    }
}
