// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The words of a case as SPEC §8.5 lays them out.
struct StoredCase {
    bytes32 head;
    uint256 progress;
    uint256 guests;
    uint256 handlers;
    uint256 holding;
}

/// @notice What a registered table is for: cases of this type whose first statement occurred at or after `from` and before
/// `until` (ms).
struct TableTerms {
    uint16 index;
    uint8 caseType;
    uint48 from;
    uint48 until;
}
