"""The grammar: what people type, and what they hear when it cannot be carried out."""

import typing
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import commands, slots
from core.commands import (
    Allow,
    AllowMe,
    AllowOffice,
    AllowRemove,
    Command,
    DataDelete,
    DataList,
    End,
    Extend,
    Help,
    ImageDelete,
    Images,
    KeyAdd,
    KeyImport,
    KeyList,
    KeyRemove,
    Launch,
    ListMachines,
    Overview,
    Price,
    Quota,
    QuotaRaise,
    Save,
    Share,
    Show,
    Ssh,
    Start,
    Stop,
    Types,
    Until,
    UsageError,
    parse,
)
from core.model import Market

H = timedelta(hours=1)
M = timedelta(minutes=1)
P3 = "p3.2xlarge"
EIGHT = " or ".join(f"g{n}.xlarge" for n in range(1, 9))


def launch(**more: typing.Any) -> Launch:
    return Launch(instance_type=P3, **more)


UNDERSTOOD: list[tuple[str, Command]] = [
    ("", Overview()),
    ("  ", Overview()),
    ("/gpu", Overview()),
    ("launch p3.2xlarge", launch()),
    ("/gpu launch p3.2xlarge spot", launch(market=Market.SPOT)),
    ("launch spot p3.2xlarge", launch(market=Market.SPOT)),
    ("P3.2XLARGE SPOT LAUNCH", launch(market=Market.SPOT)),
    ("launch p3.2xlarge on-demand", launch(market=Market.ON_DEMAND)),
    ("launch p3.2xlarge ondemand", launch(market=Market.ON_DEMAND)),
    ("launch p3.2xlarge on demand", launch(market=Market.ON_DEMAND)),
    ("launch p3.2xlarge market=spot", launch(market=Market.SPOT)),
    ("launch type p3.2xlarge", launch()),
    ("launch --type=p3.2xlarge --spot", launch(market=Market.SPOT)),
    ("launch p3.2xlarge in us-west-2", launch(region="us-west-2")),
    ("launch p3.2xlarge IN US-WEST-2", launch(region="us-west-2")),
    ("launch p3.2xlarge us-west-2", launch(region="us-west-2")),
    ("launch p3.2xlarge region=eu-west-1", launch(region="eu-west-1")),
    ("launch p3.2xlarge in useast1", launch(region="useast1")),  # the policy knows the nearest
    ("launch p3.2xlarge for 4h", launch(length=4 * H)),
    ("launch p3.2xlarge 4h", launch(length=4 * H)),
    ("launch p3.2xlarge --for 4h", launch(length=4 * H)),
    ("launch p3.2xlarge —for 4h", launch(length=4 * H)),  # phones turn -- into —
    ("launch p3.2xlarge for=4h", launch(length=4 * H)),
    ("launch p3.2xlarge for 2m", launch(length=2 * M)),
    ("launch p3.2xlarge for 90m", launch(length=90 * M)),
    ("launch p3.2xlarge for 1h30m", launch(length=90 * M)),
    ("launch p3.2xlarge for 1h 30m", launch(length=90 * M)),
    ("launch p3.2xlarge for 1.5h", launch(length=90 * M)),
    ("launch p3.2xlarge for 1,5h", launch(length=90 * M)),
    ("launch p3.2xlarge for 2d", launch(length=48 * H)),
    ("launch p3.2xlarge for 2 hours", launch(length=2 * H)),
    ("launch p3.2xlarge 2 hours spot", launch(length=2 * H, market=Market.SPOT)),
    ("launch p3.2xlarge for 45 min", launch(length=45 * M)),
    ("launch p3.2xlarge for 1 hour 30 minutes", launch(length=90 * M)),
    ("launch p3.2xlarge 4 h 30 m spot", launch(length=270 * M, market=Market.SPOT)),
    (
        "launch p3.2xlarge for 1 day 2 hours 5 minutes spot x2",
        launch(length=26 * H + 5 * M, market=Market.SPOT, count=2),
    ),
    ("extend amber-fox 1 hour 30 minutes", Extend(name="amber-fox", length=90 * M)),
    ("launch p3.2xlarge until 18:00", launch(until=Until(hour=18, minute=0))),
    ("launch p3.2xlarge 18:00", launch(until=Until(hour=18, minute=0))),
    ("launch p3.2xlarge until 6 pm", launch(until=Until(hour=18, minute=0))),
    ("launch p3.2xlarge until 6:30pm", launch(until=Until(hour=18, minute=30))),
    ("launch p3.2xlarge until 12am", launch(until=Until(hour=0, minute=0))),
    (
        "launch p3.2xlarge until tomorrow 9:00 spot",
        launch(until=Until(hour=9, minute=0, tomorrow=True), market=Market.SPOT),
    ),
    (
        "launch p3.2xlarge until 9:00 tomorrow spot",
        launch(until=Until(hour=9, minute=0, tomorrow=True), market=Market.SPOT),
    ),
    ("launch p3.2xlarge until 6 pm friday", launch(until=Until(hour=18, minute=0, weekday=4))),
    (
        "extend amber-fox friday 9:00",
        Extend(name="amber-fox", until=Until(hour=9, minute=0, weekday=4)),
    ),
    (
        "extend amber-fox 9:00 next friday",
        Extend(name="amber-fox", until=Until(hour=9, minute=0, weekday=4)),
    ),
    ("launch p3.2xlarge image pytorch", launch(image="pytorch")),
    ("launch p3.2xlarge image BASE", launch(image="base")),
    ("launch p3.2xlarge ami-0123456789abcdef0", launch(image="ami-0123456789abcdef0")),
    ("launch p3.2xlarge disk 100", launch(disk_gb=100)),
    ("launch p3.2xlarge disk=100GB", launch(disk_gb=100)),
    ("launch p3.2xlarge name bert", launch(name="bert")),
    ("launch p3.2xlarge name=“Bert-2”", launch(name="bert-2")),
    ("launch p3.2xlarge x1", launch()),
    (
        "launch name bert disk 200 image pytorch until 9:05 in eu-west-1 spot p3.2xlarge",
        launch(
            name="bert",
            disk_gb=200,
            image="pytorch",
            until=Until(hour=9, minute=5),
            region="eu-west-1",
            market=Market.SPOT,
        ),
    ),
    ("launch a100", Launch(instance_type="a100")),
    ("launch 8xH100 spot", Launch(instance_type="8xh100", market=Market.SPOT)),
    ("launch 24GB", Launch(instance_type="24gb")),
    ("launch p6-b200.48xlarge", Launch(instance_type="p6-b200.48xlarge")),
    (
        "launch g6e.xlarge or g5.2xlarge spot or on-demand in us-east-1 or us-west-2 for 2h",
        Launch(
            instance_type="g6e.xlarge",
            or_types=("g5.2xlarge",),
            market=Market.SPOT,
            or_on_demand=True,
            region="us-east-1",
            or_regions=("us-west-2",),
            length=2 * H,
        ),
    ),
    ("launch p3.2xlarge or on-demand", launch(market=Market.SPOT, or_on_demand=True)),
    ("launch p3.2xlarge on-demand or spot", launch(market=Market.SPOT, or_on_demand=True)),
    ("launch p3.2xlarge or p3.2xlarge", launch()),
    ("launch a10g or l4 or 24GB", Launch(instance_type="a10g", or_types=("l4", "24gb"))),
    (
        f"launch {EIGHT} or g8.xlarge",
        Launch(instance_type="g1.xlarge", or_types=tuple(f"g{n}.xlarge" for n in range(2, 9))),
    ),
    ("launch cheapest 80GB spot", Launch(instance_type="80gb", cheapest=True, market=Market.SPOT)),
    ("launch p3.2xlarge x16", launch(count=16)),
    ("launch 16x p3.2xlarge", launch(count=16)),
    ("launch p3.2xlarge count 100", launch(count=100)),
    ("launch 2 p3.2xlarge", launch(count=2)),
    ("launch 1x a100", Launch(instance_type="a100")),
    ("launch a100 x8", Launch(instance_type="a100", count=8)),
    ("launch 2x 24GB", Launch(instance_type="24gb", count=2)),
    ("launch p3.2xlarge keep trying", launch(keep_trying=True)),
    ("launch p3.2xlarge keep trying for 2h", launch(keep_trying=True, keep_for=2 * H)),
    (
        "launch p3.2xlarge keep trying for 1 hour 30 minutes for 4h",
        launch(length=4 * H, keep_trying=True, keep_for=90 * M),
    ),
    (
        "launch p3.2xlarge keep trying spot for 2h",
        launch(length=2 * H, keep_trying=True, market=Market.SPOT),
    ),
    (
        "launch p3.2xlarge for 4h keep trying until 6 pm spot",
        launch(
            length=4 * H,
            keep_trying=True,
            keep_until=Until(hour=18, minute=0),
            market=Market.SPOT,
        ),
    ),
    ("launch p3.2xlarge spot keep", launch(market=Market.SPOT, keep=True)),
    ("launch p3.2xlarge keep", launch(market=Market.SPOT, keep=True)),
    (
        "launch p3.2xlarge disk 200 io2 iops 8000",
        launch(disk_gb=200, disk_type="io2", iops=8000),
    ),
    ("launch p3.2xlarge disk 200 throughput 500", launch(disk_gb=200, throughput=500)),
    ("launch p3.2xlarge data 500", launch(data="data", data_gb=500)),
    ("launch p3.2xlarge data bert", launch(data="bert")),
    ("launch p3.2xlarge data bert 500GB", launch(data="bert", data_gb=500)),
    ("launch p3.2xlarge image bert-env", launch(image="bert-env")),
    ("types", Types()),
    ("types a100", Types(filter="a100")),
    ("types in us-west-2 24GB spot", Types(filter="24gb", region="us-west-2", market=Market.SPOT)),
    ("price p3.2xlarge", Price(instance_type=P3)),
    ("price cheapest 80GB in us-west-2", Price(instance_type="80gb", region="us-west-2")),
    ("save amber-fox as bert-env", Save(name="amber-fox", image="bert-env")),
    ("save as bert-env", Save(image="bert-env")),
    ("images", Images()),
    ("images list", Images()),
    ("images delete bert-env", ImageDelete(image="bert-env")),
    ("images delete bert-env yes", ImageDelete(image="bert-env", sure=True)),
    ("data", DataList()),
    ("data delete bert", DataDelete(data="bert")),
    ("share amber-fox <@U0LIN|lin>", Share(name="amber-fox", user="U0LIN")),
    ("share <@U0LIN>", Share(user="U0LIN")),
    ("unshare amber-fox <@U0LIN|lin>", Share(name="amber-fox", user="U0LIN", stop=True)),
    ("key add github:octo-cat", KeyImport(account="octo-cat")),
    ("key add --github octocat", KeyImport(account="octocat")),
    ("key add https://github.com/octocat.keys", KeyImport(account="octocat")),
    ("key add <https://github.com/octocat.keys>", KeyImport(account="octocat")),
    (
        "key add ssh-ed25519 AAAA <mailto:ada@example.com|ada@example.com>",
        KeyAdd(text="ssh-ed25519 AAAA ada@example.com"),
    ),
    ("allow me", AllowMe()),
    ("allow me for 2h", AllowMe(length=2 * H)),
    ("allow office", AllowOffice()),
    ("list", ListMachines()),
    ("list all", ListMachines(everyone=True)),
    ("LIST --ALL", ListMachines(everyone=True)),
    ("show", Show()),
    ("show amber-fox", Show(name="amber-fox")),
    ("show Amber-Fox", Show(name="amber-fox")),
    ("stop", Stop()),
    ("stop amber-fox", Stop(name="amber-fox")),
    ("stop amber-fox yes", Stop(name="amber-fox", sure=True)),
    ("stop all", Stop(everything=True)),
    ("stop all yes", Stop(everything=True, sure=True)),
    ("stop --all --yes", Stop(everything=True, sure=True)),
    ("amber-fox stop", Stop(name="amber-fox")),
    ("start amber-fox", Start(name="amber-fox")),
    ("start amber-fox 4h", Start(name="amber-fox", length=4 * H)),
    ("start for 4h amber-fox", Start(name="amber-fox", length=4 * H)),
    ("start amber-fox until 18:00", Start(name="amber-fox", until=Until(hour=18, minute=0))),
    ("end", End()),
    ("end amber-fox", End(name="amber-fox")),
    ("end amber-fox yes", End(name="amber-fox")),
    ("extend", Extend()),
    ("extend 2h", Extend(length=2 * H)),
    ("extend amber-fox 2h", Extend(name="amber-fox", length=2 * H)),
    ("extend 2h amber-fox", Extend(name="amber-fox", length=2 * H)),
    ("extend amber-fox by 2 hours", Extend(name="amber-fox", length=2 * H)),
    ("extend amber-fox to 18:00", Extend(name="amber-fox", until=Until(hour=18, minute=0))),
    ("ssh", Ssh()),
    ("ssh amber-fox", Ssh(name="amber-fox")),
    ("key", KeyList()),
    ("key list", KeyList()),
    ("KEY ADD ssh-ed25519 AAAA Ada@Laptop", KeyAdd(text="ssh-ed25519 AAAA Ada@Laptop")),
    ("key ssh-ed25519 AAAA", KeyAdd(text="ssh-ed25519 AAAA")),
    ("key add ssh-rsa AAAA= a=b", KeyAdd(text="ssh-rsa AAAA= a=b")),
    ("key remove 1", KeyRemove(which="1")),
    ("key remove SHA256:AbCd", KeyRemove(which="SHA256:AbCd")),
    ("key remove Ada's laptop", KeyRemove(which="Ada's laptop")),
    ("allow", Allow()),
    ("allow list", Allow()),
    ("allow 203.0.113.7", Allow(cidr="203.0.113.7")),
    ("allow 203.0.113.7/32 for 12h", Allow(cidr="203.0.113.7/32", length=12 * H)),
    ("allow 12h 203.0.113.7/32", Allow(cidr="203.0.113.7/32", length=12 * H)),
    ("allow 2001:db8::1", Allow(cidr="2001:db8::1")),
    ("allow 0.0.0.0/0", Allow(cidr="0.0.0.0/0")),  # refused by read_network
    ("allow home", Allow(cidr="home")),
    ("allow remove 203.0.113.7", AllowRemove(cidr="203.0.113.7")),
    ("allow remove office", AllowRemove(cidr="office")),
    ("allow 203.0.113.7/32 remove", AllowRemove(cidr="203.0.113.7/32")),
    ("quota", Quota()),
    ("quota p3.2xlarge", Quota(instance_type=P3)),
    ("quota p3.2xlarge in us-west-2", Quota(instance_type=P3, region="us-west-2")),
    ("quota a100", Quota(instance_type="a100")),
    ("quota us-west-2", Quota(region="us-west-2")),
    ("quota raise p3.2xlarge", QuotaRaise(instance_type=P3)),
    (
        "quota raise p3.2xlarge x2 spot in us-west-2",
        QuotaRaise(instance_type=P3, count=2, market=Market.SPOT, region="us-west-2"),
    ),
    ("quota p3.2xlarge 3x raise", QuotaRaise(instance_type=P3, count=3)),
    ("help", Help()),
    ("help launch", Help(topic="launch")),
    ("help HELP", Help()),
]


