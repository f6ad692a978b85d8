// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Verifier} from "../../contracts/interfaces/ISm2Verifier.sol";
import {Sm2Curve} from "../../contracts/libraries/Sm2Curve.sol";
import {Sm2Plain} from "../../contracts/libraries/Sm2Plain.sol";
import {Sm2Tables} from "../../contracts/libraries/Sm2Tables.sol";
import {Sm2Verifier} from "../../contracts/Sm2Verifier.sol";
import {Sm2Signer} from "./support/Sm2Signer.sol";
import {Sm2Vectors} from "./support/Sm2Vectors.sol";

/// The fast sum by itself, before the slow way takes over.
contract FastSum {
    function sum(uint256 s, uint256 t, uint256 x, uint256 y) external pure returns (uint256, uint256) {
        return Sm2Plain.sum(s, t, x, y);
    }
}

/// Deploys `FastSum` with the table of G behind its code, as `Sm2Verifier` does.
contract FastSumWithTable {
    constructor() {
        bytes memory code = type(FastSum).runtimeCode;
        bytes memory table = new bytes(16384);
        uint256 start;
        assembly ("memory-safe") {
            start := add(table, 32)
        }
        Sm2Tables.build(start, Sm2Curve.GX, Sm2Curve.GY);
        code = bytes.concat(code, table);
        assembly ("memory-safe") {
            return(add(code, 32), mload(code))
        }
    }
}

