"""Texts for people: nearest-match hints, errors in one line, addresses without passwords."""

import re
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return text to follow "no such thing as NAME": the nearest known name, else the first few that are known."""
    from difflib import get_close_matches

    names = sorted(set(known))
    folded = {each.lower(): each for each in names}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    if close:
        return f", did you mean {folded[close[0]]!r}"
    if not names:
        return ", there are none"
    shown = ", ".join(repr(each) for each in names[:12])
    return f", known: {shown}{', ...' if len(names) > 12 else ''}"


_WORDS = r"pass(?:w|phrase|code)|pwd|secret|token|credential|(?:api|app|access|private)[_-]?key"

SECRET = re.compile(rf"{_WORDS}|(?:^|_)pass$", re.IGNORECASE)
"""Options so named, keys of tables, and parameters of addresses are never shown."""

_UNBROKEN = re.compile(r"\S+")
_PASSWORD = re.compile(r"(\b\w+://[^:]*):.+")
_NAME = r"""[^\s?&;=#"']{0,40}"""
_PARAMETER = re.compile(
    rf"""([?&;#](?:{_NAME}(?:{_WORDS}){_NAME}|(?:{_NAME}_)?pass)=)[^\s&#"]+?(?=[')\],;:.]{{0,4}}(?:[\s&#"]|$))""",
    re.IGNORECASE,
)


def without_passwords(text: str) -> str:
    """Return a text with the passwords of the addresses in it (user:password@host, ?password=...) hidden."""
    return _PARAMETER.sub(r"\1***", _UNBROKEN.sub(_without_password, text))


def _without_password(unbroken: "re.Match[str]") -> str:
    """Hide what follows the user of an address, up to the last @; the time is linear in the text, whatever that is."""
    before, at, host = unbroken[0].rpartition("@")
    return _PASSWORD.sub(r"\1:***", before) + at + host


def one_line(error: BaseException) -> str:
    """Return an error as one line: its class and its text, and for a syntax error the place."""
    try:
        text = " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException:
        text = "its text cannot be had"
    if isinstance(error, SyntaxError) and error.filename and str(error.lineno) not in text:
        text += f" ({error.filename}, line {error.lineno})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
