// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Cases} from "./support/Cases.sol";
import {Ledger} from "./support/Ledger.sol";
import {Members} from "./support/Members.sol";

/// How many signatures there are is signed as well, so a relayer leaves none out, adds none, and keeps their order.
contract DroppedSignaturesTest is Cases, Members {
    function setUp() public override(Cases, Ledger) {
        super.setUp();
    }

    /// Part of a list of signatures, `count` from the one at `first` on.
    function part(bytes memory list, uint256 first, uint256 count) private pure returns (bytes memory some) {
        some = new bytes(count * 70);
        for (uint256 i; i < some.length; ++i) {
            some[i] = list[first * 70 + i];
        }
    }

    function test_no_signature_of_an_irregular_act_is_left_out() public {
        open();
        Claim memory c = next(ACT);
        c.flags = IRREGULAR;
        uint32[] memory signers = new uint32[](3);
        uint8[] memory roles = new uint8[](3);
        (signers[0], signers[1], signers[2]) = (NOTARY_OFFICE, NOTARY, APPROVER);
        (roles[0], roles[1], roles[2]) = (ANSWERS, HANDLES, APPROVES);
        bytes memory list = signStatement(c, signers, roles);
        // Each of these would be enough, had it been signed like that.
        bytes memory seal = part(list, 0, 1);
        refuse(c, seal, invalid(NOTARY_OFFICE, 0));
        refuse(c, part(list, 0, 2), invalid(NOTARY_OFFICE, 0));
        refuse(c, bytes.concat(seal, part(list, 2, 1)), invalid(NOTARY_OFFICE, 0));
        refuse(c, part(list, 1, 2), reason(ICaseRegistry.IrregularSealMissing.selector, NOTARY_OFFICE));
        uint256 before = vm.snapshotState();
        take(c, c.institution, ANSWERS);
        vm.revertToState(before);
        take(c, list);
    }

    function test_no_signature_is_added_to_an_irregular_act() public {
        open();
        Claim memory c = next(ACT);
        c.flags = IRREGULAR;
        bytes memory alone = signed(c, NOTARY_OFFICE, ANSWERS);
        refuse(c, bytes.concat(alone, signed(c, NOTARY, HANDLES)), invalid(NOTARY_OFFICE, 0));
        bytes memory ofTwo = signed(c, NOTARY_OFFICE, ANSWERS, NOTARY, HANDLES);
        refuse(c, bytes.concat(alone, part(ofTwo, 1, 1)), invalid(NOTARY_OFFICE, 0));
        refuse(c, bytes.concat(part(ofTwo, 0, 1), signed(c, NOTARY, HANDLES)), invalid(NOTARY, 0));
        take(c, alone);
    }

    function test_no_vote_is_left_out_or_added() public {
        bytes memory action = suspendAction(PRISON);
        uint64 number = institutions.decisions() + 1;
        uint48 expires = uint48(START + 1 days);
        bytes32 digest = decisionDigest(action, number, expires, institutions.contractId());
        bytes32 id = institutions.contractId();
        bytes memory list = bytes.concat(
            wire(5, 0, 3, NOTARY_OFFICE, id, digest),
            wire(5, 0, 3, APPRAISERS, id, digest),
            wire(5, 0, 3, REGULATOR, id, digest)
        );
        refuseSigned(action, number, expires, part(list, 0, 2), invalid(NOTARY_OFFICE, 0));
        refuseSigned(action, number, expires, part(list, 1, 2), invalid(APPRAISERS, 0));
        bytes memory more = bytes.concat(list, wire(5, 0, 4, OPERATOR, id, digest));
        refuseSigned(action, number, expires, more, invalid(NOTARY_OFFICE, 0));
        institutions.execute(action, number, expires, list, "");
    }

    function test_signatures_keep_their_order() public {
        open();
        Claim memory c = next(TWO);
        bytes memory list = signed(c, NOTARY, HANDLES, APPROVER, APPROVES);
        bytes memory swapped = bytes.concat(part(list, 1, 1), part(list, 0, 1));
        refuse(c, swapped, reason(SignedMessages.SignatureOrder.selector, APPROVER, NOTARY));
        (uint64 number, uint48 expires, bytes memory votes_) = decide(suspendAction(PRISON), institutions.contractId());
        refuseSigned(
            suspendAction(PRISON),
            number,
            expires,
            bytes.concat(part(votes_, 1, 1), part(votes_, 0, 1)),
            reason(SignedMessages.SignatureOrder.selector, REGULATOR, NOTARY_OFFICE)
        );
        IInstitutions.Admission memory a = admission(0x80000010, NOTARY_OFFICE, 1, SELF);
        list = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        swapped = bytes.concat(part(list, 1, 1), part(list, 0, 1));
        bytes memory own = possession(a);
        vm.expectRevert(reason(SignedMessages.SignatureOrder.selector, REGULATOR, NOTARY_OFFICE));
        institutions.admitPractitioner(a, swapped, own);
        take(c, signed(c, NOTARY, HANDLES, APPROVER, APPROVES));
    }
}
