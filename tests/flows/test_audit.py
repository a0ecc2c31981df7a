"""The audit trail: who did what and what came of it; once, and never a secret."""

from datetime import timedelta

import pytest

from core.flows import entrance
from core.flows.entrance import Opened
from core.model import Deed, OneTimeLink
from core.ports import ChatError
from sim.fuse import fused, guarded
from sim.town import ADA, KEY, LIN, SAM, Town, town

MINUTE = timedelta(minutes=1)
LAUNCH = "launch g5.xlarge on-demand in us-east-1 for 1h name bert"


def _town() -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    return here


def _deeds(here: Town) -> list[Deed]:
    return list(here.ledger.deeds(here.now - timedelta(days=40), here.now + MINUTE))


def _of(here: Town, who: str) -> list[str]:
    return [one.did for one in _deeds(here) if one.who == who]


def test_what_a_person_does_is_a_line_with_machine_channel_and_answer() -> None:
    here = _town()
    here.type(LAUNCH)
    here.until_quiet()
    here.type("extend bert 1h")
    here.pass_time(MINUTE)
    here.type("end bert")
    launch, extend, end = [one for one in _deeds(here) if one.who == ADA and one.machine]
    assert (launch.did, launch.machine, launch.channel) == (LAUNCH, "bert", "C0GPULAB")
    assert extend.did == "extend bert 1h"
    assert extend.answer.startswith("bert")
    assert (end.did, end.machine) == ("end bert", "bert")


def test_looking_is_no_deed() -> None:
    here = _town()
    before = len(_deeds(here))
    for text in ("", "list", "quota", "price g5.xlarge", "allow", "key list", "audit", "nonsense"):
        here.type(text)
    assert len(_deeds(here)) == before


def test_a_refusal_is_a_line_too() -> None:
    here = _town()
    here.type(LAUNCH)
    here.until_quiet()
    here.type("end bert", LIN)
    (line,) = [one for one in _deeds(here) if one.who == LIN]
    assert (line.did, line.machine) == ("end bert", "bert")
    assert line.answer.startswith("bert belongs to @U0ADA")


def test_no_key_and_no_link_stands_in_the_trail() -> None:
    here = _town()
    here.type("allow me")
    here.type(f"launch g5.xlarge because {'A1b2' * 12}")
    told = " ".join(f"{one.did} {one.answer}" for one in _deeds(here))
    assert "key add" in _of(here, ADA)
    assert "allow me" in _of(here, ADA)
    for secret in (KEY.split()[1], "https://", "A1b2A1b2"):
        assert secret not in told, secret


def test_delivered_again_it_is_the_same_line() -> None:
    here = _town()
    request = here.request(LAUNCH)
    here.deliver(request)
    here.pass_time(2 * MINUTE)
    here.deliver(request)
    assert _of(here, ADA).count(LAUNCH) == 1


def test_a_line_is_written_although_slack_does_not_take_the_answer() -> None:
    here = _town()
    here.type(LAUNCH)
    here.until_quiet()
    request = here.request("extend bert 1h")
    here.chat.down = True
    guarded(lambda: _undelivered(here, request))
    here.chat.down = False
    here.deliver(request)
    assert _of(here, ADA).count("extend bert 1h") == 1


def _undelivered(here: Town, request: object) -> None:
    with pytest.raises(ChatError):
        here.deliver(request)  # type: ignore[arg-type]  # a Request, handed through


def test_what_the_bot_does_by_itself_is_told_once() -> None:
    here = _town()
    here.type(LAUNCH)
    here.pass_time(timedelta(hours=1, minutes=10))
    mine = _of(here, "gpu")
    assert [one for one in mine if one.startswith("launched in us-east-1")]
    assert mine.count("to stop: deadline") == 1
    assert mine.count("stopped") == 1


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_an_end_is_one_line(*, after: bool) -> None:
    def story(here: Town) -> None:
        request = here.request("end bert")
        guarded(lambda: here.deliver(request))
        guarded(lambda: here.pass_time(MINUTE))
        guarded(lambda: here.deliver(request))

    here = _ready()
    fuse = fused(here)
    story(here)
    for at in range(1, fuse.counted + 1):
        here = _ready()
        fused(here, at, after=after)
        story(here)
        here.pass_time(MINUTE)
        assert _of(here, ADA).count("end bert") == 1, at


def _ready() -> Town:
    here = _town()
    here.type(LAUNCH)
    here.until_quiet()
    return here


