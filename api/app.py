"""The HTTP application: all endpoints under /v1, behind the guard, every error a problem document.

Guaranteed: the application owns its rooms; when it shuts down, the group that is being committed is finished and every
caller in it gets its receipt. Not guaranteed: encryption on the line, which a server in front of the service brings.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from fastapi import APIRouter, FastAPI

from api import problems
from api.bootstrap import Rooms
from api.draining import Drain
from api.guard import Guard
from api.metrics import LedgerCollector, Metrics
from api.openapi.document import make_document
from api.readiness import Readiness
from api.routes import (
    batches,
    cases,
    checkpoints,
    collections,
    ledger,
    metrics,
    refusals,
    signers,
    standing,
    statements,
    uploads,
)
from api.sweeping import sweeping

PREFIX: Final = "/v1"
# A request may hold two connections of the database's pool (one to read, one for a key), uploads one more each: with
# 24 threads the pool of 64 is never waited for.
THREADS: Final = 24
_ROUTERS: Final = (ledger, standing, statements, refusals, cases, uploads, collections, batches, checkpoints, signers)


def make_app(rooms: Rooms) -> FastAPI:
    """The application over these rooms, which it closes when it ends."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        with sweeping(rooms):
            yield
        await anyio.to_thread.run_sync(rooms.close)

    app = FastAPI(
        title="Tiezheng", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    counted, drain = Metrics(), Drain()
    counted.registry.register(LedgerCollector(rooms))
    rooms.submit.watch_groups(counted.committed)
    app.state.rooms, app.state.metrics, app.state.drain = rooms, counted, drain
    app.state.readiness = Readiness(rooms)
    problems.install(app)
    app.add_middleware(Guard, metrics=counted, drain=drain)
    version = APIRouter(prefix=PREFIX)
    for module in _ROUTERS:
        version.include_router(module.router)
    app.include_router(version)
    app.include_router(metrics.router)
    app.state.document = description()
    return app


def description() -> dict[str, Any]:
    """The OpenAPI document of the application."""
    return make_document(PREFIX, [route for module in _ROUTERS for route in module.router.routes])
