"""Reads words in any order into named slots: one item after the other, each told by its keyword
(`for 4h`) or by its form (`4h`, `us-west-2`, `p3.2xlarge`).

What cannot be read is an error that says what would be right, and carries attempts at a command
that would be; the parser keeps the first of them that it can read itself.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.catalog import looks_like_gpu, looks_like_type
from core.model import Market
from core.times import SHORTEST, read_length, read_until, weekday_of
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
    "iops": "iops",
    "throughput": "throughput",
    "data": "data",
    "as": "as",
    "idle": "idle",
    "project": "project",
    "why": "why",
    "because": "why",
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
    "cheapest": ("cheapest", True),
    "gp3": ("disk_type", "gp3"),
    "io2": ("disk_type", "io2"),
    "recover": ("recover", True),
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
    "cheapest": "cheapest",
    "disk_type": "a kind of disk",
    "iops": "a number of IOPS",
    "throughput": "a throughput",
    "data": "a data volume",
    "keep": "keep",
    "keep_trying": "keep trying",
    "user": "a person",
    "as": "a name for the image",
    "idle": "how long unused",
    "project": "a project",
    "why": "a reason",
    "recover": "recover",
}
_LATER = {
    "run": "Jobs cannot be started from here in this version: connect with `/gpu ssh`.",
    "another": "There is no such word in this version: just launch again.",
}
LARGEST_DISK_GB = 65536  # what EBS sells; what a type and its image take is checked later
MOST_MACHINES = 100
MOST_TYPES = 8  # that one launch may name; all of them stand in its row, which may have 400 KB
MOST_IOPS = 256000
MOST_THROUGHPUT = 2000
LONGEST_WHY = 200
LONGEST_TRYING = timedelta(days=7)

_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{3,12}){1,2}-[0-9]")
_PLACE = re.compile(r"[a-z0-9-]{1,32}")
_IMAGE = re.compile(r"[a-z][a-z0-9.-]{1,40}")
_AMI = re.compile(r"ami-(?:[0-9a-f]{17}|[0-9a-f]{8})")
_USER = re.compile(r"<@([uw][a-z0-9]{1,20})(?:\|[^<>]*)?>")
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
    "share",
    "unshare",
    "key",
    "allow",
    "types",
    "price",
    "quota",
    "save",
    "images",
    "data",
    "cost",
    "budget",
    "policy",
    "audit",
    "idle",
    "schedule",
    "doctor",
    "help",
)
_OTHERS = ("add", "remove", "delete", "raise", "on", "demand", "or", "keep", "trying", "me")
RESERVED = frozenset({*COMMANDS, *KEYWORDS, *SWITCHES, *_LATER, *_OTHERS})
_ALTERNATIVES = {"type": "or_types", "region": "or_regions"}


def looks_like_region(word: str) -> bool:
    """Whether it has the form of a region, such as `us-east-1`."""
    return _REGION.fullmatch(word) is not None


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
        if words[at].lower() == "or" and "or" in allowed:
            at += 1 + _alternative(here, found, allowed)
            continue
        slot, value, length = _item(here, allowed)
        if slot in found:
            raise _twice(here, slot, found[slot], value, length)
        if {"length", "until"} <= {*found, slot}:
            raise here.wrong("Say either for how long or until when, not both.", length)
        found[slot] = value
        at += length
    return found


def _alternative(here: Words, found: dict[str, Any], allowed: frozenset[str]) -> int:
    """`or g5.2xlarge`, `or on-demand`, `or in us-west-2`: what is as welcome; how many words."""
    if here.at + 1 == len(here.all):
        raise here.wrong("`or` needs what would do as well behind it.", 1)
    choices = allowed & {"type", "market", "region"}
    try:
        slot, value, length = _item(Words(all=here.all, at=here.at + 1), choices)
    except Wrong as wrong:
        raise here.wrong(wrong.what, 2) from wrong
    if slot == "market":
        found["or_on_demand"] = True
        first = found.setdefault("market", Market.SPOT)
        if first is value:
            raise here.wrong(f"There is {value} in that twice.", length + 1)
        found["market"] = Market.SPOT
    elif slot not in found:
        raise here.wrong(f"Say {_SPOKEN[slot]} before the `or` too.", 1)
    else:
        others = found.get(_ALTERNATIVES[slot], ())
        if value not in (found[slot], *others):
            if slot == "type" and len(others) + 2 > MOST_TYPES:
                raise _too_many(here, length)
            found[_ALTERNATIVES[slot]] = (*others, value)
    return length


def _too_many(here: Words, length: int) -> Wrong:
    wrong = here.wrong(f"One launch may name {MOST_TYPES} types at most.", length + 1)
    # Where there are more than one too many: the words before them.
    return Wrong(wrong.what, [*wrong.fixes, here.all[: here.at]])


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
    following = tuple(w.lower() for w in here.all[here.at + 1 : here.at + 7])
    if word == "keep" and "keep" in allowed:
        return _kept(here, following)
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


def _kept(here: Words, following: tuple[str, ...]) -> tuple[str, Any, int]:
    """`spot keep` keeps the disk; `keep trying`, `keep trying until 18:00` and `keep trying for 2h`
    wait for capacity: a time directly behind it is how long it tries, not how long it runs."""
    if following[:1] != ("trying",):
        return "keep", True, 1
    reader = {"until": _until, "till": _until, "for": _length}.get("".join(following[1:2]))
    if reader is None or len(following) < 3:
        return "keep_trying", True, 2
    behind = Words(all=here.all, at=here.at + 3)
    value, length = reader(behind, tuple(w.lower() for w in here.all[behind.at : behind.at + 6]))
    if isinstance(value, timedelta) and value > LONGEST_TRYING:
        raise behind.wrong("A launch keeps trying for 7 days at most.", length, ("7d",))
    return "keep_trying", value, length + 3


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
    if slot == "data":
        return _data(here, following)
    if slot == "idle":
        return _idle(Words(all=here.all, at=here.at + 1), following)
    if slot == "why":
        return _rest(here)
    return _READERS[slot](here, following[0]), 1


def _length(here: Words, following: tuple[str, ...]) -> tuple[Any, int]:
    """`4h`, `2 hours`, `1h 30m`, `1 hour 30 minutes`: as many words as make one length."""
    for count in (6, 5, 4, 3, 2, 1):
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
    """`18:00`, `6 pm`, `tomorrow 9:00`, `9:00 tomorrow`, `next friday 9 am`."""
    for count in (4, 3, 2, 1):
        words = following[:count]
        until = read_until(" ".join(words)) if len(words) == count else None
        if until is not None:
            return until, count
    word = following[0]
    if weekday_of(word) is not None or word in ("tomorrow", "next"):
        days = following[: 2 if word == "next" else 1]
        said = " ".join(days)
        raise here.wrong(
            f"Say at which time of {said}, too, such as {said} 9:00.", len(days), (*days, "9:00")
        )
    hour = word.removesuffix("h")
    guess = (f"{hour}:00",) if hour.isascii() and hour.isdigit() else ("18:00",)
    raise here.wrong(
        f"{echo(word)} is not a time of day; write 18:00, 6pm, tomorrow 9:00 or friday 9:00.",
        1,
        guess,
        ("18:00",),
    )


def _idle(here: Words, following: tuple[str, ...]) -> tuple[timedelta, int]:
    """`30m`, `off`."""
    if following[0] in ("off", "never"):
        return timedelta(0), 1
    return _length(here, following)


def _rest(here: Words) -> tuple[str, int]:
    """All the words to the end, in the person's own spelling."""
    words = here.all[here.at + 1 :]
    return " ".join(words)[:LONGEST_WHY], len(words)


