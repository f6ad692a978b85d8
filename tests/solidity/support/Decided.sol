// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../../contracts/interfaces/IInstitutions.sol";
import {Members} from "./Members.sol";

/// @notice Decisions that are signed by hand, and small ledgers to decide in (SPEC §5.2).
abstract contract Decided is Members {
    uint32 internal constant COURT = 104;
    uint48 internal expires = uint48(START + 1 days);

    function id() internal view returns (bytes32) {
        return institutions.contractId();
    }

    /// Three voters, two of which decide.
    function foundSmall() internal {
        IInstitutions.Founder[] memory list = new IInstitutions.Founder[](3);
        list[0] = founder(NOTARY_OFFICE, 1);
        list[1] = founder(REGULATOR, 6);
        list[2] = founder(OPERATOR, 9);
        institutions = found(THRESHOLD, list);
    }
}
