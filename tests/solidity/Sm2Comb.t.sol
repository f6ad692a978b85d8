// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Verifier} from "../../contracts/interfaces/ISm2Verifier.sol";
import {Sm2Comb} from "../../contracts/libraries/Sm2Comb.sol";
import {Sm2Curve} from "../../contracts/libraries/Sm2Curve.sol";
import {Sm2Keys} from "../../contracts/Sm2Keys.sol";
import {Sm2Verifier} from "../../contracts/Sm2Verifier.sol";
import {Sm2Vectors} from "./support/Sm2Vectors.sol";

/// The fast sum by itself, before the slow way takes over. The table of G goes behind its code.
contract FastSumWithKey {
    function sum(uint256 s, uint256 t, address key) external view returns (uint256, uint256) {
        return Sm2Comb.sum(s, t, key);
    }
}

/// Verification with the table of a key, by the contract as it is deployed.
contract Sm2CombTest is Sm2Vectors {
    ISm2Verifier verifier;
    Sm2Keys keys;
    address key;

    function setUp() public {
        verifier = ISm2Verifier(address(new Sm2Verifier()));
        keys = new Sm2Keys();
        (, key) = keys.createWithTable(X, Y);
    }

    function test_the_signature_of_the_standard_is_accepted_and_refused_after_any_change() public {
        assertTrue(verifier.verifyWithKey(E, R, S, key));
        for (uint256 bit; bit < 256; ++bit) {
            assertFalse(verifier.verifyWithKey(bytes32(uint256(E) ^ 1 << bit), R, S, key));
            assertFalse(verifier.verifyWithKey(E, R ^ 1 << bit, S, key));
            assertFalse(verifier.verifyWithKey(E, R, S ^ 1 << bit, key));
        }
        assertFalse(verifier.verifyWithKey(E, S, R, key));
        assertFalse(verifier.verifyWithKey(E, R, Sm2Curve.N - S, key));
        (, address opposite) = keys.createWithTable(X, Sm2Curve.P - Y);
        assertFalse(verifier.verifyWithKey(E, R, S, opposite));
    }

    function test_forty_signatures_of_four_keys_are_accepted() public {
        vm.pauseGasMetering();
        Signed[] memory all = signed();
        assertEq(all.length, 40);
        for (uint256 i; i < all.length; ++i) {
            Signed memory one = all[i];
            (bytes32 z, address owner) = keys.createWithTable(one.x, one.y);
            assertEq(z, one.z);
            assertTrue(verifier.verifyWithKey(one.e, one.r, one.s, owner), one.message);
            assertFalse(verifier.verifyWithKey(one.e, one.r, one.s, key), one.message);
        }
    }

    function test_corrupted_and_constructed_cases_are_judged_rightly() public {
        assertGt(_judge(constructed()), 70);
    }

    /// 63 additions, each once with the same point on both sides and once with opposite ones: the slow way must take over.
    function test_wherever_two_points_with_the_same_x_meet_the_answer_is_right() public {
        Case[] memory all = meetings();
        assertEq(all.length, 126);
        vm.pauseGasMetering();
        FastSumWithKey fast = FastSumWithKey(address(0x6100));
        vm.etch(address(fast), bytes.concat(type(FastSumWithKey).runtimeCode, _end(address(verifier).code)));
        for (uint256 i; i < all.length; ++i) {
            (, address owner) = keys.createWithTable(all[i].x, all[i].y);
            (, uint256 zz) = fast.sum(all[i].s, addmod(all[i].r, all[i].s, Sm2Curve.N), owner);
            assertEq(zz, 0, all[i].name);
        }
        (, uint256 other) = fast.sum(S, addmod(R, S, Sm2Curve.N), key);
        assertNotEq(other, 0);
        // At the last addition, opposite points sum to infinity, which nobody can sign.
        assertEq(_judge(all), 125);
    }

    function test_regular_digits_and_keys_that_are_entries_of_the_table_of_g_are_judged_rightly() public {
        assertGt(_judge(regular()), 90);
    }

    function test_the_cases_for_bare_keys_are_judged_rightly() public {
        assertEq(_judge(plain(".published")), 27);
        assertEq(_judge(plain(".meetings")), 71);
        assertGt(_judge(plain(".ends")), 200);
    }

    /// Nobody can make such a key contract by `Sm2Keys`; the arithmetic is right all the same.
    function test_even_for_g_and_its_opposite_the_answer_is_right() public {
        bytes memory table = _end(address(verifier).code);
        address g = address(uint160(0x6000));
        vm.etch(g, bytes.concat(hex"00", bytes32(0), bytes32(Sm2Curve.GX), bytes32(Sm2Curve.GY), table));
        for (uint256 i; i < 256; ++i) {
            uint256 at = 64 * i + 32;
            assembly ("memory-safe") {
                let y := add(add(table, 32), at)
                mstore(y, sub(0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff, mload(y)))
            }
        }
        address minus = address(uint160(0x6001));
        uint256 minusY = Sm2Curve.P - Sm2Curve.GY;
        vm.etch(minus, bytes.concat(hex"00", bytes32(0), bytes32(Sm2Curve.GX), bytes32(minusY), table));
        for (uint256 i = 1; i < 200; ++i) {
            // s·G ± t·G has the abscissa x₁, and e = r − x₁.
            uint256 r = uint256(keccak256(abi.encode("r", i))) % Sm2Curve.N;
            uint256 s = i < 20 ? i : uint256(keccak256(abi.encode("s", i))) % Sm2Curve.N;
            uint256 t = addmod(r, s, Sm2Curve.N);
            assertTrue(verifier.verifyWithKey(_digest(r, addmod(s, t, Sm2Curve.N)), r, s, g));
            assertTrue(verifier.verifyWithKey(_digest(r, addmod(s, Sm2Curve.N - t, Sm2Curve.N)), r, s, minus));
            assertFalse(verifier.verifyWithKey(bytes32(r), r, s, g));
            assertFalse(verifier.verifyWithKey(bytes32(r), r, s, minus));
        }
    }

    /// r = 1, s = 1 and its e make a good signature, so that only the range speaks against r + n and s + n.
    function test_r_and_s_outside_1_to_n_minus_1_are_refused() public {
        Case memory good = constructed("r 1 s 1");
        (, address owner) = keys.createWithTable(good.x, good.y);
        assertTrue(verifier.verifyWithKey(good.e, 1, 1, owner));
        assertFalse(verifier.verifyWithKey(good.e, 1 + Sm2Curve.N, 1, owner));
        assertFalse(verifier.verifyWithKey(good.e, 1, 1 + Sm2Curve.N, owner));
        uint256[5] memory bad = [0, Sm2Curve.N, Sm2Curve.N + 1, Sm2Curve.P, type(uint256).max];
        for (uint256 i; i < bad.length; ++i) {
            assertFalse(verifier.verifyWithKey(E, bad[i], S, key));
            assertFalse(verifier.verifyWithKey(E, R, bad[i], key));
            assertFalse(verifier.verifyWithKey(0, bad[i], bad[i], key));
        }
    }

    function test_r_plus_s_equal_to_n_is_refused() public view {
        // With t = 0 the key plays no part: s·G alone would let anybody sign, here s = 1 and e = −1 − x_G.
        bytes32 e = bytes32(addmod(Sm2Curve.N - 1, Sm2Curve.N - Sm2Curve.GX, Sm2Curve.N));
        assertFalse(verifier.verifyWithKey(e, Sm2Curve.N - 1, 1, key));
        assertFalse(verifier.verifyWithKey(E, R, Sm2Curve.N - R, key));
        assertFalse(verifier.verifyWithKey(E, Sm2Curve.N - S, S, key));
    }

    function test_e_counts_modulo_n() public {
        Case memory good = constructed("e below 2^256 - n");
        (, address owner) = keys.createWithTable(good.x, good.y);
        assertTrue(verifier.verifyWithKey(good.e, good.r, good.s, owner));
        bytes32 larger = bytes32(uint256(good.e) + Sm2Curve.N);
        assertTrue(verifier.verifyWithKey(larger, good.r, good.s, owner));
        assertFalse(verifier.verifyWithKey(bytes32(uint256(larger) + 1), good.r, good.s, owner));
    }

    function test_a_key_without_a_table_gets_the_same_answers() public {
        (, address short) = keys.create(X, Y);
        assertTrue(verifier.verifyWithKey(E, R, S, short));
        assertFalse(verifier.verifyWithKey(bytes32(uint256(E) ^ 1), R, S, short));
        assertFalse(verifier.verifyWithKey(E, R ^ 1, S, short));
        assertFalse(verifier.verifyWithKey(E, R, S ^ 1, short));
        assertFalse(verifier.verifyWithKey(E, 0, S, short));
        assertFalse(verifier.verifyWithKey(E, R, Sm2Curve.N - R, short));
    }

    function test_an_account_that_is_no_key_contract_signs_nothing() public {
        bytes memory code = key.code;
        assertFalse(verifier.verifyWithKey(E, R, S, address(0)));
        assertFalse(verifier.verifyWithKey(E, R, S, address(this)));
        assertFalse(verifier.verifyWithKey(E, R, S, address(verifier)));
        uint256[5] memory lengths = [uint256(1), 96, 98, 16480, 16482];
        for (uint256 i; i < lengths.length; ++i) {
            bytes memory other = new bytes(lengths[i]);
            for (uint256 at; at < lengths[i] && at < code.length; ++at) {
                other[at] = code[at];
            }
            vm.etch(address(uint160(0x7000)), other);
            assertFalse(verifier.verifyWithKey(E, R, S, address(uint160(0x7000))));
        }
        vm.etch(address(uint160(0x7001)), new bytes(97));
        assertFalse(verifier.verifyWithKey(E, R, S, address(uint160(0x7001))));
        vm.etch(address(uint160(0x7002)), new bytes(16481));
        assertFalse(verifier.verifyWithKey(E, R, S, address(uint160(0x7002))));
        assertFalse(verifier.verifyWithKey(bytes32(R), R, S, address(uint160(0x7002))));
        vm.etch(address(uint160(0x7003)), code);
        assertTrue(verifier.verifyWithKey(E, R, S, address(uint160(0x7003))));
    }

    function test_the_table_of_g_ends_the_code_and_is_what_plain_arithmetic_says() public view {
        bytes memory code = address(verifier).code;
        assertLe(code.length, 24_576);
        assertEq(sha256(_end(code)), tables()[0].digest);
    }

    function testFuzz_whatever_is_made_up_is_refused(bytes32 e, uint256 r, uint256 s) public view {
        assertFalse(verifier.verifyWithKey(e, r, s, key));
        assertFalse(verifier.verifyWithKey(E, r, S, key) && r != R);
        assertFalse(verifier.verifyWithKey(E, R, s, key) && s != S);
    }

    /// k is the sum of its digits, each with the weight of its entry's teeth.
    function testFuzz_digits_make_up_the_scalar(uint256 k) public pure {
        k = k % (Sm2Curve.N - 1) + 1;
        (uint256 places, uint256 signs) = Sm2Comb.digits(k);
        uint256 total;
        for (uint256 at; at < 32; ++at) {
            if (at & 1 == 0) total = addmod(total, total, Sm2Curve.N);
            uint256 place = uint256(uint8(bytes32(places)[at]));
            uint256 sign = uint256(uint8(bytes32(signs)[at]));
            assertLe(sign, 1);
            assertEq(place >> 7, 1 - at % 2);
            for (uint256 tooth; tooth < 8; ++tooth) {
                uint256 weight = mulmod(1 << 16 * tooth, 1 << 128 * (place >> 7), Sm2Curve.N);
                bool plus = (tooth == 7 || place >> tooth & 1 == 1) == (sign == 0);
                total = addmod(total, plus ? weight : Sm2Curve.N - weight, Sm2Curve.N);
            }
        }
        assertEq(total, k);
    }

    function test_a_verification_costs_at_most_37_000_gas() public {
        vm.cool(key);
        verifier.verifyWithKey(E, R, S, key);
        assertLe(vm.lastCallGas().gasTotalUsed, 37_000);
    }

    /// Whether the answer is the expected one in every case; returns how many signatures were good.
    function _judge(Case[] memory all) private returns (uint256 good) {
        vm.pauseGasMetering();
        for (uint256 i; i < all.length; ++i) {
            Case memory one = all[i];
            if (!keys.isValidKey(one.x, one.y)) {
                assertFalse(one.valid, one.name);
                continue;
            }
            (, address owner) = keys.createWithTable(one.x, one.y);
            assertEq(verifier.verifyWithKey(one.e, one.r, one.s, owner), one.valid, one.name);
            if (one.valid) ++good;
        }
    }

    /// e for which k·G makes (r, ·) a good signature, by the slow way; r itself where k·G is infinity or k is 0.
    function _digest(uint256 r, uint256 k) private view returns (bytes32) {
        (uint256 x, uint256 zz) = Sm2Curve.completeSum(k, 0, Sm2Curve.GX, Sm2Curve.GY);
        bytes memory exponent = abi.encode(32, 32, 32, zz, Sm2Curve.P - 2, Sm2Curve.P);
        (, bytes memory inverse) = address(5).staticcall(exponent);
        x = mulmod(x, abi.decode(inverse, (uint256)), Sm2Curve.P);
        return bytes32(addmod(r, Sm2Curve.N - x % Sm2Curve.N, Sm2Curve.N));
    }

    function _end(bytes memory code) private pure returns (bytes memory table) {
        table = new bytes(16384);
        for (uint256 i; i < 16384; ++i) {
            table[i] = code[code.length - 16384 + i];
        }
    }
}
