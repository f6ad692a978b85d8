"""The language of what people read, and whether a program reads instead.

Guaranteed: one mode for the whole run of a command. Not guaranteed: that what a server says comes in this language
alone.
"""

import os
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum


class Language(StrEnum):
    """Language of what people read."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class _Mode:
    language: Language = Language.BOTH
    as_json: bool = False


_mode: ContextVar[_Mode] = ContextVar("mode", default=_Mode())  # noqa: B039  frozen


def language_of_environment() -> Language:
    """As the locale says; both where it says neither Chinese nor English."""
    for name in ("TIEZHENG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if value in set(Language):
            return Language(value)
        if value.startswith(("zh", "en")):
            return Language(value[:2])
        if value:
            break
    return Language.BOTH


def set_language(language: Language) -> None:
    """The language from here on; JSON off."""
    _mode.set(_Mode(language))


def is_json() -> bool:
    """Whether `--json` was given."""
    return _mode.get().as_json


def set_json() -> None:
    """JSON from here on."""
    _mode.set(replace(_mode.get(), as_json=True))


def lines(zh: str, en: str) -> list[tuple[str, bool]]:
    """One line for each language in use, and whether it stands second."""
    language = _mode.get().language
    first = [] if language is Language.EN else [(zh, False)]
    return first if language is Language.ZH else [*first, (en, language is Language.BOTH)]


def pick(zh: str, en: str) -> str:
    """A label: one language, or both side by side."""
    language = _mode.get().language
    if language is Language.BOTH:
        return f"{zh} {en}" if zh != en else zh
    return zh if language is Language.ZH else en
