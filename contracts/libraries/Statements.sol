// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The 183 bytes of a statement
/// @notice Layout of SPEC §3. The first 23 bytes, and nine of the case, are read as one word.
/// @dev Nothing here looks at the length: the caller has compared it with LENGTH.
library Statements {
    uint256 internal constant LENGTH = 183;
    uint8 internal constant VERSION = 1;

    uint16 internal constant LATE = 1;
    uint16 internal constant IRREGULAR = 2;
    uint16 internal constant CONFIDENTIAL = 4;
    uint16 internal constant BATCH_LANE = 8;
    uint16 internal constant KNOWN_FLAGS = 15;

    /// The step of the kind that continues a case of a closed registry (SPEC §8.6).
    uint8 internal constant CONTINUE = 0xff;

    uint256 internal constant CASE = 23;
    uint256 internal constant PREVIOUS = 55;
    uint256 internal constant SUBJECT = 87;
    uint256 internal constant CONTENT = 119;
    uint256 internal constant TERMS = 151;

    /// @notice The 32 bytes at one of the offsets above.
    function at(bytes calldata statement, uint256 offset) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(add(statement.offset, offset))
        }
    }

    function version(uint256 word) internal pure returns (uint8) {
        return uint8(word >> 248);
    }

    /// @notice Domain, case type and step.
    function kind(uint256 word) internal pure returns (uint16) {
        return uint16(word >> 232);
    }

    function step(uint256 word) internal pure returns (uint8) {
        return uint8(word >> 232);
    }

    function flags(uint256 word) internal pure returns (uint16) {
        return uint16(word >> 216);
    }

    function isLate(uint256 word) internal pure returns (bool) {
        return word >> 216 & LATE != 0;
    }

    function isIrregular(uint256 word) internal pure returns (bool) {
        return word >> 216 & IRREGULAR != 0;
    }

    function sequence(uint256 word) internal pure returns (uint32) {
        return uint32(word >> 184);
    }

    function institution(uint256 word) internal pure returns (uint32) {
        return uint32(word >> 152);
    }

    function counterparty(uint256 word) internal pure returns (uint32) {
        return uint32(word >> 120);
    }

    function occurred(uint256 word) internal pure returns (uint48) {
        return uint48(word >> 72);
    }

    /// @notice Number in a case's first four bytes: its opener.
    function opener(bytes32 caseId) internal pure returns (uint32) {
        return uint32(uint256(caseId) >> 224);
    }

    /// @notice What records say of their case: the first 16 bytes of keccak (SPEC §8.5).
    function mark(bytes32 caseId) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            mstore(0, caseId)
            value := shr(128, keccak256(0, 32))
        }
    }
}
