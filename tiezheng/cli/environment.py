"""The environment that a started process gets.

Guaranteed: nothing that was meant for the person at this terminal (a key's password, a profile, another home) reaches
it. Not guaranteed: the rest of the environment, which is passed on.
"""

import os


def for_child() -> dict[str, str]:
    """A copy without this product's own variables; output unbuffered and in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIEZHENG_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "TIEZHENG_LANG": "en"}
