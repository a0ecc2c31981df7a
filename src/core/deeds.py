"""What is written into the audit trail, and what is not: who did what and what came of it.

Pure. Looking is no deed. Nothing that lets anybody in stands in the trail: no key, no link, no
long word that might be either.
"""

import re
from html import unescape

from core import commands
from core.blocks import Message, cut
from core.model import Happening, Machine
from core.words import clean, is_secret_like

BOT = "gpu"
_LOOKS = (
    commands.UsageError,
    commands.Overview,
    commands.ListMachines,
    commands.Show,
    commands.Ssh,
    commands.Help,
    commands.Types,
    commands.Price,
    commands.KeyList,
    commands.Quota,
    commands.Images,
    commands.DataList,
    commands.Cost,
    commands.BudgetShow,
    commands.PolicyShow,
    commands.Audit,
    commands.ScheduleList,
    commands.Doctor,
)
_LONGEST = 200
_LINK = re.compile(r"<https?://[^>|]*(?:\|([^>]*))?>|https?://\S+")
_TAG = re.compile(r"<[@#!]?([^>|]*)(?:\|([^>]*))?>")  # a mention, or a date with its words
_MARKS = re.compile(r"[*`]")
_END = re.compile(r"(?<=[.!?])\s|\n")
# Lines of a machine's history that tell of its way, not of anything done to it.
_ON_ITS_WAY = (
    "asked for",
    "planned",
    "held",
    "waits for the image",
    "no capacity yet",
    "running, waiting for SSH",
    "ready",
    "warned",
    "told a day ahead",
    "AWS's reason goes",
)


def is_deed(parsed: commands.Command | commands.UsageError) -> bool:
    """Whether a command changes something, or would."""
    if isinstance(parsed, commands.Allow):
        return bool(parsed.cidr)
    return not isinstance(parsed, _LOOKS)


def typed(text: str, parsed: commands.Command | commands.UsageError) -> str:
    """The command as it was typed, without anything secret."""
    if isinstance(parsed, commands.KeyAdd):
        return "key add"
    return cut(" ".join(_open(word) for word in clean(text).split()), _LONGEST)


def _open(word: str) -> str:
    return "(left out)" if is_secret_like(word) else word


def sentence(message: Message | None) -> str:
    """The first sentence of an answer, in plain words."""
    if message is None:
        return ""
    linked = _LINK.sub(lambda found: found[1] or "(a link)", message.text)
    plain = unescape(_MARKS.sub("", _TAG.sub(lambda found: found[2] or f"@{found[1]}", linked)))
    first = _END.split(plain.strip(), maxsplit=1)[0]
    return cut(" ".join(_open(word) for word in first.split()), _LONGEST)


def by_the_bot(before: Machine, after: Machine) -> tuple[Happening, ...]:
    """What has been done to a machine without a person's word, since `before` was read.

    The last line of before is among them: whoever wrote it may have died before it was recorded.
    """
    known = before.history[:-1]
    return tuple(
        line
        for line in after.history
        if line not in known and "(by " not in line.what and not line.what.startswith(_ON_ITS_WAY)
    )
