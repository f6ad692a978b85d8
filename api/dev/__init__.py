"""A whole ledger on one machine: founding, start and stop, and the story that `make demo` tells.

Guaranteed: everything lives under one home directory and listens on loopback alone. Not guaranteed: security. All keys
of all parties lie in one place, and the chain is one that anyone on the machine could rewrite: this is for showing,
learning and testing.
"""
