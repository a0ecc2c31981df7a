"""Who may use the bot and start something that costs money, with what Slack says of them at this
moment."""

from decimal import Decimal

from core import policy
from core.flows.house import House
from core.model import Choice, ChoiceKind, Machine, Person
from core.policy import Denied
from core.ports import ChatError

_UNKNOWN = frozenset({"user_not_found", "user_not_visible"})
_NOBODY = Denied(
    rule="members", what="Slack knows no such account in this workspace (rule `members`)."
)


def may_press(house: House, user: str) -> Denied | None:
    """Whom Slack does not know is nobody's member; to ask ten times would not change that."""
    try:
        person = house.chat.person(user)
    except ChatError as error:
        if error.code not in _UNKNOWN:
            raise
        return _NOBODY
    return policy.may_press(person, house.policy)


def may_launch(house: House, person: Person, channel: str) -> Denied | None:
    """Whether this person may start something that costs money, from this channel.

    Who is in a user group is asked only where the rule `groups` names some, and of those whom no
    other rule refuses. Where Slack does not tell, nothing is launched.
    """
    return _may_launch(house, person, channel, silent=None)


def may_go_on(house: House, m: Machine) -> Denied | None:
    """Whether a launch that has waited may still go on for its owner, from its channel.

    It was allowed once: where Slack does not tell, it goes on.
    """
    try:
        person = house.chat.person(m.owner)
    except ChatError as error:
        return _NOBODY if error.code in _UNKNOWN else None
    return _may_launch(house, person, m.channel, silent=True)


def _may_launch(
    house: House, person: Person, channel: str, *, silent: bool | None
) -> Denied | None:
    """`silent`: what counts for being in a group where Slack does not tell."""
    barred = policy.may_launch(person, channel, house.policy, grouped=True)
    if barred or not house.policy.groups:
        return barred
    told = _grouped(house, person.id)
    grouped = silent if told is None else told
    return policy.may_launch(person, channel, house.policy, grouped=grouped)


def _grouped(house: House, user: str) -> bool | None:
    silent = False
    for group in sorted(house.policy.groups):
        try:
            if user in house.chat.group_members(group):
                return True
        except ChatError:
            silent = True
    return None if silent else False


def may_start(house: House, m: Machine, choice: Choice | None = None) -> Denied | None:
    """Whether a machine that lies stopped may be started, as it is or as was chosen.

    One whose disk lies as an image is planned again and judged there, like a launch.
    """
    at = m.placement
    if m.starts_anew or at is None:
        return None
    other = choice is not None and choice.kind is ChoiceKind.TYPE
    kind = choice.value if choice is not None and other else at.instance_type
    gpus = Decimal(m.facts.gpu.count if m.facts and m.facts.gpu and not other else 0)
    return policy.may_have(kind, at.market, at.region, house.policy) or policy.may_be_so_many(
        max(1, len(m.members)), gpus, house.policy
    )
