"""Whatever a machine looks like, every message keeps Slack's limits and its own promises."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import messages
from core.blocks import Message
from core.commands import UsageError
from core.faults import classify
from core.lifecycle import NotExtended
from core.model import (
    FINAL,
    UNBOUGHT,
    Access,
    Attempt,
    Cause,
    Choice,
    ChoiceKind,
    Desire,
    Gpu,
    Happening,
    Hold,
    HoldKind,
    Image,
    Instance,
    Lease,
    Machine,
    Market,
    Notice,
    NoticeKind,
    Placement,
    Profile,
    PublicKey,
    QuotaFacts,
    QuotaRequest,
    QuotaStatus,
    Run,
    State,
    Tried,
    TypeFacts,
    Wish,
)
from core.policy import Denied
from sandbox.slack.blocks import message_faults

T = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
_OURS = re.compile(
    r"<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[^<>|]+>"
    r"|<@[A-Z0-9]+>|<#[A-Z0-9]+>"
    r"|<https://checkip\.amazonaws\.com\|[^<>]+>"
    r"|<vscode://vscode-remote/ssh-remote\+[^<>|]+\|Open in VS Code>"
)

nasty = st.one_of(
    st.text(min_size=1, max_size=40),
    st.sampled_from(
        [
            "<!channel>",
            "<@U0EVIL>",
            "<https://evil.test|click>",
            "</code>`*_~",
            "\u202eabc",
            "a&b<c>d",
            "@here",
            "x" * 4000,
        ]
    ),
)
ids = st.from_regex(r"[A-Z0-9]{2,11}", fullmatch=True)
money = st.decimals(Decimal("0.0001"), Decimal("999"), places=4)
moments = st.integers(0, 10_000_000).map(lambda s: T + timedelta(seconds=s))
spans = st.integers(60, 1_000_000).map(lambda s: timedelta(seconds=s))
markets = st.sampled_from(list(Market))
placements = st.builds(
    Placement, region=nasty, zone=nasty, subnet=nasty, market=markets, hourly=money
)
choices = st.builds(
    Choice, kind=st.sampled_from(list(ChoiceKind)), value=nasty, hourly=st.none() | money
)
quota_facts = st.builds(
    QuotaFacts,
    code=nasty,
    name=nasty | st.just("All P4, P3 and P2 Spot Instance Requests"),
    region=nasty,
    limit=st.integers(0, 9999),
    used=st.integers(0, 9999),
    in_flight=st.integers(0, 99),
)
holds = st.builds(
    Hold,
    kind=st.sampled_from([k for k in HoldKind if k is not HoldKind.TOO_DEAR]),
    choices=st.lists(choices, max_size=4).map(tuple),
    quota=st.none() | quota_facts,
    needed=st.integers(0, 999),
    asked=st.none() | nasty,
    lacks_key=st.booleans(),
    lacks_address=st.booleans(),
    code=nasty,
    detail=nasty,
)
attempts = st.builds(
    Attempt,
    number=st.just(1),
    placement=placements,
    token=nasty,
    request=nasty,
    unclear=st.booleans(),
)
instances = st.builds(
    Instance,
    id=nasty,
    region=nasty,
    zone=nasty,
    state=st.sampled_from(["pending", "running", "stopped", "terminated"]),
    launched_at=moments,
    address=st.none() | st.just("203.0.113.9"),
)
leases = st.builds(
    Lease,
    length=spans,
    started_at=moments,
    deadline=moments,
    warn_at=moments,
    hard=moments,
    version=st.integers(1, 99),
)
images = st.builds(
    Image,
    id=nasty,
    name=nasty,
    architecture=nasty,
    root_device=nasty,
    root_gb=st.integers(8, 500),
    user=st.just("ubuntu"),
)
gpus = st.builds(Gpu, name=nasty, maker=nasty, count=money, memory_mib=st.integers(1, 999_999))
facts = st.builds(
    TypeFacts,
    name=nasty,
    vcpus=st.integers(1, 192),
    memory_mib=st.integers(1, 999_999),
    architecture=nasty,
    gpu=st.none() | gpus,
    markets=st.just(frozenset(Market)),
)
runs = st.builds(Run, started_at=moments, ended_at=st.none() | moments, hourly=money)
tried = st.builds(
    Tried, zone=nasty, market=markets, code=nasty | st.just("InsufficientInstanceCapacity")
)
histories = st.builds(
    Happening,
    at=moments,
    what=nasty
    | st.just("us-east-1a spot: Unsupported")
    | ids.map(lambda who: f"extended (by {who})"),
)
wishes = st.builds(
    Wish,
    instance_type=nasty,
    market=markets,
    region=nasty,
    length=st.none() | spans,
    until=st.none() | moments,
    name=st.none() | nasty,
)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Any machine that the ledger might hold, sensible or not."""
    state = draw(st.sampled_from(list(State)))
    bought = state not in UNBOUGHT
    return Machine(
        id="m-" + draw(st.from_regex(r"[a-z0-9]{10}", fullmatch=True)),
        version=1,
        name=draw(nasty),
        owner=draw(ids),
        channel="C1",
        wish=draw(wishes),
        state=state,
        desire=draw(st.sampled_from(list(Desire))),
        created_at=T,
        launch_by=draw(moments),
        due_at=None,
        turn=draw(st.integers(0, 9)),
        hold=draw(st.none() | holds),
        facts=draw(st.none() | facts),
        image=draw(st.none() | images),
        disk_gb=draw(st.none() | st.integers(8, 16384)),
        placement=draw(st.none() | placements) if bought else None,
        attempt=draw(st.none() | attempts) if bought else None,
        tried=tuple(draw(st.lists(tried, max_size=12))),
        instance=draw(st.none() | instances) if bought else None,
        lease=draw(st.none() | leases),
        runs=tuple(draw(st.lists(runs, max_size=3))) if bought else (),
        ready_at=draw(st.none() | moments),
        ended_by=draw(st.none() | ids),
        cause=draw(st.none() | st.sampled_from(list(Cause))),
        history=tuple(draw(st.lists(histories, max_size=4))),
    )


