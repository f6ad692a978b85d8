"""Shares of callers: by token and by address, with bounded memory."""

import pytest
from starlette.types import Scope

from api import rates
from api.rates import PUBLIC_BURST, PUBLIC_PER_SECOND, RUNNING_PER_TOKEN_MAX, Rates


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def scope(token: str | None = None, address: str | None = None) -> Scope:
    headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
    headers += [] if address is None else [(b"x-forwarded-for", address.encode())]
    return {"type": "http", "headers": headers}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def held(clock: Clock) -> Rates:
    return Rates(clock)


def test_a_token_has_its_share_of_requests_at_once_and_keeps_no_other_out(held: Rates) -> None:
    for _ in range(RUNNING_PER_TOKEN_MAX):
        assert held.enter(scope("a")) is None
    assert held.enter(scope("a")) == rates.TOKEN_RETRY_SECONDS
    assert held.enter(scope("b")) is None
    held.leave(scope("a"), 200)
    assert held.enter(scope("a")) is None


def test_what_ran_is_forgotten(held: Rates) -> None:
    for name in range(1000):
        assert held.enter(scope(str(name))) is None
        held.leave(scope(str(name)), 200)
    assert held._running == {}


def test_an_address_may_ask_a_burst_and_then_its_rate(held: Rates, clock: Clock) -> None:
    one = scope(address="192.0.2.1")
    for _ in range(PUBLIC_BURST):
        assert held.enter(one) is None
        held.leave(one, 200)
    wait = held.enter(one)
    assert wait == 1
    assert held.enter(scope(address="192.0.2.2")) is None
    clock.now += 1.0
    allowed = [held.enter(one) for _ in range(int(PUBLIC_PER_SECOND) + 1)]
    assert allowed == [None] * int(PUBLIC_PER_SECOND) + [1]


def test_only_the_entry_of_the_server_in_front_counts(held: Rates) -> None:
    for index in range(PUBLIC_BURST):
        assert held.enter(scope(address=f"10.0.0.{index}, 192.0.2.1")) is None
    assert held.enter(scope(address="10.9.9.9, 192.0.2.1")) == 1


def test_wrong_tokens_cost_an_address_much_and_the_right_one_waits_too(held: Rates, clock: Clock) -> None:
    for index in range(11):
        wrong = scope(f"wrong {index}", "192.0.2.1")
        assert held.enter(wrong) is None
        held.leave(wrong, 401)
    right = scope("right", "192.0.2.1")
    wait = held.enter(right)
    assert wait is not None
    clock.now += wait
    assert held.enter(right) is None
    assert held.enter(scope("right", "192.0.2.2")) is None


def test_programs_of_this_machine_are_held_by_their_tokens_alone(held: Rates) -> None:
    for _ in range(10 * PUBLIC_BURST):
        assert held.enter(scope()) is None
        held.leave(scope(), 200)


def test_memory_is_bounded_however_many_addresses_come(held: Rates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "ADDRESSES_MAX", 100)
    for index in range(1000):
        held.enter(scope(address=f"2001:db8::{index:x}"))
    assert len(held._addresses) == 100
    held.enter(scope(address="x" * 100_000))
    assert max(map(len, held._addresses)) <= 64
