"""Errands: together with the stories they have the bot make every call that it can make.

What is granted and never used here is granted for nothing; `tests/iam` holds the two together. A
new call in the product needs its right in the template and an errand here that makes it.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from core.blocks import Message
from sim.callers import Asked
from sim.stories import STORIES, Story
from sim.stories.telling import MINUTE, Acts, account, press, say, wait
from sim.struck import Struck
from sim.town import ADA, LIN, SAM, buttons

LINS = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm lin@laptop"


def _everywhere() -> Struck:
    here = account()
    here.with_quota("us-west-2")
    return here


def _forgetful() -> Struck:
    """The queue loses every wake and the ledger's clock is silent: the sweep alone is left."""
    here = account()
    here.control(do="settings", guest=None)
    return here


def _moved(here: Struck) -> Acts:
    """A data volume goes to another region, grows there, and is deleted."""
    launch = "launch g5.xlarge on-demand for 1h in"
    yield say(here, f"{launch} us-east-1 data bert 100 name amber")
    yield wait(here, 3 * MINUTE)
    yield say(here, "end amber")
    yield wait(here, 2 * MINUTE)
    yield say(here, f"{launch} us-west-2 data bert name fox")
    yield wait(here, 9 * MINUTE)
    yield say(here, "end fox")
    yield wait(here, 2 * MINUTE)
    yield say(here, f"{launch} us-west-2 data bert 200 name owl")
    yield wait(here, 15 * MINUTE)
    yield say(here, "end owl")
    yield wait(here, 2 * MINUTE)
    yield say(here, "data delete bert yes")
    yield wait(here, 2 * MINUTE)


def _elsewhere(label: str) -> Callable[[Struck], Acts]:
    def acts(here: Struck) -> Acts:
        """A stopped machine finds no room, and starts in another zone or as another type."""
        yield say(here, "launch g5.xlarge on-demand in us-east-1 for 1h name bert")
        yield wait(here, 2 * MINUTE)
        yield say(here, "stop bert")
        yield wait(here, MINUTE)
        at = here.machine().placement
        assert at is not None
        here.control(do="fill-zone", region="us-east-1", zone=at.zone, instance_type="g5.xlarge")
        yield say(here, "start bert")
        yield press(here, here.news()[-1], _action(here.news()[-1], label))
        yield wait(here, 6 * MINUTE)

    return acts


def _action(message: Message, label: str) -> str:
    """The button that says so."""
    found = [b["action_id"] for b in buttons(message) if label in b["text"]["text"]]
    return str(found[0])


def _image(here: Struck) -> Acts:
    """An image is copied to where it is launched, and deleted."""
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "save bert as bert-env")
    yield wait(here, 4 * MINUTE)
    yield say(here, "launch g5.xlarge on-demand image bert-env in us-west-2 for 2h name emil")
    yield wait(here, 8 * MINUTE)
    for name in ("bert", "emil"):
        yield say(here, f"end {name}")
    yield wait(here, 2 * MINUTE)
    yield say(here, "images delete bert-env yes")
    yield wait(here, 5 * MINUTE)


def _shared(here: Struck) -> Acts:
    """A colleague's key and address come on the machine and come off it; its keys are shown."""
    yield say(here, f"key add {LINS}", LIN)
    yield say(here, "allow 198.51.100.9 for 24h", LIN)
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 4 * MINUTE)
    yield say(here, f"share bert <@{LIN}>")
    yield wait(here, 3 * MINUTE)
    yield say(here, "connect bert")
    yield say(here, "show bert")
    yield say(here, f"unshare bert <@{LIN}>")
    yield wait(here, 3 * MINUTE)


def _denied(here: Struck) -> Acts:
    """A policy of the organisation denies a launch, and the admins are told which."""
    here.control(do="deny", operation="RunInstances", by="scp")
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 2h name bert")
    yield wait(here, 4 * MINUTE)


def _quotas(here: Struck) -> Acts:
    """Quotas are listed, also those that were never changed."""
    yield say(here, "quota")
    yield say(here, "quota us-east-1", SAM)
    here.control(do="fault", operation="GetServiceQuota", code="NoSuchResourceException", times=3)
    yield say(here, "launch p3.2xlarge spot in us-east-1 for 2h name bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "types")
    yield say(here, "price p3.2xlarge")


def _left(here: Struck) -> Acts:
    """A spot request that EC2 has not closed by itself is cancelled."""
    yield say(here, "launch g5.xlarge spot in us-east-1 for 2h name bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "end bert")
    yield wait(here, 2 * MINUTE)
    reopened(here)
    yield wait(here, timedelta(hours=3))


def reopened(here: Struck) -> None:
    """Every spot request as if EC2 had not closed it yet."""
    ground: Any = here.world._ground
    for region in ground.regions.values():
        for request in region.spot_requests.values():
            request.state = "open"


def _swept(market: str) -> Callable[[Struck], Acts]:
    def acts(here: Struck) -> Acts:
        """The sweep finds a machine past its deadline that nothing else has looked at."""
        yield say(here, f"launch g5.xlarge {market} in us-east-1 for 10m name bert")
        yield wait(here, 2 * MINUTE)
        hands: Any = here
        hands._wake = lambda _: None
        yield wait(here, 12 * MINUTE)

    return acts


def _billed(here: Struck) -> Acts:
    """AWS's own bill is read once a day."""
    here.strikes_every = timedelta(minutes=10)
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 20h name bert")
    yield wait(here, timedelta(hours=40))
    yield say(here, "costs", ADA)


def _doctored(here: Struck) -> Acts:
    """Everything that may be needed is tried by dry runs, with a machine to try it on."""
    yield say(here, "doctor", SAM)
    yield say(here, "launch g5.xlarge spot in us-east-1 for 2h name bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "doctor", SAM)
    yield wait(here, MINUTE)


ERRANDS = (
    Story(name="moved", acts=_moved, prepare=_everywhere),
    Story(name="another zone", acts=_elsewhere("another zone"), prepare=account),
    Story(name="another type", acts=_elsewhere(" on-demand at "), prepare=account),
    Story(name="image", acts=_image, prepare=_everywhere),
    Story(name="shared", acts=_shared, prepare=account),
    Story(name="denied", acts=_denied, prepare=account),
    Story(name="quotas", acts=_quotas, prepare=account),
    Story(name="left", acts=_left, prepare=account),
    Story(name="swept on-demand", acts=_swept("on-demand"), prepare=_forgetful),
    Story(name="swept spot", acts=_swept("spot"), prepare=_forgetful),
    Story(name="doctored", acts=_doctored, prepare=account),
    Story(name="billed", acts=_billed, prepare=account),
)


def told(story: Story) -> list[Asked]:
    """Every right that is asked for while the story is told."""
    here = story.prepare()
    here.rights = []
    for act in story.acts(here):
        act()
    return here.rights


def main() -> None:
    """Print what each function asks for: how often, which action, under which statement."""
    count = Counter(
        (one.who, one.ask.action, grant.sid)
        for story in (*STORIES, *ERRANDS)
        for one in told(story)
        for grant in one.decision.by
    )
    for (who, action, sid), times in sorted(count.items()):
        print(f"{who:6} {times:6}  {action:50} {sid}")


if __name__ == "__main__":
    main()
