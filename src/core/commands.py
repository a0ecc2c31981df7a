"""Text → a command, or a `UsageError` that says what would be right. Nothing else reads words.

Words come in any order and any case; a command whose words are not all understood is refused
whole, so that no machine is ever launched from half a sentence.
"""

import re
from collections.abc import Callable
from datetime import timedelta

from core.access import is_about_keys, read_allow, read_key_command
from core.keys import private_key_refused, read_key
from core.model import Market
from core.money_words import (
    read_audit,
    read_budget,
    read_cost,
    read_idle,
    read_policy,
    read_schedule,
)
from core.networks import read_network
from core.private_keys import holds_private_key
from core.slots import KEYWORDS, Wrong, looks_like_region, read
from core.times import Until, resolve
from core.wants import (
    Allow,
    AllowMe,
    AllowOffice,
    AllowRemove,
    Audit,
    BudgetSet,
    BudgetShow,
    Command,
    Cost,
    DataDelete,
    DataList,
    Doctor,
    End,
    Extend,
    Help,
    Idle,
    ImageDelete,
    Images,
    KeyAdd,
    KeyImport,
    KeyList,
    KeyRemove,
    Launch,
    ListMachines,
    Overview,
    PolicySet,
    PolicyShow,
    Price,
    Quota,
    QuotaRaise,
    Save,
    ScheduleList,
    ScheduleSet,
    ScheduleSkip,
    Share,
    Show,
    Ssh,
    Start,
    Stop,
    Types,
)
from core.words import LONGEST_TEXT, UsageError, clean, closest, echo, is_secret_like, split