@pytest.mark.parametrize(("text", "command"), UNDERSTOOD)
def test_words_in_any_order_and_case_are_understood(text: str, command: Command) -> None:
    assert parse(text) == command


# (text, the command that is offered, a word that the sentence must hold)
REFUSED: list[tuple[str, str | None, str]] = [
    ("launch", "/gpu launch p3.2xlarge spot for 4h", "type"),
    ("launch 8x A100 spot", "/gpu launch 8xa100 spot", "`8xa100` or `a100 x8`"),
    ("launch 2 h100", "/gpu launch 2xh100", "or 2 machines: write"),
    ("launch x8 A100", "/gpu launch 8xa100", "one machine with 8 of them"),
    (
        "launch p3.2xlarge tomorrow 9:00 spot",
        "/gpu launch p3.2xlarge until tomorrow 9:00 spot",
        "Did you mean until tomorrow 9:00?",
    ),
    ("launch p3.2xlarge 9:00 friday", "/gpu launch p3.2xlarge until 9:00 friday", "begin now"),
    ("start bert tomorrow 9 am", "/gpu start bert until tomorrow 9 am", "Did you mean until"),
    ("launch p3.2xlarge keep trying for", "/gpu launch p3.2xlarge keep trying", "length"),
    ("launch p3.2xlarge keep trying for 8d", "/gpu launch p3.2xlarge keep trying for 7d", "7 days"),
    ("launch spot", "/gpu launch p3.2xlarge spot", "type"),
    ("lanch p3.2xlarge spot", "/gpu launch p3.2xlarge spot", "lanch"),
    ("p3.2xlarge spot", "/gpu launch p3.2xlarge spot", "p3.2xlarge"),
    ("hello there", "/gpu help", "hello"),
    ("launch p3.2xlarge sopt", "/gpu launch p3.2xlarge spot", "sopt"),
    ("launch p3.2xlarge pytorch", "/gpu launch p3.2xlarge image pytorch", "image"),
    ("launch p3.2xlarge image ../x", "/gpu launch p3.2xlarge image base", "saved"),
    ("launch p3.2xlarge image ami-123", "/gpu launch p3.2xlarge image base", "ami-"),
    ("launch p3.2xlarge us-east-1a", "/gpu launch p3.2xlarge us-east-1", "Zones"),
    ("launch p3.2xlarge in $(id)", "/gpu launch p3.2xlarge", "region"),
    ("launch p3.2xlarge for", "/gpu launch p3.2xlarge", "length"),
    ("launch p3.2xlarge for 4", "/gpu launch p3.2xlarge for 4h", "length"),
    ("launch p3.2xlarge for 1m", "/gpu launch p3.2xlarge for 2m", "Two minutes"),
    ("launch p3.2xlarge for 0h", "/gpu launch p3.2xlarge for 2m", "Two minutes"),
    ("launch p3.2xlarge for -1h", "/gpu launch p3.2xlarge for 4h", "-1h"),
    ("launch p3.2xlarge -1h", "/gpu launch p3.2xlarge", "-1h"),
    ("launch p3.2xlarge for 1e999h", "/gpu launch p3.2xlarge for 4h", "1e999h"),
    ("launch p3.2xlarge for 1e999 hours", None, "1e999"),
    ("launch p3.2xlarge for NaN", "/gpu launch p3.2xlarge for 4h", "nan"),
    ("launch p3.2xlarge for inf", "/gpu launch p3.2xlarge for 4h", "inf"),
    ("launch p3.2xlarge for ４h", "/gpu launch p3.2xlarge for 4h", "length"),
    ("launch p3.2xlarge for ٤h", "/gpu launch p3.2xlarge for 4h", "length"),
    ("launch p3.2xlarge for 999999h", "/gpu launch p3.2xlarge for 4h", "length"),
    ("launch p3.2xlarge until 25:61", "/gpu launch p3.2xlarge until 18:00", "25:61"),
    ("launch p3.2xlarge until 24:00", "/gpu launch p3.2xlarge until 18:00", "24:00"),
    ("launch p3.2xlarge until 13pm", "/gpu launch p3.2xlarge until 18:00", "13pm"),
    ("launch p3.2xlarge until 18h", "/gpu launch p3.2xlarge until 18:00", "18h"),
    ("launch p3.2xlarge until 9", "/gpu launch p3.2xlarge until 9:00", "time"),
    ("launch p3.2xlarge for 4h for 5h", "/gpu launch p3.2xlarge for 4h", "twice"),
    ("launch p3.2xlarge --for 4h --for 4h", "/gpu launch p3.2xlarge for 4h", "twice"),
    ("launch p3.2xlarge g5.xlarge", "/gpu launch p3.2xlarge", "twice"),
    ("launch p3.2xlarge spot spot", "/gpu launch p3.2xlarge spot", "twice"),
    ("launch p3.2xlarge spot on-demand", "/gpu launch p3.2xlarge spot", "either"),
    ("launch p3.2xlarge for 4h until 18:00", "/gpu launch p3.2xlarge for 4h", "either"),
    ("launch p3.2xlarge disk -5", "/gpu launch p3.2xlarge disk 100", "disk"),
    ("launch p3.2xlarge disk 0", "/gpu launch p3.2xlarge disk 100", "disk"),
    ("launch p3.2xlarge disk 99999", "/gpu launch p3.2xlarge disk 100", "65536"),
    ("launch p3.2xlarge disk 1.5", "/gpu launch p3.2xlarge disk 100", "disk"),
    ("launch p3.2xlarge name 1", None, "name"),
    ("launch p3.2xlarge name stop", None, "name"),
    ("launch p3.2xlarge name my_box", "/gpu launch p3.2xlarge name my-box", "name"),
    ("launch p3.2xlarge name ../etc", "/gpu launch p3.2xlarge name etc", "name"),
    ("launch p3.2xlarge x101", "/gpu launch p3.2xlarge", "1 to 100"),
    ("launch x4", "/gpu launch p3.2xlarge x4", "which type"),
    ("launch p3.2xlarge or", "/gpu launch p3.2xlarge", "as well"),
    ("launch p3.2xlarge or 4h", "/gpu launch p3.2xlarge", "4h"),
    ("launch or g5.xlarge", "/gpu launch g5.xlarge", "before the `or`"),
    ("launch p3.2xlarge spot or spot", "/gpu launch p3.2xlarge spot", "twice"),
    (f"launch {EIGHT} or p3.2xlarge for 4h", f"/gpu launch {EIGHT} for 4h", "8 types at most"),
    (f"launch {EIGHT} or p3.2xlarge or l4", f"/gpu launch {EIGHT}", "8 types at most"),
    ("launch p3.2xlarge on-demand keep", "/gpu launch p3.2xlarge on-demand", "anyway"),
    ("launch p3.2xlarge spot keep x4", "/gpu launch p3.2xlarge spot keep", "single"),
    ("launch p3.2xlarge as bert", "/gpu launch p3.2xlarge", "`as`"),
    ("launch p3.2xlarge iops many", "/gpu launch p3.2xlarge", "IOPS"),
    ("launch p3.2xlarge throughput 2001", "/gpu launch p3.2xlarge", "2000"),
    ("launch p3.2xlarge data", "/gpu launch p3.2xlarge", "data volume"),
    ("launch p3.2xlarge data -5", "/gpu launch p3.2xlarge data 500", "data volume"),
    ("launch p3.2xlarge data 99999", None, "disk size"),
    ('launch p3.2xlarge run "python x.py"', None, "this version"),
    ("launch p3.2xlarge idle", "/gpu launch p3.2xlarge", "idle"),
    ("launch p3.2xlarge;rm -rf /", None, "not understood"),
    ("launch ../p3.2xlarge", None, "not understood"),
    ("launch $(reboot)", None, "not understood"),
    ("launch <!channel>", None, "not understood"),
    ("list evrything", "/gpu list everything", "evrything"),
    ("stop amber fox", "/gpu stop amber-fox", "twice"),
    ("stop amber-fox all", None, "either"),
    ("stop for 4h", "/gpu stop", "for"),
    ("end all", None, "one at a time"),
    ("extend 2h until 18:00", "/gpu extend 2h", "either"),
    ("key add", None, "public key"),
    ("key add github:-ada", "/gpu key add github:octocat", "GitHub"),
    ("key add https://example.com/ada.keys", "/gpu key add github:octocat", "GitHub"),
    ("key remvoe 1", "/gpu key remove 1", "remvoe"),
    ("key remove", "/gpu key list", "which"),
    ("keys", "/gpu key", "keys"),
    ("allow me 203.0.113.7", None, "203.0.113.7"),
    ("allow office until 18:00", None, "until"),
    ("allow for 4h", "/gpu allow 203.0.113.7 for 4h", "which address"),
    ("allow 203.0.113.7 until 18:00", "/gpu allow 203.0.113.7", "until"),
    ("allow remove", None, "which address"),
    ("allow ofice", "/gpu allow office", "ofice"),
    ("allow ofice for 4h", "/gpu allow office for 4h", "ofice"),
    ("allow remvoe 203.0.113.7", "/gpu allow remove 203.0.113.7", "remvoe"),
    ("allow remove Offce", "/gpu allow remove office", "Offce"),
    ("quota raise", "/gpu quota raise p3.2xlarge", "which type"),
    ("quota raise p3.2xlarge x101", "/gpu quota raise p3.2xlarge", "100"),
    ("quota raise p3.2xlarge x0", "/gpu quota raise p3.2xlarge", "100"),
    ("help lanch", "/gpu help launch", "lanch"),
    ("types a100 g5", "/gpu types a100", "one thing"),
    ("price", "/gpu price g5.xlarge", "which type"),
    ("price p3.2xlarge for 4h", "/gpu price p3.2xlarge", "for"),
    ("save bert", "/gpu save bert as my-image", "as what"),
    ("save bert as my image", "/gpu save bert as my", "image"),
    ("images bert-env", "/gpu images delete bert-env", "say so"),
    ("images delete", "/gpu images", "which image"),
    ("images delete a b", "/gpu images", "which image"),
    ("data bert", "/gpu data delete bert", "say so"),
    ("share bert", None, "with whom"),
    ("share bert @kim", None, "@kim"),
    *((word, None, "this version") for word in ('run bert "x"', "logs bert")),
]


