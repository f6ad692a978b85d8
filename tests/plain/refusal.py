"""What a reader says when bytes are not what SPEC.md asks for."""


class Refused(Exception):
    """A fault, in one sentence; which one is for people, not for programs."""


def need(holds: object, why: str) -> None:
    """Refuse with `why` unless it holds."""
    if not holds:
        raise Refused(why)
