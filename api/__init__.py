"""The processes: HTTP application, worker, settings and the composition root.

The only package that names concrete storage, signers and chain clients. It passes received bytes on as they came and
never serialises again what somebody signed.
"""
