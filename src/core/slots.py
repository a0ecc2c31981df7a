"""Reads words in any order into named slots: one item after the other, each told by its keyword
(`for 4h`) or by its form (`4h`, `us-west-2`, `p3.2xlarge`).

What cannot be read is an error that says what would be right, and carries attempts at a command
that would be; the parser keeps the first of them that it can read itself.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from core.catalog import looks_like_gpu, looks_like_type
from core.model import Market
from core.times import SHORTEST, read_length, read_until
from core.words import closest, echo

# What people write in front of a value → the slot that it fills.
KEYWORDS = {
    "for": "length",
    "by": "length",
    "length": "length",
    "duration": "length",
    "until": "until",
    "till": "until",
    "to": "until",
    "in": "region",
    "region": "region",
    "image": "image",
    "ami": "image",
    "disk": "disk",
    "name": "name",
    "called": "name",
    "market": "market",
    "type": "type",
    "count": "count",
}
SWITCHES = {
    "spot": ("market", Market.SPOT),
    "on-demand": ("market", Market.ON_DEMAND),
    "ondemand": ("market", Market.ON_DEMAND),
    "all": ("all", True),
    "everyone": ("all", True),
    "everybody": ("all", True),
    "everything": ("all", True),
    "yes": ("sure", True),
}
_SPOKEN = {
    "length": "a length",
    "until": "a time",
    "region": "a region",
    "image": "an image",
    "disk": "a disk size",
    "name": "a name",
    "market": "spot or on-demand",
    "type": "a type",
    "count": "a number of machines",
    "network": "an address",
    "all": "all",
    "sure": "yes",
}
_LATER = {
    "run": "Jobs cannot be started from here in this version: connect with `/gpu ssh`.",
    "data": "Second disks cannot be had in this version: give the root disk the room, `disk 500`.",
    "idle": "Idle machines are not noticed in this version: give a length, such as `for 4h`.",
    "another": "There is no such word in this version: just launch again.",
}
LARGEST_DISK_GB = 16384
MOST_MACHINES = 64

_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{3,12}){1,2}-[0-9]")
_PLACE = re.compile(r"[a-z0-9-]{1,32}")
_IMAGE = re.compile(r"base|pytorch|ami-(?:[0-9a-f]{17}|[0-9a-f]{8})")
_COUNT = re.compile(r"x([0-9]{1,3})|([0-9]{1,3})x")
_DISK = re.compile(r"([0-9]{1,5})(?:g|gb|gib)?")
_ADDRESS = re.compile(
    r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,3})?|[0-9a-f]*:[0-9a-f:.]+(?:/\d+)?"
)
_UNIT = re.compile(r"m|mins?|minutes?|h|hrs?|hours?|d|days?|[ap]m")
COMMANDS = (
    "launch",
    "list",
    "show",
    "stop",
    "start",
    "end",
    "extend",
    "ssh",
    "key",
    "allow",
    "quota",
    "help",
)
RESERVED = frozenset(
    {*COMMANDS, *KEYWORDS, *SWITCHES, *_LATER, "add", "remove", "raise", "on", "demand"}
)


class Wrong(Exception):
    """Words that cannot be read. `fixes` are the words of commands that may have been meant."""

    def __init__(self, what: str, fixes: Iterable[tuple[str, ...]] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.fixes = tuple(fixes)


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of one command; `at` is where the item begins that is being read."""

    all: tuple[str, ...]
    at: int

    def wrong(self, what: str, length: int, *instead: tuple[str, ...]) -> Wrong:
        """That `length` words from here cannot be; `instead`: what may stand in their place."""
        before, after = self.all[: self.at], self.all[self.at + length :]
        return Wrong(what, [(*before, *words, *after) for words in (*instead, ())])


def read(words: tuple[str, ...], start: int, allowed: frozenset[str]) -> dict[str, Any]:
    """The slots that the words from `start` on fill; Wrong when one cannot be, or twice."""
    found: dict[str, Any] = {}
    at = start
    while at < len(words):
        here = Words(all=words, at=at)
        slot, value, length = _item(here, allowed)
        if slot in found:
            raise _twice(here, slot, found[slot], value, length)
        if {"length", "until"} <= {*found, slot}:
            raise here.wrong("Say either for how long or until when, not both.", length)
        found[slot] = value
        at += length
    return found


