"""The deployed contract, with a key's table and without, and two libraries give the same answer to the same question.

The long run is `make differential`; its result is bench/results/sm2_differential.json.
"""

from collections.abc import Iterator

import pytest

from anchors.chains.anvil import free_port, start_anvil, stop_anvil
from anchors.contracts import VERIFIER, artifact
from tests.support.sm2_trials import CORRUPTIONS, GOOD, Sm2OnChain, compare, trials
from tiezheng.evm.keccak import keccak256
from tiezheng.signature.provider import native_provider, reference_provider

pytestmark = [pytest.mark.chain, pytest.mark.slow]

SEED, SIGNATURES = 20_260_101, 200
# The reference takes some 30 ms for each answer.
REFERENCE_EVERY = 7


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sm2OnChain]:
    directory = tmp_path_factory.mktemp("chain")
    anvil = start_anvil(directory, free_port(), directory / "anvil.log")
    try:
        chain = Sm2OnChain(anvil.url)
        chain.open()
        yield chain
    finally:
        stop_anvil(anvil.pid)


def test_the_constructor_deploys_the_code_that_is_exported(chain: Sm2OnChain) -> None:
    assert chain.code_hash == "0x" + keccak256(artifact(VERIFIER).deployed).hex()


def test_contract_and_libraries_agree_on_good_and_corrupted_signatures(chain: Sm2OnChain) -> None:
    native, reference = native_provider(), reference_provider()
    if native is None or reference is None:
        pytest.skip("needs both tongsuopy and gmssl")
    asked = list(trials(SEED, SIGNATURES, native))
    outcome = compare(chain, asked, native, reference, REFERENCE_EVERY)
    assert not outcome.disagreements, "\n".join(outcome.disagreements)
    assert outcome.accepted[GOOD] == outcome.asked[GOOD] == SIGNATURES
    assert set(outcome.asked) == {GOOD, *CORRUPTIONS}
    # e counts modulo n: nothing else that was done leaves a signature good.
    assert set(+outcome.accepted) <= {GOOD, "e + n or e - n"}
