"""Stories of choices: moments in place of lengths, questions that only the caller sees, buttons of
the Home tab, and budgets of everybody, of one person and of a channel."""

from core.model import Over
from sim.stories.telling import (
    HOUR,
    MINUTE,
    Acts,
    Story,
    account,
    answered,
    at_home,
    pick,
    picking,
    press,
    say,
    until,
    wait,
)
from sim.struck import Struck
from sim.town import ADA, CHANNEL, LIN, SAM

DAYS = "mon,tue,wed,thu,fri,sat,sun"


def _times(here: Struck) -> Acts:
    """Everything until a time of day; and a start that is left out before it comes."""
    began = here.now.replace(minute=0, second=0, microsecond=0)
    yield say(here, f"launch g5.xlarge on-demand in us-east-1 until {began + HOUR:%H:%M} name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, f"extend bert until {began + 75 * MINUTE:%H:%M}")
    yield until(here, lambda: picking(here) is not None, HOUR + 10 * MINUTE)
    yield pick(here, picking(here), began + 110 * MINUTE)
    yield wait(here, began + 2 * HOUR - here.now)
    yield say(here, f"start bert until {began + 4 * HOUR:%H:%M}")
    yield wait(here, 5 * MINUTE)
    starts = began + 3 * HOUR
    yield say(here, f"schedule bert {DAYS} {starts:%H:%M}-{starts + HOUR:%H:%M}")
    yield say(here, "stop bert yes")
    yield wait(here, 5 * MINUTE)
    yield say(here, "schedule bert skip")
    yield wait(here, starts + 20 * MINUTE - here.now)
    yield say(here, "schedule bert off")


def _at_home(here: Struck) -> Acts:
    """Where no channel is: what is pressed in the Home tab is answered in direct messages."""
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    yield wait(here, 5 * MINUTE)
    for button in ("extend", "stop", "start"):
        yield lambda: here.open_home(ADA)
        yield at_home(here, button)
        yield wait(here, 5 * MINUTE)


def _questions(here: Struck) -> Acts:
    """Each question is left with No first, and then answered with Yes."""
    yield say(here, "launch g5.xlarge on-demand data corpus 100 in us-east-1 for 4h name bert")
    yield wait(here, 6 * MINUTE)
    yield say(here, "save bert as bert-env")
    yield wait(here, 6 * MINUTE)
    for command, no, yes in (
        ("stop all", "keep", "stop-all"),
        ("end", "keep", "end"),
        ("data delete corpus", "data-keep", "data-delete"),
        ("images delete bert-env", "image-keep", "image-delete"),
    ):
        for button in (no, yes):
            yield say(here, command)
            yield press(here, answered(here, button), button)
        yield wait(here, 5 * MINUTE)


def _limits(here: Struck) -> Acts:
    """Everybody's own, one person's at a time and a channel's; then they are taken away again."""
    here.strikes_every = 2 * MINUTE
    yield say(here, "budget each 8", SAM)
    yield say(here, f"budget <@{LIN}> 2/h", SAM)
    yield say(here, f"budget <#{CHANNEL}|gpu> 14", SAM)
    yield say(here, "budget each 20/h")
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 2h name bert")
    yield wait(here, 6 * MINUTE)
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 1h name emil", LIN)
    yield say(here, "extend bert 1h")
    yield wait(here, 90 * MINUTE)
    yield say(here, "budget")
    yield say(here, "budget each off", SAM)
    yield say(here, f"budget <@{LIN}> off /h", SAM)
    yield say(here, f"budget <#{CHANNEL}|gpu> off", SAM)
    yield say(here, "extend bert 1h")
    yield say(here, "budget")


CHOICES = (
    Story(name="times", acts=_times, prepare=account),
    Story(name="at-home", acts=_at_home, prepare=account),
    Story(name="questions", acts=_questions, prepare=account),
    Story(name="limits", acts=_limits, prepare=lambda: account(over=Over.BLOCK)),
)
