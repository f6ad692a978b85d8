"""Metrics for Prometheus, on the loopback like everything else.

Guaranteed: see `api.metrics`. Not guaranteed: secrecy from whoever reaches the loopback; the address is not below /v1,
so that a server in front which passes on /v1 alone does not publish it.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.metrics import CONTENT_TYPE, Metrics

router = APIRouter()


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """The text format."""
    counted = request.app.state.metrics
    assert isinstance(counted, Metrics)
    return Response(counted.text(), media_type=CONTENT_TYPE)
