// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../contracts/CaseRegistry.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";
import {Tables} from "./support/Tables.sol";

/// Tables come and end, and the registry closes, by decisions alone (SPEC §5.2, §8.2 rule 11, §8.6).
contract CaseTablesTest is Cases {
    bytes private _other;

    function setUp() public override {
        super.setUp();
        _other = Tables.matter();
        _other[2] = 0x07; // of another case type
    }

    function test_a_table_is_registered_and_told() public {
        bytes32 digest = Sm3.hash(_other);
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x20), digest, uint48(5), uint48(9)), registry.contractId());
        vm.expectEmit(true, true, true, true, address(registry));
        emit ICaseRegistry.TableRegistered(digest, 3, 5, 9, _other);
        registry.registerTable(_other, 5, 9, number, expires, signatures);
        assertEq(registry.tableOf(3), digest);
        (uint16 index, uint48 from, uint48 until) = registry.termsOf(digest);
        assertEq(index, 3);
        assertEq(from, 5);
        assertEq(until, 9);
        (bytes memory entry, uint8 position) = registry.entryOf(digest, 0x1702);
        assertEq(entry.length, 64);
        assertEq(position, 1);
        (entry,) = registry.entryOf(digest, 0x1102);
        assertEq(entry.length, 0);

        vm.expectRevert(reasonOf(ICaseRegistry.TableRepeated.selector, digest));
        registry.registerTable(_other, 5, 9, number + 1, expires, signatures);
    }

    function test_a_table_comes_by_a_decision_about_it() public {
        bytes32 digest = Sm3.hash(_other);
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x20), digest, uint48(0), uint48(9)), registry.contractId());
        bytes memory invalid = reason(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0);
        vm.expectRevert(invalid);
        registry.registerTable(_other, 1, 9, number, expires, signatures);
        vm.expectRevert(invalid);
        registry.registerTable(_other, 0, 10, number, expires, signatures);
        vm.expectRevert(invalid);
        registry.registerTable(_other, 0, 9, number, expires - 1, signatures);
        vm.expectRevert(reason(IInstitutions.DecisionNumber.selector, number, number + 1));
        registry.registerTable(_other, 0, 9, number + 1, expires, signatures);
        CaseRegistry twin = new CaseRegistry(institutions, DOMAIN, ICaseRegistry(address(0)));
        vm.expectRevert(invalid);
        twin.registerTable(_other, 0, 9, number, expires, signatures);
        registry.registerTable(_other, 0, 9, number, expires, signatures);
    }

    function test_a_table_ends_after_it_begins() public {
        vm.expectRevert(reason(ICaseRegistry.TableDates.selector, 9, 9));
        registry.registerTable(_other, 9, 9, 0, 0, "");
        vm.expectRevert(reason(ICaseRegistry.TableDates.selector, 9, 8));
        registry.registerTable(_other, 9, 8, 0, 0, "");
        bytes32 digest = registerTable(_other, 9, FOREVER);
        vm.expectRevert(reason(ICaseRegistry.TableDates.selector, 9, 8));
        registry.endTable(digest, 8, 0, 0, "");
        vm.expectRevert(reason(ICaseRegistry.TableDates.selector, 9, FOREVER));
        registry.endTable(digest, FOREVER, 0, 0, "");
    }

    function test_a_table_is_annulled_by_an_end_at_its_beginning() public {
        uint48 begun = uint48(block.timestamp * 1000) - 10;
        bytes32 digest = registerTable(_other, begun, FOREVER);
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x21), digest, begun), registry.contractId());
        registry.endTable(digest, begun, number, expires, signatures);
        Claim memory c = opening();
        (c.kind, c.previous, c.occurred) = (0x1701, digest, begun);
        refuse(c, abi.encodeWithSelector(ICaseRegistry.TableNotInForce.selector, digest, begun, begun));
    }

    function test_a_table_is_ended_once() public {
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x21), tableDigest, uint48(77)), registry.contractId());
        vm.expectRevert(reasonOf(ICaseRegistry.TableUnknown.selector, keccak256("no table")));
        registry.endTable(keccak256("no table"), 77, number, expires, signatures);
        vm.expectRevert(reason(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        registry.endTable(tableDigest, 78, number, expires, signatures);
        vm.expectEmit(true, true, true, true, address(registry));
        emit ICaseRegistry.TableEnded(tableDigest, 77);
        registry.endTable(tableDigest, 77, number, expires, signatures);
        (,, uint48 until) = registry.termsOf(tableDigest);
        assertEq(until, 77);
        vm.expectRevert(reason(ICaseRegistry.TableDates.selector, 0, 80));
        registry.endTable(tableDigest, 80, number + 1, expires, signatures);
    }

    function test_cases_begin_while_their_table_is_in_force() public {
        uint48 now_ = uint48(block.timestamp * 1000);
        bytes32 digest = registerTable(_other, now_ - 10, now_ + 10);
        Claim memory c = opening();
        (c.kind, c.previous) = (0x1701, digest);
        bytes memory expected =
            abi.encodeWithSelector(ICaseRegistry.TableNotInForce.selector, digest, now_ - 10, now_ + 10);
        c.occurred = now_ - 11;
        refuse(c, expected);
        c.occurred = now_ + 10;
        refuse(c, expected);
        c.occurred = now_ + 9;
        take(c, NOTARY_OFFICE, SEAL);
        c.caseId = bytes32(uint256(c.caseId) + 1);
        c.occurred = now_ - 10;
        take(c, NOTARY_OFFICE, SEAL);
    }

    function test_a_case_keeps_a_table_that_ended() public {
        open();
        endTable(tableDigest, uint48(block.timestamp * 1000));
        step(NOTE, NOTARY_OFFICE, SEAL);
        Claim memory c = opening();
        c.caseId = bytes32(uint256(c.caseId) + 1);
        refuse(
            c,
            abi.encodeWithSelector(
                ICaseRegistry.TableNotInForce.selector, tableDigest, 0, uint48(block.timestamp * 1000)
            )
        );
    }

    function test_a_closed_registry_never_moves() public {
        open();
        address heir = address(new CaseRegistry(institutions, DOMAIN, registry));
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x22), heir), registry.contractId());
        vm.expectRevert(reason(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        registry.close(address(0), number, expires, signatures);
        vm.expectEmit(true, true, true, true, address(registry));
        emit ICaseRegistry.RegistryClosed(heir);
        registry.close(heir, number, expires, signatures);
        assertTrue(registry.closed());
        assertEq(registry.successor(), heir);

        bytes memory closed = abi.encodeWithSelector(ICaseRegistry.ContractClosed.selector, heir);
        Claim memory c = next(NOTE);
        refuse(c, signed(c, NOTARY_OFFICE, SEAL), closed);
        refuse(opening(), closed);
        c.version = 2; // the statement by itself comes first
        refuse(c, reason(ICaseRegistry.StatementVersion.selector, 1, 2));
        vm.expectRevert(closed);
        registry.registerTable(_other, 0, FOREVER, 0, 0, "");
        vm.expectRevert(closed);
        registry.endTable(tableDigest, 5, 0, 0, "");
        vm.expectRevert(closed);
        registry.close(address(0), 0, 0, "");
    }
}
