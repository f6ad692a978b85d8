"""The HTTP client of the service; import it from here.

Guaranteed and not guaranteed: see `tiezheng.client.service`.
"""

from tiezheng.client.service import Client, LedgerView
from tiezheng.client.transport import Json

__all__ = ["Client", "Json", "LedgerView"]