profiles = st.builds(
    Profile,
    user=ids,
    keys=st.lists(
        st.builds(PublicKey, fingerprint=nasty, text=nasty, comment=nasty, added_at=moments),
        max_size=3,
    ).map(tuple),
    accesses=st.lists(st.builds(Access, cidr=nasty, until=moments), max_size=3).map(tuple),
)
quota_requests = st.builds(
    QuotaRequest,
    region=nasty,
    code=nasty,
    name=nasty,
    before=st.integers(0, 99),
    desired=st.integers(0, 99),
    change_id=nasty,
    status=st.sampled_from(list(QuotaStatus)),
    asked_by=ids,
    asked_at=moments,
    channel=nasty,
    thread=st.none(),
    case_id=st.none() | nasty,
    granted=st.none() | st.integers(0, 99),
)

many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def check(message: Message) -> None:
    """What holds of every message."""
    assert message.text.strip()
    assert len(message.text) <= 3000
    assert 1 <= len(message.blocks) <= 50
    assert message_faults(json.loads(json.dumps(message.blocks))) == []
    _only_our_tags(message.text)
    buttons = []
    for block in message.blocks:
        match block["type"]:
            case "section" if "fields" in block:
                assert len(block["fields"]) <= 10
                texts = [(field, 2000) for field in block["fields"]]
            case "section":
                texts = [(block["text"], 3000)]
            case "context":
                assert 1 <= len(block["elements"]) <= 10
                texts = [(element, 2000) for element in block["elements"]]
            case "actions":
                assert block["elements"]
                buttons += block["elements"]
                texts = []
            case other:
                assert other == "divider"
                texts = []
        for text, most in texts:
            assert text["type"] == "mrkdwn"
            assert text["verbatim"] is True
            assert 1 <= len(text["text"]) <= most
            _only_our_tags(text["text"])
    _check_buttons(buttons)


def _check_buttons(buttons: list[dict[str, object]]) -> None:
    assert len(buttons) <= 3
    assert len([b for b in buttons if b.get("style") == "primary"]) <= 1
    assert len({b["action_id"] for b in buttons}) == len(buttons)
    for made in buttons:
        if made["type"] == "datetimepicker":
            assert re.fullmatch(r"until/[A-Za-z0-9:-]{1,240}", str(made["action_id"]))
            assert isinstance(made["confirm"], dict)
            continue
        label = made["text"]
        assert isinstance(label, dict)
        assert label["type"] == "plain_text"
        assert 1 <= len(label["text"]) <= 75
        assert not set(label["text"]) & set("<>")
        assert re.fullmatch(r"[A-Za-z0-9:-]{1,2000}", str(made["value"]))
        confirm = made.get("confirm")
        if isinstance(confirm, dict):
            assert len(confirm["title"]["text"]) <= 100
            assert len(confirm["text"]["text"]) <= 300
            assert len(confirm["confirm"]["text"]) <= 30
            assert len(confirm["deny"]["text"]) <= 30


