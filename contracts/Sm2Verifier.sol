// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Verifier} from "./interfaces/ISm2Verifier.sol";
import {Sm2Comb} from "./libraries/Sm2Comb.sol";
import {Sm2Curve} from "./libraries/Sm2Curve.sol";
import {Sm2Plain} from "./libraries/Sm2Plain.sol";
import {Sm2Tables} from "./libraries/Sm2Tables.sol";

/// @title SM2 verification: the code that `Sm2Verifier` deploys before the table of G
/// @dev Without state or owner. By itself it is of no use, because the table is missing.
contract Sm2VerifierRuntime is ISm2Verifier {
    /// The length of a key contract's code before its table: 00 ‖ Z ‖ x ‖ y.
    uint256 private constant HEAD = 97;

    /// @inheritdoc ISm2Verifier
    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) external pure returns (bool) {
        return Sm2Plain.verify(e, r, s, x, y);
    }

    /// @inheritdoc ISm2Verifier
    function verifyWithKey(bytes32 e, uint256 r, uint256 s, address key) external view returns (bool) {
        uint256 t = Sm2Curve.scalar(r, s);
        if (t == 0) return false;
        uint256 length = key.code.length;
        if (length == HEAD) {
            (uint256 x, uint256 y) = _read(key);
            return Sm2Plain.verify(e, r, s, x, y);
        }
        if (length != HEAD + Sm2Tables.SIZE) return false;
        (uint256 sumX, uint256 sumZz) = Sm2Comb.sum(s, t, key);
        if (sumZz == 0) {
            // Two points with the same x met. Nobody can bring that about without the private key.
            (uint256 x, uint256 y) = _read(key);
            (sumX, sumZz) = Sm2Curve.completeSum(s, t, x, y);
        }
        return Sm2Curve.accepts(e, r, sumX, sumZz);
    }

    function _read(address key) private view returns (uint256 x, uint256 y) {
        assembly ("memory-safe") {
            extcodecopy(key, 0, 33, 64)
            x := mload(0)
            y := mload(32)
        }
    }
}

/// @title SM2 verification as one contract without state or owner
/// @notice Deploys `Sm2VerifierRuntime` followed by the table of G, computed here. What is deployed is an `ISm2Verifier`.
contract Sm2Verifier {
    constructor() {
        bytes memory code = type(Sm2VerifierRuntime).runtimeCode;
        uint256 table;
        assembly ("memory-safe") {
            // No allocation since `code`: the table goes right behind it.
            table := add(add(code, 32), mload(code))
            mstore(0x40, add(table, 16384))
        }
        Sm2Tables.build(table, Sm2Curve.GX, Sm2Curve.GY);
        assembly ("memory-safe") {
            return(add(code, 32), add(mload(code), 16384))
        }
    }
}
