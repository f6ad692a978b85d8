"""Kernel, client and command line of the evidence ledger.

Everything that is signed, hashed, anchored or shown to a court has its format and its one check here. Outside `client`
and `cli` the package reads no clock, opens no connection and keeps no log, so a verdict depends on its inputs alone. It
does not store, schedule or send anything.
"""