def _used(here: Town, address: str = "198.51.100.9") -> None:
    """Somebody presses the button behind the one link that there is."""
    (link,) = here.ledger.rows(OneTimeLink)
    opened = Opened(link=link.id, user=link.user, address=address, at=here.now)
    entrance.here(here.house, opened)


def test_an_address_that_a_link_lets_in_is_a_line_of_its_person_once() -> None:
    here = _town()
    here.type("allow me for 2h")
    for _ in range(3):
        _used(here)
        here.pass_time(MINUTE)
    (line,) = [one for one in _deeds(here) if "198.51.100.9" in one.did]
    assert (line.who, line.did) == (ADA, "allow me: link used from 198.51.100.9/32")
    assert line.answer.startswith("198.51.100.9/32 may reach port 22 of your machines until")
    assert "198.51.100.9" in here.type("audit")[0].text


def test_a_link_that_opens_nothing_is_no_line() -> None:
    here = _town()
    here.type("allow me for 2h")
    _used(here, "10.0.0.1")
    assert not [one for one in _deeds(here) if "link used" in one.did]
    _used(here)
    _used(here, "198.51.100.66")
    (line,) = [one for one in _deeds(here) if "link used" in one.did]
    assert line.did.endswith("198.51.100.9/32")


def test_what_is_closed_is_a_line_that_names_it() -> None:
    here = town(networks=("198.51.100.0/24",))
    here.ready_to_launch()
    here.type("allow office")
    here.type("allow remove 203.0.113.7")
    here.type("allow remove office")
    answers = {one.did: one.answer for one in _deeds(here)}
    assert answers["allow remove 203.0.113.7"].startswith("203.0.113.7/32 may not reach port 22")
    assert answers["allow remove office"].startswith("198.51.100.0/24 may not reach port 22")


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_a_link_that_is_used_is_one_line(*, after: bool) -> None:
    def linked() -> Town:
        here = _ready()
        here.type("allow me for 2h")
        return here

    def story(here: Town) -> None:
        for _ in range(3):
            guarded(lambda: _used(here))
            guarded(lambda: here.pass_time(MINUTE))

    here = linked()
    fuse = fused(here)
    story(here)
    for at in range(1, fuse.counted + 1):
        here = linked()
        fused(here, at, after=after)
        story(here)
        assert _of(here, ADA).count("allow me: link used from 198.51.100.9/32") == 1, at
        assert "198.51.100.9/32" in {a.cidr for a in here.ledger.profile(ADA).accesses}, at


def test_everybody_reads_their_own_lines_and_admins_everybodys() -> None:
    here = _town()
    here.ready_to_launch(LIN)
    mine = here.type("audit")[0].text
    assert f"<@{ADA}>" in mine
    assert f"<@{LIN}>" not in mine
    assert "Only admins" in here.type(f"audit <@{LIN}|lin>")[0].text
    all_of_it = here.type("audit", SAM)[0].text
    assert f"<@{ADA}>" in all_of_it
    assert f"<@{LIN}>" in all_of_it
    of_lin = here.type(f"audit <@{LIN}|lin>", SAM)[0].text
    assert f"<@{ADA}>:" not in of_lin


def test_the_newest_come_first_and_the_rest_is_counted() -> None:
    here = _town()
    for at in range(20):
        here.type(f"allow 198.51.100.{at}")
        here.pass_time(timedelta(seconds=2))
    said = here.type("audit")[0].text
    assert said.index("198.51.100.19") < said.index("198.51.100.18")
    assert "… and 7 more" in said
    assert "198.51.100.1`" not in said


def test_of_one_machine_and_as_a_file() -> None:
    here = _town()
    here.type(LAUNCH)
    here.until_quiet()
    assert "key add" not in here.type("audit bert")[0].text
    here.type("audit month csv")
    (_, file) = here.chat.files[-1]
    assert file.name == "gpu-audit-2026-11-01.csv"
    assert file.text.splitlines()[0] == "at,who,name,did,machine,channel,answer"
    assert LAUNCH in file.text
    assert ",ada," in file.text


def test_an_approval_and_its_expiry_are_lines() -> None:
    here = town(approval_above=town().policy.approval_above / 10)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.2xlarge on-demand in us-east-1 for 2h name emil")
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(hours=9))
    assert "the question for approval: expired" in _of(here, "gpu")
    assert [one for one in _deeds(here) if one.did == "button choose-0" and one.machine == "emil"]
