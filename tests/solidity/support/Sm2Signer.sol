// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm2Curve} from "../../../contracts/libraries/Sm2Curve.sol";

/// @notice Signs with SM2 (GB/T 32918.2 §6.1) so that tests can have any statement signed. For tests alone: private keys
/// lie in the open, and nothing runs in constant time. Written apart from the verifier: Jacobian coordinates, bit by bit.
library Sm2Signer {
    struct Point {
        uint256 x;
        uint256 y;
        uint256 z;
    }

    /// @notice The public key of a private key.
    function publicKey(uint256 d) internal view returns (uint256 x, uint256 y) {
        return _multiplyG(d);
    }

    /// @notice A signature of the digest e; the random number is drawn from key and digest.
    function sign(uint256 d, bytes32 e) internal view returns (uint256 r, uint256 s) {
        uint256 n = Sm2Curve.N;
        uint256 k = uint256(keccak256(abi.encode(d, e))) % (n - 1) + 1;
        (uint256 x,) = _multiplyG(k);
        r = addmod(uint256(e), x, n);
        s = mulmod(_inverse(1 + d, n), addmod(k, n - mulmod(r, d, n), n), n);
        require(r != 0 && s != 0 && addmod(r, k, n) != 0, "another random number");
    }

    function _multiplyG(uint256 k) private view returns (uint256, uint256) {
        Point memory sum;
        for (uint256 i = 256; i != 0;) {
            --i;
            sum = _double(sum);
            if (k >> i & 1 == 1) sum = _addG(sum);
        }
        uint256 inverse = _inverse(sum.z, Sm2Curve.P);
        uint256 square = mulmod(inverse, inverse, Sm2Curve.P);
        return (mulmod(sum.x, square, Sm2Curve.P), mulmod(sum.y, mulmod(square, inverse, Sm2Curve.P), Sm2Curve.P));
    }

    function _double(Point memory a) private pure returns (Point memory c) {
        uint256 p = Sm2Curve.P;
        if (a.z == 0) return a;
        uint256 yy = mulmod(a.y, a.y, p);
        uint256 s = mulmod(4, mulmod(a.x, yy, p), p);
        uint256 zz = mulmod(a.z, a.z, p);
        uint256 m = addmod(mulmod(3, mulmod(a.x, a.x, p), p), mulmod(Sm2Curve.A, mulmod(zz, zz, p), p), p);
        c.x = addmod(mulmod(m, m, p), p - mulmod(2, s, p), p);
        c.y = addmod(mulmod(m, addmod(s, p - c.x, p), p), p - mulmod(8, mulmod(yy, yy, p), p), p);
        c.z = mulmod(2, mulmod(a.y, a.z, p), p);
    }

    /// The sum never meets G itself while scalars are below n: that would need a running multiple of 1 after a doubling.
    function _addG(Point memory a) private pure returns (Point memory c) {
        uint256 p = Sm2Curve.P;
        if (a.z == 0) return Point(Sm2Curve.GX, Sm2Curve.GY, 1);
        uint256 zz = mulmod(a.z, a.z, p);
        uint256 h = addmod(mulmod(Sm2Curve.GX, zz, p), p - a.x, p);
        uint256 w = addmod(mulmod(Sm2Curve.GY, mulmod(zz, a.z, p), p), p - a.y, p);
        uint256 hh = mulmod(h, h, p);
        uint256 hhh = mulmod(hh, h, p);
        uint256 v = mulmod(a.x, hh, p);
        c.x = addmod(mulmod(w, w, p), p - addmod(hhh, mulmod(2, v, p), p), p);
        c.y = addmod(mulmod(w, addmod(v, p - c.x, p), p), p - mulmod(a.y, hhh, p), p);
        c.z = mulmod(a.z, h, p);
    }

    function _inverse(uint256 value, uint256 modulus) private view returns (uint256) {
        (bool done, bytes memory result) = address(5).staticcall(abi.encode(32, 32, 32, value, modulus - 2, modulus));
        require(done, "modexp");
        return abi.decode(result, (uint256));
    }
}
