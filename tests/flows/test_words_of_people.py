"""Whatever people type, and whatever Slack and GitHub call them, is only ever text.

Whole commands go through a town in which a machine runs; then everything that was posted, answered,
shown in the Home tab, sent as a file or written into the trail is looked at, letter by letter.
"""

import csv
import io
import json
import random
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import commands, messages
from core.commands import UsageError
from core.flows import home, route
from core.words import LONGEST_TEXT
from sandbox.slack.blocks import message_faults
from sim.town import ADA, KEY, LIN, SAM, Town, person, town

NASTY = (
    "<!channel>",
    "<!here|x>",
    "<!subteam^S1>",
    "<@U0LIN>",
    "<@U0LIN|lin>",
    "<#C1|general>",
    "<https://evil.test|click>",
    "<mailto:a@evil.test|a>",
    "https://evil.test/x",
    "&lt;!channel&gt;",
    "&amp;lt;!channel&amp;gt;",
    "&<>&",
    "@here",
    "*bold*_it_~no~`code`",
    "```",
    ">quote",
    "am\u200bber",
    "a\u202eb\u2066c\u2069",
    "\ufeffx",
    "x\u034f\u115f\u3164\ufe0f",
    "line\nbreak\r\n\ttab",
    "\u2028\u2029\x0b\x85",
    "\x00nul\x1b[31m",
    "\u201csmart\u201d \u2018quotes\u2019 \u2014dash \u2013for",
    "\u0663\u0664h",
    "\uff11\uff12h",
    "p3.2xlarge;rm",
    "../../etc/passwd",
    "$(reboot)",
    "`reboot`",
    "{{7*7}}%s{0}",
    "'; DROP TABLE--",
    "=cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd",
    "+1",
    "-1h",
    "1e999h",
    "NaN",
    "inf",
    "25:61",
    "0x10",
    "9" * 60,
    "1" * 4400,
    "x" * 300,
    "\U0001f600\u0301\u0301",
    "e\u0301" * 30,
    "for for for",
    "--for=4h --for=5h",
    "name=a name=b",
    "in in in",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "xoxb-1234567890-abcdefghijklmnopqrstuvwxyz",
    "",
)
GOOD = (
    "amber-fox", "bert", "mine", "p3.2xlarge", "g5.xlarge", "spot", "4h", "18:00", "us-east-1",
    "team", "off", "100", "ubuntu", "yes", "all", "csv", "week", "month", "2", "24GB",
    "<@U0LIN>", "<@U0LIN|lin>", "longest-lease", "approval-above", "weekdays 9:00-18:00",
    "203.0.113.9", "github:octocat", KEY,
)  # fmt: skip
TEMPLATES = (
    "{}",
    "{} {}",
    "launch {}",
    "launch p3.2xlarge spot {} {}",
    "launch p3.2xlarge spot name {}",
    "launch p3.2xlarge spot project {} why {}",
    "launch p3.2xlarge spot why {} {}",
    "launch p3.2xlarge spot image {}",
    "launch p3.2xlarge spot data {} {}",
    "launch p3.2xlarge spot disk {} {}",
    "launch p3.2xlarge spot for {}",
    "launch p3.2xlarge spot until {}",
    "launch p3.2xlarge spot in {} or {}",
    "launch p3.2xlarge x{} idle {}",
    "list {}",
    "show {}",
    "stop {} {}",
    "start {} for {}",
    "end {} {}",
    "extend {} {}",
    "extend bert until {}",
    "ssh {}",
    "share bert {} {}",
    "unshare bert {}",
    "key {}",
    "key add {}",
    f"key add {KEY.rsplit(' ', 1)[0]} {{}} {{}}",
    "key add github:{}",
    "key remove {}",
    "allow {} for {}",
    "allow remove {}",
    "allow me for {}",
    "types {} in {}",
    "price {} {}",
    "quota {}",
    "quota raise {} {}",
    "save {} as {}",
    "save bert as {}",
    "images {} {}",
    "images delete {}",
    "data delete {} {}",
    "cost {} {}",
    "cost by {} {}",
    "budget {} {}",
    "budget project {} {}",
    "policy {} {}",
    "policy set {} {}",
    "policy set longest-lease {}",
    "policy set channels {}",
    "audit {} {}",
    "idle bert {}",
    "schedule bert {}",
    "help {}",
    "run {}",
)
_OURS = re.compile(
    r"<!date\^\d+\^(?:\{date_short_pretty\} at )?\{time\}\|[^<>|&]+>"
    r"|<!date\^\d+\^\{[a-z_]+\}\|[^<>|&]+>"
    r"|<@[A-Z0-9]+>|<#[A-Z0-9]+>|<!subteam\^[A-Z0-9]+>"
    r"|<https://(?:checkip\.amazonaws\.com|door\.example/here/[A-Za-z0-9._-]+)\|[^<>|]+>"
    r"|<https://(?:console\.aws\.amazon\.com|docs\.aws\.amazon\.com)/[^<>|]+\|[^<>|]+>"
    r"|<vscode://vscode-remote/ssh-remote\+[^<>|]+\|Open in VS Code>"
)
_ENTITY = re.compile(r"&(?:amp|lt|gt);")
# Letters without a glyph that are no format characters to Unicode.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")


def check_text(text: str, *, markup: bool) -> None:
    """Nothing in it mentions, links, reorders or hides but what this house writes itself."""
    rest = _ENTITY.sub("", _OURS.sub("", text)) if markup else text
    assert not set("<>") & set(rest), rest
    if markup:
        assert "&" not in rest, rest
    for letter in rest:
        unseen = unicodedata.category(letter) in ("Cf", "Cs", "Zl", "Zp") or letter in _UNSEEN
        assert not unseen, (hex(ord(letter)), rest)
        assert letter == "\n" or unicodedata.category(letter) != "Cc", (hex(ord(letter)), rest)


