"""Ports of this machine.

Guaranteed: loopback only. Not guaranteed: that a port stays free until it is taken.
"""

import socket
from typing import Final

from tiezheng.errors import Conflict

HOST: Final = "127.0.0.1"


def check_port(port: int) -> None:
    """Raises Conflict `config.port_busy` where somebody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Conflict("config.port_busy", got=port) from error
