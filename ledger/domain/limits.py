"""Bounds of the service, each with its reason. Times in milliseconds, sizes in bytes.

Guaranteed: nothing larger is accepted or held. Not guaranteed: that a deployment in front of the service does not set
smaller ones.
"""

from typing import Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

# A receipt promises an anchor or a signed refusal by `due`; a day lets an operator mend a chain.
RECEIPT_DUE_MS: Final = DAY_MS
# SPEC §3: `occurred` may be ahead by 5 minutes; the contract asks the same of the block time.
FUTURE_TOLERANCE_MS: Final = 5 * MINUTE_MS
# A plan of signers waits for people over a long weekend, and no longer: the head of the case moves on.
COLLECTION_LIFE_MS: Final = 7 * DAY_MS
# Collections that one institution may have open at once: each holds a content.
COLLECTIONS_OPEN_MAX: Final = 1_000

# One group takes one write transaction and one receipt signature; 256 keeps a receipt's path at 8 hashes.
GROUP_MAX: Final = 256
# How long the committer waits for company, in seconds: far below what a person notices, far above one insert.
GROUP_WAIT_SECONDS: Final = 0.004
# Statements that may wait for the chain; beyond it a receipt would promise what a slow chain cannot keep in a day.
BACKLOG_MAX: Final = 50_000
# Seconds that a client is told to wait when the backlog is full.
BACKLOG_RETRY_SECONDS: Final = 60

# Less room than this on the home's disk and the service is not ready: a batch, a backup or a log would fill the rest.
DISK_FREE_MIN_BYTES: Final = 1 << 30
# Room that an operator should act on before it gets scarce: some weeks of a busy office.
DISK_FREE_LOW_BYTES: Final = 10 << 30
# The worker looks every quarter of a second and notes it every five; a chain makes a block every few seconds.
STALE_MS: Final = 60_000

# Private content with salts; some 100,000 records of ten fields. Larger record sets are split.
CONTENT_MAX_BYTES: Final = 64 << 20
# An image of a whole disk, or weeks of high-definition video; the quota bounds sooner, the envelopes later.
FILE_MAX_BYTES: Final = 1 << 40
# A case is meant for the files of one matter; this bounds what one token can fill by mistake.
FILES_PER_CASE_MAX: Final = 10_000
# RFC 6838 §4.2 bounds each half of a media type at 127 characters; those in use are far shorter.
MEDIA_TYPE_MAX: Final = 127

# An institution may be named in a list only page by page.
PAGE_MAX: Final = 200
# SPEC §10: a bundle carries at most 256 statements.
BUNDLE_STATEMENTS_MAX: Final = 256

# Tokens are for systems and persons at work; a year forces renewal, ten minutes is the shortest that makes sense.
TOKEN_LIFE_MAX_MS: Final = 366 * DAY_MS
TOKEN_LIFE_MIN_MS: Final = 10 * MINUTE_MS
# The name of a system or a person, on one line of a list.
TOKEN_LABEL_MAX: Final = 64

# What an institution's cases may hold, files and open uploads: a year of an office that takes in 10 GB a day. An
# operator sets another for those who need it.
QUOTA_DEFAULT_BYTES: Final = 4 << 40
# Files that one institution may be sending at once: far above a busy office, and few rows to add up.
UPLOADS_OPEN_MAX: Final = 256
# Nobody who still wants the file waits longer than a week, holidays included; what arrived is dropped then.
UPLOAD_LIFE_MS: Final = 7 * DAY_MS
# One frame. Smaller pieces would cost a flush and a transaction each for next to nothing; the last piece is exempt.
UPLOAD_PIECE_MIN_BYTES: Final = 1 << 20
# What a killed service loses at most, whichever comes first: a flush costs some milliseconds, so that once for so many
# bytes it is lost in the noise, and on a slow line nobody sends more than two seconds again.
UPLOAD_FLUSH_BYTES: Final = 64 << 20
UPLOAD_FLUSH_MS: Final = 2_000
# Uploads whose running hashes a process remembers between two pieces; for others it reads the object again at the end.
UPLOAD_HASHES_MAX: Final = 256
# How often abandoned uploads are looked for: their life is counted in days.
UPLOAD_SWEEP_SECONDS: Final = 600.0
