// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Decided} from "./support/Decided.sol";

/// Has decisions executed in its own name, as registries and batch anchors do.
contract Executor {
    function consume(
        IInstitutions institutions,
        bytes calldata action,
        uint64 number,
        uint48 expires,
        bytes calldata signatures
    ) external {
        institutions.consumeDecision(action, number, expires, signatures);
    }
}

/// How members decide together (SPEC §5.2).
contract DecisionsTest is Decided {
    function test_voters_execute_a_decision() public {
        bytes memory action = suspendAction(PRISON);
        bytes memory signatures = votes(action, 1, expires, id(), NOTARY_OFFICE, OPERATOR);
        (bytes32 z,,) = keyOf(PRISON);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.DecisionExecuted(
            1, address(institutions), decisionDigest(action, 1, expires, id()), expires, action, signatures
        );
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.InstitutionSuspended(PRISON);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyEnded(PRISON, z, 0, uint48(START), 2, "");
        vm.prank(address(0xa10e)); // anyone may send it
        institutions.execute(action, 1, expires, signatures, "");
        assertEq(institutions.decisions(), 1);
        assertEq(institutions.activeVoters(), 10);
        assertEq(institutions.member(PRISON).status, 2);

        // Once only.
        refuseSigned(
            action, 1, expires, signatures, abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 2, 1)
        );
        refuseSigned(
            action,
            2,
            expires,
            signatures,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
    }

    function test_of_two_decisions_of_one_number_one_is_executed() public {
        bytes memory first = suspendAction(PRISON);
        bytes memory second = suspendAction(APPRAISERS);
        bytes memory signedFirst = votes(first, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        bytes memory signedSecond = votes(second, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        institutions.execute(second, 1, expires, signedSecond, "");
        // The one that was kept back died with its number.
        refuseSigned(
            first, 1, expires, signedFirst, abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 2, 1)
        );
        assertEq(institutions.member(PRISON).status, 1);
    }

    function test_decisions_are_numbered_without_gaps() public {
        bytes memory action = suspendAction(PRISON);
        refuseSigned(
            action,
            2,
            expires,
            votes(action, 2, expires, id(), NOTARY_OFFICE, REGULATOR),
            abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 1, 2)
        );
        refuseSigned(
            action,
            0,
            expires,
            votes(action, 0, expires, id(), NOTARY_OFFICE, REGULATOR),
            abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 1, 0)
        );
    }

    function test_a_decision_expires() public {
        bytes memory action = suspendAction(PRISON);
        bytes memory signatures = votes(action, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        vm.warp(uint256(expires) + 1);
        refuseSigned(
            action,
            1,
            expires,
            signatures,
            abi.encodeWithSelector(IInstitutions.DecisionExpired.selector, expires, uint256(expires) + 1)
        );
        // Another end than was signed.
        refuseSigned(
            action,
            1,
            expires + 1,
            signatures,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        vm.warp(expires);
        institutions.execute(action, 1, expires, signatures, "");
    }

    function test_a_decision_is_not_kept_for_more_than_90_days() public {
        bytes memory action = suspendAction(PRISON);
        uint48 latest = uint48(START + 90 days);
        refuseSigned(
            action,
            1,
            latest + 1,
            votes(action, 1, latest + 1, id(), NOTARY_OFFICE, REGULATOR),
            abi.encodeWithSelector(IInstitutions.DecisionTooLong.selector, latest, latest + 1)
        );
        institutions.execute(action, 1, latest, votes(action, 1, latest, id(), NOTARY_OFFICE, REGULATOR), "");
    }

    function test_as_many_voters_sign_as_the_threshold_says() public {
        bytes memory action = suspendAction(PRISON);
        refuseSigned(
            action, 1, expires, "", abi.encodeWithSelector(IInstitutions.DecisionSignatures.selector, THRESHOLD, 0)
        );
        refuseSigned(
            action,
            1,
            expires,
            votes(action, 1, expires, id(), NOTARY_OFFICE, 0),
            abi.encodeWithSelector(IInstitutions.DecisionSignatures.selector, THRESHOLD, 1)
        );
        bytes memory good = votes(action, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        refuseSigned(
            action,
            1,
            expires,
            bytes.concat(good, hex"00"),
            abi.encodeWithSelector(SignedMessages.SignatureLength.selector, 140, 141)
        );
        refuseSigned(
            action,
            1,
            expires,
            new bytes(33 * 70),
            abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 32, 33)
        );
        // One of three signatures that were counted is missing.
        bytes32 digest = decisionDigest(action, 1, expires, id());
        bytes memory three =
            bytes.concat(wire(5, 0, 3, NOTARY_OFFICE, id(), digest), wire(5, 0, 3, REGULATOR, id(), digest));
        refuseSigned(
            action,
            1,
            expires,
            three,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        three = bytes.concat(three, wire(5, 0, 3, OPERATOR, id(), digest));
        institutions.execute(action, 1, expires, three, "");
    }

    function test_voters_sign_each_once_in_order_and_without_roles() public {
        bytes memory action = suspendAction(PRISON);
        bytes memory good = votes(action, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        refuseSigned(
            action,
            1,
            expires,
            votes(action, 1, expires, id(), REGULATOR, NOTARY_OFFICE),
            abi.encodeWithSelector(SignedMessages.SignatureOrder.selector, REGULATOR, NOTARY_OFFICE)
        );
        refuseSigned(
            action,
            1,
            expires,
            votes(action, 1, expires, id(), REGULATOR, REGULATOR),
            abi.encodeWithSelector(SignedMessages.SignatureOrder.selector, REGULATOR, REGULATOR)
        );
        refuseSigned(
            action, 1, expires, new bytes(140), abi.encodeWithSelector(SignedMessages.SignatureOrder.selector, 0, 0)
        );
        bytes memory changed = bytes.concat(good);
        changed[74] = 0x41;
        refuseSigned(
            action, 1, expires, changed, abi.encodeWithSelector(SignedMessages.SignatureRole.selector, REGULATOR, 0x41)
        );
        changed = bytes.concat(good);
        changed[75] = 0x01;
        refuseSigned(action, 1, expires, changed, abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, REGULATOR, 1));
        refuseSigned(
            action,
            1,
            expires,
            flip(good, 69),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        refuseSigned(
            action,
            1,
            expires,
            flip(good, 139),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, REGULATOR, 0)
        );
        institutions.execute(action, 1, expires, good, "");
    }

    function test_only_active_voters_decide() public {
        admitInstitution(COURT, 4, 0); // no voter
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        execute(suspendAction(PRISON));
        revoke(OPERATOR);
        bytes memory action = suspendAction(APPRAISERS);
        uint32[4] memory strangers = [COURT, 999, NOTARY, PRISON];
        for (uint256 i; i < strangers.length; ++i) {
            refuseSigned(
                action,
                3,
                expires,
                votes(action, 3, expires, id(), NOTARY_OFFICE, strangers[i]),
                abi.encodeWithSelector(IInstitutions.VoterUnknown.selector, strangers[i])
            );
        }
        refuseSigned(
            action,
            3,
            expires,
            votes(action, 3, expires, id(), NOTARY_OFFICE, OPERATOR),
            abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, OPERATOR, 0, START)
        );
    }

    function test_voters_count_at_execution() public {
        bytes memory action = suspendAction(APPRAISERS);
        bytes memory early = votes(action, 2, expires, id(), PRISON, REGULATOR);
        execute(suspendAction(PRISON));
        refuseSigned(action, 2, expires, early, abi.encodeWithSelector(IInstitutions.VoterUnknown.selector, PRISON));
    }

    function test_a_recovery_key_decides_nothing() public {
        registerRecovery(PRISON, "vault");
        bytes memory action = suspendAction(APPRAISERS);
        bytes32 digest = decisionDigest(action, 2, expires, id());
        bytes memory signatures = bytes.concat(
            wire(5, 0, 2, NOTARY_OFFICE, id(), digest),
            wireBy(privateKey(PRISON, "vault"), RECOVERY, 5, 2, PRISON, digest)
        );
        refuseSigned(
            action, 2, expires, signatures, abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, PRISON, RECOVERY)
        );
    }

    function test_a_decision_names_its_executor_and_its_ledger() public {
        bytes memory action = suspendAction(PRISON);
        Executor executor = new Executor();
        bytes32 executorId = idOf(address(executor), institutions.foundingDigest());
        bytes memory signatures = votes(action, 1, expires, executorId, NOTARY_OFFICE, REGULATOR);
        bytes memory invalid = abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0);
        refuseSigned(action, 1, expires, signatures, invalid);
        vm.expectRevert(invalid);
        institutions.consumeDecision(action, 1, expires, signatures);
        // What the executor does with it is its own matter; the number is used up.
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.DecisionExecuted(
            1, address(executor), decisionDigest(action, 1, expires, executorId), expires, action, signatures
        );
        executor.consume(institutions, action, 1, expires, signatures);
        assertEq(institutions.decisions(), 1);
        assertEq(institutions.member(PRISON).status, 1);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 2, 1));
        executor.consume(institutions, action, 1, expires, signatures);

        // Signed for this contract: no other one executes it, nor does another ledger.
        bytes memory own = votes(action, 2, expires, id(), NOTARY_OFFICE, REGULATOR);
        vm.expectRevert(invalid);
        executor.consume(institutions, action, 2, expires, own);
        own = votes(action, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        institutions = found(THRESHOLD, founders());
        refuseSigned(action, 1, expires, own, invalid);
    }

    function test_what_is_decided_is_what_was_signed() public {
        bytes memory good = votes(suspendAction(PRISON), 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        refuseSigned(
            suspendAction(APPRAISERS),
            1,
            expires,
            good,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
    }
}
