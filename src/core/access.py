"""The words about who gets in: `key …` and `allow …`."""

import re

from core.slots import KEYWORDS, Wrong, read
from core.wants import (
    Allow,
    AllowMe,
    AllowOffice,
    AllowRemove,
    KeyAdd,
    KeyImport,
    KeyList,
    KeyRemove,
)
from core.words import closest, echo

# What GitHub takes for a user name; `@name` and the page of the keys mean the same.
_GITHUB = re.compile(
    r"(?:(?:--)?github[:=\s]\s*@?|(?:https?://)?(?:www\.)?github\.com/|@)"
    r"([a-z0-9](?:-?[a-z0-9]){0,38})(?:\.keys|/)?",
    re.IGNORECASE,
)


def is_about_keys(line: str) -> bool:
    """Whether a line is a `key` command."""
    return line[:3].lower() == "key" and (len(line) == 3 or line[3].isspace())


def read_key_command(line: str) -> KeyAdd | KeyImport | KeyList | KeyRemove:
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


def _key_add(rest: str) -> KeyAdd | KeyImport:
    if not rest:
        raise Wrong(
            "Paste the public key behind it: `/gpu key add ssh-ed25519 AAAA…`, the line in "
            "`~/.ssh/id_ed25519.pub`."
        )
    at_github = _GITHUB.fullmatch(rest)
    if at_github:
        return KeyImport(account=at_github[1])
    if re.match(r"(?:--)?(?:github\b|https?://|@)", rest, re.IGNORECASE):
        raise Wrong(
            "That is not a GitHub user: 1 to 39 letters, digits and single hyphens.",
            [("key", "add", "github:octocat")],
        )
    return KeyAdd(text=rest)


def _key_remove(rest: str) -> KeyRemove:
    if not rest:
        raise Wrong(
            "Say which key: its number in the list, its fingerprint or its comment.",
            [("key", "list")],
        )
    return KeyRemove(which=rest.strip("\"'`"))


def read_allow(words: tuple[str, ...]) -> Allow | AllowMe | AllowOffice | AllowRemove:
    """`allow` with its words in any order; the address is left to whoever reads addresses."""
    low = tuple(word.lower() for word in words)
    if low[1:] == ("list",):
        return Allow()
    if "remove" in low[1:]:
        rest = tuple(word for word in words[1:] if word.lower() != "remove")
        if len(rest) != 1:
            raise Wrong("Say which address to remove.", [("allow", "remove", *rest[:1])])
        _no_slip(rest[0], ("office",), ("allow", "remove"))
        return AllowRemove(cidr=rest[0])
    for word, kind in (("me", AllowMe), ("office", AllowOffice)):
        if word in low[1:]:
            rest = tuple(w for w in words if w.lower() != word)
            return kind(length=read(rest, 1, frozenset({"length"})).get("length"))
    return _allowed(words)


def _allowed(words: tuple[str, ...]) -> Allow:
    slots = frozenset({"network", "length"})
    try:
        found = read(words, 1, slots)
    except Wrong:
        if len(words) > 1 and words[1].lower() not in KEYWORDS:
            _no_slip(words[1], ("office", "me", "list", "remove"), ("allow",), words[2:])
            # Not an address by its form: whoever reads addresses says best what is wrong with it.
            return Allow(cidr=words[1], length=read(words, 2, slots).get("length"))
        raise
    if found and "network" not in found:
        raise Wrong("Say which address to allow.", [("allow", "203.0.113.7", *words[1:])])
    return Allow(cidr=found.get("network"), length=found.get("length"))


def _no_slip(
    word: str, known: tuple[str, ...], before: tuple[str, ...], after: tuple[str, ...] = ()
) -> None:
    """Refuse a word that stands where an address could, and is nearly one of those."""
    meant = closest(word, known, least=0.7)
    if meant and meant != word.lower():
        raise Wrong(f"{echo(word)} is not an IP address.", [(*before, meant, *after)])
