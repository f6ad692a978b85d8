"""Chain clients behind one port: JSON-RPC, the relayer's account, the embedded development chain.

Guaranteed: web3 and eth-account are used nowhere else, and only `eth_*` methods are needed of a node. Not guaranteed:
that a node tells the truth; what it says is checked against hashes and proofs by the callers.
"""
