"""The founding ceremony: the contracts are created, and each founder's signature is checked by the chain itself.

Guaranteed: what the founders sign names chain, contract address, code of the SM2 contracts and every founder's key, so
it founds this ledger and no other; all deployed code, immutables included, is compared once it stands. Procedure tables
come afterwards, by decisions (`anchors.decide`). Not guaranteed: that the founders are who they say; their keys are
published in the trust file. Nor that the ceremony's copy of `anchors/artifacts` is the published one; each founder
compares `FoundingPlan.code` with their own (SPEC §5.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anchors.chains.port import Chain
from anchors.chains.relayer import Relayer
from anchors.contracts import BATCH, INSTITUTIONS, KEYS, REGISTRY, VERIFIER, artifact
from anchors.deployed_code import code_faults, created_address
from anchors.deployment import Contract, Deployment
from anchors.transact import transact
from tiezheng.errors import IntegrityFault, Malformed, VerificationFailed
from tiezheng.evm.keccak import keccak256
from tiezheng.founding import CryptoCode, Founder, InstitutionRole, check_founding, founding_digest, founding_message
from tiezheng.statement import ADDRESS_SIZE, contract_id

CHECKPOINT_INTERVAL: Final = 4


@dataclass(frozen=True, slots=True)
class FoundingPlan:
    """What the founders agree on before anything is on chain.

    The contract's address follows from the deploying account and its nonce, so the account must send nothing else
    between `plan_founding` and `found_ledger`. `code` is what the SM2 contracts have to be.
    """

    chain_id: int
    genesis: bytes
    first_nonce: int
    threshold: int
    code: CryptoCode
    founders: tuple[Founder, ...]
    digest: bytes
    contract_id: bytes

    def message(self, number: int) -> bytes:
        """The 81 bytes that founder `number` signs (SPEC §5.1)."""
        if all(founder.number != number for founder in self.founders):
            raise Malformed("member.unknown", got=number)
        return founding_message(number, len(self.founders), self.contract_id, self.digest)


def crypto_code() -> CryptoCode:
    """Keccak of the exported code of the SM2 contracts, which have no immutables: what founders compare and sign."""
    return CryptoCode(keccak256(artifact(VERIFIER).deployed), keccak256(artifact(KEYS).deployed))


def plan_founding(chain: Chain, relayer: Relayer, threshold: int, founders: Sequence[Founder]) -> FoundingPlan:
    """Fix the founding for this chain and deploying account. Raises Malformed `founding.*`."""
    genesis = chain.block(0)
    if genesis is None:
        raise IntegrityFault("chain.wrong", detail="no block 0")
    chain_id, nonce = chain.chain_id(), chain.next_nonce(relayer.address)
    code = crypto_code()
    digest = founding_digest(threshold, code, founders)
    return FoundingPlan(
        chain_id=chain_id,
        genesis=genesis.hash,
        first_nonce=nonce,
        threshold=threshold,
        code=code,
        founders=tuple(founders),
        digest=digest,
        contract_id=contract_id(chain_id, created_address(relayer.address, nonce + 2), digest),
    )


def found_ledger(
    chain: Chain,
    relayer: Relayer,
    plan: FoundingPlan,
    signatures: Mapping[int, bytes],
    *,
    domain: int,
    operator: int,
    rpc: str,
    interval: int = CHECKPOINT_INTERVAL,
) -> Deployment:
    """Create the contracts. `signatures` are r ‖ s by founder.

    Raises VerificationFailed `signature.invalid` before anything is sent, IntegrityFault `chain.founding`,
    `chain.rejected`.
    """
    ordered = [signatures.get(founder.number, b"") for founder in plan.founders]
    if any(len(one) != 64 for one in ordered):
        raise VerificationFailed("signature.count", expected=len(plan.founders), detail="founders")
    check_founding(plan.threshold, plan.code, plan.founders, ordered, plan.contract_id)
    if plan.code != crypto_code():
        raise IntegrityFault("chain.founding", detail="code of the SM2 contracts")
    if all((f.number, f.role) != (operator, InstitutionRole.OPERATOR) for f in plan.founders):
        raise Malformed("member.role", expected=int(InstitutionRole.OPERATOR), got=operator, detail="operator")
    if chain.next_nonce(relayer.address) != plan.first_nonce:
        raise IntegrityFault("chain.founding", expected=plan.first_nonce, detail="the account was used since")

    verifier = _create(chain, relayer, plan, VERIFIER, artifact(VERIFIER).creation())
    keys = _create(chain, relayer, plan, KEYS, artifact(KEYS).creation())
    for name, created, expected in ((VERIFIER, verifier, plan.code.verifier), (KEYS, keys, plan.code.keys)):
        if created.code_hash != expected:
            raise IntegrityFault("chain.founding", expected=expected, got=created.code_hash, detail=name)
    founders = [(f.number, int(f.role), int(f.custody), f.key.x, f.key.y, f.identity_root) for f in plan.founders]
    institutions = _create(
        chain,
        relayer,
        plan,
        INSTITUTIONS,
        artifact(INSTITUTIONS).creation(verifier.address, keys.address, plan.threshold, founders, ordered),
    )
    if institutions.id != plan.contract_id:
        raise IntegrityFault("chain.founding", expected=plan.contract_id, got=institutions.id, detail="contract id")
    registry = _create(
        chain, relayer, plan, REGISTRY, artifact(REGISTRY).creation(institutions.address, domain, bytes(ADDRESS_SIZE))
    )
    batch = _create(chain, relayer, plan, BATCH, artifact(BATCH).creation(institutions.address))
    deployment = Deployment(
        chain_id=plan.chain_id,
        genesis=plan.genesis,
        rpc=rpc,
        founding=plan.digest,
        institutions=institutions,
        registry=registry,
        batch=batch,
        verifier=verifier,
        keys=keys,
        domain=domain,
        operator=operator,
        checkpoint_interval=interval,
    )
    for name, detail in code_faults(chain, deployment):
        raise IntegrityFault("chain.founding", detail=f"{name}: {detail}")
    return deployment


def _create(chain: Chain, relayer: Relayer, plan: FoundingPlan, name: str, data: bytes) -> Contract:
    mined = transact(chain, relayer, plan.chain_id, None, data)
    if mined.contract is None:
        raise IntegrityFault("chain.founding", detail=name)
    code = chain.code(mined.contract)
    if not artifact(name).is_code(code):
        raise IntegrityFault("chain.founding", detail=f"{name}: deployed code is not the exported one")
    identity = contract_id(plan.chain_id, mined.contract, plan.digest)
    return Contract(mined.contract, identity, keccak256(code), mined.block_number)
