// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISm2Keys} from "../../contracts/interfaces/ISm2Keys.sol";
import {Sm2Curve} from "../../contracts/libraries/Sm2Curve.sol";
import {Sm2Keys} from "../../contracts/Sm2Keys.sol";
import {Sm2Tables} from "../../contracts/libraries/Sm2Tables.sol";
import {Sm2Vectors} from "./support/Sm2Vectors.sol";

contract Sm2KeysTest is Sm2Vectors {
    Sm2Keys keys;

    function setUp() public {
        keys = new Sm2Keys();
    }

    function test_a_key_contract_holds_a_stop_then_z_x_and_y() public {
        (bytes32 z, address key) = keys.create(X, Y);
        assertEq(z, Z);
        assertEq(key.code, bytes.concat(hex"00", Z, bytes32(X), bytes32(Y)));
        (bool done, bytes memory result) = key.call("anything");
        assertTrue(done);
        assertEq(result.length, 0);
    }

    function test_a_table_follows_that_is_what_plain_arithmetic_says() public {
        Table[] memory all = tables();
        assertEq(all.length, 3);
        for (uint256 i = 1; i < all.length; ++i) {
            (bytes32 z, address key) = keys.createWithTable(all[i].x, all[i].y);
            bytes memory code = key.code;
            assertEq(code.length, 97 + 16384);
            bytes memory head = new bytes(97);
            bytes memory table = new bytes(16384);
            for (uint256 at; at < code.length; ++at) {
                if (at < 97) head[at] = code[at];
                else table[at - 97] = code[at];
            }
            assertEq(head, bytes.concat(hex"00", z, bytes32(all[i].x), bytes32(all[i].y)));
            assertEq(z, keys.keyZ(all[i].x, all[i].y));
            assertEq(sha256(table), all[i].digest);
        }
    }

    function test_every_call_creates_another_contract_with_the_same_content() public {
        (, address one) = keys.create(X, Y);
        (, address other) = keys.create(X, Y);
        assertTrue(one != other);
        assertEq(one.code, other.code);
        (, one) = keys.createWithTable(X, Y);
        vm.prank(address(7));
        (, other) = keys.createWithTable(X, Y);
        assertTrue(one != other);
        assertEq(one.code, other.code);
    }

    function test_z_of_the_standard_and_of_forty_signatures_is_right() public view {
        assertEq(keys.keyZ(X, Y), Z);
        Signed[] memory all = signed();
        for (uint256 i; i < all.length; ++i) {
            assertEq(keys.keyZ(all[i].x, all[i].y), all[i].z);
            assertEq(keys.sm3(abi.encodePacked(all[i].z, all[i].message)), all[i].e);
        }
    }

    function test_g_and_minus_g_are_no_keys() public {
        _refuse(Sm2Curve.GX, Sm2Curve.GY);
        _refuse(Sm2Curve.GX, Sm2Curve.P - Sm2Curve.GY);
    }

    function test_keys_off_the_curve_or_not_reduced_are_refused() public {
        assertTrue(keys.isValidKey(X, Y));
        assertTrue(keys.isValidKey(X, Sm2Curve.P - Y));
        _refuse(0, 0);
        _refuse(X, 0);
        _refuse(X, Y + 1);
        _refuse(X + 1, Y);
        _refuse(Y, X);
        _refuse(Sm2Curve.P, Y);
        _refuse(X, Sm2Curve.P);
        _refuse(type(uint256).max, type(uint256).max);
        // A point whose y is so small that y + p still fits in 256 bits.
        uint256 wide = 0x9c17043effe1a805a74a9a5e70b9d659705d3242094a566dc016f49311178d1f;
        assertTrue(keys.isValidKey(wide, 1));
        _refuse(wide, 1 + Sm2Curve.P);
        // A point whose x is so small that x + p still fits in 256 bits.
        Case memory small = constructed("key of small x");
        assertTrue(keys.isValidKey(small.x, small.y));
        _refuse(small.x + Sm2Curve.P, small.y);
    }

    function test_without_modexp_no_table_is_made() public {
        vm.mockCall(address(5), bytes(""), abi.encode(uint256(7)));
        vm.expectRevert(Sm2Tables.ModexpUnavailable.selector);
        keys.createWithTable(X, Y);
    }

    function test_too_little_gas_creates_nothing_and_says_so() public {
        vm.expectRevert(ISm2Keys.KeyNotCreated.selector);
        keys.createWithTable{gas: 3_000_000}(X, Y);
    }

    function test_the_contract_hashes_like_the_library() public view {
        assertEq(keys.sm3("abc"), 0x66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0);
    }

    function testFuzz_the_digests_for_signers_are_those_of_their_messages(
        bytes calldata signed,
        bytes32 contractId,
        bytes32[8] calldata words
    ) public view {
        for (uint256 count; count <= 4; ++count) {
            bytes32[] memory signers = new bytes32[](2 * count);
            for (uint256 i; i < signers.length; ++i) {
                signers[i] = words[i];
            }
            bytes32[] memory digests = keys.signedDigests(signed, contractId, signers);
            assertEq(digests.length, count + 1);
            assertEq(digests[0], keys.sm3(signed));
            for (uint256 i; i < count; ++i) {
                bytes memory message = bytes.concat(bytes17(words[2 * i + 1]), contractId, digests[0]);
                assertEq(digests[i + 1], keys.sm3(bytes.concat(words[2 * i], message)));
            }
        }
    }

    /// With 21,000 for a transaction and at most 16 for each of its 68 bytes.
    function test_registering_a_key_with_its_table_costs_at_most_3_680_000_gas() public {
        keys.createWithTable(X, Y);
        assertLe(vm.lastCallGas().gasTotalUsed + 21_000 + 68 * 16, 3_680_000);
    }

    function test_the_contract_fits_into_24_576_bytes() public view {
        assertLe(address(keys).code.length, 24_576);
    }

    function _refuse(uint256 x, uint256 y) private {
        assertFalse(keys.isValidKey(x, y));
        vm.expectRevert(abi.encodeWithSelector(ISm2Keys.KeyInvalid.selector, x, y));
        keys.create(x, y);
        vm.expectRevert(abi.encodeWithSelector(ISm2Keys.KeyInvalid.selector, x, y));
        keys.createWithTable(x, y);
    }
}
