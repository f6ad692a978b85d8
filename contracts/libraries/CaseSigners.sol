// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../interfaces/ICaseRegistry.sol";
import {IInstitutions} from "../interfaces/IInstitutions.sol";
import {ISm2Verifier} from "../interfaces/ISm2Verifier.sol";
import {Step} from "./CaseSteps.sol";
import {KeyRecords} from "./KeyRecords.sol";
import {LedgerCalls} from "./LedgerCalls.sol";
import {Places} from "./Places.sol";
import {ProcedureTables} from "./ProcedureTables.sol";
import {SignedMessages} from "./SignedMessages.sol";
import {Statements} from "./Statements.sol";

/// @title The signers of a statement and their signatures
/// @notice SPEC §2.2 to §2.4 and §8.2 rules 1 to 3 and 8. Signatures are read where they lie: `signer u32 ‖ role u8 ‖ key
/// index u8 ‖ r ‖ s`, 70 bytes each.
library CaseSigners {
    using KeyRecords for bytes32;
    using Places for uint256;
    using ProcedureTables for uint256;

    uint256 private constant SIZE = 70;
    uint256 private constant MAX_SIGNATURES = 8;
    /// Where r ‖ s begin.
    uint256 private constant RS = 6;
    /// The institution answers for an irregular statement: in the mask of slots that are taken, and as the slot itself. It
    /// lies above every slot, which has 24 bits.
    uint256 private constant ANSWERED = 1 << 24;
    /// `tiezheng/1` and the tag, at the beginning of a word.
    uint256 private constant PREFIX = 0x7469657a68656e672f3101 << 168;

    /// @notice Reverts unless the signatures are those that the kind's slots ask for, by keys valid now; sets the handlers.
    /// @return count how many they are.
    /// @return call_ memory for `LedgerCalls.signedDigests`, with the signers set.
    /// @return keys where in memory their key contracts stand, one word each.
    function requireSigners(IInstitutions institutions, Step memory step, bytes calldata signatures)
        internal
        view
        returns (uint256 count, uint256 call_, uint256 keys)
    {
        count = _requireCount(step, signatures);
        call_ = LedgerCalls.prepare(count);
        assembly ("memory-safe") {
            keys := mload(0x40)
            mstore(0x40, add(keys, shl(5, count)))
        }
        uint256 previous;
        for (uint256 i; i < count; ++i) {
            uint256 head;
            assembly ("memory-safe") {
                head := shr(208, calldataload(add(signatures.offset, mul(i, SIZE))))
            }
            if (i != 0 && head >> 16 <= previous) {
                revert SignedMessages.SignatureOrder(uint32(previous), uint32(head >> 16));
            }
            previous = head >> 16;
            (bytes32 z, uint256 key) = _requireSigner(institutions, step, head);
            assembly ("memory-safe") {
                mstore(add(keys, shl(5, i)), key)
            }
            LedgerCalls.setSigner(call_, i, z, PREFIX | (head >> 8 & 0xff) << 160 | count << 152 | previous << 120);
        }

        bool irregular = Statements.isIrregular(step.word);
        if (irregular && step.taken & ANSWERED == 0) {
            revert ICaseRegistry.IrregularSealMissing(Statements.institution(step.word));
        }
        // Of a regular statement every slot is taken, so that the persons who signed are those whom the kind asks for.
        if ((irregular ? _personSlots(step) : step.persons) > 1) {
            if (step.persons == 0 ? step.hosted == count : step.hostedPersons == step.persons) {
                revert ICaseRegistry.HostedKeysAlone(step.hosted);
            }
        }
    }

    /// @notice Reverts unless each signature is over its digest.
    /// @param digests as `LedgerCalls.signedDigests` gives them: the statement's first.
    /// @param keys as `requireSigners` gives them.
    function requireSigned(ISm2Verifier verifier, uint256 digests, bytes calldata signatures, uint256 keys)
        internal
        view
    {
        uint256 at;
        assembly ("memory-safe") {
            at := signatures.offset
        }
        uint256 end = at + signatures.length;
        while (at != end) {
            digests = _after(digests, 32);
            if (!LedgerCalls.verifyWithKey(
                    verifier, LedgerCalls.at(digests), _after(at, RS), uint256(LedgerCalls.at(keys))
                )) {
                uint256 head;
                assembly ("memory-safe") {
                    head := shr(208, calldataload(at))
                }
                revert SignedMessages.SignatureInvalid(uint32(head >> 16), uint8(head));
            }
            keys = _after(keys, 32);
            at = _after(at, SIZE);
        }
    }

    /// A place in memory or calldata, behind which there is more than can be.
    function _after(uint256 at, uint256 size) private pure returns (uint256) {
        unchecked {
            return at + size;
        }
    }

    function _requireCount(Step memory step, bytes calldata signatures) private pure returns (uint256 count) {
        uint256 expected = step.entry.slotCount();
        if (signatures.length % SIZE != 0) {
            revert SignedMessages.SignatureLength(expected * SIZE, signatures.length);
        }
        count = signatures.length / SIZE;
        if (count == expected) return count;
        if (Statements.isIrregular(step.word)) {
            if (expected < MAX_SIGNATURES) ++expected;
            if (count != 0 && count <= expected) return count;
        }
        revert SignedMessages.SignatureCount(expected, count);
    }

    /// The signer belongs to the side that the role names, is what the slot asks for, and holds a key valid now.
    /// @param head signer, role and key index.
    function _requireSigner(IInstitutions institutions, Step memory step, uint256 head)
        private
        view
        returns (bytes32, uint256)
    {
        uint256 slot = _takeSlot(step, head);
        uint32 side = Statements.institution(step.word);
        // Of the role 0xFF both bits are set, but it is the institution's.
        bool answers = slot == ANSWERED;
        bool person = head >> 8 & ProcedureTables.PERSON != 0 && !answers;
        if (head >> 8 & ProcedureTables.COUNTERPARTY_SIDE != 0 && !answers) {
            side = Statements.counterparty(step.word);
            if (side == 0) revert ICaseRegistry.CounterpartyMissing(Statements.kind(step.word));
        }
        uint32 signer = uint32(head >> 16);
        if (person) {
            if (SignedMessages.isInstitution(signer)) revert ICaseRegistry.SignerNotPractitioner(signer);
        } else if (signer != side) {
            revert ICaseRegistry.SignerNotInstitution(side, signer);
        }

        (bytes32 z, uint256 key, bytes32 record, bool active) = LedgerCalls.keyOf(institutions, head >> 16, head & 0xff);
        record.requireValid(signer, uint8(head));
        if (person) {
            if (record.institution() != side) revert ICaseRegistry.PractitionerInstitution(side, record.institution());
            if (!active) revert ICaseRegistry.MemberNotActive(side);
            ++step.persons;
        }
        if (record.custody() == KeyRecords.HOSTED) {
            ++step.hosted;
            if (person) ++step.hostedPersons;
        }
        _requireSlot(step, answers ? _sealSlot(step) : slot, signer, record.role(), person);
        return (z, key);
    }

    /// What the slot asks for, and what it remembers.
    function _requireSlot(Step memory step, uint256 slot, uint32 signer, uint8 role, bool person) private pure {
        uint8 wanted = uint8(slot >> 8) & 0xf;
        if (wanted != 0 && role != wanted) {
            if (person) revert ICaseRegistry.PractitionerFunction(wanted, role);
            revert ICaseRegistry.InstitutionRole(wanted, role);
        }
        if (uint8(slot) != 0 && !Statements.isIrregular(step.word)) {
            _requireDistinct(step.handlers, uint8(slot), signer);
        }
        uint256 place = slot >> 12 & 0xf;
        if (place == 0) return;
        if (Statements.isLate(step.word) && step.handlers.at(place - 1) != 0) return;
        step.nextHandlers = step.nextHandlers.set(place - 1, signer);
    }

    /// The first slot of the signature's role that no signature before took.
    function _takeSlot(Step memory step, uint256 head) private pure returns (uint256 slot) {
        uint256 role = uint8(head >> 8);
        uint256 taken = step.taken;
        if (role == ProcedureTables.ANSWERS && Statements.isIrregular(step.word) && taken & ANSWERED == 0) {
            step.taken = taken | ANSWERED;
            return ANSWERED;
        }
        uint256 count = step.entry.slotCount();
        for (uint256 i; i < count; ++i) {
            slot = step.slots.slot(i);
            if (slot >> 16 == role && taken >> i & 1 == 0) {
                step.taken = taken | 1 << i;
                return slot;
            }
        }
        revert SignedMessages.SignatureRole(uint32(head >> 16), uint8(role));
    }

    /// What the kind asks of the institution's own seal, which remembers nobody here; zero where it asks for no seal.
    function _sealSlot(Step memory step) private pure returns (uint256) {
        uint256 count = step.entry.slotCount();
        for (uint256 i; i < count; ++i) {
            uint256 slot = step.slots.slot(i);
            if (slot >> 16 == 0) return slot & 0xf00;
        }
        return 0;
    }

    /// The signer is none of the handlers in the mask, as they were before this statement.
    function _requireDistinct(uint256 handlers, uint256 mask, uint32 signer) private pure {
        for (uint256 i; i < Places.COUNT; ++i) {
            if (mask >> i & 1 != 0 && handlers.at(i) == signer) {
                revert ICaseRegistry.HandlerNotDistinct(uint8(i + 1), signer);
            }
        }
    }

    function _personSlots(Step memory step) private pure returns (uint256 persons) {
        uint256 count = step.entry.slotCount();
        for (uint256 i; i < count; ++i) {
            if (uint256(step.slots.slot(i)) >> 16 & ProcedureTables.PERSON != 0) ++persons;
        }
    }
}