def _twice(here: Words, slot: str, first: object, second: object, length: int) -> Wrong:
    if slot == "market" and first != second:
        return here.wrong("Say either spot or on-demand, not both.", length)
    wrong = here.wrong(f"There is {_SPOKEN[slot]} in that twice.", length)
    if slot == "name":
        # `stop amber fox`: more likely one name with a space than two names.
        joined = (*here.all[: here.at - 1], f"{first}-{second}", *here.all[here.at + length :])
        return Wrong(wrong.what, [joined, *wrong.fixes])
    return wrong


def _item(here: Words, allowed: frozenset[str]) -> tuple[str, Any, int]:
    """(slot, value, number of words) of the item that begins here."""
    word = here.all[here.at].lower()
    following = tuple(w.lower() for w in here.all[here.at + 1 : here.at + 4])
    if word in KEYWORDS:
        slot = KEYWORDS[word]
        if slot not in allowed:
            raise here.wrong(f"This command does not take {echo(word)}.", 2)
        value, length = _after_keyword(here, slot, word, following)
        return slot, value, length + 1
    if word in _LATER and "type" in allowed:
        raise here.wrong(_LATER[word], 2)
    if (word, *following[:1]) == ("on", "demand") and "market" in allowed:
        return "market", Market.ON_DEMAND, 2
    if word in SWITCHES and SWITCHES[word][0] in allowed:
        return (*SWITCHES[word], 1)
    return _by_form(here, word, following, allowed)


# ---- what stands behind a keyword -----------------------------------------------------------


def _after_keyword(
    here: Words, slot: str, word: str, following: tuple[str, ...]
) -> tuple[Any, int]:
    if not following:
        raise here.wrong(f"{echo(word)} needs {_SPOKEN[slot]} after it.", 1)
    if slot == "length":
        return _length(Words(all=here.all, at=here.at + 1), following)
    if slot == "until":
        return _until(Words(all=here.all, at=here.at + 1), following)
    return _READERS[slot](here, following[0]), 1


def _length(here: Words, following: tuple[str, ...]) -> tuple[Any, int]:
    """`4h`, `2 hours`, `1h 30m`: as many words as make one length."""
    for count in (3, 2, 1):
        words = following[:count]
        length = read_length(" ".join(words)) if len(words) == count else None
        if length is not None:
            if length < SHORTEST:
                raise here.wrong("Two minutes are the shortest.", count, ("2m",))
            return length, count
    word = following[0]
    guess = (f"{word}h",) if word.isascii() and word.isdigit() else ("4h",)
    raise here.wrong(f"{echo(word)} is not a length; write 90m, 4h, 1h30m or 2d.", 1, guess)


def _until(here: Words, following: tuple[str, ...]) -> tuple[Any, int]:
    """`18:00`, `6 pm`, `tomorrow 9:00`."""
    for count in (3, 2, 1):
        words = following[:count]
        until = read_until(" ".join(words)) if len(words) == count else None
        if until is not None:
            return until, count
    word = following[0]
    hour = word.removesuffix("h")
    guess = (f"{hour}:00",) if hour.isascii() and hour.isdigit() else ("18:00",)
    raise here.wrong(
        f"{echo(word)} is not a time of day; write 18:00, 6pm or tomorrow 9:00.",
        1,
        guess,
        ("18:00",),
    )


def _market(here: Words, word: str) -> Market:
    market = SWITCHES.get(word, ("", None))[1]
    if isinstance(market, Market):
        return market
    raise here.wrong(f"{echo(word)} is neither spot nor on-demand.", 2, ("spot",))


def _region(here: Words, word: str) -> str:
    """Anything with the form of a place: which regions there are, the policy knows."""
    if _PLACE.fullmatch(word):
        return word
    raise here.wrong(f"{echo(word)} is not a region; write one such as us-east-1.", 2)


