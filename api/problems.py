"""Errors as problem documents (RFC 9457) with stable codes and a sentence in Chinese and in English.

Guaranteed: a caller's mistake never becomes a 500; a defect becomes `internal.fault` without any detail, and the log
tells the types of its errors alone; an integrity fault names its code and nothing else. Not guaranteed: that codes
which a proxy in front of the service makes up are in the catalogue.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from tiezheng.errors import IntegrityFault, Malformed, NotFound, TiezhengError, Unauthorised, Unavailable

MEDIA_TYPE: Final = "application/problem+json"
_log = structlog.get_logger("api.problems")


def problem_of(
    error: TiezhengError,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """The answer to an error; `status` where it differs from the family's, `members` beyond those of every error."""
    problem: dict[str, Any] = {**error.to_problem(), **(members or {})}
    if isinstance(error, IntegrityFault):
        problem = {name: problem[name] for name in ("type", "title", "title_zh", "status", "code")}
    problem["status"] = error.http_status if status is None else status
    given = dict(headers or {})
    if isinstance(error, Unavailable):
        given["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthorised):
        given["WWW-Authenticate"] = "Bearer"
    # What a caller sent may stand in `got`, lone surrogates included; they leave as the escapes that they came as.
    body = json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Response(body, problem["status"], given, MEDIA_TYPE)


def internal_fault() -> Response:
    """The answer to a defect of the service."""
    return problem_of(TiezhengError("internal.fault"))


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    app.add_exception_handler(TiezhengError, _known)
    app.add_exception_handler(HTTPException, _of_the_framework)
    app.add_exception_handler(RequestValidationError, _not_valid)


def _known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TiezhengError)
    if isinstance(error, IntegrityFault):
        _log.error("integrity.faulted", code=error.code)
    return problem_of(error)


def _of_the_framework(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem_of(NotFound("request.not_found"))
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return problem_of(Malformed("request.method", expected=allowed), 405, {"Allow": allowed})
    if 400 <= error.status_code < 500:
        return problem_of(Malformed("request.format"), error.status_code)
    return internal_fault()


def _not_valid(_request: Request, _error: Exception) -> Response:
    return problem_of(Malformed("request.format"))
