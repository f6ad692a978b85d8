// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EC256} from "@solarity/solidity-lib/libs/crypto/EC256.sol";

/// @notice SM2 (GB/T 32918.2 §7.1, from B5 on, over a given e) on solarity's library for any curve of 256 bits.
contract Sm2OnGenericCurve {
    using EC256 for EC256.Curve;

    function verify(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y) external view returns (bool) {
        EC256.Curve memory curve = EC256.Curve({
            a: 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC,
            b: 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
            p: 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF,
            n: 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
            gx: 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
            gy: 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0
        });
        if (r == 0 || r >= curve.n || s == 0 || s >= curve.n) return false;
        if (!curve.isOnCurve(EC256.APoint(x, y))) return false;
        uint256 t = addmod(r, s, curve.n);
        if (t == 0) return false;
        // The library takes its scalars in the other order than its points: this is s·G + t·P.
        EC256.JPoint memory sum = curve.jMultShamir2(EC256.JPoint(x, y, 1), curve.jbasepoint(), s, t);
        if (EC256.isJacobianInfinity(sum)) return false;
        return addmod(uint256(e), curve.toAffine(sum).x, curve.n) == r;
    }
}
