"""Who may do what: a table written by hand, held against what every command and button really does.

Each row is one person (workspace, kind of account, user group, role, whether Slack says who they
are), one channel and one deed. All of AWS is silent, so that a deed shows by what it writes or asks
first, and nothing has to be taken back; the ledger is put back before each row.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.faults import CloudError, classify
from core.flows import route
from core.flows.house import House
from core.flows.request import Click
from core.messages import as_asked
from core.messages.images import image_stamp
from core.model import (
    Approval,
    Cause,
    DataVolume,
    Doom,
    ImageCopy,
    ImageState,
    Machine,
    Member,
    Person,
    SavedImage,
    State,
    VolumeState,
)
from core.ports import ChatError
from sim.town import ADA, CHANNEL, KEY, LIN, SAM, TEAM, person, town

APP, SHA, KIM, GROUP = "U0APP", "U0SHA", "U0KIM", "S0TEAM"
ROLES = {"owner": ADA, "admin": SAM, "approver": APP, "shared": SHA, "nobody": LIN}
LOOK_UPS = {"ok": "", "silent": "unreachable", "unknown": "user_not_found"}
TABLES = ("machines", "requests", "twins", "names", "profiles", "quotas", "rows", "deeds")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table, but for what is done."""

    home: bool
    account: str  # member, guest, gone
    look_up: str
    group: str  # off: the rule names none; in, out; silent: Slack does not tell
    channel: str  # off: every channel; listed; other
    role: str

    @property
    def member(self) -> bool:
        """Somebody of whom Slack says now that they are one of us."""
        return self.look_up == "ok" and self.home and self.account == "member"

    @property
    def owns(self) -> bool:
        """Whose the machine is, or an admin."""
        return self.role in ("owner", "admin")

    @property
    def may_launch(self) -> bool:
        """Members in a group and a channel that may; admins need no group."""
        grouped = self.group in ("off", "in") or self.role == "admin"
        return self.member and grouped and self.channel != "other"


# ---- the table: what it says who may --------------------------------------------------------

LAUNCHES: dict[str, Callable[[Row], bool]] = {
    "launch": lambda row: row.may_launch,
    "quota raise": lambda row: row.may_launch,
    "start": lambda row: row.may_launch and row.owns,
    "save": lambda row: row.may_launch and row.owns,
    "[start]": lambda row: row.may_launch and row.owns,
    "[choose-0]": lambda row: row.may_launch and row.owns,
    "[more]": lambda row: row.may_launch and row.owns,
}
OTHERS: dict[str, Callable[[Row], bool]] = {
    "stop": lambda row: row.owns,
    "end": lambda row: row.owns,
    "stop all": lambda row: row.role == "owner",
    "[stop]": lambda row: row.owns,
    "[end]": lambda row: row.owns,
    "[cancel]": lambda row: row.owns,
    "[stop-all]": lambda row: row.role == "owner",
    "extend": lambda row: row.member and row.owns,
    "idle": lambda row: row.member and row.owns,
    "share": lambda row: row.member and row.owns,
    "schedule": lambda row: row.member and row.owns,
    "schedule skip": lambda row: row.member and row.owns,
    "data delete": lambda row: row.member and row.owns,
    "images delete": lambda row: row.member and row.owns,
    "[extend]": lambda row: row.member and row.owns,
    "[until]": lambda row: row.member and row.owns,
    "[ask-extension]": lambda row: row.member and row.owns,
    "[idle-keep]": lambda row: row.member and (row.owns or row.role == "shared"),
    "[shelf-keep]": lambda row: row.member and row.owns,
    "[schedule-skip]": lambda row: row.member and row.owns,
    "[data-delete]": lambda row: row.member and row.owns,
    "[image-delete]": lambda row: row.member and row.owns,
    "[approve]": lambda row: row.member and row.role == "approver",
    "[deny]": lambda row: row.member and row.role == "approver",
    "policy set": lambda row: row.member and row.role == "admin",
    "budget": lambda row: row.member and row.role == "admin",
    "key add": lambda row: row.member,
    "allow": lambda row: row.member,
    "allow me": lambda row: row.member,
}
EVERYBODY = [
    Row(home=home, account=account, look_up=look_up, group=group, channel=channel, role=role)
    for home, account, look_up, group, channel, role in itertools.product(
        (True, False),
        ("member", "guest", "gone"),
        LOOK_UPS,
        ("off", "in", "out", "silent"),
        ("off", "listed", "other"),
        ROLES,
    )
]
# What has nothing to do with launching is asked for the strictest and for no rules about it.
WITHOUT_LAUNCHING = [
    row for row in EVERYBODY if (row.group, row.channel) in (("off", "off"), ("out", "other"))
]


