"""The service holds an office's keys and acts alone: two persons need a key of their own, and it is shown."""

from tests.support.cast import person, play, register
from tests.support.docket import Key, Register
from tests.support.world import AT_MS, OFFICE, World
from tiezheng.procedures.roles import Custody
from tiezheng.verify import verify

NOTARY, ASSISTANT = person(1), person(2)
MEMBERS = register({OFFICE: 1}, {NOTARY: (OFFICE, 1), ASSISTANT: (OFFICE, 4)})


def test_two_persons_on_hosted_keys_alone_are_refused() -> None:
    case = play(1, 3, OFFICE, MEMBERS, {OFFICE: {"notary": NOTARY, "assistant": ASSISTANT}}, 1_795_000_000_000)
    case.run("apply", "accept")
    hosted = {number: Key(OFFICE, 1, Custody.HOSTED) for number in (NOTARY, ASSISTANT)}
    case.members = Register({**MEMBERS.keys, **hosted})
    case.refuse("key.hosted_alone", "investigate")
    case.members = MEMBERS
    case.take("investigate")


def test_a_hosted_key_is_named_beside_the_verdict() -> None:
    world = World()
    filed = world.deposit()
    world.change(OFFICE, custody=int(Custody.HOSTED))
    verdict = verify(world.bundle([filed]).to_bytes(), world.trust(), AT_MS)
    assert "key.hosted" in {finding.code for finding in verdict.findings}
