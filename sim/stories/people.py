"""Stories of people: who asks, who says yes, who pays, who gets in, and what they look at."""

from datetime import timedelta
from decimal import Decimal

from core.flows.entrance import Opened
from core.model import Budget, OneTimeLink, Over, Scope
from sim.stories.telling import (
    HOUR,
    MINUTE,
    Act,
    Acts,
    Story,
    account,
    latest,
    press,
    say,
    wait,
)
from sim.struck import Struck
from sim.town import ADA, LIN, SAM

LINS = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm lin@laptop"
OTHER = LINS.replace("ILEEYXqp", "ILEEYXqq")
DEAR = "launch p3.8xlarge on-demand in us-east-1 for 2h name bert because of the paper"


def _approving() -> Struck:
    return account(approval_above=Decimal(5))


def _asked(here: Struck) -> Acts:
    yield say(here, DEAR)
    yield press(here, here.card() if here.machine().card else None, "choose-0")
    yield wait(here, 3 * MINUTE)


def _approved(here: Struck) -> Acts:
    yield from _asked(here)
    yield wait(here, 14 * MINUTE)  # they are reminded
    yield press(here, latest(here, "approve", SAM), "approve", SAM)
    yield wait(here, 8 * MINUTE)


def _denied(here: Struck) -> Acts:
    yield from _asked(here)
    yield press(here, latest(here, "deny", SAM), "deny", SAM)
    yield wait(here, 5 * MINUTE)


def _unanswered(here: Struck) -> Acts:
    here.strikes_every = 5 * MINUTE
    yield from _asked(here)
    yield wait(here, 9 * HOUR)


def _longer(here: Struck) -> Acts:
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "extend bert 6h")
    yield press(here, here.chat.answers[-1].message, "ask-extension")
    yield wait(here, 3 * MINUTE)
    yield press(here, latest(here, "approve", SAM), "approve", SAM)
    yield wait(here, 3 * MINUTE)


def _team(monthly: int) -> Budget:
    return Budget(scope=Scope.TEAM, monthly=Decimal(monthly), hourly=None)


def _budget(here: Struck) -> Acts:
    yield say(here, "budget team 14", SAM)
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 4h name emil", LIN)
    yield wait(here, 3 * MINUTE)
    yield say(here, "extend bert 2h")
    yield say(here, "stop bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "start bert for 1h")
    yield wait(here, 5 * MINUTE)
    yield say(here, "budget")


def _budget_asks(here: Struck) -> Acts:
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 4h name bert")
    yield press(here, here.card() if here.machine().card else None, "choose-0")
    yield wait(here, 3 * MINUTE)
    yield press(here, latest(here, "approve", SAM), "approve", SAM)
    yield wait(here, 8 * MINUTE)


def _budget_stops(here: Struck) -> Acts:
    here.strikes_every = 2 * MINUTE
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 8h name bert")
    yield wait(here, 6 * MINUTE)
    yield say(here, "budget team 4", SAM)
    yield wait(here, 2 * HOUR)


def _shared(here: Struck) -> Acts:
    yield say(here, f"key add {LINS}", LIN)
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 8h name bert")
    yield wait(here, 6 * MINUTE)
    yield say(here, f"share bert <@{LIN}>")
    yield wait(here, 6 * MINUTE)
    yield say(here, f"key add {OTHER}")
    yield wait(here, 5 * MINUTE)
    yield say(here, "key remove 2")
    yield wait(here, 5 * MINUTE)
    yield say(here, f"unshare bert <@{LIN}>")
    yield wait(here, 6 * MINUTE)


def _open_the_link(here: Struck) -> Act:
    links = here.ledger.rows(OneTimeLink)
    opened = [Opened(link=one.id, user=ADA, address="198.51.100.9", at=here.now) for one in links]
    return lambda: here.open_link(opened[0]) if opened else None


def _let_in(here: Struck) -> Acts:
    here.github.pages["Ada"] = f"{LINS}\n{OTHER}\n"
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "key add github:ada")
    yield say(here, "key list")
    yield say(here, "allow me for 1h")
    yield _open_the_link(here)
    yield say(here, "allow 192.0.2.8 for 30m")
    yield say(here, "allow office")
    yield say(here, "allow remove 192.0.2.8")
    yield say(here, "ssh bert")
    yield wait(here, 70 * MINUTE)
    yield say(here, "allow")


def _with_a_group() -> Struck:
    """Whoever launches must be in a user group."""
    here = account(groups=frozenset({"S0GPU"}))
    here.chat.groups["S0GPU"] = frozenset({ADA, SAM})
    return here


def _first(here: Struck) -> Acts:
    """Somebody without key and address launches, and gives both afterwards."""
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 4h name bert", SAM)
    yield wait(here, 2 * MINUTE)
    yield say(here, f"key add {LINS}", SAM)
    yield say(here, "allow 198.51.100.7", SAM)
    yield wait(here, 6 * MINUTE)


def _looking(here: Struck) -> Acts:
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    for text in ("", "list all", "show bert", "help money", "types 24GB", "price g5.xlarge"):
        yield say(here, text)
    for text in (
        "doctor",
        "quota",
        "cost",
        "cost week csv",
        "audit",
        "policy",
        "budget",
        "launch p9",
    ):
        yield say(here, text, SAM)
    yield lambda: here.open_home(ADA)
    yield say(here, "stop bert")
    yield wait(here, 5 * MINUTE)


def _rules(here: Struck) -> Acts:
    yield say(here, "policy set types g5", SAM)
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 2h name bert")
    yield say(here, "policy set longest-lease 5h", SAM)
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 2h name emil")
    yield wait(here, 65 * MINUTE)
    yield say(here, "policy reset types", SAM)


def _bill(here: Struck) -> Acts:
    here.strikes_every = 10 * MINUTE  # days pass; at :01, :11, … and :41
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 20h name bert")
    yield wait(here, timedelta(days=2))
    yield say(here, "cost month csv")


PEOPLE = (
    Story(name="approved", acts=_approved, prepare=_approving),
    Story(name="denied", acts=_denied, prepare=_approving),
    Story(name="unanswered", acts=_unanswered, prepare=_approving),
    Story(
        name="longer",
        acts=_longer,
        prepare=lambda: account(over=Over.APPROVE, budgets=(_team(20),)),
    ),
    Story(
        name="budget",
        acts=_budget,
        prepare=lambda: account(over=Over.BLOCK),
    ),
    Story(
        name="budget-asks",
        acts=_budget_asks,
        prepare=lambda: account(over=Over.APPROVE, budgets=(_team(8),)),
    ),
    Story(name="budget-stops", acts=_budget_stops, prepare=lambda: account(over=Over.STOP)),
    Story(name="shared", acts=_shared, prepare=account),
    Story(
        name="let-in",
        acts=_let_in,
        prepare=lambda: account(networks=("203.0.113.128/25",)),
    ),
    Story(name="first", acts=_first, prepare=_with_a_group),
    Story(name="looking", acts=_looking, prepare=account),
    Story(name="rules", acts=_rules, prepare=account),
    Story(name="bill", acts=_bill, prepare=account),
)