# ---- the place where it is tried ------------------------------------------------------------


class Silent:
    """All of AWS: it answers nothing, and remembers that it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*_: Any, **__: Any) -> Any:
            self.asked += 1
            raise CloudError(classify("RequestLimitExceeded", "slower", name, 503))

        return ask


class Place:
    """A town with a machine for every button, which is the same again after each row."""

    def __init__(self) -> None:
        self.town = here = town(approval_above=Decimal(5), approvers=frozenset({APP}))
        here.chat.add(person(APP, "app"), person(SHA, "sha"), person(KIM, "kim"))
        here.with_quota()
        here.ready_to_launch()
        self.bert = self._named("launch p3.2xlarge on-demand for 4h name bert")
        here.type(f"share bert <@{SHA}>")
        self.quiet = self._named("launch p3.2xlarge on-demand for 2h name quiet")
        here.type("schedule quiet weekdays 9:00-18:00")
        here.type("stop quiet")
        here.until_quiet()
        self.held = self._named("launch p3.8xlarge on-demand for 2h name held")
        self.asked = self._named("launch p3.8xlarge on-demand for 2h name asked")
        here.click("choose-0", f"{self.asked}:{here.ledger._machines[self.asked].turn}:0")
        (approval,) = here.ledger.rows(Approval)
        self.approval = approval.key
        self._rows()
        self.silent = Silent()
        away = dict.fromkeys(
            ("cloud", "images", "own_images", "disks", "quotas", "prices", "invoices", "commands"),
            self.silent,
        )
        self.house: House = replace(here.house, **away)  # type: ignore[arg-type]  # all the ports
        self.before = {name: dict(getattr(here.ledger, f"_{name}")) for name in TABLES}
        self.deeds = {**dict(self._commands()), **dict(self._clicks())}

    def _named(self, text: str) -> str:
        self.town.type(text)
        self.town.until_quiet()
        return self.town.machine().id

    def _rows(self) -> None:
        """What takes long to come about is written as it would be then."""
        ledger, now = self.town.ledger, self.town.now
        bert = ledger._machines[self.bert]
        assert bert.instance is not None
        assert bert.placement is not None
        doom = Doom(at=now + timedelta(hours=1), cause=Cause.IDLE, detail="0")
        ledger._machines[self.bert] = replace(bert, doom=doom)
        one = Member(number=1, instance=bert.instance, placement=bert.placement)
        short = replace(bert, id="m-short", name="short", wish=replace(bert.wish, count=3))
        ledger._machines["m-short"] = replace(short, members=(one,))
        self.volume = ledger.save_row(
            DataVolume(name="corpus", owner=ADA, gb=9, state=VolumeState.WANTED, made_at=now), None
        )
        copy = ImageCopy(region="us-east-1", image="ami-1", state=ImageState.AVAILABLE, began=now)
        self.image = ledger.save_row(
            SavedImage(
                name="env",
                owner=ADA,
                source="bert",
                source_type="p3.2xlarge",
                instance="i-1",
                channel=CHANNEL,
                made_at=now,
                architecture="x86_64",
                user="ubuntu",
                root_gb=50,
                copies=(copy,),
            ),
            None,
        )

    def _commands(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Deed → the words."""
        words = {
            "launch": "launch p3.2xlarge on-demand",
            "quota raise": "quota raise p3.2xlarge",
            "start": "start quiet",
            "save": "save bert as fresh",
            "stop": "stop bert",
            "end": "end bert",
            "stop all": "stop all yes",
            "extend": "extend bert 1h",
            "idle": "idle bert 30m",
            "share": f"share bert <@{KIM}>",
            "schedule": "schedule bert weekdays 9:00-18:00",
            "schedule skip": "schedule quiet skip",
            "data delete": "data delete corpus yes",
            "images delete": "images delete env yes",
            "policy set": "policy set longest-lease 9h",
            "budget": "budget team 900",
            "key add": f"key add {KEY.replace('B5Utv', 'B6Utv')}",
            "allow": "allow 198.51.100.77",
            "allow me": "allow me for 1h",
        }
        return ((deed, ("", text)) for deed, text in words.items())

    def _clicks(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Deed → action id and value, as the buttons carry them now."""
        rows = self.town.ledger._machines
        bert, quiet = rows[self.bert], rows[self.quiet]
        assert bert.lease is not None
        assert quiet.shelf is not None
        later = int(bert.lease.deadline.timestamp()) + 600
        beyond = int(bert.lease.deadline.timestamp()) + 30 * 3600
        leased = f"{bert.id}:{bert.lease.version}"
        values = {
            "start": quiet.id,
            "choose-0": f"{self.held}:{rows[self.held].turn}:0",
            "more": f"m-short:{rows['m-short'].turn}",
            "stop": leased,
            "end": leased,
            "cancel": f"{self.held}:{rows[self.held].turn}",
            "stop-all": f"{bert.owner}:{as_asked(bert)}",
            "extend": leased,
            "until": f"{leased}:{later}",
            "ask-extension": f"{leased}:{beyond}",
            "idle-keep": bert.id,
            "shelf-keep": f"{quiet.id}:{quiet.shelf.version}",
            "schedule-skip": f"{quiet.id}:2026-11-27",
            "data-delete": f"{self.volume.key}:{self.volume.version}",
            "image-delete": f"env:{image_stamp(self.image)}",
            "approve": self.approval,
            "deny": self.approval,
        }
        return ((f"[{action}]", (action, value)) for action, value in values.items())

    def does(self, deed: str, row: Row) -> bool:
        """Whether it is carried out for that person: something is written, or AWS is asked."""
        return self.acts(*self.deeds[deed], row)

    def acts(self, action: str, words: str, row: Row) -> bool:
        """The same of any command (no action), or of any button with any value."""
        here, user = self.town, ROLES[row.role]
        here.chat.add(account(row, user))
        here.chat.blind = LOOK_UPS[row.look_up]
        here.chat.groups = {} if row.group == "silent" else {GROUP: self._members(row, user)}
        policy = replace(
            self.house.policy,
            groups=frozenset() if row.group == "off" else frozenset({GROUP}),
            channels={"off": frozenset[str](), "listed": frozenset({CHANNEL})}.get(
                row.channel, frozenset({"C0ELSEWHERE"})
            ),
        )
        self._put_back()
        writes = here.ledger.writes
        with suppress(CloudError, ChatError):  # which have the queue bring it again
            self._carry_out(replace(self.house, policy=policy), user, action, words)
        return here.ledger.writes > writes or self.silent.asked > 0

    def _members(self, row: Row, user: str) -> frozenset[str]:
        return frozenset({user}) if row.group == "in" else frozenset({"U0ELSE"})

    def _carry_out(self, house: House, user: str, action: str, words: str) -> None:
        asked = self.town.request(words, user)
        if not action:
            return route.command(house, asked)
        pressed = Click(
            id=asked.id,
            user=user,
            channel=CHANNEL,
            action=action,
            value=words,
            response_url=asked.response_url,
            at=asked.at,
        )
        return route.click(house, pressed)

    def _put_back(self) -> None:
        for name, rows in self.before.items():
            setattr(self.town.ledger, f"_{name}", dict(rows))
        self.town.chat.answers.clear()
        self.town.chat._posted = [p for p in self.town.chat._posted if p.place.channel == CHANNEL]
        self.silent.asked = 0


def account(row: Row, user: str) -> Person:
    """As users.info would tell it."""
    return Person(
        id=user,
        team_id=TEAM if row.home else "T0ELSE",
        name="somebody",
        tz="UTC",
        active=row.account != "gone",
        member=row.account == "member",
    )


@pytest.fixture(scope="module")
def place() -> Place:
    return Place()


def machine(place: Place, id: str) -> Machine:
    return place.town.ledger._machines[id]


def differences(
    place: Place, table: dict[str, Callable[[Row], bool]], rows: list[Row]
) -> list[tuple[str, Row, bool]]:
    """Rows in which something else happens than the table says."""
    return [
        (deed, row, may(row))
        for deed, may in table.items()
        for row in rows
        if place.does(deed, row) != may(row)
    ]


def test_the_place_has_something_for_every_deed(place: Place) -> None:
    owner = Row(home=True, account="member", look_up="ok", group="off", channel="off", role="owner")
    assert machine(place, place.held).state is State.HELD
    assert machine(place, place.quiet).state is State.STOPPED
    for deed, may in {**LAUNCHES, **OTHERS}.items():
        some = [owner, *(replace(owner, role=role) for role in ROLES)]
        assert any(may(row) for row in some), deed
        assert any(place.does(deed, row) for row in some), deed


def test_every_launch_is_for_whom_the_table_says(place: Place) -> None:
    assert differences(place, LAUNCHES, EVERYBODY) == []
    assert len(LAUNCHES) * len(EVERYBODY) > 7000


def test_everything_else_is_for_whom_the_table_says(place: Place) -> None:
    assert differences(place, OTHERS, WITHOUT_LAUNCHING) == []
    assert len(OTHERS) * len(WITHOUT_LAUNCHING) > 5000


# ---- buttons that are none of theirs ----------------------------------------------------------

OWNER = Row(home=True, account="member", look_up="ok", group="off", channel="off", role="owner")
NOT_MADE_HERE = (
    "",
    ":",
    "m-nobody",
    "m-nobody:1",
    "m-nobody:1:0",
    "\u0663:\u0661",
    "../M#m-x",
    "R#policy",
    f"{ADA}.corpus",
    f"{ADA}.corpus:999",
    "env:",
    "env:999",
    "x" * 1500,
    "9" * 5000,
    "m-short.1",
    "None:None",
)


def test_no_value_that_was_not_made_here_does_anything(place: Place) -> None:
    for deed in place.deeds:
        action = place.deeds[deed][0]
        for value in NOT_MADE_HERE:
            for role in ("owner", "admin"):
                assert not action or not place.acts(action, value, replace(OWNER, role=role))


@pytest.mark.parametrize("change", [1, -1, 10**6])
def test_no_button_of_another_version_does_anything(place: Place, change: int) -> None:
    for deed in ("[stop]", "[end]", "[extend]", "[cancel]", "[choose-0]", "[more]", "[shelf-keep]"):
        action, value = place.deeds[deed]
        id, version, *rest = value.split(":")
        other = ":".join((id, str(int(version) + change), *rest))
        assert place.acts(action, value, OWNER)
        assert not place.acts(action, other, OWNER), deed


def test_a_button_with_the_value_of_any_other_is_for_nobody_else_either(place: Place) -> None:
    """Ids of other kinds, and of other people's things, under every action that there is."""
    buttons = [deed for deed in place.deeds if deed.startswith("[")]
    tried = 0
    for deed, other in itertools.product(buttons, buttons):
        action, value = place.deeds[deed][0], place.deeds[other][1]
        for row in (replace(OWNER, role="nobody"), replace(OWNER, home=False, role="nobody")):
            assert not place.acts(action, value, row), (deed, other)
            tried += 1
        place.acts(action, value, OWNER)  # whatever it means, it is no error
    assert tried > 500


def test_an_action_that_nobody_knows_does_nothing(place: Place) -> None:
    for action in (
        "",
        "launch",
        "route",
        "__class__",
        "stop ",
        "STOP",
        "choose",
        "choose-99",
        "m-x",
    ):
        for value in (place.deeds["[stop]"][1], place.deeds["[approve]"][1], ""):
            assert not action or not place.acts(action, value, replace(OWNER, role="admin"))
