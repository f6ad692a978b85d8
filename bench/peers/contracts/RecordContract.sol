// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice One contract a record, in the way of older evidence samples: digest, time and who sent it.
contract RecordContract {
    bytes32 public digest;
    uint256 public recordedAt;
    address public submitter;

    constructor(bytes32 digest_) {
        digest = digest_;
        recordedAt = block.timestamp;
        submitter = msg.sender;
    }
}
