"""Text → a command, or a `UsageError` that says what would be right. Nothing else reads words.

Words come in any order and any case; a command whose words are not all understood is refused
whole, so that no machine is ever launched from half a sentence.
"""

import re
from collections.abc import Callable

from core.access import is_about_keys, read_allow, read_key_command
from core.keys import holds_private_key, private_key_refused, read_key
from core.networks import read_network
from core.slots import KEYWORDS, Wrong, read
from core.times import Until, resolve
from core.wants import (
    Allow,
    AllowRemove,
    Command,
    End,
    Extend,
    Help,
    KeyAdd,
    KeyList,
    KeyRemove,
    Launch,
    ListMachines,
    Overview,
    Quota,
    QuotaRaise,
    Show,
    Ssh,
    Start,
    Stop,
)
from core.words import LONGEST_TEXT, UsageError, clean, closest, echo, is_secret_like, split

__all__ = [
    "Allow",
    "AllowRemove",
    "Command",
    "End",
    "Extend",
    "Help",
    "KeyAdd",
    "KeyList",
    "KeyRemove",
    "Launch",
    "ListMachines",
    "Overview",
    "Quota",
    "QuotaRaise",
    "Show",
    "Ssh",
    "Start",
    "Stop",
    "Until",
    "UsageError",
    "parse",
    "read_key",
    "read_network",
    "resolve",
]

# What works when pasted, for every command; the last resort where nothing nearer is found.
EXAMPLES = {
    "launch": "launch p3.2xlarge spot for 4h",
    "list": "list",
    "show": "show amber-fox",
    "stop": "stop amber-fox",
    "start": "start amber-fox for 4h",
    "end": "end amber-fox",
    "extend": "extend amber-fox 2h",
    "ssh": "ssh amber-fox",
    "key": "key list",
    "allow": "allow 203.0.113.7 for 12h",
    "quota": "quota p3.2xlarge",
    "help": "help",
}
# word: (what to say, the command to use instead)
_NOT_YET = {
    "types": (
        "The list of types is not available in this version; launch takes any type EC2 sells.",
        "help launch",
    ),
    "price": (
        "Prices are not shown ahead in this version; the message of a launch names its own.",
        "help launch",
    ),
    "cost": ("Spending reports are not available in this version; `list` shows amounts.", "list"),
    "budget": ("Budgets are not available in this version; leases limit what is spent.", "list"),
    "policy": (
        "Limits are set when the bot is deployed, in this version, not by a command.",
        "help",
    ),
    "save": (
        "Saving images is not available in this version; a stopped machine keeps its disk.",
        "help stop",
    ),
    "images": ("Saved images are not available in this version.", "help launch"),
    "run": (
        "Running jobs is not available in this version; connect and start them there.",
        "help ssh",
    ),
    "logs": ("Logs are not available in this version; connect and read them there.", "help ssh"),
}
_LEASE = frozenset({"bare-name", "name", "length", "until"})


def parse(text: str) -> Command | UsageError:
    """What the text asks for. Never fails, and never repeats a part of a key."""
    line = clean(text[: LONGEST_TEXT + 1])
    if holds_private_key(text) or holds_private_key(line):
        return private_key_refused()
    if len(text) > LONGEST_TEXT:
        return UsageError(what="That is too long to be a command.", nearest="/gpu help")
    line = re.sub(r"^(?:/gpu\s+)+|^/gpu$", "", line, flags=re.IGNORECASE)
    try:
        return _parse(line)
    except Wrong as wrong:
        return _explained(wrong, line)


def _explained(wrong: Wrong, line: str) -> UsageError:
    """With the first of its fixes that can itself be carried out, else an example."""
    topic = _topic(line)
    example = (tuple(EXAMPLES[topic].split()),) if topic and topic != "key" else ()
    for words in (*wrong.fixes, *example):
        nearest = " ".join(words)
        if words and not any(map(is_secret_like, words)) and _works(nearest):
            return UsageError(what=wrong.what, nearest=f"/gpu {nearest}", topic=topic)
    return UsageError(what=wrong.what, topic=topic)


def _works(line: str) -> bool:
    try:
        _parse(line)
    except Wrong:
        return False
    return True


def _topic(line: str) -> str | None:
    if is_about_keys(line):
        return "key"
    words = _command_first(split(line, frozenset(KEYWORDS)))
    return words[0] if words and words[0] in EXAMPLES else None


def _parse(line: str) -> Command:
    if is_about_keys(line):
        return read_key_command(line)
    words = _command_first(split(line, frozenset(KEYWORDS)))
    if not words:
        return Overview()
    reader = _READERS.get(words[0])
    if reader is None:
        raise _unknown(words)
    return reader(words)


