// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../interfaces/IInstitutions.sol";
import {ISm2Keys} from "../interfaces/ISm2Keys.sol";
import {ISm2Verifier} from "../interfaces/ISm2Verifier.sol";

/// @title Calls of the ledger's own contracts, once for each statement or signer
/// @notice `ISm2Keys.signedDigests`, `IInstitutions.keyOf` and `ISm2Verifier.verifyWithKey`, without the copies and checks that
/// the compiler would make: what answers are the contracts that this one was deployed for. A call that fails, or answers in
/// another length, reverts without reason.
library LedgerCalls {
    /// Where in the calldata of `signedDigests` the list of signers has its words.
    uint256 private constant SIGNERS = 0x164;
    uint256 private constant STATEMENT_LENGTH = 183;

    /// @notice Memory for the calldata of `signedDigests` for `count` signers.
    function prepare(uint256 count) internal pure returns (uint256 call_) {
        assembly ("memory-safe") {
            call_ := mload(0x40)
            // The end of the list, rounded up to whole words.
            mstore(0x40, add(add(call_, 0x180), shl(6, count)))
        }
    }

    /// @notice Puts a signer into that calldata.
    /// @param signed the first 17 bytes of the message, then zeros.
    function setSigner(uint256 call_, uint256 index, bytes32 z, uint256 signed) internal pure {
        assembly ("memory-safe") {
            let to := add(add(call_, SIGNERS), shl(6, index))
            mstore(to, z)
            mstore(add(to, 32), signed)
        }
    }

    /// @notice SM3 of a statement, and the digests that its signatures are over.
    /// @param call_ from `prepare`, with all signers set.
    /// @return digests where in memory they stand, one word each, the statement's first.
    function signedDigests(ISm2Keys keys, bytes32 contractId, bytes calldata statement, uint256 call_, uint256 count)
        internal
        view
        returns (uint256 digests)
    {
        bytes4 selector = ISm2Keys.signedDigests.selector;
        assembly ("memory-safe") {
            // Selector, where the statement begins, contract id, where the signers begin; each behind the one before.
            mstore(call_, selector)
            mstore(add(call_, 0x04), 0x60)
            mstore(add(call_, 0x24), contractId)
            mstore(add(call_, 0x44), 0x140)
            // Length and bytes of the statement; length of the list, two words for each signer, which stand there.
            mstore(add(call_, 0x64), STATEMENT_LENGTH)
            calldatacopy(add(call_, 0x84), statement.offset, STATEMENT_LENGTH)
            mstore(add(call_, 0x144), shl(1, count))
            // Back come offset and length of a list, and its count + 1 words.
            let size := add(0x60, shl(5, count))
            let result := mload(0x40)
            mstore(0x40, add(result, size))
            let done := staticcall(gas(), keys, call_, add(SIGNERS, shl(6, count)), result, size)
            if iszero(and(done, eq(returndatasize(), size))) { revert(0, 0) }
            digests := add(result, 0x40)
        }
    }

    /// @notice A word of memory.
    function at(uint256 place) internal pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(place)
        }
    }

    /// @notice As `IInstitutions.keyOf`.
    /// @param signer whole words: no bit stands above the 32 of a number, or the 8 of an index.
    function keyOf(IInstitutions institutions, uint256 signer, uint256 keyIndex)
        internal
        view
        returns (bytes32 z, uint256 key, bytes32 record, bool institutionActive)
    {
        bytes4 selector = IInstitutions.keyOf.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), signer)
            mstore(add(data, 0x24), keyIndex)
            let done := staticcall(gas(), institutions, data, 0x44, data, 0x80)
            if iszero(and(done, eq(returndatasize(), 0x80))) { revert(0, 0) }
            z := mload(data)
            key := mload(add(data, 0x20))
            record := mload(add(data, 0x40))
            institutionActive := mload(add(data, 0x60))
        }
    }

    /// @notice As `ISm2Verifier.verifyWithKey`, with r ‖ s where they stand in the calldata.
    function verifyWithKey(ISm2Verifier verifier, bytes32 e, uint256 signature, uint256 key)
        internal
        view
        returns (bool signs)
    {
        bytes4 selector = ISm2Verifier.verifyWithKey.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), e)
            calldatacopy(add(data, 0x24), signature, 0x40)
            mstore(add(data, 0x64), key)
            let done := staticcall(gas(), verifier, data, 0x84, data, 0x20)
            if iszero(and(done, eq(returndatasize(), 0x20))) { revert(0, 0) }
            // Only one word is true.
            signs := eq(mload(data), 1)
        }
    }
}
