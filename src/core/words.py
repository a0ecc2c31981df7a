"""What was typed, made plain: invisible characters out, phone typography undone, flags opened up.

Knows no command. `UsageError` is the answer to words that cannot be carried out.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_TEXT = 8000  # an RSA key of 16,384 bits fits
_LONGEST_ECHO = 40

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″", '"') | dict.fromkeys("‘’‚‛′`´", "'"))
_NO_LETTERS = frozenset({"Cc", "Cf", "Cs", "Co"})
# Letters and marks to Unicode, and yet nothing is drawn for them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_DASH = "—–―−‒‐‑﹘－"  # what phones and word processors make of a hyphen
_FLAG = re.compile(rf"(?<!\S)(?:--?|[{_DASH}]{{1,2}})(?=[A-Za-z])")
_KEY_VALUE = re.compile(r"([a-z-]{2,16})[=:](\S*)", re.ASCII | re.IGNORECASE)
# What Slack makes of links and mail addresses in a command; a mention stays as it is.
_LINK = re.compile(r"<(?:mailto:)?((?:https?://)?[^@#!|<>\s][^|<>\s]*)(?:\|[^<>]*)?>")
_SECRET_LIKE = re.compile(r"[A-Za-z0-9+/=_-]{28,}")


@dataclass(frozen=True, kw_only=True)
class UsageError:
    """Words that cannot be carried out: what is wrong with them and what would be right.

    `nearest` is a whole command that works when pasted; `topic` is a topic of the help.
    """

    what: str
    nearest: str | None = None
    topic: str | None = None


def visible(text: str) -> str:
    """On one line, without what nobody sees: control, zero-width and direction characters."""
    if text.isascii() and text.isprintable():
        return text
    spaced = "".join(" " if ch.isspace() else ch for ch in text)
    return "".join(ch for ch in spaced if (ch.isascii() and ch.isprintable()) or _is_seen(ch))


def _is_seen(ch: str) -> bool:
    return unicodedata.category(ch) not in _NO_LETTERS and not _UNSEEN.fullmatch(ch)


def clean(text: str) -> str:
    """One visible line, in plain quotes and dashes."""
    plain = _LINK.sub(r"\1", visible(text))
    for mark, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):  # Slack escapes these three
        plain = plain.replace(mark, sign)
    dashed = _FLAG.sub("--", plain)
    return re.sub(f"[{_DASH}]", "-", dashed).translate(_QUOTES).strip()


def split(line: str, keys: frozenset[str]) -> tuple[str, ...]:
    """The words of a clean line; `--for=4h`, `for=4h` and `--for 4h` all become `for`, `4h`.

    `keys` are the words before `=` that are opened up; other words with `=` in them stay whole.
    """
    found: list[str] = []
    for token in line.split():
        word = token.strip("\"'").rstrip(",;")
        flag = word.startswith("--")
        word = word.removeprefix("--")
        pair = _KEY_VALUE.fullmatch(word)
        if pair and (flag or pair[1].lower() in keys):
            found += [part.strip("\"'") for part in (pair[1], pair[2])]
        else:
            found.append(word)
    return tuple(word for word in found if word)


def closest(word: str, words: Iterable[str], *, least: float = 0.6) -> str | None:
    """The word that was probably meant, or None."""
    found = difflib.get_close_matches(word.lower()[:64], list(words), n=1, cutoff=least)
    return found[0] if found else None


def is_secret_like(word: str) -> bool:
    """Whether it could be a part of a key or a token, which is never shown again."""
    return _SECRET_LIKE.search(word) is not None


def echo(word: str) -> str:
    """A word to be shown again: short, and nothing that could be part of a key."""
    if is_secret_like(word):
        return "that long word"
    plain = "".join(ch for ch in word if ch.isprintable()).replace("`", "'")
    return f"`{plain[:_LONGEST_ECHO]}{'…' if len(plain) > _LONGEST_ECHO else ''}`"


def whole_number(text: str, digits: int) -> int | None:
    """A whole number of at most so many ASCII digits; Python refuses to read thousands of them."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def retyped(text: str, said: str, meant: str) -> str:
    """The command as it was typed, with one word put right."""
    words = [meant if word.lower() == said.lower() else word for word in text.split()]
    return "/gpu " + " ".join(words)
