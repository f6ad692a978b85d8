// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Institutions} from "../../contracts/Institutions.sol";
import {Sm2Keys} from "../../contracts/Sm2Keys.sol";
import {Sm2Verifier} from "../../contracts/Sm2Verifier.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {ISm2Keys} from "../../contracts/interfaces/ISm2Keys.sol";
import {ISm2Verifier} from "../../contracts/interfaces/ISm2Verifier.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm2Curve} from "../../contracts/libraries/Sm2Curve.sol";
import {Ledger} from "./support/Ledger.sol";

/// Whatever it is asked, the answer is yes.
contract AcceptAllVerifier is ISm2Verifier {
    function verify(bytes32, uint256, uint256, uint256, uint256) external pure returns (bool) {
        return true;
    }

    function verifyWithKey(bytes32, uint256, uint256, address) external pure returns (bool) {
        return true;
    }
}

/// Creates keys as it should and is other code.
contract OtherKeys is Sm2Keys {
    function extra() external {}
}

/// The founding of a ledger (SPEC §5.1).
contract FoundingTest is Ledger {
    function small() internal view returns (IInstitutions.Founder[] memory list) {
        list = new IInstitutions.Founder[](3);
        list[0] = founder(NOTARY_OFFICE, 1);
        list[1] = founder(REGULATOR, 6);
        list[2] = founder(OPERATOR, 9);
    }

    function refuseFounding(uint8 threshold, IInstitutions.Founder[] memory list, bytes memory reason) internal {
        bytes[] memory signatures = foundingSignatures(threshold, list);
        vm.expectRevert(reason);
        new Institutions(verifier, keys, threshold, list, signatures);
    }

    function test_every_founder_signed_what_was_founded() public view {
        IInstitutions.Founder[] memory list = founders();
        assertEq(institutions.foundingDigest(), foundingDigest(THRESHOLD, list));
        assertEq(institutions.contractId(), idOf(address(institutions), foundingDigest(THRESHOLD, list)));
        assertEq(institutions.threshold(), THRESHOLD);
        assertEq(institutions.activeVoters(), list.length);
        assertEq(institutions.decisions(), 0);
        assertEq(address(institutions.verifier()), address(verifier));
        assertEq(address(institutions.keys()), address(keys));
        for (uint256 i; i < list.length; ++i) {
            uint32 number = list[i].number;
            (bytes32 z, uint256 x, uint256 y, bytes32 word) = institutions.keyAt(number, 0);
            (bytes32 expectedZ,,) = keyOf(number);
            assertEq(z, expectedZ);
            assertEq(x, list[i].x);
            assertEq(y, list[i].y);
            assertEq(word, keyWord(number, number, list[i].role, SELF, uint48(START), type(uint48).max, 0));
            assertEq(institutions.keyRecord(z, 0), word);
            assertEq(institutions.identityRoot(z, 0), cardOf(number));
            IInstitutions.Member memory member = institutions.member(number);
            assertEq(member.institution, number);
            assertEq(member.role, list[i].role);
            assertEq(member.status, 1);
            assertTrue(member.voter);
            assertEq(member.keyCount, 1);
            assertEq(member.openKeys, 1);
            assertEq(institutions.holderOf(z), number);
            (bytes32 sameZ, address key, bytes32 sameWord, bool active) = institutions.keyOf(number, 0);
            assertEq(sameZ, z);
            assertEq(sameWord, word);
            assertTrue(active);
            assertEq(key.code, abi.encodePacked(uint8(0), z, x, y));
        }
    }

    function test_a_founding_is_told_in_events() public {
        IInstitutions.Founder[] memory list = small();
        bytes[] memory signatures = foundingSignatures(2, list);
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        (bytes32 z,,) = keyOf(REGULATOR);
        vm.expectEmit(true, true, false, false, next);
        emit IInstitutions.LedgerFounded(
            foundingDigest(2, list), idOf(next, foundingDigest(2, list)), "", new bytes[](0)
        );
        vm.expectEmit(true, true, true, true, next);
        emit IInstitutions.KeyRegistered(
            REGULATOR, z, 0, list[1].x, list[1].y, SELF, uint48(block.timestamp), cardOf(REGULATOR), ""
        );
        vm.expectEmit(true, true, true, true, next);
        emit IInstitutions.InstitutionFounded(REGULATOR, 6);
        new Institutions(verifier, keys, 2, list, signatures);
    }

    function test_a_founder_who_did_not_sign_this_stops_the_founding() public {
        IInstitutions.Founder[] memory list = small();
        bytes[] memory signatures = foundingSignatures(2, list);
        bytes[] memory changed = foundingSignatures(2, list);
        changed[1] = flip(changed[1], 63);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, REGULATOR, 0));
        new Institutions(verifier, keys, 2, list, changed);
        // The same signatures under another threshold, another role, or at another address.
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        new Institutions(verifier, keys, 1, list, signatures);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        new Institutions(verifier, keys, 2, list, signatures); // the nonce went on
    }

    function test_another_verifier_founds_another_ledger_than_was_signed() public {
        IInstitutions.Founder[] memory list = small();
        bytes[] memory signatures = foundingSignatures(2, list);
        bytes32 signed = foundingDigest(2, list);
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        ISm2Verifier acceptAll = new AcceptAllVerifier();
        // It accepts the founders' signatures, as it does any, and cannot give the ledger the identity that they signed.
        Institutions forged = new Institutions(acceptAll, keys, 2, list, signatures);
        assertEq(address(forged), next);
        assertNotEq(forged.foundingDigest(), signed);
        assertNotEq(forged.contractId(), idOf(next, signed));
        verifier = acceptAll;
        assertEq(forged.foundingDigest(), foundingDigest(2, list));
    }

    function test_the_same_code_elsewhere_is_what_was_signed() public {
        IInstitutions.Founder[] memory list = small();
        bytes32 signed = foundingDigest(2, list);
        ISm2Verifier elsewhere = ISm2Verifier(address(new Sm2Verifier()));
        ISm2Keys keysElsewhere = new Sm2Keys();
        bytes[] memory signatures = foundingSignatures(2, list);
        assertEq(new Institutions(elsewhere, keysElsewhere, 2, list, signatures).foundingDigest(), signed);
    }

    function test_a_verifier_without_code_founds_nothing() public {
        IInstitutions.Founder[] memory list = small();
        address[3] memory empty = [address(0), address(0xdead), address(2)]; // nobody, an account, a precompile
        vm.deal(address(0xdead), 1);
        for (uint256 i; i < empty.length; ++i) {
            bytes[] memory signatures = foundingSignatures(2, list);
            vm.expectRevert(abi.encodeWithSelector(IInstitutions.VerifierWithoutCode.selector, empty[i]));
            new Institutions(ISm2Verifier(empty[i]), keys, 2, list, signatures);
        }
    }

    function test_keys_without_code_found_nothing() public {
        IInstitutions.Founder[] memory list = small();
        bytes[] memory signatures = foundingSignatures(2, list);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.KeysWithoutCode.selector, address(0xdead)));
        new Institutions(verifier, ISm2Keys(address(0xdead)), 2, list, signatures);
    }

    function test_other_code_for_keys_is_not_what_was_signed() public {
        IInstitutions.Founder[] memory list = small();
        ISm2Keys other = new OtherKeys();
        bytes[] memory signatures = foundingSignatures(2, list);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        new Institutions(verifier, other, 2, list, signatures);
    }

    function test_signatures_of_founders_are_whole() public {
        IInstitutions.Founder[] memory list = small();
        bytes[] memory signatures = foundingSignatures(2, list);
        signatures[0] = bytes.concat(signatures[0], hex"00");
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureLength.selector, 64, 65));
        new Institutions(verifier, keys, 2, list, signatures);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 3, 1));
        new Institutions(verifier, keys, 2, list, new bytes[](1));
    }

    function test_32_founders_found_a_ledger_in_one_transaction() public {
        IInstitutions.Founder[] memory list = new IInstitutions.Founder[](32);
        for (uint32 i; i < 32; ++i) {
            list[i] = founder(1000 + i, 1);
        }
        bytes[] memory signatures = foundingSignatures(31, list);
        bytes memory arguments = abi.encode(verifier, keys, uint8(31), list, signatures);
        assertLe(type(Institutions).creationCode.length + arguments.length, 49_152); // EIP-3860
        uint256 start = gasleft();
        Institutions large = new Institutions(verifier, keys, 31, list, signatures);
        uint256 used = start - gasleft() + 21_000 + 16 * (type(Institutions).creationCode.length + arguments.length);
        emit log_named_uint("found_32", used);
        assertLt(used, 30_000_000);
        assertEq(large.activeVoters(), 32);
        assertEq(large.threshold(), 31);
    }

    function test_there_are_at_most_32_founders() public {
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.FounderCount.selector, 32, 33));
        new Institutions(verifier, keys, 1, new IInstitutions.Founder[](33), new bytes[](33));
    }

    function test_the_threshold_leaves_a_voter_to_spare() public {
        refuseFounding(0, small(), abi.encodeWithSelector(IInstitutions.ThresholdRange.selector, 2, 0));
        refuseFounding(3, small(), abi.encodeWithSelector(IInstitutions.ThresholdRange.selector, 2, 3));
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.ThresholdRange.selector, 0, 1));
        new Institutions(verifier, keys, 1, new IInstitutions.Founder[](1), new bytes[](1));
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.ThresholdRange.selector, 0, 1));
        new Institutions(verifier, keys, 1, new IInstitutions.Founder[](0), new bytes[](0));
    }

    function test_founders_ascend_and_are_institutions() public {
        IInstitutions.Founder[] memory list = small();
        (list[0], list[1]) = (list[1], list[0]);
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.FounderOrder.selector, REGULATOR, NOTARY_OFFICE));
        list[1] = list[0];
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.FounderOrder.selector, REGULATOR, REGULATOR));
        list[0] = founder(0, 1);
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, 0));
        list[0] = founder(NOTARY, 1);
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, NOTARY));
    }

    function test_a_founder_has_role_custody_and_card() public {
        IInstitutions.Founder[] memory list = small();
        list[0].role = 0;
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.RoleUnknown.selector, 0));
        list[0].role = 10;
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.RoleUnknown.selector, 10));
        list = small();
        list[0].custody = 0;
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.CustodyUnknown.selector, 0));
        list[0].custody = 4;
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.CustodyUnknown.selector, 4));
        list = small();
        list[0].identityRoot = 0;
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.IdentityRootMissing.selector, NOTARY_OFFICE));
    }

    function test_a_founders_key_is_valid_and_its_own() public {
        IInstitutions.Founder[] memory list = small();
        list[0].y ^= 1;
        refuseFounding(1, list, abi.encodeWithSelector(ISm2Keys.KeyInvalid.selector, list[0].x, list[0].y));
        (list[0].x, list[0].y) = (Sm2Curve.GX, Sm2Curve.GY);
        refuseFounding(1, list, abi.encodeWithSelector(ISm2Keys.KeyInvalid.selector, Sm2Curve.GX, Sm2Curve.GY));
        list = small();
        (list[1].x, list[1].y) = (list[0].x, list[0].y);
        (bytes32 z,,) = keyOf(NOTARY_OFFICE);
        refuseFounding(1, list, abi.encodeWithSelector(IInstitutions.KeyInUse.selector, z));
    }
}
