// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sm3} from "../../../contracts/libraries/Sm3.sol";
import {Members} from "../support/Members.sol";

/// What whole transactions cost, calldata included: every top-level call is a transaction of its own here.
/// forge-config: default.isolate = true
contract GovernanceGasTest is Members {
    bytes32 internal previous;

    function setUp() public override {
        super.setUp();
        institutions.addTable(OPERATOR, 0);
        institutions.addTable(NOTARY_OFFICE, 0);
        institutions.addTable(REGULATOR, 0);
        bytes memory first = abi.encodePacked(OPERATOR, uint64(0), uint64(0), uint32(2), keccak256("root"), bytes32(0));
        previous = Sm3.hash(first);
        batches.anchor(first, wire(4, 0, 1, OPERATOR, batches.contractId(), previous));
    }

    function used(string memory name, uint256 most) internal {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(name, gas);
        assertGt(gas, 21_000);
        assertLe(gas, most);
    }

    function test_a_second_batch() public {
        bytes memory header =
            abi.encodePacked(OPERATOR, uint64(1), uint64(2), uint32(65_536), keccak256("root"), previous);
        bytes memory signature = wire(4, 0, 1, OPERATOR, batches.contractId(), Sm3.hash(header));
        batches.anchor(header, signature);
        used("batch_anchor", 220_000);
    }

    function test_a_table() public {
        institutions.addTable(PRISON, 0);
        used("add_table", 3_800_000);
    }

    function test_a_practitioner() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        used("admit_practitioner", 1_000_000);
    }

    function test_a_decision_of_two() public {
        execute(suspendAction(PRISON));
        used("decide_suspension", 500_000);
    }
}