@pytest.mark.parametrize(("text", "nearest", "word"), REFUSED)
def test_what_is_not_understood_is_refused_with_the_nearest_that_is(
    text: str, nearest: str | None, word: str
) -> None:
    refused = parse(text)
    assert isinstance(refused, UsageError)
    assert word in refused.what
    if nearest is not None:
        assert refused.nearest == nearest


@pytest.mark.parametrize(("text", "_nearest", "_word"), REFUSED)
def test_what_is_offered_instead_can_be_carried_out(
    text: str, _nearest: str | None, _word: str
) -> None:
    refused = parse(text)
    assert isinstance(refused, UsageError)
    if refused.nearest is not None:
        assert refused.nearest.startswith("/gpu")
        assert not isinstance(parse(refused.nearest), UsageError)


@pytest.mark.parametrize("words", commands.EXAMPLES.values())
def test_every_example_can_be_carried_out(words: str) -> None:
    assert not isinstance(parse(words), UsageError)


def test_there_is_an_example_for_every_command_and_no_machine_is_named_after_one() -> None:
    assert set(commands.EXAMPLES) == set(slots.COMMANDS)
    for word in slots.COMMANDS:
        assert isinstance(parse(f"launch p3.2xlarge name {word}"), UsageError)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
        "key add -----BEGIN RSA PRIVATE KEY----- MIIEpAIBAAKCAQEA7 -----END RSA PRIVATE KEY-----",
        "key add ——-BEGIN PRIVATE KEY——-",
        "KEY ADD -----begin ec private key-----",
        "launch p3.2xlarge PuTTY-User-Key-File-3: ssh-ed25519",
        "key add b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ",
        "stop\u200b BEGIN\u00a0ENCRYPTED PRIVATE\u200b KEY",
        "x" * 9000 + "-----BEGIN OPENSSH PRIVATE KEY-----",
    ],
)
def test_a_private_key_is_refused_wherever_it_stands_and_never_shown_again(text: str) -> None:
    refused = parse(text)
    assert isinstance(refused, UsageError)
    assert "*private* key" in refused.what
    assert "not stored" in refused.what
    assert "stolen" in refused.what
    assert refused.nearest is None
    for part in ("b3Blb", "MIIE", "PuTTY"):
        assert part not in refused.what


