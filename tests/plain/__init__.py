"""A second verifier, written from spec/SPEC.md alone: no module of the product is imported here.

It is slow and plain on purpose. Where it and the product disagree, the SPEC decides, and is mended where it is unclear.
"""
