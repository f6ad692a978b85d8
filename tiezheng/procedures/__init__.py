"""The legal procedures."""
