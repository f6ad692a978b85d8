"""The error tree: few families, split by who must act, each error with a stable code.

Guaranteed: every code that is raised stands in the catalogue with a Chinese and an English sentence, and `to_problem`
gives the members of RFC 9457. Not guaranteed: that `expected`, `got` and `detail` are free of secrets; whoever raises
must pass lengths, codes and public values only.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from tiezheng.error_catalogue import CATALOGUE

__all__ = [
    "CATALOGUE",
    "Conflict",
    "IntegrityFault",
    "Malformed",
    "NotFound",
    "Refused",
    "TiezhengError",
    "TooLarge",
    "TooMany",
    "Unauthorised",
    "Unavailable",
    "Value",
    "VerificationFailed",
]

TYPE_PREFIX: Final = "urn:tiezheng:error:"
Value = str | int | bool | None


def _plain(value: object) -> Value:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return str(value)


class TiezhengError(Exception):
    """Any error of this product.

    `code` is a catalogue code; `expected` and `got` are what was wanted and found (bytes become lower-case hex);
    `detail` is one line of plain text for a person. An unknown code is a programming error: AssertionError.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, *, expected: object = None, got: object = None, detail: str | None = None) -> None:
        if code not in CATALOGUE:
            raise AssertionError(f"error code not in the catalogue: {code}")
        self.code = code
        self.expected = _plain(expected)
        self.got = _plain(got)
        self.detail = detail
        super().__init__(code)

    @property
    def zh(self) -> str:
        """The Chinese sentence: what is wrong and what to do."""
        return CATALOGUE[self.code][0]

    @property
    def en(self) -> str:
        """The English sentence: what is wrong and what to do."""
        return CATALOGUE[self.code][1]

    @property
    def http_status(self) -> int:
        """The HTTP status that this family maps to."""
        return self.status

    def to_problem(self) -> dict[str, Value]:
        """RFC 9457 problem members; the extension members are absent where they hold nothing."""
        problem: dict[str, Value] = {
            "type": TYPE_PREFIX + self.code,
            "title": self.en,
            "title_zh": self.zh,
            "status": self.http_status,
            "code": self.code,
        }
        extensions: Mapping[str, Value] = {"expected": self.expected, "got": self.got, "detail": self.detail}
        problem.update({name: value for name, value in extensions.items() if value is not None})
        return problem

    def __str__(self) -> str:
        parts = [f"{self.code}: {self.en}"]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        if self.detail is not None:
            parts.append(self.detail)
        return " | ".join(parts)


class Malformed(TiezhengError):
    """The bytes are not of the required form; the sender must correct them."""

    status = 400


class Unauthorised(TiezhengError):
    """No valid credentials came with the request."""

    status = 401


class Refused(TiezhengError):
    """Well formed, but a rule forbids it."""

    status = 403


class NotFound(TiezhengError):
    """No such object."""

    status = 404


class Conflict(Refused):
    """Something else already holds the place."""

    status = 409


class TooLarge(TiezhengError):
    """A stated bound on size is exceeded."""

    status = 413


class VerificationFailed(TiezhengError):
    """Well formed, but a signature, digest or proof does not hold."""

    status = 422


class IntegrityFault(TiezhengError):
    """Stored data contradict each other; the worker stops, and nothing swallows or retries this."""

    status = 500


class Unavailable(TiezhengError):
    """Not possible now; `retry_after_seconds` says when to try again."""

    status = 503

    def __init__(
        self,
        code: str,
        *,
        retry_after_seconds: int = 30,
        expected: object = None,
        got: object = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(code, expected=expected, got=got, detail=detail)
        self.retry_after_seconds = retry_after_seconds

    def to_problem(self) -> dict[str, Value]:
        """As in the parent, with `retry_after_seconds`."""
        return {**super().to_problem(), "retry_after_seconds": self.retry_after_seconds}


class TooMany(Unavailable):
    """The caller asks more than its share; `retry_after_seconds` says when to try again."""

    status = 429
