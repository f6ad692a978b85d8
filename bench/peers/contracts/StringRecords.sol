// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The naive store: a text (in practice JSON) under a text key.
contract StringRecords {
    mapping(string id => string record) public recordOf;

    function put(string calldata id, string calldata record) external {
        require(bytes(recordOf[id]).length == 0, "exists");
        recordOf[id] = record;
    }
}
