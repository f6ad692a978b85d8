"""Frozen records and pure rules of the service: no storage, no clock, no network, no chain.

Guaranteed: what stands here is plain data that the ports exchange, and rules that depend on their arguments alone. Not
guaranteed: that a record is true; what is signed or anchored is checked by `tiezheng` before it is stored.
"""
