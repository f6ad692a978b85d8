"""The use cases, one a file, verb first. They see the ports of `ledger.ports` and the kernel, never storage or HTTP."""