def _command_first(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words with the command in front, in lower case, wherever it stood."""
    if not words or words[0].lower() in {*_READERS, *_NOT_YET, "key"}:
        return (words[0].lower(), *words[1:]) if words else ()
    found = [i for i, word in enumerate(words) if word.lower() in _READERS]
    if len(found) != 1 or words[found[0] - 1].lower() in KEYWORDS:
        return words
    at = found[0]
    return (words[at].lower(), *words[:at], *words[at + 1 :])


def _unknown(words: tuple[str, ...]) -> Wrong:
    first = words[0].lower()
    if first in _NOT_YET:
        what, instead = _NOT_YET[first]
        return Wrong(what, [tuple(instead.split())])
    meant = closest(first, (*EXAMPLES, *_NOT_YET))
    fixes = [(meant, *words[1:]), (meant,)] if meant else []
    # `p3.2xlarge spot` is a launch that lacks its command; it is offered, never assumed.
    return Wrong(f"There is no command {echo(words[0])}.", [*fixes, ("launch", *words), ("help",)])


# ---- machines -------------------------------------------------------------------------------

_WISH = frozenset({"type", "market", "region", "length", "until", "image", "disk", "name", "count"})


def _launch(words: tuple[str, ...]) -> Launch:
    if len(words) == 1:
        raise Wrong("Say what to launch: a type, and whatever differs from the defaults.")
    found = read(words, 1, _WISH)
    if found.pop("count", 1) != 1:
        one = tuple(word for word in words if not re.fullmatch(r"x\d+|\d+x", word.lower()))
        raise Wrong(
            "Several at once are not available in this version: launch them one by one.", [one]
        )
    if "type" not in found:
        raise Wrong("Say which type to launch.", [(words[0], "p3.2xlarge", *words[1:])])
    return Launch(
        instance_type=found["type"],
        market=found.get("market"),
        region=found.get("region"),
        length=found.get("length"),
        until=found.get("until"),
        image=found.get("image"),
        disk_gb=found.get("disk"),
        name=found.get("name"),
    )


def _list(words: tuple[str, ...]) -> ListMachines:
    found = read(words, 1, frozenset({"all"}))
    return ListMachines(everyone="all" in found)


def _show(words: tuple[str, ...]) -> Show:
    return Show(name=_only_name(words))


def _ssh(words: tuple[str, ...]) -> Ssh:
    return Ssh(name=_only_name(words))


def _only_name(words: tuple[str, ...]) -> str | None:
    name: str | None = read(words, 1, frozenset({"bare-name", "name"})).get("name")
    return name


def _stop(words: tuple[str, ...]) -> Stop:
    found = read(words, 1, frozenset({"bare-name", "name", "all", "sure"}))
    if "all" in found and "name" in found:
        raise Wrong("Say either a name or all.", [("stop", found["name"]), ("stop", "all")])
    return Stop(name=found.get("name"), everything="all" in found, sure="sure" in found)


def _start(words: tuple[str, ...]) -> Start:
    found = read(words, 1, _LEASE)
    return Start(name=found.get("name"), length=found.get("length"), until=found.get("until"))


def _end(words: tuple[str, ...]) -> End:
    found = read(words, 1, frozenset({"bare-name", "name", "sure", "all"}))
    if "all" in found:
        raise Wrong("Machines are ended one at a time, each by its name.")
    return End(name=found.get("name"))


def _extend(words: tuple[str, ...]) -> Extend:
    found = read(words, 1, _LEASE)
    return Extend(name=found.get("name"), length=found.get("length"), until=found.get("until"))


# ---- quotas and help ------------------------------------------------------------------------


def _quota(words: tuple[str, ...]) -> Quota | QuotaRaise:
    raises = [i for i, word in enumerate(words) if word.lower() in ("raise", "increase")]
    if not raises:
        found = read(words, 1, frozenset({"type", "region"}))
        return Quota(instance_type=_exact(found.get("type")), region=found.get("region"))
    rest = tuple(word for i, word in enumerate(words) if i not in raises)
    try:
        found = read(rest, 1, frozenset({"type", "region", "market", "count"}))
    except Wrong as wrong:
        raise Wrong(wrong.what, [(w[0], "raise", *w[1:]) for w in wrong.fixes if w]) from wrong
    kind = _exact(found.get("type"))
    if kind is None:
        raise Wrong("Say for which type.", [("quota", "raise", "p3.2xlarge", *rest[1:])])
    return QuotaRaise(
        instance_type=kind,
        count=found.get("count", 1),
        region=found.get("region"),
        market=found.get("market"),
    )


def _exact(kind: str | None) -> str | None:
    """Quotas are asked by instance type: a GPU's name stands for several of them."""
    if kind is not None and "." not in kind:
        raise Wrong(f"Say the instance type instead of {echo(kind)}, such as p3.2xlarge.")
    return kind


def _help(words: tuple[str, ...]) -> Help:
    if len(words) == 1:
        return Help()
    topic = words[1].lower()
    if topic in EXAMPLES:
        return Help(topic=None if topic == "help" else topic)
    if topic in _NOT_YET:
        raise _unknown((topic,))
    meant = closest(topic, EXAMPLES)
    fixes = [("help", meant)] if meant else [("help",)]
    raise Wrong(f"There is no help on {echo(topic)}.", fixes)


_READERS: dict[str, Callable[[tuple[str, ...]], Command]] = {
    "launch": _launch,
    "list": _list,
    "show": _show,
    "stop": _stop,
    "start": _start,
    "end": _end,
    "extend": _extend,
    "ssh": _ssh,
    "allow": read_allow,
    "quota": _quota,
    "help": _help,
}
