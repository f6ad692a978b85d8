"""Key files as bytes: forms, passwords, hostile parameters."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiezheng.errors import Malformed, TiezhengError, VerificationFailed
from tiezheng.signature import asn1, generate, keyfile, pbes2, private_key

SCALAR = 0xD09156733017BDAD809FD9BBD8C693F60230593169B6F94AAF1C8EE138CC99B5
KEY = private_key(SCALAR)
CURVE = asn1.identifier("1.2.156.10197.1.301")
P256 = asn1.identifier("1.2.840.10045.3.1.7")
EC = asn1.identifier("1.2.840.10045.2.1")


def _pem(label: str, data: bytes) -> bytes:
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label.encode(), base64.encodebytes(data), label.encode())


def _sec1(
    *, scalar: bytes = SCALAR.to_bytes(32, "big"), curve: bytes = CURVE, public: bytes | None = None, version: int = 1
) -> bytes:
    parts = [asn1.integer(version), asn1.element(asn1.OCTET_STRING, scalar), asn1.element(asn1.CONTEXT, curve)]
    if public is not None:
        parts.append(asn1.element(asn1.CONTEXT + 1, asn1.bits(public)))
    return asn1.sequence(*parts)


def _encrypted(derivation: bytes, cipher: str = "2.16.840.1.101.3.4.1.42") -> bytes:
    scheme = asn1.sequence(asn1.identifier(cipher), asn1.element(asn1.OCTET_STRING, bytes(16)))
    algorithm = asn1.sequence(asn1.identifier("1.2.840.113549.1.5.13"), asn1.sequence(derivation, scheme))
    return _pem("ENCRYPTED PRIVATE KEY", asn1.sequence(algorithm, asn1.element(asn1.OCTET_STRING, bytes(16))))


def _pbkdf2(iterations: int, *more: bytes) -> bytes:
    salt = asn1.element(asn1.OCTET_STRING, b"salt")
    return asn1.sequence(asn1.identifier("1.2.840.113549.1.5.12"), asn1.sequence(salt, asn1.integer(iterations), *more))


def _scrypt(cost: int, block: int, parallel: int) -> bytes:
    numbers = (asn1.integer(number) for number in (cost, block, parallel))
    parameters = asn1.sequence(asn1.element(asn1.OCTET_STRING, b"salt"), *numbers)
    return asn1.sequence(asn1.identifier("1.3.6.1.4.1.11591.4.11"), parameters)


def test_a_written_key_is_read_with_its_password_and_no_other() -> None:
    data = keyfile.encode_private(KEY, "口令".encode())
    assert keyfile.decode_private(data, "口令".encode()) == KEY
    for wrong in (b"x", "口令 ".encode()):
        with pytest.raises(VerificationFailed, match=r"key\.password"):
            keyfile.decode_private(data, wrong)
    for none in (None, b""):
        with pytest.raises(Malformed, match=r"key\.password_required"):
            keyfile.decode_private(data, none)


def test_a_private_key_is_never_written_without_a_password() -> None:
    with pytest.raises(Malformed, match=r"key\.password_empty"):
        keyfile.encode_private(KEY, b"")


def test_the_scalar_is_not_readable_in_the_file_and_salt_makes_files_differ() -> None:
    first, second = keyfile.encode_private(KEY, b"p"), keyfile.encode_private(KEY, b"p")
    assert first != second
    assert SCALAR.to_bytes(32, "big") not in base64.b64decode(b"".join(first.splitlines()[1:-1]))


def test_a_public_key_file_gives_the_key() -> None:
    data = keyfile.encode_public(KEY.public)
    assert keyfile.decode_public(data) == KEY.public
    assert keyfile.decode_public(data.replace(b"\n", b"\r\n")) == KEY.public
    with pytest.raises(Malformed, match=r"key\.file_format"):
        keyfile.decode_private(data)


@pytest.mark.parametrize("label", ["EC PRIVATE KEY", "SM2 PRIVATE KEY"])
def test_a_sec1_file_gives_the_key(label: str) -> None:
    public = b"\x04" + KEY.public.to_bytes()
    assert keyfile.decode_private(_pem(label, _sec1())) == KEY
    assert keyfile.decode_private(_pem(label, _sec1(public=public))) == KEY


def test_a_corrupted_sec1_file_is_refused_with_its_code() -> None:
    other = b"\x04" + generate().public.to_bytes()
    for data, code in (
        (_sec1(public=other), "key.pair_mismatch"),
        (_sec1(public=b"\x02" + other[1:33]), "key.length"),
        (_sec1(curve=P256), "key.algorithm"),
        (_sec1(scalar=bytes(32)), "key.private_range"),
        (_sec1(scalar=bytes(31)), "key.length"),
        (_sec1(version=2), "key.file_format"),
        (_sec1() + b"\x00", "key.file_format"),
        (_sec1()[:-1], "key.file_format"),
        (b"", "key.file_format"),
    ):
        with pytest.raises(TiezhengError) as caught:
            keyfile.decode_private(_pem("EC PRIVATE KEY", data))
        assert caught.value.code == code


def test_a_key_of_another_curve_is_refused() -> None:
    octets = asn1.element(asn1.OCTET_STRING, _sec1(curve=P256))
    foreign = asn1.sequence(asn1.integer(0), asn1.sequence(EC, P256), octets)
    with pytest.raises(Malformed, match=r"key\.algorithm"):
        keyfile.decode_private(_pem("PRIVATE KEY", foreign))
    point = asn1.bits(b"\x04" + KEY.public.to_bytes())
    with pytest.raises(Malformed, match=r"key\.algorithm"):
        keyfile.decode_public(_pem("PUBLIC KEY", asn1.sequence(asn1.sequence(EC, P256), point)))


def test_derivation_that_costs_too_much_is_refused_before_it_is_begun() -> None:
    for derivation in (
        _pbkdf2(pbes2.MAX_ITERATIONS + 1),
        _pbkdf2(0),
        _scrypt(1 << 40, 8, 1),
        _scrypt(1 << 15, 1 << 20, 1),
        _scrypt(1 << 14, 8, 17),
        _scrypt(1, 8, 1),
        _scrypt(1 << 14, 0, 1),
    ):
        with pytest.raises(Malformed, match=r"key\.derivation_cost"):
            keyfile.decode_private(_encrypted(derivation), b"p")


def test_encryption_that_is_not_known_is_refused() -> None:
    unknown_hash = asn1.sequence(asn1.identifier("1.2.3.4"), asn1.element(asn1.NULL, b""))
    for data in (
        _encrypted(_pbkdf2(1, unknown_hash)),
        _encrypted(_pbkdf2(1), "1.2.840.113549.3.7"),
        _encrypted(asn1.sequence(asn1.identifier("1.2.3.4"), asn1.sequence())),
        _pem("EC PRIVATE KEY", b"").replace(b"-----\n", b"-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n", 1),
    ):
        with pytest.raises(Malformed, match=r"key\.encryption"):
            keyfile.decode_private(data, b"p")


def test_a_wrong_key_length_in_the_parameters_is_refused() -> None:
    with pytest.raises(Malformed, match=r"key\.file_format"):
        keyfile.decode_private(_encrypted(_pbkdf2(1, asn1.integer(16))), b"p")


def test_a_scrypt_cost_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(Malformed, match=r"key\.file_format"):
        keyfile.decode_private(_encrypted(_scrypt(1000, 8, 1)), b"p")


@pytest.mark.parametrize("data", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\n====\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_file_is_refused(data: bytes) -> None:
    for decode in (keyfile.decode_private, keyfile.decode_public):
        with pytest.raises(Malformed, match=r"key\.file_format"):
            decode(data)


def test_two_keys_in_one_file_are_refused() -> None:
    data = keyfile.encode_public(KEY.public)
    with pytest.raises(Malformed, match=r"key\.file_format"):
        keyfile.decode_public(data + data)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_gives_the_same_key_or_a_clear_refusal(position: int, value: int) -> None:
    octets = asn1.element(asn1.OCTET_STRING, _sec1(public=b"\x04" + KEY.public.to_bytes()))
    plain = bytearray(asn1.sequence(asn1.integer(0), asn1.sequence(EC, CURVE), octets))
    plain[position % len(plain)] = value
    try:
        assert keyfile.decode_private(_pem("PRIVATE KEY", bytes(plain))) == KEY
    except TiezhengError as error:
        assert error.code.startswith("key.")  # noqa: PT017