/// Verification under a bare key, by the contract as it is deployed.
contract Sm2PlainTest is Sm2Vectors {
    ISm2Verifier verifier;
    FastSum fast;

    function setUp() public {
        verifier = ISm2Verifier(address(new Sm2Verifier()));
        fast = FastSum(address(new FastSumWithTable()));
    }

    function test_the_signature_of_the_standard_is_accepted_and_refused_after_any_change() public view {
        assertTrue(verifier.verify(E, R, S, X, Y));
        for (uint256 bit; bit < 256; bit += 3) {
            assertFalse(verifier.verify(bytes32(uint256(E) ^ 1 << bit), R, S, X, Y));
            assertFalse(verifier.verify(E, R ^ 1 << bit, S, X, Y));
            assertFalse(verifier.verify(E, R, S ^ 1 << bit, X, Y));
            assertFalse(verifier.verify(E, R, S, X ^ 1 << bit, Y));
            assertFalse(verifier.verify(E, R, S, X, Y ^ 1 << bit));
        }
        assertFalse(verifier.verify(E, S, R, X, Y));
        assertFalse(verifier.verify(E, R, S, Y, X));
        assertFalse(verifier.verify(E, R, Sm2Curve.N - S, X, Y));
        assertFalse(verifier.verify(E, R, S, X, Sm2Curve.P - Y));
    }

    function test_forty_signatures_of_four_keys_are_accepted() public {
        vm.pauseGasMetering();
        Signed[] memory all = signed();
        assertEq(all.length, 40);
        for (uint256 i; i < all.length; ++i) {
            Signed memory one = all[i];
            assertTrue(verifier.verify(one.e, one.r, one.s, one.x, one.y), one.message);
            assertFalse(verifier.verify(one.e, one.r, one.s, X, Y), one.message);
        }
    }

    function test_corrupted_and_constructed_cases_are_judged_rightly() public {
        assertGt(_judge(constructed()), 70);
    }

    function test_the_vectors_of_the_specification_are_judged_rightly() public {
        Case[] memory all = _plain(".published");
        assertGt(all.length, 50);
        assertEq(_judge(all), 27);
    }

    /// The 36 additions after G has come in, each once with the same point on both sides and once with opposite ones.
    function test_wherever_two_points_with_the_same_x_meet_the_slow_way_takes_over() public {
        vm.pauseGasMetering();
        Case[] memory all = _plain(".meetings");
        assertEq(all.length, 72);
        for (uint256 i; i < all.length; ++i) {
            Case memory one = all[i];
            (, uint256 zz) = fast.sum(one.s, addmod(one.r, one.s, Sm2Curve.N), one.x, one.y);
            assertEq(zz, 0, one.name);
        }
        // At the last addition, opposite points sum to infinity, which nobody can sign.
        assertEq(_judge(all), 71);
    }

    /// Small, large and regular t and s, odd and even; keys that are small multiples of G or entries of its table.
    function test_regular_digits_and_keys_are_judged_rightly() public {
        Case[] memory all = _plain(".ends");
        uint256 good = _judge(all);
        assertGt(good, 200);
        for (uint256 i; i < all.length; ++i) {
            // What the key plus the abscissa cannot make good: e one further, and the opposite key.
            Case memory one = all[i];
            assertFalse(verifier.verify(bytes32(uint256(one.e) ^ 1), one.r, one.s, one.x, one.y), one.name);
        }
    }

    /// No addition is exceptional before G comes in, however small the digits of t leave the sum.
    function testFuzz_without_the_slow_way_the_sum_is_right(uint256 s, uint256 t, uint256 d) public view {
        s = s % (Sm2Curve.N - 1) + 1;
        t = t % (Sm2Curve.N - 1) + 1;
        (uint256 x, uint256 y) = Sm2Signer.publicKey(d % (Sm2Curve.N - 1) + 1);
        _same(s, t, x, y);
        _same(s, t & 0xffff | 1, x, y);
        _same(s & 0xffff | 1, t, x, y);
        _same(s, Sm2Curve.N - (t & 0xff | 1), x, y);
    }

    function testFuzz_signatures_are_accepted_until_anything_changes(uint256 d, bytes32 e, uint8 bit) public view {
        d = d % (Sm2Curve.N - 3) + 2;
        (uint256 x, uint256 y) = Sm2Signer.publicKey(d);
        (uint256 r, uint256 s) = Sm2Signer.sign(d, e);
        assertTrue(verifier.verify(e, r, s, x, y));
        assertFalse(verifier.verify(bytes32(uint256(e) ^ 1 << bit), r, s, x, y));
        assertFalse(verifier.verify(e, r ^ 1 << bit, s, x, y));
        assertFalse(verifier.verify(e, r, s ^ 1 << bit, x, y));
        assertFalse(verifier.verify(e, r, s, x, Sm2Curve.P - y));
    }

    function testFuzz_whatever_is_made_up_is_refused(bytes32 e, uint256 r, uint256 s, uint256 x, uint256 y)
        public
        view
    {
        assertFalse(verifier.verify(e, r, s, X, Y));
        assertFalse(verifier.verify(e, r % Sm2Curve.N, s % Sm2Curve.N, X, Y));
        assertFalse(verifier.verify(E, R, S, x, y));
    }

    /// r = 1, s = 1 and its e make a good signature, so that only the range speaks against r + n and s + n.
    function test_r_and_s_outside_1_to_n_minus_1_are_refused() public view {
        Case memory good = constructed("r 1 s 1");
        assertTrue(verifier.verify(good.e, 1, 1, good.x, good.y));
        assertFalse(verifier.verify(good.e, 1 + Sm2Curve.N, 1, good.x, good.y));
        assertFalse(verifier.verify(good.e, 1, 1 + Sm2Curve.N, good.x, good.y));
        uint256[5] memory bad = [0, Sm2Curve.N, Sm2Curve.N + 1, Sm2Curve.P, type(uint256).max];
        for (uint256 i; i < bad.length; ++i) {
            assertFalse(verifier.verify(E, bad[i], S, X, Y));
            assertFalse(verifier.verify(E, R, bad[i], X, Y));
            assertFalse(verifier.verify(0, bad[i], bad[i], X, Y));
        }
    }

    function test_r_plus_s_equal_to_n_is_refused() public view {
        // With t = 0 the key plays no part: s·G alone would let anybody sign, here s = 1 and e = −1 − x_G.
        bytes32 e = bytes32(addmod(Sm2Curve.N - 1, Sm2Curve.N - Sm2Curve.GX, Sm2Curve.N));
        assertFalse(verifier.verify(e, Sm2Curve.N - 1, 1, X, Y));
        assertFalse(verifier.verify(E, R, Sm2Curve.N - R, X, Y));
        assertFalse(verifier.verify(E, Sm2Curve.N - S, S, X, Y));
    }

    function test_e_counts_modulo_n() public view {
        Case memory good = constructed("e below 2^256 - n");
        assertTrue(verifier.verify(good.e, good.r, good.s, good.x, good.y));
        bytes32 larger = bytes32(uint256(good.e) + Sm2Curve.N);
        assertTrue(verifier.verify(larger, good.r, good.s, good.x, good.y));
        assertFalse(verifier.verify(bytes32(uint256(larger) + 1), good.r, good.s, good.x, good.y));
    }

    function test_what_is_no_key_verifies_nothing() public view {
        assertFalse(verifier.verify(E, R, S, 0, 0));
        assertFalse(verifier.verify(E, R, S, X, 0));
        assertFalse(verifier.verify(E, R, S, 0, Y));
        assertFalse(verifier.verify(E, R, S, X, Y + 1));
        assertFalse(verifier.verify(E, R, S, type(uint256).max, type(uint256).max));
        assertFalse(verifier.verify(0, R, S, 0, 0));
        // For the private key 1, s = 1 and r = 1 sum up to 3·G; for n − 1, to −G.
        uint256 x3 = 0xa97f7cd4b3c993b4be2daa8cdb41e24ca13f6bd945302244e26918f1d0509ebf;
        bytes32 e = bytes32(addmod(1, Sm2Curve.N - x3, Sm2Curve.N));
        assertFalse(verifier.verify(e, 1, 1, Sm2Curve.GX, Sm2Curve.GY));
        e = bytes32(addmod(1, Sm2Curve.N - Sm2Curve.GX, Sm2Curve.N));
        assertFalse(verifier.verify(e, 1, 1, Sm2Curve.GX, Sm2Curve.P - Sm2Curve.GY));
    }

    /// For each of them, e is what the formulas would accept: only the check of the key speaks against it.
    function test_points_off_the_curve_or_not_reduced_verify_nothing() public view {
        assertTrue(verifier.verify(_digest(R, S, X, Y), R, S, X, Y));
        assertFalse(verifier.verify(_digest(R, S, X, Y + 1), R, S, X, Y + 1));
        assertFalse(verifier.verify(_digest(R, S, X + 1, Y), R, S, X + 1, Y));
        assertFalse(verifier.verify(_digest(R, S, Y, X), R, S, Y, X));
        assertFalse(verifier.verify(_digest(R, S, 0, 1), R, S, 0, 1));
        // A point whose y is so small that y + p still fits in 256 bits.
        uint256 wide = 0x9c17043effe1a805a74a9a5e70b9d659705d3242094a566dc016f49311178d1f;
        bytes32 e = _digest(R, S, wide, 1);
        assertTrue(verifier.verify(e, R, S, wide, 1));
        assertFalse(verifier.verify(e, R, S, wide, 1 + Sm2Curve.P));
        // A point whose x is so small that x + p still fits in 256 bits.
        Case memory small = constructed("key of small x");
        assertTrue(verifier.verify(small.e, small.r, small.s, small.x, small.y));
        assertFalse(verifier.verify(small.e, small.r, small.s, small.x + Sm2Curve.P, small.y));
    }

    function test_a_verification_costs_at_most_115_000_gas() public {
        verifier.verify(E, R, S, X, Y);
        assertLe(vm.lastCallGas().gasTotalUsed, 115_000);
    }

    /// Even where the slow way takes over, an answer comes.
    function test_the_slow_way_costs_at_most_450_000_gas() public {
        Case memory one = _plain(".meetings")[71];
        verifier.verify(one.e, one.r, one.s, one.x, one.y);
        assertLe(vm.lastCallGas().gasTotalUsed, 450_000);
    }

    /// e for which the formulas, whatever (x, y) is, make (r, s) a good signature.
    function _digest(uint256 r, uint256 s, uint256 x, uint256 y) private view returns (bytes32) {
        (uint256 sumX, uint256 zz) = fast.sum(s, addmod(r, s, Sm2Curve.N), x, y);
        assertNotEq(zz, 0);
        bytes memory exponent = abi.encode(32, 32, 32, zz, Sm2Curve.P - 2, Sm2Curve.P);
        (, bytes memory inverse) = address(5).staticcall(exponent);
        sumX = mulmod(sumX, abi.decode(inverse, (uint256)), Sm2Curve.P);
        return bytes32(addmod(r, Sm2Curve.N - sumX % Sm2Curve.N, Sm2Curve.N));
    }

    function _plain(string memory path) private view returns (Case[] memory) {
        return abi.decode(vm.parseJson(vm.readFile("tests/solidity/vectors/sm2_plain.json"), path), (Case[]));
    }

    /// Whether the answer is the expected one in every case; returns how many signatures were good.
    function _judge(Case[] memory all) private returns (uint256 good) {
        vm.pauseGasMetering();
        for (uint256 i; i < all.length; ++i) {
            Case memory one = all[i];
            assertEq(verifier.verify(one.e, one.r, one.s, one.x, one.y), one.valid, one.name);
            if (one.valid) ++good;
        }
    }

    /// The same point by the fast way and by the slow one.
    function _same(uint256 s, uint256 t, uint256 x, uint256 y) private view {
        (uint256 fastX, uint256 fastZz) = fast.sum(s, t, x, y);
        (uint256 slowX, uint256 slowZz) = Sm2Curve.completeSum(s, t, x, y);
        assertNotEq(fastZz, 0);
        assertEq(mulmod(fastX, slowZz, Sm2Curve.P), mulmod(slowX, fastZz, Sm2Curve.P));
    }
}
