"""How the value of a rule is typed and how it is written so that it can be typed back.

Pure. What cannot be read is a `BadValue` that says what would be right.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.model import Market, Over
from core.networks import is_everybody
from core.times import read_length
from core.words import echo

MOST_LISTED = 100  # ids, types or networks of one rule
EVERY = frozenset({"all", "every", "any", "everybody", "everyone"})
OFF = frozenset({"off", "none", "no", "never", "unlimited"})
_ON = frozenset({"on", "yes"})
_FAMILY = re.compile(r"[a-z][a-z0-9-]{1,15}")
_TYPE = re.compile(r"[a-z][a-z0-9-]{1,15}\.[a-z0-9-]{2,20}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")
_AMOUNT = re.compile(r"\$?([0-9]{1,9}(?:\.[0-9]{1,4})?)(?:\s*(?:usd|\$))?(?:/h|/hour)?")
_GB = re.compile(r"([0-9]{1,9})\s*(?:g|gb|gib)?")


class BadValue(Exception):
    """Words that are no value of a rule; `what` is a sentence that says what would be."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of value: read from what was typed, and written as it could be typed.

    `live`: what is written are Slack's marks for people, channels and groups, which Slack shows as
    their names; all else is shown as code.
    """

    read: Callable[[str], Any]
    typed: Callable[[Any], str]
    example: str
    live: bool = False


# ---- lists ----------------------------------------------------------------------------------


def ids(mark: str, letters: str, everybody: str, what: str, example: str) -> Kind:
    """Slack's ids, bare or as Slack marks a mention: `<#C123|ml>`; empty is `everybody`.

    Bare ones have a figure in them, or each word that begins with that letter would be one.
    """
    form = re.compile(
        rf"(?:<{re.escape(mark)}([{letters}][a-z0-9]{{1,20}})(?:\|[^<>]*)?>"
        rf"|([{letters}](?=[a-z]*[0-9])[a-z0-9]{{1,20}}))",
        re.IGNORECASE,
    )

    def read(text: str) -> frozenset[str]:
        words = _words(text)
        if [word.lower() for word in words] in ([everybody], *([word] for word in EVERY | OFF)):
            return frozenset()
        found = {word: form.fullmatch(word) for word in words}
        for word, match in found.items():
            if match is None:
                raise BadValue(f"{echo(word)} is not {what}; write {example}, or `{everybody}`.")
        return frozenset((m[1] or m[2]).upper() for m in found.values() if m)

    def typed(value: frozenset[str]) -> str:
        return " ".join(f"<{mark}{id}>" for id in sorted(value)) or everybody

    return Kind(read=read, typed=typed, example=example, live=True)


def _words(text: str) -> list[str]:
    """Words between blanks and commas; a mention's name may hold blanks."""
    words = re.findall(r"<[^<>]*>|[^\s,<>]+", text)
    if not words:
        raise BadValue("A value is missing.")
    if len(words) > MOST_LISTED:
        raise BadValue(f"That are {len(words)} words; a rule lists {MOST_LISTED} at most.")
    return words


def _types(text: str) -> tuple[str, ...]:
    words = [word.lower().removesuffix(".*") for word in _words(text)]
    if len(words) == 1 and words[0] in EVERY:
        return ()
    for word in words:
        if not (_TYPE.fullmatch(word) or _family(word)):
            raise BadValue(
                f"{echo(word)} is neither a type (`g5.xlarge`) nor a family (`g5`); several are "
                "written with blanks between, and `all` means every type."
            )
    return tuple(sorted(set(words)))


def _family(word: str) -> bool:
    return _FAMILY.fullmatch(word) is not None and any(letter.isdigit() for letter in word)


def _regions(text: str) -> tuple[str, ...]:
    """In their order: the first is the default. Empty: every region of the template."""
    words = [word.lower() for word in _words(text)]
    if len(words) == 1 and words[0] in EVERY:
        return ()
    for word in words:
        if not _REGION.fullmatch(word):
            raise BadValue(f"{echo(word)} is not a region; write `us-east-1 us-west-2`, or `all`.")
    return tuple(dict.fromkeys(words))


def _markets(text: str) -> frozenset[Market]:
    words = [{"ondemand": "on-demand"}.get(word.lower(), word.lower()) for word in _words(text)]
    if len(words) == 1 and words[0] in EVERY:
        return frozenset(Market)
    for word in words:
        if word not in set(Market):
            raise BadValue(f"{echo(word)} is not a market; write `spot`, `on-demand` or `all`.")
    return frozenset(Market(word) for word in words)