def _only_our_tags(text: str) -> None:
    """Every tag is one that this house writes: nobody's words mention or link anything."""
    rest = _OURS.sub("", text)
    assert "<" not in rest
    assert ">" not in rest
    assert "\u202e" not in rest


@many
@given(machines())
def test_every_card_keeps_the_limits(m: Machine) -> None:
    check(messages.card(m, T))


@many
@given(machines(), st.integers(1, 10**6))
def test_a_card_changes_only_when_its_machine_does(m: Machine, later: int) -> None:
    """A stretch that runs on is only shown by its price, so time alone edits nothing."""
    if m.state in (*FINAL, State.STOPPED):
        m = replace(m, runs=tuple(r for r in m.runs if r.ended_at))
    assert messages.card(m, T) == messages.card(m, T + timedelta(seconds=later))


TO_ADMINS = (
    NoticeKind.DENIED,
    NoticeKind.STUCK_ADMINS,
    NoticeKind.LEFT,
    NoticeKind.REMAINS,
)


@many
@given(machines(), st.sampled_from(list(NoticeKind)), nasty, moments)
def test_every_notice_keeps_the_limits_and_mentions_the_owner(
    m: Machine, kind: NoticeKind, detail: str, at: datetime
) -> None:
    said = messages.notice(m, Notice(kind=kind, at=at, detail=detail), at)
    check(said)
    if kind not in TO_ADMINS:
        assert said.text.startswith(f"<@{m.owner}> ")


ABOUT_ONE: list[Callable[[Machine], Message]] = [
    lambda m: messages.show(m, T),
    lambda m: messages.stop_question(m, T),
    lambda m: messages.end_question(m, T),
    lambda m: messages.stop_all_question((m,), T),
    messages.old_button,
    messages.already,
    messages.kept,
    messages.not_yours,
    messages.stopping,
    messages.starting,
    messages.ending,
    messages.twin,
    lambda m: messages.which_machine((m, m), "stop"),
    lambda m: messages.no_machine(m.name, (m,)),
    lambda m: messages.no_machine(None, (m,)),
]


@many
@given(machines(), st.sampled_from(ABOUT_ONE))
def test_every_answer_about_a_machine_keeps_the_limits(
    m: Machine, say: Callable[[Machine], Message]
) -> None:
    check(say(m))


@many
@given(machines(), nasty, st.none() | moments)
def test_every_refused_extension_keeps_the_limits(
    m: Machine, why: str, latest: datetime | None
) -> None:
    check(messages.extend_refused(m, NotExtended(why=why, latest=latest)))


@many
@given(machines(), profiles)
def test_connecting_keeps_the_limits(m: Machine, profile: Profile) -> None:
    check(messages.ssh(m, profile))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(machines(), max_size=4), profiles, st.integers(1, 40))
def test_every_list_keeps_the_limits_however_long_it_is(
    some: list[Machine], profile: Profile, times: int
) -> None:
    check(messages.overview(tuple(some), profile, T))
    check(messages.listing(tuple(some * times), T, everyone=True))
    check(messages.listing(tuple(some * times), T, everyone=False))


@many
@given(profiles, nasty)
def test_every_word_about_access_keeps_the_limits(profile: Profile, cidr: str) -> None:
    check(messages.keys(profile))
    check(messages.accesses(profile))
    check(messages.access_removed((cidr,), ()))
    for key in profile.keys:
        check(messages.key_added(key, ()))
        check(messages.key_removed(key))
    for access in profile.accesses:
        check(messages.access_added((access,), ()))


@many
@given(quota_facts, quota_requests, machines())
def test_every_word_about_quotas_keeps_the_limits(
    facts: QuotaFacts, request: QuotaRequest, m: Machine
) -> None:
    check(messages.quotas(((facts.region, (facts,)),), (request,), m.facts))
    check(messages.quota_asking(facts, 8, "U1"))
    check(messages.quota_asked(request))
    check(messages.quota_already(request))
    check(messages.quota_enough(facts, 8))
    check(messages.quota_outcome(request, (m,)))
    check(messages.quota_outcome(request, ()))


@many
@given(nasty, st.none() | nasty)
def test_every_refusal_keeps_the_limits(what: str, more: str | None) -> None:
    check(messages.denied(Denied(rule="types", what=what, next=more)))
    check(messages.usage(UsageError(what=what, nearest=more, topic=more)))
    check(messages.trouble(what, more))
    check(messages.aws_refused(what, classify(what, more or "", what, 400)))
    check(messages.too_late(T, what))
    check(messages.too_late(T, ""))
    check(messages.help(more))
    check(messages.no_machine(what, ()))
