"""The check of the gas table tells growth from noise, and what is missing from what is there."""

import pytest

from bench.gas_report import OURS, grown, render

FIGURES = {row: 100_000 + place for place, (row, *_) in enumerate(OURS)} | {
    "code_bytes": {"Sm2Verifier": 24_000},
    "packages": {
        "@ethereum-attestation-service/eas-contracts": "1.9.0",
        "@openzeppelin/contracts": "5.7.0",
        "@solarity/solidity-lib": "3.1.0",
    },
    "peers": {
        "contract_per_record": 150_000,
        "eas_attest_digest": 200_000,
        "eas_attest_statement": 300_000,
        "eas_multi_timestamp_1000": 24_500_000,
        "eas_timestamp": 45_000,
        "openzeppelin_p256_verify": 230_000,
        "solarity_sm2_verify": 340_000,
        "string_store": 270_000,
    },
}


def test_the_same_figures_have_not_grown() -> None:
    ours = {name: value for name, value in FIGURES.items() if name not in ("peers", "packages")}
    assert grown(FIGURES, ours) == []


@pytest.mark.parametrize(("factor", "found"), [(0.5, []), (1.02, []), (1.0201, ["statement_open"])])
def test_a_figure_may_grow_by_two_percent_and_no_more(factor: float, found: list[str]) -> None:
    before = {"statement_open": 100_000, "code_bytes": {}}
    assert grown(before, before | {"statement_open": round(100_000 * factor)}) == found


def test_a_row_or_a_contract_that_one_side_lacks_is_found() -> None:
    fewer = {name: value for name, value in FIGURES.items() if name != "sm3_block"}
    assert grown(FIGURES, fewer) == ["sm3_block"]
    assert grown(fewer, FIGURES) == ["sm3_block"]
    assert grown(FIGURES, FIGURES | {"code_bytes": {}}) == ["Sm2Verifier"]


def test_the_page_shows_every_row_and_divides_by_the_step() -> None:
    page = render(FIGURES)
    assert all(f"| `{row}` |" in page for row, *_ in OURS)
    assert f"| 45,000 | {45_000 / FIGURES['statement_step']:.2f} |" in page  # type: ignore[operator]
    assert "| 24,500.0 | 24,500.0 |" in page