def texts(block: Any) -> Iterator[tuple[str, bool]]:
    """Every text of a block, and whether Slack reads markup in it."""
    if isinstance(block, dict):
        if block.get("type") in ("mrkdwn", "plain_text") and isinstance(block.get("text"), str):
            if block["type"] == "mrkdwn":
                assert block["verbatim"] is True
            yield block["text"], block["type"] == "mrkdwn"
        elif block.get("type") == "data_visualization":
            yield from ((text, False) for text in strings(block))
        for part in block.values():
            yield from texts(part)
    elif isinstance(block, list | tuple):
        for part in block:
            yield from texts(part)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)


class Looking:
    """A town, and everything in it that somebody can read, each thing looked at once."""

    def __init__(self, here: Town) -> None:
        self.here = here
        self.answers = self.files = 0
        self.seen: dict[Any, int] = {}
        self.looked_at = 0

    def look(self) -> None:
        chat = self.here.chat
        for answer in chat.answers[self.answers :]:
            self.message(answer.message)
        self.answers = len(chat.answers)
        for posted in chat._posted:
            versions = (*posted.earlier, posted.message)
            for message in versions[self.seen.get(posted.place, 0) :]:
                self.message(message)
            self.seen[posted.place] = len(versions)
        for user, homes in chat.homes.items():
            for tab in homes[self.seen.get(user, 0) :]:
                self.blocks(tab.blocks)
            self.seen[user] = len(homes)
        for _, file in chat.files[self.files :]:
            self.file(file.text)
            check_text(file.said, markup=True)
            check_text(file.name + file.title, markup=False)
        self.files = len(chat.files)

    def message(self, message: Any) -> None:
        self.looked_at += 1
        assert message_faults(json.loads(json.dumps(message.blocks))) == []
        check_text(message.text, markup=True)
        self.blocks(message.blocks)

    def blocks(self, blocks: Any) -> None:
        for text, markup in texts(blocks):
            check_text(text, markup=markup)

    def file(self, text: str) -> None:
        for row in csv.reader(io.StringIO(text)):
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n")), cell
                assert not cell.startswith("-") or re.fullmatch(r"-[0-9.]+", cell), cell
                check_text(cell.replace("<", "").replace(">", "").replace("&", ""), markup=False)


def a_town() -> Town:
    """Somewhere where most commands find something to act on."""
    here = town()
    here.with_quota()
    here.chat.add(person(LIN, "<!channel>\u202e=cmd()"), person(SAM, "*sam*\n&<@U0ADA>`"))
    here.github.pages["octocat"] = f"{KEY.rsplit(chr(32), 1)[0]} <!channel>\n<@U0LIN> =1\n{KEY}"
    for who in (ADA, LIN):
        here.ready_to_launch(who)
    here.type("launch p3.2xlarge on-demand for 4h name bert project mine why =cmd() <!channel>")
    here.type("launch p3.2xlarge spot for 4h name amber-fox", LIN)
    here.until_quiet()
    return here


def spoken(rng: random.Random) -> str:
    """A command with something nasty, or something that fits, in each of its places."""
    template = rng.choice(TEMPLATES)
    return template.format(
        *(rng.choice(NASTY if rng.random() < 0.6 else GOOD) for _ in range(template.count("{}")))
    )


def check_calls(calls: list[dict[str, Any]]) -> None:
    """Of what people say only names of a fixed form reach EC2, and public keys its machines."""
    for call in calls:
        for made in call["TagSpecifications"]:
            for tag in made["Tags"]:
                assert re.fullmatch(r"[A-Za-z0-9.:-]{0,64}", tag["Value"]), tag
        assert call["UserData"].isascii()
        for word in ("evil", "reboot", "channel", "U0LIN", "calc", "=cmd", "ada@"):
            keys_out = re.sub(r"AAAA[A-Za-z0-9+/=]+", "", call["UserData"])
            assert word not in keys_out, word


def say(here: Town, text: str, user: str) -> None:
    route.command(here.house, here.request(text, user))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_is_typed_mentions_links_hides_or_reorders_anything(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(3):
        looking = Looking(a_town())
        launched = looking.here.hearing("RunInstances")
        looking.look()
        for _ in range(120):
            text, user = spoken(rng), rng.choice((ADA, ADA, LIN, SAM))
            try:
                say(looking.here, text, user)
                looking.look()
            except Exception as error:
                raise AssertionError(f"after {text!r} of {user}") from error
        looking.here.until_quiet()
        for user in (ADA, LIN, SAM):
            home.opened(looking.here.house, user)
            for text in ("cost csv", "cost by person", "audit csv", "audit week", "list all"):
                say(looking.here, text, user)
        looking.look()
        assert looking.looked_at > 100
        check_calls(launched)


any_text = st.text(max_size=80) | st.sampled_from(NASTY)
sentences = st.lists(st.sampled_from(GOOD) | any_text, max_size=6).map(" ".join)
typed = st.one_of(
    sentences,
    st.builds(lambda first, rest: f"{first} {rest}", st.sampled_from(TEMPLATES), sentences),
    st.text(min_size=LONGEST_TEXT - 5, max_size=LONGEST_TEXT + 5),
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(typed)
def test_whatever_is_typed_is_a_command_or_a_refusal_that_names_what_to_type(text: str) -> None:
    parsed = commands.parse(text)
    if isinstance(parsed, UsageError):
        said = messages.usage(parsed)
        check_text(said.text, markup=True)
        assert "`/gpu " in said.text
        if parsed.nearest:
            assert not isinstance(commands.parse(parsed.nearest), UsageError), parsed.nearest
