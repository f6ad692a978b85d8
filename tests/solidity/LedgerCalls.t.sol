// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {ISm2Keys} from "../../contracts/interfaces/ISm2Keys.sol";
import {ISm2Verifier} from "../../contracts/interfaces/ISm2Verifier.sol";
import {LedgerCalls} from "../../contracts/libraries/LedgerCalls.sol";

/// @notice Makes the calls of the library to whatever stands at an address.
contract Caller {
    function digests(address at, uint256 count, bytes calldata statement) external view returns (bytes32, bytes32) {
        uint256 call_ = LedgerCalls.prepare(count);
        for (uint256 i; i < count; ++i) {
            LedgerCalls.setSigner(call_, i, bytes32(i + 1), 1 << 248);
        }
        uint256 words = LedgerCalls.signedDigests(ISm2Keys(at), bytes32("contract"), statement, call_, count);
        return (LedgerCalls.at(words), LedgerCalls.at(words + 32 * count));
    }

    function key(address at) external view returns (bytes32, uint256, bytes32, bool) {
        return LedgerCalls.keyOf(IInstitutions(at), 7, 1);
    }

    /// `signature`: 64 bytes.
    function signs(address at, bytes calldata signature) external view returns (bool) {
        uint256 place;
        assembly {
            place := signature.offset
        }
        return LedgerCalls.verifyWithKey(ISm2Verifier(at), bytes32("e"), place, 9);
    }
}

/// @notice Answers with as many words as it is told, counting from one, or fails.
contract Answering {
    uint256 private immutable _size;
    bool private immutable _fails;

    constructor(uint256 size, bool fails) {
        (_size, _fails) = (size, fails);
    }

    fallback() external {
        uint256 size = _size;
        bool fails = _fails;
        assembly {
            for { let i := 0 } lt(i, size) { i := add(i, 32) } { mstore(i, add(1, shr(5, i))) }
            if fails { revert(0, size) }
            return(0, size)
        }
    }
}

contract LedgerCallsTest is Test {
    uint256 private constant SIGNERS = 2;

    Caller private _caller = new Caller();
    bytes private _statement = new bytes(183);

    function test_an_answer_of_the_right_length_is_taken() public {
        (bytes32 first, bytes32 last) = _caller.digests(_answering(0x40 + 32 * (SIGNERS + 1)), SIGNERS, _statement);
        assertEq(uint256(first), 3);
        assertEq(uint256(last), 5);
        (bytes32 z, uint256 key, bytes32 record, bool active) = _caller.key(_answering(0x80));
        assertEq(uint256(z), 1);
        assertEq(key, 2);
        assertEq(uint256(record), 3);
        assertTrue(active);
        assertTrue(_caller.signs(_answering(0x20), new bytes(64)));
    }

    function test_digests_of_another_length_are_refused() public {
        uint256 right = 0x40 + 32 * (SIGNERS + 1);
        address[5] memory wrong = _wrong(right);
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(bytes(""));
            _caller.digests(wrong[i], SIGNERS, _statement);
        }
    }

    function test_a_key_of_another_length_is_refused() public {
        address[5] memory wrong = _wrong(0x80);
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(bytes(""));
            _caller.key(wrong[i]);
        }
    }

    function test_a_verdict_of_another_length_is_refused() public {
        address[5] memory wrong = _wrong(0x20);
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(bytes(""));
            _caller.signs(wrong[i], new bytes(64));
        }
    }

    function test_only_the_word_one_is_a_good_verdict() public {
        address verifier = makeAddr("verifier");
        uint256[4] memory words = [uint256(0), 2, 1 << 255, type(uint256).max];
        for (uint256 i; i < words.length; ++i) {
            vm.mockCall(verifier, bytes(""), abi.encode(words[i]));
            assertFalse(_caller.signs(verifier, new bytes(64)));
        }
        vm.mockCall(verifier, bytes(""), abi.encode(uint256(1)));
        assertTrue(_caller.signs(verifier, new bytes(64)));
    }

    function _answering(uint256 size) private returns (address) {
        return address(new Answering(size, false));
    }

    /// One that fails, one without code, answers that are a word or a byte short, one that is a word long.
    function _wrong(uint256 right) private returns (address[5] memory) {
        return [
            address(new Answering(right, true)),
            makeAddr("nobody"),
            _answering(right - 32),
            _answering(right - 1),
            _answering(right + 32)
        ];
    }
}