__all__ = [
    "Allow",
    "AllowMe",
    "AllowOffice",
    "AllowRemove",
    "Audit",
    "BudgetSet",
    "BudgetShow",
    "Command",
    "Cost",
    "DataDelete",
    "DataList",
    "Doctor",
    "End",
    "Extend",
    "Help",
    "Idle",
    "ImageDelete",
    "Images",
    "KeyAdd",
    "KeyImport",
    "KeyList",
    "KeyRemove",
    "Launch",
    "ListMachines",
    "Overview",
    "PolicySet",
    "PolicyShow",
    "Price",
    "Quota",
    "QuotaRaise",
    "Save",
    "ScheduleList",
    "ScheduleSet",
    "ScheduleSkip",
    "Share",
    "Show",
    "Ssh",
    "Start",
    "Stop",
    "Types",
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
    "types": "types 24GB",
    "price": "price g5.xlarge",
    "quota": "quota p3.2xlarge",
    "save": "save amber-fox as bert-env",
    "images": "images",
    "data": "data",
    "cost": "cost month",
    "budget": "budget team 2000",
    "policy": "policy",
    "audit": "audit week",
    "idle": "idle amber-fox 30m",
    "schedule": "schedule amber-fox weekdays 9:00-18:00",
    "share": "share amber-fox <@U0123456>",
    "unshare": "unshare amber-fox <@U0123456>",
    "doctor": "doctor",
    "help": "help",
}
# word: (what to say, the command to use instead)
_NOT_YET = {
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
    found = [
        i
        for i, word in enumerate(words)
        if word.lower() in _READERS and word.lower() not in KEYWORDS
    ]
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

_WISH = frozenset(
    {
        *("type", "market", "region", "or", "cheapest", "count", "length", "until", "keep"),
        *("image", "disk", "disk_type", "iops", "throughput", "data", "name"),
        *("recover", "idle", "project", "why"),
    }
)


def _launch(words: tuple[str, ...]) -> Launch:
    if len(words) == 1:
        raise Wrong("Say what to launch: a type, and whatever differs from the defaults.")
    found = read(words, 1, _WISH)
    if "type" not in found:
        raise Wrong("Say which type to launch.", [(words[0], "p3.2xlarge", *words[1:])])
    found["instance_type"] = found.pop("type")
    if found.get("recover"):
        found["keep"] = True  # it comes back from its own disk
    if found.get("keep") and found.setdefault("market", Market.SPOT) is not Market.SPOT:
        without = tuple(word for word in words if word.lower() != "keep")
        raise Wrong("On-demand machines keep their disk when they stop anyway.", [without])
    if found.get("keep") and found.get("count", 1) > 1:
        one = tuple(word for word in words if not re.fullmatch(r"x\d+|\d+x", word.lower()))
        raise Wrong("Disks are kept of single machines only; of several they go.", [one])
    data, data_gb = found.pop("data", (None, None))
    trying = found.pop("keep_trying", False)
    renamed = {"disk": "disk_gb"}
    return Launch(
        **{renamed.get(slot, slot): value for slot, value in found.items()},
        data=data,
        data_gb=data_gb,
        keep_trying=bool(trying),
        keep_until=trying if isinstance(trying, Until) else None,
        keep_for=trying if isinstance(trying, timedelta) else None,
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


def _share(words: tuple[str, ...]) -> Share:
    found = read(words, 1, frozenset({"bare-name", "name", "user"}))
    if "user" not in found:
        raise Wrong("Say with whom, by their name in Slack: `/gpu share amber-fox @kim`.")
    return Share(user=found["user"], name=found.get("name"), stop=words[0] == "unshare")


# ---- what there is, and what was kept -------------------------------------------------------


def _types(words: tuple[str, ...]) -> Types:
    """The filter is whatever is left: a family, a maker, an architecture, a GPU or its memory."""
    low = tuple(word.lower() for word in words[1:])
    found = read((words[0], *_places(low)), 1, frozenset({"market", "region"}))
    rest = tuple(word for word in low if word not in _places(low))
    if len(rest) > 1:
        raise Wrong("Say one thing to look for.", [("types", rest[0])])
    return Types(filter=rest[0] if rest else None, **found)


def _places(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words about market and region among them."""
    about = {"in", "region", "spot", "on-demand", "ondemand"}
    return tuple(
        word
        for before, word in zip(("", *words), words, strict=False)
        if word in about or before in ("in", "region") or looks_like_region(word)
    )


def _price(words: tuple[str, ...]) -> Price:
    found = read(words, 1, frozenset({"type", "region", "cheapest"}))
    if "type" not in found:
        raise Wrong("Say for which type.", [("price", "g5.xlarge", *words[1:])])
    return Price(instance_type=found["type"], region=found.get("region"))


def _save(words: tuple[str, ...]) -> Save:
    found = read(words, 1, frozenset({"bare-name", "name", "as"}))
    if "as" not in found:
        raise Wrong(
            "Say as what: `/gpu save amber-fox as bert-env`.", [(*words[:2], "as", "my-image")]
        )
    return Save(image=found["as"], name=found.get("name"))


def _images(words: tuple[str, ...]) -> Images | ImageDelete:
    name, sure = _deleted(words, "an image", "bert-env")
    return Images() if name is None else ImageDelete(image=name, sure=sure)


def _data(words: tuple[str, ...]) -> DataList | DataDelete:
    name, sure = _deleted(words, "a data volume", "data")
    return DataList() if name is None else DataDelete(data=name, sure=sure)


def _deleted(words: tuple[str, ...], what: str, example: str) -> tuple[str | None, bool]:
    """`images`, `images delete bert-env`, `images delete bert-env yes`: the name and the yes."""
    low = [word.lower() for word in words[1:]]
    if low in ([], ["list"]):
        return None, False
    rest = [word for word in low if word not in ("delete", "remove", "yes")]
    if not {"delete", "remove"} & set(low):
        raise Wrong(f"To delete {what}, say so.", [(words[0], "delete", *rest), (words[0],)])
    if len(rest) != 1:
        raise Wrong(f"Say which {what.split(' ', 1)[1]} to delete.", [(words[0],)])
    return rest[0], "yes" in low


# ---- quotas and help ------------------------------------------------------------------------


def _quota(words: tuple[str, ...]) -> Quota | QuotaRaise:
    raises = [i for i, word in enumerate(words) if word.lower() in ("raise", "increase")]
    if not raises:
        found = read(words, 1, frozenset({"type", "region"}))
        return Quota(instance_type=found.get("type"), region=found.get("region"))
    rest = tuple(word for i, word in enumerate(words) if i not in raises)
    try:
        found = read(rest, 1, frozenset({"type", "region", "market", "count"}))
    except Wrong as wrong:
        raise Wrong(wrong.what, [(w[0], "raise", *w[1:]) for w in wrong.fixes if w]) from wrong
    kind = found.get("type")
    if kind is None:
        raise Wrong("Say for which type.", [("quota", "raise", "p3.2xlarge", *rest[1:])])
    return QuotaRaise(
        instance_type=kind,
        count=found.get("count", 1),
        region=found.get("region"),
        market=found.get("market"),
    )


def _doctor(words: tuple[str, ...]) -> Doctor:
    read(words, 1, frozenset({"all"}))
    return Doctor()


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
    "share": _share,
    "unshare": _share,
    "allow": read_allow,
    "types": _types,
    "price": _price,
    "quota": _quota,
    "save": _save,
    "images": _images,
    "data": _data,
    "cost": read_cost,
    "budget": read_budget,
    "policy": read_policy,
    "audit": read_audit,
    "idle": read_idle,
    "schedule": read_schedule,
    "doctor": _doctor,
    "help": _help,
}
