"""The words about who gets in: `key …` and `allow …`."""

import re

from core.slots import KEYWORDS, Wrong, read
from core.wants import Allow, AllowRemove, KeyAdd, KeyList, KeyRemove
from core.words import closest, echo


def is_about_keys(line: str) -> bool:
    """Whether a line is a `key` command."""
    return line[:3].lower() == "key" and (len(line) == 3 or line[3].isspace())


def read_key_command(line: str) -> KeyAdd | KeyList | KeyRemove:
    """Read from the line itself, since the words of a key keep their case and their signs."""
    verb, _, rest = line[3:].strip().partition(" ")
    low, rest = verb.lower(), rest.strip()
    if low.startswith(("ssh-", "ecdsa-", "sk-")):
        return KeyAdd(text=line[3:].strip())
    if low in ("", "list"):
        return KeyList()
    if low not in ("add", "remove"):
        meant = closest(low, ("add", "list", "remove"))
        raise Wrong(
            f"{echo(verb)} is not something to do with keys: add, list or remove.",
            [("key", meant, *rest.split()), ("key", meant)] if meant else [("key", "list")],
        )
    return _key_add(rest) if low == "add" else _key_remove(rest)


def _key_add(rest: str) -> KeyAdd:
    if not rest:
        raise Wrong(
            "Paste the public key behind it: `/gpu key add ssh-ed25519 AAAA…`, the line in "
            "`~/.ssh/id_ed25519.pub`."
        )
    if re.match(r"(?:--)?(?:github[:=\s]|https?://|@)", rest, re.IGNORECASE):
        raise Wrong(
            "Keys cannot be fetched from GitHub in this version. Open https://github.com/ with "
            "your user name and .keys behind it, and paste the line: `/gpu key add ssh-ed25519 "
            "AAAA…`."
        )
    return KeyAdd(text=rest)


def _key_remove(rest: str) -> KeyRemove:
    if not rest:
        raise Wrong(
            "Say which key: its number in the list, its fingerprint or its comment.",
            [("key", "list")],
        )
    return KeyRemove(which=rest.strip("\"'`"))


def read_allow(words: tuple[str, ...]) -> Allow | AllowRemove:
    """`allow` with its words in any order; the address is left to whoever reads addresses."""
    low = tuple(word.lower() for word in words)
    if low[1:] == ("list",):
        return Allow()
    if "me" in low[1:]:
        raise Wrong(
            "The link that reads your address is not available in this version. Your address is "
            "shown at https://checkip.amazonaws.com; give it yourself."
        )
    if "remove" in low[1:]:
        rest = tuple(word for word in words[1:] if word.lower() != "remove")
        if len(rest) != 1:
            raise Wrong("Say which address to remove.", [("allow", "remove", *rest[:1])])
        return AllowRemove(cidr=rest[0])
    return _allowed(words)


def _allowed(words: tuple[str, ...]) -> Allow:
    slots = frozenset({"network", "length"})
    try:
        found = read(words, 1, slots)
    except Wrong:
        if len(words) > 1 and words[1].lower() not in KEYWORDS:
            # Not an address by its form: whoever reads addresses says best what is wrong with it.
            return Allow(cidr=words[1], length=read(words, 2, slots).get("length"))
        raise
    if found and "network" not in found:
        raise Wrong("Say which address to allow.", [("allow", "203.0.113.7", *words[1:])])
    return Allow(cidr=found.get("network"), length=found.get("length"))
