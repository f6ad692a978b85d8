"""The HTTP client of the service; import it from here.

Guaranteed and not guaranteed: see `tiezheng.client.service`.
"""

from tiezheng.client.service import Client, LedgerView
from tiezheng.client.transport import Json
from tiezheng.client.uploads import RESUMABLE_FROM_BYTES

__all__ = ["RESUMABLE_FROM_BYTES", "Client", "Json", "LedgerView"]
