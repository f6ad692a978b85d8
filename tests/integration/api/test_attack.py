"""The whole interface under attack: no answer that the description does not have, no defect, nothing personal."""

from collections.abc import Iterator

import pytest

from tests.support.api_attack import Attack, operations
from tests.support.populated import populated

# `make attack` makes a hundred times as many.
EXAMPLES = 10


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    with populated(tmp_path_factory.mktemp("attacked") / "home") as filled:
        attack = Attack(filled)
        yield attack
        attack.close()


@pytest.mark.parametrize("operation", operations())
def test_every_answer_is_as_described(operation: str, attack: Attack) -> None:
    attack.run(operation, EXAMPLES)
