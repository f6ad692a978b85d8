"""What the service knows and does, without HTTP and without a chain.

Domain values, use cases and storage. Each object that leaves this package passed the check of `tiezheng` before it was
stored. The package does not decide whether evidence is valid, and it knows nothing of blocks or transactions.
"""