def _image(here: Words, word: str) -> str:
    if _IMAGE.fullmatch(word):
        return word
    meant = closest(word, ("base", "pytorch"), least=0.5)
    raise here.wrong(
        f"{echo(word)} is not an image; there are base, pytorch, and any ami-… id. Images of your "
        "own cannot be saved in this version.",
        2,
        ("image", meant or "base"),
    )


def _disk(here: Words, word: str) -> int:
    found = _DISK.fullmatch(word)
    if found and 1 <= int(found[1]) <= LARGEST_DISK_GB:
        return int(found[1])
    raise here.wrong(
        f"{echo(word)} is not a disk size; write GB from 1 to {LARGEST_DISK_GB}, such as disk 100.",
        2,
        ("disk", "100"),
    )


def _name(here: Words, word: str) -> str:
    if _NAME.fullmatch(word) and word not in RESERVED:
        return word
    plain = re.sub(r"[^a-z0-9]+", "-", word).strip("-0123456789")[:31]
    raise here.wrong(
        f"{echo(word)} cannot be a machine's name: 2 to 31 letters, digits and hyphens, a letter "
        "first, and no word of a command.",
        2,
        *([("name", plain)] if plain else []),
    )


def _type(here: Words, word: str) -> str:
    if looks_like_type(word) or looks_like_gpu(word):
        return word
    raise here.wrong(f"{echo(word)} is not a type; write one such as p3.2xlarge.", 2)


def _count(here: Words, word: str) -> int:
    digits = word.strip("x")
    if digits.isascii() and digits.isdigit() and 1 <= int(digits[:4]) <= MOST_MACHINES:
        return int(digits)
    raise here.wrong(f"{echo(word)} is not a number of machines from 1 to {MOST_MACHINES}.", 2)


_READERS: dict[str, Callable[[Words, str], Any]] = {
    "market": _market,
    "region": _region,
    "image": _image,
    "disk": _disk,
    "name": _name,
    "type": _type,
    "count": _count,
}


# ---- told by their form ---------------------------------------------------------------------


def _by_form(
    here: Words, word: str, following: tuple[str, ...], allowed: frozenset[str]
) -> tuple[str, Any, int]:
    if "count" in allowed and _COUNT.fullmatch(word):
        return "count", _count(here, word), 1
    if "type" in allowed and (looks_like_type(word) or looks_like_gpu(word)):
        return "type", word, 1
    if "region" in allowed and _REGION.fullmatch(word):
        return "region", word, 1
    if "image" in allowed and word.startswith("ami-"):
        return "image", _image(here, word), 1
    if "network" in allowed and _ADDRESS.fullmatch(word):
        return "network", word, 1
    if "length" in allowed and (read_length(word) or _counted(word, following)):
        return ("length", *_length(here, (word, *following)))
    if "until" in allowed and (read_until(word) or ":" in word):
        return ("until", *_until(here, (word, *following)))
    if "bare-name" in allowed and _NAME.fullmatch(word) and word not in RESERVED:
        return "name", word, 1
    raise _unknown(here, word, allowed)


def _counted(word: str, following: tuple[str, ...]) -> bool:
    """`2 hours`, and `4` alone, which gets a better answer as a length than as an unknown word."""
    number = re.fullmatch(r"[0-9]{1,5}(?:[.,][0-9]{1,3})?", word) is not None
    return number and (not following or _UNIT.fullmatch(following[0]) is not None)


def _unknown(here: Words, word: str, allowed: frozenset[str]) -> Wrong:
    if re.match(r"[-+]?[0-9]", word) and "length" in allowed:
        return here.wrong(f"{echo(word)} is not a length; write 90m, 4h, 1h30m or 2d.", 1)
    if "region" in allowed and _REGION.fullmatch(word[:-1]):
        region = word[:-1]
        return here.wrong("Zones are chosen by price; say the region alone.", 1, (region,))
    if word in ("base", "pytorch") and "image" in allowed:
        return here.wrong(f"Say `image {word}`.", 1, ("image", word))
    known = [w for w, slot in KEYWORDS.items() if slot in allowed]
    known += [w for w, (slot, _) in SWITCHES.items() if slot in allowed]
    meant = closest(word, known)
    said = f"{echo(word)} is not understood here."
    return here.wrong(said, 1, *([(meant,)] if meant else []))
