// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Sm2} from "../../contracts/libraries/Sm2.sol";
import {Sm2Verifier} from "../../contracts/Sm2Verifier.sol";

contract Sm2Test is Test {
    /// Members in alphabetical order, as the JSON reader lays them out.
    struct Case {
        bytes32 e;
        string name;
        bytes32 r;
        bytes32 s;
        bool valid;
        bytes32 x;
        bytes32 y;
    }

    struct Signed {
        bytes32 e;
        string message;
        string name;
        bytes32 r;
        bytes32 s;
        bool valid;
        bytes32 x;
        bytes32 y;
        bytes32 z;
    }

    // GB/T 32918.5-2017 annex A.2.
    uint256 constant X = 0x09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020;
    uint256 constant Y = 0xccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13;
    bytes32 constant E = 0xf0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640;
    uint256 constant R = 0xf5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3;
    uint256 constant S = 0xb1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa;

    Sm2Verifier verifier;

    function setUp() public {
        verifier = new Sm2Verifier();
    }

    function test_the_signature_of_the_standard_is_accepted_with_its_z_and_e() public view {
        bytes32 z = verifier.keyZ(X, Y);
        assertEq(z, 0xb2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3);
        assertEq(Sm2.e(z, "message digest"), E);
        assertTrue(verifier.verify(E, R, S, X, Y));
    }

    function test_the_signature_of_the_standard_is_refused_after_any_change() public view {
        assertFalse(verifier.verify(bytes32(uint256(E) ^ 1), R, S, X, Y));
        assertFalse(verifier.verify(E, R ^ 1, S, X, Y));
        assertFalse(verifier.verify(E, R, S ^ 1, X, Y));
        assertFalse(verifier.verify(E, S, R, X, Y));
        assertFalse(verifier.verify(E, R, S, X ^ 1, Y));
        assertFalse(verifier.verify(E, R, S, X, Y ^ 1));
        assertFalse(verifier.verify(E, R, S, Y, X));
        assertFalse(verifier.verify(E, R, S, X, Sm2.P - Y));
        assertFalse(verifier.verify(E, R, S, 0, 0));
    }

    /// Two signatures of OpenSSL's test/recipes/30-test_evp_data/evppkey_sm2.txt (Apache-2.0), whose inputs are e.
    function test_the_signatures_of_openssl_are_accepted() public view {
        uint256 x = 0x393a2ad9e27e43acaaab85a19d3b85591e14406157175addd37bf77ff0caf9ed;
        uint256 y = 0x37fcf3a8b4f55c038523261fca6636afe6a7afa2a1482a606f5cb3a18b2e2a1e;
        bytes32 e1 = 0xd7ad397f6ffa5d4f7f11e7217f241607dc30618c236d2c09c1b9ea8fdadee2e8;
        uint256 r1 = 0xab1db64de7c40edbde6651c9b8ebdb804673db836e5d5c7fe15dcf9ed2725037;
        uint256 s1 = 0xeba714451ff69b0bb930b379e192e7cd5fa6e3c41c7fbd8303b799ab54a54621;
        bytes32 e2 = 0xb1139602c6ecc9e15e2f3f9c635a1afe737058bc15387479c1ea0d0b3d90e9e5;
        uint256 r2 = 0xe6e0414ebd3a656c35602af14ab20287dbf30d57af75c49a188ed4b42391f224;
        uint256 s2 = 0x2f54f277c606f4605e1ce9514947ffddf94c67a539804a4ed17f852288bdbe2e;
        assertTrue(verifier.verify(e1, r1, s1, x, y));
        assertTrue(verifier.verify(e2, r2, s2, x, y));
        assertFalse(verifier.verify(e2, r1, s1, x, y));
        assertFalse(verifier.verify(e1, r2, s2, x, y));
    }

    function test_forty_signatures_of_four_keys_are_accepted_from_message_to_signature() public view {
        Signed[] memory all = abi.decode(vm.parseJson(_vectors(), ".signed"), (Signed[]));
        assertEq(all.length, 40);
        for (uint256 i; i < all.length; ++i) {
            Signed memory one = all[i];
            assertEq(verifier.keyZ(uint256(one.x), uint256(one.y)), one.z, one.message);
            assertEq(Sm2.e(one.z, bytes(one.message)), one.e, one.message);
            assertTrue(
                verifier.verify(one.e, uint256(one.r), uint256(one.s), uint256(one.x), uint256(one.y)), one.message
            );
        }
    }

    /// Corruptions; r and s at the ends of their range; x₁ around p − n and n; keys k·G and G/k for small k, and sums that
    /// meet a table entry or its opposite on the way, where additions are doublings or vanish.
    function test_corrupted_and_constructed_cases_are_judged_rightly() public view {
        Case[] memory all = abi.decode(vm.parseJson(_vectors(), ".cases"), (Case[]));
        assertGt(all.length, 150);
        uint256 accepted;
        for (uint256 i; i < all.length; ++i) {
            Case memory one = all[i];
            bool answer = verifier.verify(one.e, uint256(one.r), uint256(one.s), uint256(one.x), uint256(one.y));
            assertEq(answer, one.valid, one.name);
            if (answer) ++accepted;
        }
        assertGt(accepted, 70);
    }

    /// r = 1, s = 1 and its e make a good signature, so that only the range speaks against r + n and s + n.
    function test_r_and_s_outside_1_to_n_minus_1_are_refused() public view {
        Case memory good = abi.decode(vm.parseJson(_vectors(), ".cases[?(@.name == 'r 1 s 1')]"), (Case));
        (uint256 x, uint256 y) = (uint256(good.x), uint256(good.y));
        assertTrue(verifier.verify(good.e, 1, 1, x, y));
        assertFalse(verifier.verify(good.e, 1 + Sm2.N, 1, x, y));
        assertFalse(verifier.verify(good.e, 1, 1 + Sm2.N, x, y));
        uint256[5] memory bad = [0, Sm2.N, Sm2.N + 1, Sm2.P, type(uint256).max];
        for (uint256 i; i < bad.length; ++i) {
            assertFalse(verifier.verify(E, bad[i], S, X, Y));
            assertFalse(verifier.verify(E, R, bad[i], X, Y));
            assertFalse(verifier.verify(E, bad[i], bad[i], X, Y));
            assertFalse(verifier.verify(0, bad[i], bad[i], X, Y));
        }
    }

    function test_r_plus_s_equal_to_n_is_refused() public view {
        // With t = 0 the key plays no part: s·G alone would let anybody sign, here s = 1 and e = −1 − x_G.
        bytes32 e = bytes32(addmod(Sm2.N - 1, Sm2.N - Sm2.GX, Sm2.N));
        assertFalse(verifier.verify(e, Sm2.N - 1, 1, X, Y));
        assertFalse(verifier.verify(E, R, Sm2.N - R, X, Y));
        assertFalse(verifier.verify(E, Sm2.N - S, S, X, Y));
    }

    function test_e_counts_modulo_n() public view {
        Case memory good = abi.decode(vm.parseJson(_vectors(), ".cases[?(@.name == 'e below 2^256 - n')]"), (Case));
        (uint256 r, uint256 s) = (uint256(good.r), uint256(good.s));
        assertTrue(verifier.verify(good.e, r, s, uint256(good.x), uint256(good.y)));
        bytes32 larger = bytes32(uint256(good.e) + Sm2.N);
        assertTrue(verifier.verify(larger, r, s, uint256(good.x), uint256(good.y)));
        larger = bytes32(uint256(larger) + 1);
        assertFalse(verifier.verify(larger, r, s, uint256(good.x), uint256(good.y)));
    }

    function test_g_and_minus_g_are_no_keys() public view {
        assertFalse(verifier.isValidKey(Sm2.GX, Sm2.GY));
        assertFalse(verifier.isValidKey(Sm2.GX, Sm2.P - Sm2.GY));
        // For the private key 1, s = 1 and r = 1 sum up to 3·G.
        uint256 x3 = 0xa97f7cd4b3c993b4be2daa8cdb41e24ca13f6bd945302244e26918f1d0509ebf;
        assertFalse(verifier.verify(bytes32(addmod(1, Sm2.N - x3, Sm2.N)), 1, 1, Sm2.GX, Sm2.GY));
    }

    function test_keys_off_the_curve_or_not_reduced_are_refused() public view {
        assertTrue(verifier.isValidKey(X, Y));
        assertTrue(verifier.isValidKey(X, Sm2.P - Y));
        assertFalse(verifier.isValidKey(0, 0));
        assertFalse(verifier.isValidKey(X, 0));
        assertFalse(verifier.isValidKey(X, Y + 1));
        assertFalse(verifier.isValidKey(X + 1, Y));
        assertFalse(verifier.isValidKey(Y, X));
        assertFalse(verifier.isValidKey(Sm2.P, Y));
        assertFalse(verifier.isValidKey(X, Sm2.P));
        assertFalse(verifier.isValidKey(type(uint256).max, type(uint256).max));
        // A point whose y is so small that y + p still fits in 256 bits.
        uint256 wide = 0x9c17043effe1a805a74a9a5e70b9d659705d3242094a566dc016f49311178d1f;
        assertTrue(verifier.isValidKey(wide, 1));
        assertFalse(verifier.isValidKey(wide, 1 + Sm2.P));
        // A point whose x is so small that x + p still fits in 256 bits.
        Case memory small = abi.decode(vm.parseJson(_vectors(), ".cases[?(@.name == 'key of small x')]"), (Case));
        (uint256 x, uint256 y) = (uint256(small.x), uint256(small.y));
        assertTrue(verifier.isValidKey(x, y));
        assertFalse(verifier.isValidKey(x + Sm2.P, y));
        assertTrue(verifier.verify(small.e, uint256(small.r), uint256(small.s), x, y));
        assertFalse(verifier.verify(small.e, uint256(small.r), uint256(small.s), x + Sm2.P, y));
    }

    function testFuzz_whatever_is_made_up_is_refused(bytes32 e, uint256 r, uint256 s) public view {
        assertFalse(verifier.verify(e, r, s, X, Y));
        assertFalse(verifier.verify(E, r, S, X, Y) && r != R);
        assertFalse(verifier.verify(E, R, s, X, Y) && s != S);
    }

    function test_without_modexp_nothing_is_judged() public {
        vm.mockCall(address(5), bytes(""), abi.encode(uint256(7)));
        vm.expectRevert(Sm2.ModexpUnavailable.selector);
        verifier.verify(E, R, S, X, Y);
    }

    function test_the_contract_hashes_like_the_library() public view {
        assertEq(verifier.sm3("abc"), 0x66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0);
    }

    function test_a_verification_costs_at_most_350_000_gas() public view {
        uint256 before = gasleft();
        verifier.verify(E, R, S, X, Y);
        assertLe(before - gasleft(), 350_000);
    }

    function test_the_contract_fits_into_24_576_bytes() public view {
        assertLe(address(verifier).code.length, 24_576);
    }

    function _vectors() private view returns (string memory) {
        return vm.readFile("tests/solidity/vectors/sm2.json");
    }
}