def test_what_could_be_a_part_of_a_key_is_not_shown_again() -> None:
    secret = "AAAAC3NzaC1lZDI1NTE5AAAAIGtleW1hdGVyaWFs"
    for text in (f"launch {secret}", secret, f"stop {secret}", f"key ad {secret}"):
        refused = parse(text)
        assert isinstance(refused, UsageError)
        assert secret[:20] not in f"{refused.what}{refused.nearest}"


def test_a_text_that_is_too_long_is_refused() -> None:
    refused = parse("launch p3.2xlarge " + "spot " * 4000)
    assert isinstance(refused, UsageError)
    assert "too long" in refused.what


def test_invisible_characters_and_smart_quotes_change_nothing() -> None:
    assert parse("\u202elaunch\u202c \u200bp3.2xlarge\x00 “spot”") == launch(market=Market.SPOT)
    assert parse("launch\u00a0p3.2xlarge\tfor\n4h") == launch(length=4 * H)


texts = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    *(word for text, _ in UNDERSTOOD for word in text.split()),
                    *(word for text, _, _ in REFUSED for word in text.split()),
                    *("—", "=", "--", "٤", "\u202e", "<!channel>", "-1h", "x" * 70),
                ]
            ),
            st.text(max_size=8),
        ),
        max_size=9,
    ).map(" ".join),
)


@given(texts)
@example("=")
@example("--=")
@example("launch for=")
@example("\ud800")
@example("key")
@example("key\x00")
def test_no_text_breaks_the_parser_and_every_offer_can_be_carried_out(text: str) -> None:
    parsed = parse(text)
    assert parse(text) == parsed
    if isinstance(parsed, UsageError):
        assert parsed.what
        assert all(ch.isprintable() for ch in parsed.what)
        if parsed.nearest is not None:
            assert not isinstance(parse(parsed.nearest), UsageError)
    else:
        assert isinstance(parsed, typing.get_args(Command))


@given(texts)
def test_nothing_but_the_word_launch_launches(text: str) -> None:
    if isinstance(parse(text), Launch):
        assert "launch" in text.lower()
        assert len([w for w in text.split() if "." in w or any(c.isdigit() for c in w)]) >= 1
