"""All batches of one operator, as the chain's events give them and its state bounds them.

Guaranteed: the headers are contiguous from number 0 to the last one that the state proves, so that a node which hides
one is found out; a leaves file counts only if it is the one under its header. Not guaranteed: that every leaves file is
at hand; `missing` names those that are not.
"""

from dataclasses import dataclass, field
from typing import Final

from anchors.chain_words import ChainWords
from anchors.chains.port import Chain
from anchors.contracts import BATCH, artifact, decode_event
from anchors.published import Published
from tiezheng.batch import BatchHeader, check_follows, parse_batch_header, read_leaves
from tiezheng.errors import IntegrityFault, TiezhengError
from tiezheng.storage_words import batch_counts, last_batch_slots
from tiezheng.trust import TrustedContract

CHUNK: Final = 5_000


@dataclass(slots=True)
class BatchHistory:
    """Headers by number; after `find`, where wanted statements stand and whose leaves are missing or do not hold."""

    headers: list[BatchHeader]
    found: dict[bytes, int] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, chain: Chain, words: ChainWords, contract: TrustedContract, operator: int) -> "BatchHistory":
        """From the contract's creation to the block of `words`. Raises IntegrityFault `chain.record_mismatch`."""
        headers: list[BatchHeader] = []
        head = words.header.number
        for first in range(contract.from_height, head + 1, CHUNK):
            for log in chain.logs([contract.address], first, min(head, first + CHUNK - 1)):
                event = decode_event(artifact(BATCH), log)
                if event.name == "BatchAnchored" and event.values["operator"] == operator:
                    header = parse_batch_header(event.values["header"])
                    check_follows(headers[-1] if headers else None, header)
                    headers.append(header)
        last, counted = last_batch_slots(operator)
        proven = words.words(contract, [last, counted])
        told = (proven[last] or bytes(32), batch_counts(proven[counted] or bytes(32)))
        own = (bytes(32), (0, 0))
        if headers:
            own = (headers[-1].digest, (len(headers), headers[-1].first + headers[-1].count))
        if told != own:
            raise IntegrityFault("chain.record_mismatch", expected=told[1][0], got=len(headers), detail="batches")
        return cls(headers)

    def find(self, wanted: set[bytes], published: Published) -> None:
        """Look through the leaves of all batches; a statement's first place counts."""
        for header in self.headers:
            reader = published.leaves(header.batch)
            if reader is None:
                self.missing.append(header.batch)
                continue
            here: list[bytes] = []
            try:
                with reader:
                    file = read_leaves(reader)
                    if file.header != header:
                        raise IntegrityFault("audit.leaves_mismatch", got=header.batch)
                    here.extend(one.digest for one in file.leaves if one.digest in wanted)
            except TiezhengError:
                self.missing.append(header.batch)
                continue
            for digest in here:
                self.found.setdefault(digest, header.batch)