def _project(here: Words, word: str) -> str:
    if _NAME.fullmatch(word):
        return word
    raise here.wrong(
        f"{echo(word)} cannot be a project: 2 to 31 letters, digits and hyphens, a letter first.", 2
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
    """Anything with the form of a name or an id: which images there are, others know."""
    if _AMI.fullmatch(word) or (_IMAGE.fullmatch(word) and not word.startswith("ami-")):
        return word
    raise here.wrong(
        f"{echo(word)} is not an image; write base, pytorch, the name of a saved image, or an "
        "ami-… id.",
        2,
        ("image", "base"),
    )


def _data(here: Words, following: tuple[str, ...]) -> tuple[tuple[str, int | None], int]:
    """`500`, `bert`, `bert 500`: (name, GB) of a data volume; `data` is the name of the first."""
    first, second = following[0], following[1:2]
    if _DISK.fullmatch(first):
        return ("data", _disk(here, first)), 1
    if not _NAME.fullmatch(first) or first in RESERVED:
        raise here.wrong(
            f"{echo(first)} is not a data volume; write a size such as data 500, or its name.",
            2,
            ("data", "500"),
        )
    if second and _DISK.fullmatch(second[0]):
        return (first, _disk(here, second[0])), 2
    return (first, None), 1


def _disk(here: Words, word: str) -> int:
    found = _DISK.fullmatch(word)
    if found and 1 <= int(found[1]) <= LARGEST_DISK_GB:
        return int(found[1])
    raise here.wrong(
        f"{echo(word)} is not a disk size; write GB from 1 to {LARGEST_DISK_GB}, such as disk 100.",
        2,
        ("disk", "100"),
    )


def _iops(here: Words, word: str) -> int:
    return _number(here, word, MOST_IOPS, "a number of IOPS")


def _throughput(here: Words, word: str) -> int:
    return _number(here, word, MOST_THROUGHPUT, "a throughput in MiB/s")


def _number(here: Words, word: str, most: int, spoken: str) -> int:
    if word.isascii() and word.isdigit() and 1 <= int(word[:7]) <= most:
        return int(word)
    raise here.wrong(f"{echo(word)} is not {spoken}, 1 to {most}.", 2)


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
    "as": _image,
    "disk": _disk,
    "name": _name,
    "type": _type,
    "count": _count,
    "iops": _iops,
    "throughput": _throughput,
    "project": _project,
}


