// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";
import {Tables} from "./support/Tables.sol";

contract CaseRegistryTest is Cases {
    // The statement by itself (SPEC §3)

    function test_an_opening_is_recorded() public {
        Claim memory c = opening();
        bytes32 digest = Sm3.hash(pack(c));
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        vm.expectEmit(true, true, true, true, address(registry));
        emit ICaseRegistry.StatementRecorded(digest, c.caseId, c.subject, pack(c), signatures);
        vm.prank(address(0xa10e)); // anyone may send it
        registry.record(pack(c), signatures);

        assertEq(
            registry.recordOf(digest),
            bytes32(
                abi.encodePacked(
                    uint48(block.timestamp),
                    uint48(block.number),
                    uint8(1),
                    uint16(1),
                    uint8(0),
                    bytes16(keccak256(abi.encode(caseId)))
                )
            )
        );
        ICaseRegistry.Case memory state = registry.caseOf(c.caseId);
        assertEq(state.head, digest);
        assertEq(state.table, tableDigest);
        assertEq(state.sequence, 0);
        assertEq(state.state, 1);
        assertEq(state.flags, 0);
        assertEq(state.kindsSeen, 1);
        assertEq(state.lastMain, c.occurred);
        assertEq(state.guestCount, 0);
        assertEq(state.guests[0], 0);
    }

    function test_a_statement_of_another_length_is_refused() public {
        bytes memory statement = pack(opening());
        vm.expectRevert(reason(ICaseRegistry.StatementLength.selector, 183, 184));
        registry.record(bytes.concat(statement, hex"00"), "");
        vm.expectRevert(reason(ICaseRegistry.StatementLength.selector, 183, 0));
        registry.record("", "");
    }

    function test_another_version_is_refused() public {
        Claim memory c = opening();
        c.version = 2;
        refuse(c, reason(ICaseRegistry.StatementVersion.selector, 1, 2));
    }

    function test_unknown_flags_are_refused() public {
        Claim memory c = opening();
        c.flags = 16;
        refuse(c, reason(ICaseRegistry.StatementFlags.selector, 16));
        c.flags = 0x8000;
        refuse(c, reason(ICaseRegistry.StatementFlags.selector, 0x8000));
    }

    function test_the_batch_flag_is_refused() public {
        Claim memory c = opening();
        c.flags = 8;
        refuse(c, reason(ICaseRegistry.StatementLane.selector, 8));
    }

    function test_a_kind_of_another_domain_is_refused() public {
        Claim memory c = opening();
        c.kind = 0x2101;
        refuse(c, reason(ICaseRegistry.KindDomain.selector, 1, 2));
    }

    function test_a_recorder_that_cannot_be_an_institution_is_refused() public {
        Claim memory c = opening();
        c.institution = 0;
        refuse(c, reason(ICaseRegistry.StatementInstitution.selector, 0));
        c.institution = NOTARY;
        refuse(c, reason(ICaseRegistry.StatementInstitution.selector, NOTARY));
    }

    function test_a_counterparty_that_cannot_be_one_is_refused() public {
        Claim memory c = opening();
        c.counterparty = NOTARY_OFFICE;
        refuse(c, reason(ICaseRegistry.StatementCounterparty.selector, NOTARY_OFFICE));
        c.counterparty = NOTARY;
        refuse(c, reason(ICaseRegistry.StatementCounterparty.selector, NOTARY));
    }

    function test_five_minutes_ahead_is_the_limit() public {
        Claim memory c = opening();
        uint256 limit = (block.timestamp + 300) * 1000;
        c.occurred = uint48(limit + 1);
        refuse(c, reason(ICaseRegistry.OccurredInFuture.selector, limit, limit + 1));
        c.occurred = uint48(limit);
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL));
    }

    function test_a_confidential_statement_shows_no_subject() public {
        Claim memory c = opening();
        c.flags = 4;
        refuse(c, abi.encodeWithSelector(ICaseRegistry.SubjectNotZero.selector, c.subject));
        c.subject = 0;
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL));
    }

    function test_a_statement_without_content_is_refused() public {
        Claim memory c = opening();
        c.content = 0;
        refuse(c, abi.encodeWithSelector(ICaseRegistry.ContentMissing.selector));
    }

    function test_terms_are_refused() public {
        Claim memory c = opening();
        c.terms = bytes32(uint256(1));
        refuse(c, reason(ICaseRegistry.TermsNotZero.selector, 1));
    }

    // Place in the case (SPEC §3, §8.5)

    function test_a_case_bears_the_number_of_its_opener() public {
        Claim memory c = opening();
        c.institution = APPRAISERS;
        refuse(c, reason(ICaseRegistry.CasePrefix.selector, APPRAISERS, NOTARY_OFFICE));
    }

    function test_a_case_is_opened_once() public {
        open();
        Claim memory c = opening();
        c.content = keccak256("another");
        refuse(c, abi.encodeWithSelector(ICaseRegistry.CaseExists.selector, c.caseId));
    }

    function test_a_statement_is_recorded_once() public {
        open();
        Claim memory first = opening();
        bytes memory already = abi.encodeWithSelector(ICaseRegistry.AlreadyRecorded.selector, Sm3.hash(pack(first)));
        refuse(first, already);
        Claim memory second = next(CLOSE);
        registry.record(pack(second), signed(second, NOTARY_OFFICE, SEAL));
        refuse(first, already);
        refuse(second, abi.encodeWithSelector(ICaseRegistry.AlreadyRecorded.selector, Sm3.hash(pack(second))));
    }

    function test_an_earlier_statement_is_known_again() public {
        open();
        Claim memory c = next(NOTE);
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL));
        step(NOTE, NOTARY_OFFICE, SEAL);
        refuse(c, abi.encodeWithSelector(ICaseRegistry.AlreadyRecorded.selector, Sm3.hash(pack(c))));
    }

    function test_a_step_in_no_case_is_refused() public {
        Claim memory c = opening();
        c.kind = ACCEPT;
        c.sequence = 1;
        refuse(c, abi.encodeWithSelector(ICaseRegistry.CaseUnknown.selector, c.caseId));
    }

    function test_nothing_follows_the_end() public {
        open();
        step(CLOSE, NOTARY_OFFICE, SEAL);
        assertEq(registry.caseOf(caseId).flags, 1);
        refuse(next(NOTE), abi.encodeWithSelector(ICaseRegistry.CaseClosed.selector, caseId));
    }

    function test_the_sequence_has_no_gap() public {
        open();
        Claim memory c = next(ACCEPT);
        c.sequence = 2;
        refuse(c, reason(ICaseRegistry.CaseSequence.selector, 1, 2));
        step(ACCEPT, NOTARY, HANDLES);
        c = next(NOTE);
        c.sequence = 1;
        refuse(c, reason(ICaseRegistry.CaseSequence.selector, 2, 1));
    }

    function test_previous_is_the_head() public {
        open();
        Claim memory c = next(ACCEPT);
        bytes32 head = c.previous;
        c.previous = bytes32(uint256(head) ^ 1);
        refuse(c, abi.encodeWithSelector(ICaseRegistry.CasePrevious.selector, head, c.previous));
    }

    function test_a_case_starts_from_a_registered_table() public {
        Claim memory c = opening();
        c.previous = keccak256("no table");
        refuse(c, abi.encodeWithSelector(ICaseRegistry.TableUnknown.selector, c.previous));
    }

    function test_a_kind_that_the_table_lacks_is_refused() public {
        Claim memory c = opening();
        c.kind = 0x11fe;
        refuse(c, abi.encodeWithSelector(ICaseRegistry.KindUnknown.selector, tableDigest, uint16(0x11fe)));
        c.kind = 0x1201; // the table is of another case type
        refuse(c, abi.encodeWithSelector(ICaseRegistry.KindUnknown.selector, tableDigest, uint16(0x1201)));
        open();
        refuse(next(0x1202), abi.encodeWithSelector(ICaseRegistry.KindUnknown.selector, tableDigest, uint16(0x1202)));
    }

    function test_a_kind_of_the_batch_lane_is_refused() public {
        Claim memory c = opening();
        c.kind = BULK;
        refuse(c, reason(ICaseRegistry.KindLane.selector, BULK));
    }

    function test_opening_kinds_open_and_no_others() public {
        Claim memory c = opening();
        c.kind = ACCEPT;
        refuse(c, reason(ICaseRegistry.KindOpening.selector, ACCEPT, 0));
        open();
        refuse(next(OPEN), reason(ICaseRegistry.KindOpening.selector, OPEN, 1));
    }

    // The procedure (SPEC §8.2)

    function test_a_whole_procedure_is_recorded() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        step(APPROVE, APPROVER, APPROVES);
        step(ISSUE, NOTARY_OFFICE, SEAL, NOTARY, HANDLES);
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.sequence, 3);
        assertEq(state.state, 3);
        assertEq(state.kindsSeen, 0x0f);
        assertEq(state.handlers[0], NOTARY);
        assertEq(state.handlers[1], APPROVER);
        step(CLOSE, NOTARY_OFFICE, SEAL);
        assertEq(registry.caseOf(caseId).state, 4);
    }

    function test_a_step_in_the_wrong_state_is_refused() public {
        open();
        refuse(next(APPROVE), reason(ICaseRegistry.CaseState.selector, 4, 1));
    }

    function test_a_step_whose_conditions_were_not_seen_is_refused() public {
        open();
        refuse(next(MOVE), reason(ICaseRegistry.KindsMissing.selector, 2));
    }

    function test_a_step_that_an_earlier_one_rules_out_is_refused() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        step(APPROVE, APPROVER, APPROVES);
        step(ISSUE, NOTARY_OFFICE, SEAL, NOTARY, HANDLES);
        refuse(next(ISSUE), reason(ICaseRegistry.KindsForbidden.selector, 8));
    }

    // Who records (SPEC §8.2)

    function test_a_stranger_cannot_record() public {
        open();
        refuse(nextOf(APPRAISERS, NOTE), reason(ICaseRegistry.NotParticipant.selector, APPRAISERS));
    }

    function test_a_guest_records_what_guests_may() public {
        open();
        invite(APPRAISERS);
        assertEq(registry.caseOf(caseId).guests[0], APPRAISERS);
        Claim memory c = nextOf(APPRAISERS, NOTE);
        registry.record(pack(c), signed(c, APPRAISERS, SEAL));
        refuse(nextOf(APPRAISERS, CLOSE), reason(ICaseRegistry.RecorderNotEntitled.selector, APPRAISERS, 1));
        refuse(next(REPLY), reason(ICaseRegistry.RecorderNotEntitled.selector, NOTARY_OFFICE, 2));
    }

    function test_a_guest_invites_nobody() public {
        open();
        invite(APPRAISERS);
        Claim memory c = nextOf(APPRAISERS, NOTE);
        c.counterparty = PRISON;
        refuse(c, reason(ICaseRegistry.InvitationNotAllowed.selector, APPRAISERS, PRISON));
        c.counterparty = NOTARY_OFFICE; // who is in already can be named
        take(c, APPRAISERS, SEAL);
        assertEq(registry.caseOf(caseId).guestCount, 1);
    }

    function test_only_some_kinds_name_a_counterparty() public {
        open();
        Claim memory c = next(ACCEPT);
        c.counterparty = APPRAISERS;
        refuse(c, reason(ICaseRegistry.CounterpartyNotAllowed.selector, ACCEPT, APPRAISERS));
    }

    function test_a_counterparty_nobody_knows_is_refused() public {
        Claim memory c = opening();
        c.counterparty = 999;
        refuse(c, reason(ICaseRegistry.CounterpartyUnknown.selector, 999));
    }

    function test_a_case_has_seven_guests_at_most() public {
        open();
        invite(APPRAISERS);
        for (uint32 i; i < CROWD_SIZE; ++i) {
            invite(CROWD + i);
        }
        Claim memory c = next(NOTE);
        c.counterparty = PRISON;
        refuse(c, reason(ICaseRegistry.ParticipantsFull.selector, PRISON));
        invite(CROWD); // is in already
        assertEq(registry.caseOf(caseId).guests[6], CROWD + CROWD_SIZE - 1);
    }

    // Views

    function test_the_registry_says_what_it_is() public view {
        assertEq(registry.domain(), DOMAIN);
        assertEq(address(registry.verifier()), address(verifier));
        assertEq(registry.contractId(), idOf(address(registry), institutions.foundingDigest()));
        assertEq(registry.registeredTables().length, 2);
        assertEq(registry.registeredTables()[0], tableDigest);
        assertEq(registry.registeredTables()[1], sampleTable);
        assertEq(registry.tableOf(1), tableDigest);
        assertEq(registry.tableOf(3), 0);
        assertFalse(registry.closed());
        assertEq(registry.successor(), address(0));
        assertEq(address(registry.predecessor()), address(0));
    }

    function test_entries_are_given_back_as_registered() public view {
        _compareEntries(Tables.matter(), tableDigest, OPEN, Tables.MATTER_KINDS);
        _compareEntries(Tables.sample(), sampleTable, HOLD, Tables.SAMPLE_KINDS);
        uint16[3] memory unknown = [uint16(0x11fe), 0x1301, 0x2101];
        for (uint256 i; i < 3; ++i) {
            (bytes memory none, uint8 place) = registry.entryOf(tableDigest, unknown[i]);
            assertEq(none.length, 0);
            assertEq(place, 0);
        }
    }

    function _compareEntries(bytes memory data, bytes32 digest, uint16 first, uint8 count) private view {
        for (uint8 position; position < count; ++position) {
            bytes memory expected = new bytes(64);
            for (uint256 i; i < 64; ++i) {
                expected[i] = data[36 + 64 * uint256(position) + i];
            }
            (bytes memory got, uint8 place) = registry.entryOf(digest, first + position);
            assertEq(got, expected);
            assertEq(place, position);
        }
    }
}
