"""The native SM2 library and the reference give the same answer to the same question."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiezheng.signature import PrivateKey
from tiezheng.signature.provider import native_provider, reference_provider
from tiezheng.signature.sm2 import N, Provider, digest_to_sign, in_range

# The reference takes some 30 ms for each operation.
EXAMPLES = 12


@pytest.fixture(scope="module")
def libraries() -> tuple[Provider, Provider]:
    native, reference = native_provider(), reference_provider()
    if native is None or reference is None:
        pytest.skip("needs both tongsuopy and gmssl")
    return native, reference


@settings(max_examples=EXAMPLES, deadline=None)
@given(scalar=st.integers(2, N - 2), message=st.binary(max_size=200), native_signs=st.booleans())
def test_each_accepts_what_the_other_signs_and_refuses_it_for_another_message(
    libraries: tuple[Provider, Provider], scalar: int, message: bytes, native_signs: bool
) -> None:
    signer, verifier = libraries if native_signs else libraries[::-1]
    key = PrivateKey(scalar, signer.public_of(scalar))
    assert verifier.public_of(scalar) == key.public
    digest = digest_to_sign(key.public, message)
    r, s = signer.sign_digest(key, digest)
    assert in_range(r, s)
    assert verifier.verify_digest(key.public, digest, r, s)
    other = digest_to_sign(key.public, message + b"\x00")
    assert not verifier.verify_digest(key.public, other, r, s)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    scalar=st.sampled_from([2, 3, N - 2, N - 3, (N + 1) // 2]) | st.integers(2, N - 2),
    digest=st.sampled_from([bytes(32), b"\xff" * 32]) | st.binary(min_size=32, max_size=32),
    r=st.sampled_from([1, 2, N - 1]) | st.integers(1, N - 1),
    s=st.sampled_from([1, 2, N - 1]) | st.integers(1, N - 1),
)
def test_both_answer_alike_for_any_numbers_in_range(
    libraries: tuple[Provider, Provider], scalar: int, digest: bytes, r: int, s: int
) -> None:
    native, reference = libraries
    public = native.public_of(scalar)
    if in_range(r, s):
        assert native.verify_digest(public, digest, r, s) is reference.verify_digest(public, digest, r, s)
