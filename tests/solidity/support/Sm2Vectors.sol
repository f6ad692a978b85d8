// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

/// @notice The signatures of tests/solidity/vectors, and one of the standard.
abstract contract Sm2Vectors is Test {
    /// Members in alphabetical order, as the JSON reader lays them out.
    struct Case {
        bytes32 e;
        string name;
        uint256 r;
        uint256 s;
        bool valid;
        uint256 x;
        uint256 y;
    }

    struct Signed {
        bytes32 e;
        string message;
        string name;
        uint256 r;
        uint256 s;
        bool valid;
        uint256 x;
        uint256 y;
        bytes32 z;
    }

    struct Table {
        bytes32 digest;
        uint256 x;
        uint256 y;
    }

    // GB/T 32918.5-2017 annex A.2.
    uint256 internal constant X = 0x09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020;
    uint256 internal constant Y = 0xccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13;
    bytes32 internal constant Z = 0xb2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3;
    bytes32 internal constant E = 0xf0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640;
    uint256 internal constant R = 0xf5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3;
    uint256 internal constant S = 0xb1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa;

    function signed() internal view returns (Signed[] memory) {
        return abi.decode(vm.parseJson(vm.readFile("tests/solidity/vectors/sm2.json"), ".signed"), (Signed[]));
    }

    /// Corruptions; r and s at the ends of their range; x₁ around p − n and n; small multiples and fractions of G.
    function constructed() internal view returns (Case[] memory) {
        return abi.decode(vm.parseJson(vm.readFile("tests/solidity/vectors/sm2.json"), ".cases"), (Case[]));
    }

    function constructed(string memory name) internal view returns (Case memory) {
        string memory path = string.concat(".cases[?(@.name == '", name, "')]");
        return abi.decode(vm.parseJson(vm.readFile("tests/solidity/vectors/sm2.json"), path), (Case));
    }

    /// For every addition of the comb, a key for which the two points are the same or opposite.
    function meetings() internal view returns (Case[] memory) {
        return abi.decode(vm.parseJson(vm.readFile("tests/solidity/vectors/sm2_comb.json"), ".meetings"), (Case[]));
    }

    /// Scalars with regular digits, and keys that are entries of the table of G.
    function regular() internal view returns (Case[] memory) {
        return abi.decode(vm.parseJson(vm.readFile("tests/solidity/vectors/sm2_comb.json"), ".ends"), (Case[]));
    }

    /// SHA-256 of tables, that of G first.
    function tables() internal view returns (Table[] memory) {
        return abi.decode(vm.parseJson(vm.readFile("tests/solidity/vectors/sm2_comb.json"), ".tables"), (Table[]));
    }

    /// What the way without a table is tried with, by its name in the file: `.published`, `.meetings`, `.ends`.
    function plain(string memory path) internal view returns (Case[] memory) {
        return abi.decode(vm.parseJson(vm.readFile("tests/solidity/vectors/sm2_plain.json"), path), (Case[]));
    }
}
