"""Makes the OpenAPI 3.1 document from the application's routes and the declared operations.

Guaranteed: paths, methods, summaries and scopes are those of the routes themselves; every route is declared, and every
declaration has its route. Not guaranteed: that the declared schemas are true; the attack on the running service checks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.auth import CallerWith, CredentialFor
from api.openapi.operations import JSON, OPERATIONS, PATH_PARAMETERS, Body, Operation
from api.openapi.schemas import SCHEMAS, Schema, ref
from api.problems import MEDIA_TYPE

INFO: Final = {
    "title": "铁证 Tiezheng",
    "version": "1",
    "summary": "Evidence and notarization ledger: statements, receipts, files, collections of signatures, proofs.",
    "description": (
        "Bytes are lower-case hexadecimal, times milliseconds, block times seconds. Every refusal is a problem "
        "document (RFC 9457) with a code of docs/errors.md."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
_EVERY: Final = (400, 429, 500, 503)
_WITH_A_TOKEN: Final = (401, 403)
_PARAMETER: Final = re.compile(r"{(\w+)}")


def make_document(prefix: str, routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The document of these endpoints below `prefix`. Raises LookupError where they and the declarations disagree."""
    endpoints = [route for route in routes if isinstance(route, APIRoute)]
    found = {(method, prefix + route.path): route for route in endpoints for method in route.methods or ()}
    if found.keys() != OPERATIONS.keys():
        raise LookupError(f"routes and declared operations disagree: {sorted(found.keys() ^ OPERATIONS.keys())}")
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(path, found[method, path], operation)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**SCHEMAS, "Document": {"type": "object", "required": ["openapi", "paths"]}},
            "responses": {
                "Problem": {"description": "Problem document", "content": _content(ref("Problem"), MEDIA_TYPE)}
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "tzt_"}},
        },
    }


def scope_of(route: APIRoute) -> str | None:
    """The scope that the endpoint asks of its caller; None where anyone may call."""
    calls = (one.call for one in _within(route.dependant))
    return next((call.scope.value for call in calls if isinstance(call, CallerWith | CredentialFor)), None)


def _within(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from _within(one)


def _operation(path: str, route: APIRoute, operation: Operation) -> dict[str, Any]:
    scope = scope_of(route)
    statuses = {*_EVERY, *operation.problems, *(_WITH_A_TOKEN if scope else ())}
    answers = {status: _answer(status, name, operation.media_type) for status, name in operation.answers.items()}
    problems = {status: {"$ref": "#/components/responses/Problem"} for status in statuses}
    described: dict[str, Any] = {
        "operationId": f"{route.endpoint.__module__.rpartition('.')[2]}.{route.endpoint.__name__}",
        "summary": " ".join((route.endpoint.__doc__ or "").split()).replace("`", ""),
        "parameters": [*_parameters(path, operation)],
        "responses": {str(status): value for status, value in sorted({**answers, **problems}.items())},
        "security": [{"token": [scope]}] if scope else [],
    }
    if operation.body is not None:
        described["requestBody"] = _body(operation.body)
    return described


def _parameters(path: str, operation: Operation) -> Iterator[Mapping[str, Any]]:
    for name in _PARAMETER.findall(path):
        yield {"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]}
    for place, schemas in (("query", operation.query), ("header", operation.headers)):
        for name, schema in schemas.items():
            yield {"name": name, "in": place, "required": False, "schema": schema}


def _body(body: Body) -> dict[str, Any]:
    told = f"At most {body.most} bytes; 413 above."
    schema = None if body.schema is None else ref(body.schema)
    return {"required": True, "description": told, "content": _content(schema, body.media_type)}


def _answer(status: int, name: str | None, media_type: str) -> dict[str, Any]:
    if status == HTTPStatus.NO_CONTENT:
        return {"description": HTTPStatus(status).phrase}
    content = _content(None if name is None else ref(name), JSON if name is not None else media_type)
    return {"description": HTTPStatus(status).phrase, "content": content}


def _content(schema: Schema | None, media_type: str) -> dict[str, Any]:
    return {media_type: {} if schema is None else {"schema": schema}}
