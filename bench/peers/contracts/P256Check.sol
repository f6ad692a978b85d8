// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {P256} from "openzeppelin-5.7.0/utils/cryptography/P256.sol";

/// @notice ECDSA on P-256 by OpenZeppelin, in Solidity alone: the nearest curve that has a library in wide use.
contract P256Check {
    function verify(bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y) external view returns (bool) {
        return P256.verifySolidity(digest, r, s, x, y);
    }
}
