"""SM2 through gmssl, in pure Python: the independent reference, and the fallback without a native library.

Guaranteed: the same answers as the native provider (tests/differential). Not guaranteed: speed (some 30 to 80
operations a second) or constant time; do not sign with it where others can measure.
"""

import secrets
from typing import Final

from gmssl.sm2 import CryptSM2

from tiezheng.signature.sm2 import SCALAR_SIZE, N, PrivateKey, PublicKey, split

_HEX: Final = SCALAR_SIZE * 2


class ReferenceProvider:
    """`Provider` over gmssl's curve arithmetic.

    gmssl's own signing nonce comes from a generator that is not cryptographic, its key parser strips digits, and its
    verification mishandles equal and opposite points; so nonce, key and last addition are done here.
    """

    __slots__ = ("_curve",)

    name: Final = "gmssl"

    def __init__(self) -> None:
        self._curve = CryptSM2(private_key="", public_key="")

    def generate(self) -> int:
        # 1 and n-1 (whose public keys are ±G) are left out.
        return 2 + secrets.randbelow(N - 3)

    def public_of(self, scalar: int) -> PublicKey:
        return PublicKey.parse(bytes.fromhex(self._multiply(scalar, self._generator)))

    def sign_digest(self, key: PrivateKey, digest: bytes) -> tuple[int, int]:
        signer = CryptSM2(private_key=f"{key.scalar:064x}", public_key="")
        while True:
            nonce = 1 + secrets.randbelow(N - 1)
            signature = signer.sign(digest, f"{nonce:064x}")
            if signature is not None:
                return split(bytes.fromhex(signature))

    def verify_digest(self, public: PublicKey, digest: bytes, r: int, s: int) -> bool:
        # GB/T 32918.2 §7.1, steps B5 to B7.
        first = self._multiply(s, self._generator)
        second = self._multiply((r + s) % N, public.to_bytes().hex())
        if first == second:
            total = self._multiply(2, first)
        elif first[:_HEX] == second[:_HEX]:
            return False
        else:
            total = self._curve._convert_jacb_to_nor(self._curve._add_point(first + "1", second))
        return (int.from_bytes(digest, "big") + int(total[:_HEX], 16)) % N == r

    @property
    def _generator(self) -> str:
        return str(self._curve.ecc_table["g"])

    def _multiply(self, scalar: int, point: str) -> str:
        return str(self._curve._kg(scalar, point))
