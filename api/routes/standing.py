"""Public: whether this process lives, and whether it may be given requests.

Guaranteed: `live` answers as long as the process can answer at all, whatever the database and the chain do; `ready` is
200 only if nothing stands in the way, and says by codes what does. Not guaranteed: readiness of any other process.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import json_answer
from api.problems import problem_of
from api.readiness import Readiness
from tiezheng.errors import CATALOGUE, Unavailable

router = APIRouter()


@router.get("/live")
async def live() -> Response:
    """200 `{"live": true}`. For a supervisor that starts anew what hangs."""
    return json_answer({"live": True})


@router.get("/ready")
def ready(request: Request) -> Response:
    """200 `{"ready": true}`, or 503 with `reasons`. For whoever spreads requests over several processes."""
    readiness = request.app.state.readiness
    assert isinstance(readiness, Readiness)
    found = readiness.reasons()
    if not found:
        return json_answer({"ready": True})
    reasons = [{"code": code, "zh": CATALOGUE[code][0], "en": CATALOGUE[code][1]} for code in found]
    return problem_of(Unavailable("service.not_ready", retry_after_seconds=5), members={"reasons": reasons})
