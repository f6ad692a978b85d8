"""Benchmarks; METHOD.md says how the figures are made."""
