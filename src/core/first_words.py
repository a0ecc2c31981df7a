"""The first words: what the typer reads within a second, before anything is known.

They repeat the wish and say what is being looked at; they never promise. Only words of a harmless
form are repeated, so nothing in a command can mention, link or reorder anything in the answer.
With `private_keys` this is what the door carries of the core: standard library only, and little of
it.
"""

import re

from core.private_keys import holds_private_key

_TYPE = re.compile(r"[a-z][a-z0-9]*[0-9][a-z0-9-]*\.[a-z0-9-]{1,24}")
_GPU = re.compile(r"([0-9]{1,2}x)?[abhlmtv][0-9]{1,4}[a-z]{0,3}|[0-9]{1,4}gb")
_REGION = re.compile(r"[a-z]{2}(-[a-z]{3,12}){1,2}-[0-9]")
_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")
_MARKETS = {"spot": "spot", "on-demand": "on-demand", "ondemand": "on-demand"}
_CONFUSABLE_DASHES = re.compile(r"[\u2010-\u2015]+")

PRIVATE_KEY = (
    ":warning: That looks like a *private* key. It was thrown away here: not kept, not passed on,"
    " and nothing was started. But it has been through Slack, so rotate it now: make a"
    " new pair (`ssh-keygen -t ed25519`), replace the old key wherever it was used, and add the"
    " *public* half: `/gpu key add ssh-ed25519 AAAA…`"
)
NOT_TAKEN = (
    ":warning: Your command could not be taken, so nothing was started, stopped or changed."
    " Please try again in a minute."
)
NOT_CERTAIN = (
    ":warning: It is not certain that your command was taken. Please look at `/gpu list` in a"
    " minute before you try again, so that nothing is started twice."
)

_LOOKS = {
    "": "Looking up your machines…",
    "list": "Looking up the machines…",
    "cost": "Adding up what was spent…",
    "show": "Looking up {name}…",
    "ssh": "Looking up how to reach {name}…",
    "stop": "Looking up {name} to stop it…",
    "start": "Looking up {name} to start it…",
    "end": "Looking up {name} to end it…",
    "extend": "Looking up {name} to give it more time…",
    "quota": "Asking AWS for the quota…",
    "types": "Asking EC2 what it sells…",
    "price": "Comparing prices…",
    "key": "Looking at your keys…",
    "allow": "Looking at your addresses…",
    "doctor": "Looking everything over, which may take half a minute…",
    "help": "Here it comes…",
}


def first_words(text: str, region: str) -> str:
    """What to answer at once to `/gpu <text>`; `region` is where a launch goes when nobody says."""
    if holds_private_key(text):
        return PRIVATE_KEY
    words = _CONFUSABLE_DASHES.sub("--", text[:400]).lower().replace("=", " ").split()
    words = [word.removeprefix("--") for word in words]
    command = words[0] if words else ""
    if command == "launch":
        return _looking_for(words[1:], region)
    if command == "stop" and words[1:2] == ["all"]:
        return "Looking up all your machines…"
    look = _LOOKS.get(command, "Reading your command…")
    return look.format(name=_machine(words[1:]))


def _looking_for(words: list[str], region: str) -> str:
    """ "Looking for p3.2xlarge spot in us-east-1…", as far as the words say so plainly."""
    kind = next((word for word in words if _TYPE.fullmatch(word) or _GPU.fullmatch(word)), None)
    if kind is None:
        return "Reading what to launch…"
    market = next((_MARKETS[word] for word in words if word in _MARKETS), None)
    where = next((word for word in words if _REGION.fullmatch(word)), region)
    wish = kind if market is None else f"{kind} {market}"
    return f"Looking for {wish} in {where}…" if where else f"Looking for {wish}…"


def _machine(words: list[str]) -> str:
    """The machine's name where the next word can be one."""
    name = words[0] if words else ""
    return name if _NAME.fullmatch(name) else "your machine"
