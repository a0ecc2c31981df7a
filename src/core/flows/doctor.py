"""Looks the whole deployment over for an admin: permissions, quotas, images, network, Slack, clock.

Nothing is launched, made or paid for: what the bot may do is tried by EC2's dry runs. No look that
fails keeps another from being told.
"""

from collections.abc import Callable
from functools import partial

from core import doctor, messages, rulebook
from core.doctor import Finding
from core.faults import CloudError
from core.flows import trying
from core.flows.house import House
from core.flows.pulse import KEY as CLOCK
from core.flows.request import Request
from core.flows.rules import stored
from core.flows.speak import answer
from core.model import Pulse, Reconciled
from core.policy import Denied, may_press
from core.ports import ChatError, NotInChannel, UnreadableRow

MOST_CHANNELS = 5
DAYS = 5  # of AWS's bill that are looked at
Looks = Callable[[], tuple[Finding, ...]]


def show(house: House, request: Request) -> None:
    """Everything that can be checked, what is wrong first; admins only."""
    denied = _denied(house, request)
    if denied:
        return answer(house, request.response_url, messages.denied(denied))
    return answer(house, request.response_url, messages.doctor(_findings(house, request)))


def _findings(house: House, request: Request) -> tuple[Finding, ...]:
    looks = _looks(house, request)
    found = house.together(tuple(partial(_checked, *look) for look in looks))
    return tuple(
        finding
        for (topic, where, _), some in zip(looks, found, strict=True)
        for finding in (some if some is not None else (_too_late(topic, where),))
    )


def _denied(house: House, request: Request) -> Denied | None:
    """Where Slack does not say who that is, the id alone decides: whoever is to mend that must be
    able to find it here."""
    if request.user not in (house.deployed or house.policy).admins:
        return Denied(
            rule="admins",
            what="Only admins have the bot looked over (rule `admins`). Nothing was changed.",
            next="Who they are, and how everything is set: /gpu policy",
        )
    try:
        return may_press(house.chat.person(request.user), house.policy)
    except ChatError:
        return None


def _looks(house: House, request: Request) -> tuple[tuple[str, str, Looks], ...]:
    """(topic, region, what to do) of every look; none waits for another."""
    regions = house.policy.regions
    return (
        ("Slack app", "", partial(_slack, house)),
        ("Channels", "", partial(_channels, house, request)),
        ("Clock", "", partial(_clock, house)),
        ("Failed messages", "", partial(_dead_letters, house)),
        ("Alarms", "", partial(_alarm_mail, house)),
        ("Rules", "", partial(_rules, house)),
        ("AWS's bill", "", partial(_bills, house)),
        *(("GPU quotas", region, partial(trying.quotas, house, region)) for region in regions),
        *(("Disks", region, partial(trying.disks, house, region)) for region in regions),
        *(("AWS", region, partial(trying.region, house, request, region)) for region in regions),
    )


def _checked(topic: str, where: str, look: Looks) -> tuple[Finding, ...]:
    try:
        return look()
    except CloudError as error:
        return (doctor.no_look(topic, error.fault, where),)
    except ChatError as error:
        return (doctor.slack_refuses(error.code),)
    except UnreadableRow:
        return (doctor.unclear(topic, "a row of the table was written by a newer version", where),)


def _too_late(topic: str, where: str) -> Finding:
    return doctor.unclear(topic, "there was no answer in time", where)


# ---- the bot's own house ----------------------------------------------------------------------


def _slack(house: House) -> tuple[Finding, ...]:
    return (doctor.scopes(house.chat.scopes()),)


def _channels(house: House, request: Request) -> tuple[Finding, ...]:
    """Where launches are shown: the rule's channels, or where this was typed."""
    where = sorted(house.policy.channels)[:MOST_CHANNELS] or [request.channel]
    return tuple(_speaks(house, channel, request.user) for channel in where)


def _speaks(house: House, channel: str, admin: str) -> Finding:
    try:
        house.chat.whisper(channel, admin, messages.doctor_speaks())
    except ChatError as error:
        if not isinstance(error, NotInChannel) and error.code != doctor.NOT_THERE:
            raise
        return doctor.not_heard_in(channel, error.code, admin)
    return doctor.heard_in(channel)


def _clock(house: House) -> tuple[Finding, ...]:
    return (doctor.clock(house.ledger.row(Pulse, CLOCK), house.clock()),)


def _dead_letters(house: House) -> tuple[Finding, ...]:
    return (doctor.dead_letters(house.watchers.dead_letters()),)


def _alarm_mail(house: House) -> tuple[Finding, ...]:
    return (doctor.alarm_mail(house.watchers.alarm_mail()),)


def _rules(house: House) -> tuple[Finding, ...]:
    try:
        row = stored(house)
    except UnreadableRow:
        return (doctor.rules_unreadable(),)
    return (doctor.rules(rulebook.effective(house.deployed or house.policy, row).ignored),)


def _bills(house: House) -> tuple[Finding, ...]:
    return (doctor.bills(house.ledger.rows(Reconciled)[-DAYS:]),)
