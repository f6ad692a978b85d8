"""Pure checks of what an Ethereum-shaped chain proves: RLP, trie proofs, accounts, storage, headers.

Guaranteed: given a trusted header hash, a value returned from here stood in that block's state. Not guaranteed: that
the header is final or belongs to the right chain; finality evidence and the trust file decide that.
"""
