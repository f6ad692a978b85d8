// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";

contract Sm3Test is Test {
    function test_abc_of_the_standard() public pure {
        assertEq(Sm3.hash("abc"), hex"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    }

    function test_64_bytes_of_the_standard() public pure {
        assertEq(
            Sm3.hash("abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd"),
            hex"debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        );
    }

    function test_gas_of_a_block() public {
        bytes memory one = new bytes(55);
        bytes memory eleven = new bytes(695);
        Sm3.hash(eleven);
        uint256 g = gasleft();
        Sm3.hash(one);
        uint256 a = g - gasleft();
        g = gasleft();
        Sm3.hash(eleven);
        uint256 b = g - gasleft();
        emit log_uint(a);
        emit log_uint((b - a) / 10);
    }
}