# ---- told by their form ---------------------------------------------------------------------


def _by_form(
    here: Words, word: str, following: tuple[str, ...], allowed: frozenset[str]
) -> tuple[str, Any, int]:
    if "count" in allowed and (_COUNT.fullmatch(word) or _counts(word, following)):
        _one_meaning(here, word, following)
        return "count", _count(here, word), 1
    if "type" in allowed and (looks_like_type(word) or looks_like_gpu(word)):
        return "type", word, 1
    if "region" in allowed and _REGION.fullmatch(word):
        return "region", word, 1
    if "image" in allowed and word.startswith("ami-"):
        return "image", _image(here, word), 1
    if "user" in allowed and _USER.fullmatch(word):
        return "user", word[2:].partition("|")[0].rstrip(">").upper(), 1
    if "network" in allowed and _ADDRESS.fullmatch(word):
        return "network", word, 1
    if "length" in allowed and (read_length(word) or _counted(word, following)):
        return ("length", *_length(here, (word, *following)))
    days = word in ("tomorrow", "next") or weekday_of(word) is not None
    if "until" in allowed and (read_until(word) or ":" in word or (days and following)):
        return ("until", *_bare_until(here, (word, *following)))
    if "bare-name" in allowed and _NAME.fullmatch(word) and word not in RESERVED:
        return "name", word, 1
    raise _unknown(here, word, allowed)


def _counts(word: str, following: tuple[str, ...]) -> bool:
    """`2` of `2 g5.xlarge` and of `2 a100`."""
    number = re.fullmatch(r"[0-9]{1,3}", word) is not None
    first = following[0] if following else ""
    return number and (looks_like_type(first) or looks_like_gpu(f"1x{first}"))


def _one_meaning(here: Words, word: str, following: tuple[str, ...]) -> None:
    """A space makes eight machines of one with eight GPUs: nobody is made to pay for that."""
    number, gpu = word.strip("x").lstrip("0"), following[0] if following else ""
    if number == "1" or not looks_like_gpu(f"{number}x{gpu}"):
        return
    one, many = (f"{number}x{gpu}",), (gpu, f"x{number}")
    raise here.wrong(
        f"{echo(f'{word} {gpu}')} can mean one machine with {number} of them, or {number} "
        f"machines: write {echo(one[0])} or {echo(' '.join(many))}.",
        2,
        one,
        many,
    )


def _bare_until(here: Words, words: tuple[str, ...]) -> tuple[Any, int]:
    """`extend bert friday 9:00` has one meaning; a launch could be meant to begin then."""
    until, count = _until(here, words)
    a_day = until.tomorrow or until.weekday is not None
    if a_day and here.all[0].lower() in ("launch", "start"):
        said = " ".join(words[:count])
        raise here.wrong(
            f"It would begin now, not {said}. Did you mean until {said}?",
            count,
            ("until", *words[:count]),
        )
    return until, count


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