def _networks(text: str) -> tuple[str, ...]:
    words = _words(text)
    if len(words) == 1 and words[0].lower() in OFF:
        return ()
    return tuple(dict.fromkeys(_network(word) for word in words))


def _network(word: str) -> str:
    try:
        network = ipaddress.ip_network(word)
    except ValueError as error:
        raise BadValue(
            f"{echo(word)} is not a network such as `192.0.2.0/24`; `none` means single addresses "
            "only."
        ) from error
    if is_everybody(network):
        raise BadValue("Port 22 is never opened to everybody; name a network of your own.")
    return str(network)


TYPES = Kind(read=_types, typed=lambda v: " ".join(v) or "all", example="g4dn g5 p3.2xlarge")
REGIONS = Kind(read=_regions, typed=lambda v: " ".join(v) or "all", example="us-east-1 us-west-2")
MARKETS = Kind(
    read=_markets,
    typed=lambda v: "all" if v == frozenset(Market) else " ".join(sorted(v)),
    example="spot",
)
NETWORKS = Kind(read=_networks, typed=lambda v: " ".join(v) or "none", example="192.0.2.0/24")


# ---- numbers, lengths, amounts --------------------------------------------------------------


def number(least: int, most: int, *, example: str, unit: str = "", off: bool = False) -> Kind:
    """A whole number; with `off` also none at all, which is None."""

    def read(text: str) -> int | None:
        word = text.strip().lower()
        if off and word in OFF:
            return None
        match = _GB.fullmatch(word) if unit else re.fullmatch(r"([0-9]{1,9})", word)
        if match is None or not least <= int(match[1]) <= most:
            raise BadValue(
                f"{echo(text)} is not a whole number from {least:,} to {most:,}"
                f"{' (' + unit + ')' if unit else ''}{' or `off`' if off else ''}."
            )
        return int(match[1])

    def typed(value: int | None) -> str:
        return "off" if value is None else f"{value} {unit}".strip()

    return Kind(read=read, typed=typed, example=example)


def length(least: timedelta, most: timedelta, *, example: str, off: bool = False) -> Kind:
    """A length in whole minutes; with `off` also none, which is None."""

    def read(text: str) -> timedelta | None:
        if off and text.strip().lower() in OFF:
            return None
        found = read_length(text)
        if found is None or not least <= found <= most or found.total_seconds() % 60:
            raise BadValue(
                f"{echo(text)} is not a length from {spell(least)} to {spell(most)}, such as "
                f"`{example}`{', or `off`' if off else ''}."
            )
        return found

    def typed(value: timedelta | None) -> str:
        return "off" if value is None else spell(value)

    return Kind(read=read, typed=typed, example=example)


def spell(span: timedelta) -> str:
    """As it is typed: `24h`, `1h30m`, `90m`, and whole days from two on: `7d`."""
    minutes = int(span.total_seconds()) // 60
    if minutes >= 2880 and minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    hours, rest = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (f"{rest}m" if rest or not hours else "")


def _dollars(text: str) -> Decimal:
    match = _AMOUNT.fullmatch(text.strip().lower())
    if match is None:
        raise BadValue(f"{echo(text)} is not an amount of US dollars an hour, such as `10`.")
    return Decimal(match[1])


DOLLARS = Kind(read=_dollars, typed=lambda value: f"{value:f}", example="10")


# ---- one of a few ---------------------------------------------------------------------------


def _switch(text: str) -> bool:
    word = text.strip().lower()
    if word in _ON or word in OFF:
        return word in _ON
    raise BadValue(f"{echo(text)} is neither `on` nor `off`.")


SWITCH = Kind(read=_switch, typed=lambda value: "on" if value else "off", example="on")


def one_of(choices: Iterable[Over]) -> Kind:
    """What happens when a limit is passed."""
    allowed = tuple(choices)

    def read(text: str) -> Over:
        word = text.strip().lower()
        if word not in allowed:
            named = " or ".join(f"`{choice}`" for choice in allowed)
            raise BadValue(f"{echo(text)} is not {named}.")
        return Over(word)

    return Kind(read=read, typed=str, example=allowed[0])
