"""Keys, providers, signers and plain signatures, without files."""

import io

import pytest

from tiezheng.errors import Malformed, Refused, TiezhengError, Unavailable
from tiezheng.signature import (
    KeySigner,
    PrivateKey,
    PublicKey,
    Signature,
    Tag,
    generate,
    private_key,
    provider,
    provider_name,
    sign,
    sign_plain,
    signed_message,
    verify,
    verify_plain,
)
from tiezheng.signature.sm2 import N

KEY = private_key(0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8)
MESSAGE = signed_message(Tag.STATEMENT, 0, 1, 7, b"\xc1" * 32, b"\xd2" * 32)


class Dripping(io.BytesIO):
    """A stream that gives less than it is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 4))


def test_a_private_key_shows_its_scalar_in_no_text() -> None:
    for shown in (repr(KEY), str(KEY), repr(KeySigner(KEY)), f"{KEY}"):
        assert str(KEY.scalar) not in shown
        assert f"{KEY.scalar:x}" not in shown.lower()
        assert str(KEY.public.x) in shown


def test_a_signature_verifies_and_each_corruption_of_it_does_not() -> None:
    signature = sign(KEY, MESSAGE)
    assert verify(KEY.public, MESSAGE, signature)
    for position in range(0, 64, 7):
        changed = bytearray(signature)
        changed[position] ^= 1
        assert not verify(KEY.public, MESSAGE, bytes(changed))
    for position in range(0, 81, 9):
        message = bytearray(MESSAGE)
        message[position] ^= 1
        assert not verify(KEY.public, bytes(message), signature)
    assert not verify(generate().public, MESSAGE, signature)
    with pytest.raises(Malformed, match=r"signature\.length"):
        verify(KEY.public, MESSAGE, signature + b"\x00")


def test_two_signatures_of_one_message_differ() -> None:
    assert sign(KEY, MESSAGE) != sign(KEY, MESSAGE)


def test_generated_keys_differ_and_are_in_range() -> None:
    scalars = {generate().scalar for _ in range(20)}
    assert len(scalars) == 20
    assert all(1 < scalar < N - 1 for scalar in scalars)


def test_a_private_key_out_of_range_is_refused() -> None:
    for scalar in (0, -1, N - 1, N):
        with pytest.raises(Malformed, match=r"key\.private_range"):
            PrivateKey(scalar, KEY.public)


def test_a_signer_signs_messages_of_the_protocol_and_nothing_else() -> None:
    signer = KeySigner(KEY)
    assert signer.public == KEY.public
    assert verify(signer.public, MESSAGE, signer.sign(MESSAGE))
    for other in (
        b"",
        b"hello",
        MESSAGE[:-1],
        MESSAGE + b"\x00",
        b"X" + MESSAGE[1:],
        MESSAGE[:10] + b"\x0a" + MESSAGE[11:],
    ):
        with pytest.raises(Malformed):
            signer.sign(other)


@pytest.mark.parametrize("data", [b"", b"t", b"tiezheng", b"Tiezheng/1", b"x" * 3_000_000])
def test_a_plain_signature_holds_for_a_stream_of_any_size(data: bytes) -> None:
    signature = sign_plain(KEY, io.BytesIO(data))
    assert verify_plain(KEY.public, io.BytesIO(data), signature)
    assert verify(KEY.public, data, signature)
    assert not verify_plain(KEY.public, io.BytesIO(data + b"\x00"), signature)


def test_a_plain_signature_does_not_depend_on_how_the_stream_drips() -> None:
    assert verify_plain(KEY.public, Dripping(b"evidence" * 9), sign_plain(KEY, io.BytesIO(b"evidence" * 9)))


@pytest.mark.parametrize("data", [b"tiezheng/", b"tiezheng/2 or later", MESSAGE])
@pytest.mark.parametrize("stream", [io.BytesIO, Dripping])
def test_a_plain_signature_over_a_message_of_the_protocol_is_refused(data: bytes, stream: type[io.BytesIO]) -> None:
    with pytest.raises(Refused, match=r"signature\.plain_reserved"):
        sign_plain(KEY, stream(data))
    with pytest.raises(Refused, match=r"signature\.plain_reserved"):
        verify_plain(KEY.public, stream(data), sign(KEY, data))


def test_numbers_that_do_not_fit_a_signature_record_are_refused() -> None:
    for signer, role, index in ((0, 0, 0), (2**32, 0, 0), (1, 256, 0), (1, -1, 0), (1, 0, 256)):
        with pytest.raises(Malformed, match=r"signature\.number_range"):
            Signature(signer, role, index, bytes(64))


def test_a_message_of_wrong_parts_is_refused() -> None:
    for arguments in ((Tag.STATEMENT, 0, 1, 7, bytes(31), bytes(32)), (Tag.STATEMENT, 0, 1, 7, bytes(32), bytes(33))):
        with pytest.raises(Malformed, match=r"digest\.length"):
            signed_message(*arguments)


def test_without_a_native_library_the_reference_serves_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "native_provider", lambda: None)
    assert "gmssl" in provider_name()
    assert "慢" in provider_name()
    assert verify(KEY.public, MESSAGE, sign(KEY, MESSAGE))
    monkeypatch.setattr(provider, "reference_provider", lambda: None)
    with pytest.raises(Unavailable, match=r"signature\.provider"):
        sign(KEY, MESSAGE)


def test_a_public_key_is_its_bytes() -> None:
    assert PublicKey.parse(KEY.public.to_bytes()) == KEY.public
    with pytest.raises(TiezhengError, match=r"key\.coordinate_range"):
        PublicKey(-1, KEY.public.y)
