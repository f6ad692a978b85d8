"""Requests to the service: one place for retries, bounds and the translation of failures.

Guaranteed: every failure is a `TiezhengError`, with the service's own code where it gave one; answers are bounded in
size; only requests that may be repeated without harm are repeated, few times, when the service was not reached or
answered 503. Not guaranteed: that an answer is true.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tiezheng.canonical import loads_loose
from tiezheng.errors import (
    CATALOGUE,
    Conflict,
    IntegrityFault,
    Malformed,
    NotFound,
    Refused,
    TiezhengError,
    TooLarge,
    TooMany,
    Unauthorised,
    Unavailable,
    VerificationFailed,
)

Json = dict[str, Any]
"""The service's JSON answer, members as the service gives them."""

# SPEC §10: a bundle has at most 16 MiB; a case with record sets in private form may be larger.
MAX_ANSWER: Final = 256 << 20
ATTEMPTS: Final = 4
PAUSE_SECONDS: Final = 0.25
# A service that asks for more patience than this gets no repetition: the caller decides.
LONGEST_PAUSE_SECONDS: Final = 3.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_FAMILIES: Final[dict[int, type[TiezhengError]]] = {
    400: Malformed,
    401: Unauthorised,
    403: Refused,
    404: NotFound,
    405: Malformed,
    409: Conflict,
    413: TooLarge,
    415: Malformed,
    422: VerificationFailed,
    429: TooMany,
    503: Unavailable,
}


class Transport:
    """One service over HTTP. Safe to share between threads. `service` is "http://127.0.0.1:8321", without /v1."""

    def __init__(
        self,
        service: str,
        token: str | None = None,
        *,
        timeout_seconds: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        parts = urlsplit(service)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Malformed("config.value", expected="http://host:port", detail="service")
        headers = {"Accept": "application/json", "User-Agent": "tiezheng"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.strip()}"
        self._http = httpx.Client(
            base_url=service.rstrip("/") + "/v1",
            headers=headers,
            timeout=timeout_seconds,
            transport=transport,
            # A proxy of the environment has no business between this machine and itself.
            trust_env=parts.hostname not in _LOOPBACK,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        stream: Callable[[], Iterator[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        attempts: int = ATTEMPTS,
    ) -> Json:
        """The answer's JSON object. Raises as `answer`, and Unavailable `service.answer` for anything else."""
        with self.answer(method, path, query, content, stream, headers, attempts) as response:
            data = bounded(response, MAX_ANSWER)
        try:
            value = loads_loose(data)
        except ValueError as error:
            raise Unavailable("service.answer", got=response.status_code, detail="not JSON") from error
        if not isinstance(value, dict):
            raise Unavailable("service.answer", got=response.status_code, detail="not an object")
        return value

    def body(
        self, method: str, path: str, *, query: Mapping[str, str | int] | None = None, most: int = MAX_ANSWER
    ) -> bytes:
        """The answer's bytes, at most `most`. Raises as `answer`."""
        with self.answer(method, path, query) as response:
            return bounded(response, most)

    @contextmanager
    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        stream: Callable[[], Iterator[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        attempts: int = ATTEMPTS,
    ) -> Iterator[httpx.Response]:
        """A successful answer whose body has not been read.

        `stream` gives the body anew for each attempt; requests that must not be repeated ask for one attempt. Raises
        what the service answered, Unavailable `service.unreachable`, `service.answer`.
        """
        given = {"Content-Type": "application/json"} if content is not None else {}
        for attempt in range(1, attempts + 1):
            request = self._http.build_request(
                method,
                path,
                params=query,
                content=content if stream is None else stream(),
                headers={**given, **(headers or {})},
            )
            try:
                response = self._http.send(request, stream=True)
            except httpx.TransportError as error:
                if attempt < attempts and not isinstance(error, httpx.TimeoutException):
                    time.sleep(PAUSE_SECONDS * attempt)
                    continue
                raise Unavailable("service.unreachable", detail=type(error).__name__) from None
            try:
                if response.is_success:
                    try:
                        yield response
                    except httpx.TransportError as error:
                        raise Unavailable("service.unreachable", detail=type(error).__name__) from None
                    return
                failure = failure_of(response)
            finally:
                response.close()
            pause = PAUSE_SECONDS * attempt
            if isinstance(failure, Unavailable) and failure.code != "service.answer" and attempt < attempts:
                pause = max(pause, failure.retry_after_seconds)
                if pause <= LONGEST_PAUSE_SECONDS:
                    time.sleep(pause)
                    continue
            raise failure


def failure_of(response: httpx.Response) -> TiezhengError:
    """The error that a problem document (RFC 9457) names; anything else is an answer that cannot be used."""
    status = response.status_code
    try:
        problem = loads_loose(bounded(response, 1 << 16))
        code, detail = problem["code"], problem.get("detail")
    except (ValueError, LookupError, TypeError, AttributeError, httpx.TransportError):
        return Unavailable("service.answer", got=status)
    if not isinstance(code, str) or code not in CATALOGUE:
        return Unavailable("service.answer", got=status, detail=str(code)[:64])
    family = _FAMILIES.get(status, IntegrityFault if status == 500 else TiezhengError)
    if code == "internal.fault":
        family = TiezhengError
    given = {"expected": problem.get("expected"), "got": problem.get("got"), "detail": detail}
    if issubclass(family, Unavailable):
        wait = problem.get("retry_after_seconds")
        return family(code, retry_after_seconds=wait if isinstance(wait, int) else 30, **given)
    return family(code, **given)


def bounded(response: httpx.Response, most: int) -> bytes:
    """The body, read to its end. Raises TooLarge `request.too_large`."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > most:
            raise TooLarge("request.too_large", expected=most, detail="answer")
    return bytes(body)
