"""Why a launch waits for a person, what it costs meanwhile (nothing), and the ways on."""

from dataclasses import replace
from decimal import Decimal

from core.blocks import Block, actions, button, code, context, escape, section
from core.messages import buttons, words
from core.model import ChoiceKind, Hold, HoldKind, Machine
from core.refusals import meaning, next_step

MOST_BUTTONS = 3
MOST_NAMED = 4  # regions; more of them are counted

_RULES = {
    "no-default-vpc": "There is no default VPC in {region}. An admin can make one: "
    "`aws ec2 create-default-vpc --region {region}`.",
    "no-subnet": "None of the zones of {region} that sell it has a public subnet in the default "
    "VPC: one whose route table leads to an internet gateway. An admin can route one there, or "
    "make one: `aws ec2 create-default-subnet --region {region} --availability-zone &lt;zone&gt;`.",
    "no-free-address": "The public subnets of {region} have no free addresses in the zones that "
    "sell it. An admin can end machines that nobody needs, or add a subnet to the default VPC.",
    "image": "There is no image that fits it.",
    "disk": "The disk that was asked for does not fit.",
}


def held(m: Machine, hold: Hold, facts: tuple[Block, ...]) -> tuple[Block, ...]:
    """The card of a launch that a person must decide about; `facts` say what it is."""
    blocks = [section(f"{words.name(m)} is not launched. {why(m, hold)} {words.NOTHING}")]
    steps = _steps(hold)
    if steps:
        blocks.append(section(steps))
    row = _buttons(m, hold)
    small_print = [_small_print(m, cancel_shown=len(row) > len(_offered(hold)))]
    if not hold.choices:
        small_print += _without_buttons(m, hold)
    return (*blocks, *facts, actions(*row), context(*small_print))


def _without_buttons(m: Machine, hold: Hold) -> list[str]:
    """A next step where nothing can be offered as a button."""
    match hold.kind:
        case HoldKind.NO_ACCESS:
            return []
        case HoldKind.REFUSED:
            return [f"Once that is solved: {words.launch_again(m.wish)}"]
        case _:
            return ["Another type, market or region may do: `/gpu help launch`"]


def why(m: Machine, hold: Hold) -> str:
    """One or two sentences: what stands in the way; before it what has been tried already, where it
    is about something that was left out then."""
    full = words.without_capacity(m.wish, m.tried)
    if not full or hold.kind not in (HoldKind.QUOTA, HoldKind.TOO_DEAR):
        return _why(m, hold)
    rest = replace(
        m.wish,
        instance_type=hold.instance_type or m.wish.instance_type,
        or_types=(),
        market=hold.market or m.wish.market,
        or_on_demand=False,
    )
    return f"EC2 had no capacity for {full}. {_why(replace(m, wish=rest), hold)}"


def _why(m: Machine, hold: Hold) -> str:
    thing, place = words.types(m.wish), words.regions(m.wish)
    match hold.kind:
        case HoldKind.QUOTA:
            return _quota(hold)
        case HoldKind.NO_CAPACITY:
            return _no_capacity(m)
        case HoldKind.NOT_OFFERED if hold.code == "no-such-market":
            return f"EC2 does not sell {thing} as {words.markets(m.wish)} in {place}."
        case HoldKind.NOT_OFFERED if hold.code == "no-price":
            return (
                f"AWS's price list has no on-demand price for {thing} in {place} now, and what "
                "nobody can price is not launched. Spot has a price of its own; or try again later."
            )
        case HoldKind.NOT_OFFERED:
            return f"EC2 does not offer {thing} in {place}."
        case HoldKind.NO_ACCESS:
            return "Nobody could log in to it yet."
        case HoldKind.TOO_DEAR:
            limit = f", {words.hourly(Decimal(hold.detail))}" if hold.detail else ""
            by_admin = f"An admin can launch it: {words.launch_again(m.wish)}."
            return (
                f"{thing} {words.markets(m.wish)} costs more than goes without an approval"
                f"{limit} (rule `approval-above`). {escape(hold.also) or by_admin}"
            )
        case HoldKind.OVER_LIMIT | HoldKind.NOT_ALLOWED:
            return escape(hold.detail)
        case HoldKind.REFUSED:
            return _refused(m, hold)


def _quota(hold: Hold) -> str:
    if hold.quota is None:
        return "The account's vCPU quota is too small for it."
    if hold.quota.room >= hold.needed:
        return f"There is room for it now. {words.quota_wall(hold.quota, hold.needed)}"
    asked = " AWS has been asked for more and has still to decide." if hold.asked else ""
    return words.quota_wall(hold.quota, hold.needed) + _nor(hold) + asked


def _nor(hold: Hold) -> str:
    """The other regions whose quota has no room for it."""
    others = hold.detail.split(", ") if hold.detail else []
    if len(others) > MOST_NAMED:
        return f" Nor is there room in {len(others)} other regions."
    return f" Nor is there room in {escape(' or '.join(others))}." if others else ""


def _no_capacity(m: Machine) -> str:
    looked = next((h.at for h in reversed(m.history) if h.what.startswith("held")), None)
    when = f"at the last try, {words.at(looked)}" if looked else "now"
    full = words.without_capacity(m.wish, m.tried) or words.wanted(m.wish)
    said = f"EC2 had no capacity for {full} {when}"
    tried = words.zones_tried(m.tried)
    return f"{said} ({tried})." if tried else f"{said}."


def _refused(m: Machine, hold: Hold) -> str:
    """Our own rule in its own words; AWS's refusal by its code, for its text may name accounts."""
    rule = _RULES.get(hold.code)
    if rule is None:
        said = f"{escape(meaning(hold.code))} {escape(next_step(hold.code))}"
        where = f" in {escape(hold.region)}" if hold.region else ""
        return f"AWS refused it{where} ({escape(hold.code)}): {said}"
    return escape(hold.detail) or rule.format(region=escape(hold.region or m.wish.region))


def _steps(hold: Hold) -> str:
    """The commands that are missing before anybody could log in."""
    missing = words.access_steps(lacks_key=hold.lacks_key, lacks_address=hold.lacks_address)
    if not missing:
        return ""
    if hold.kind is HoldKind.NO_ACCESS:
        return f"Type this, and the launch goes on by itself:\n{missing}"
    return f"It also needs, and you can type it now:\n{missing}"


def _offered(hold: Hold) -> tuple[tuple[int, ChoiceKind], ...]:
    """(index, kind) of the ways on that still make sense; the index is what the button carries."""
    kinds = [(i, c.kind) for i, c in enumerate(hold.choices[:MOST_BUTTONS])]
    return tuple((i, k) for i, k in kinds if not (hold.asked and k is ChoiceKind.ASK_QUOTA))


def _buttons(m: Machine, hold: Hold) -> list[Block]:
    offered = _offered(hold)
    primary = _primary(tuple(kind for _, kind in offered))
    made = [
        button(
            buttons.choice_label(hold.choices[i], hold, m.wish),
            f"choose-{i}",
            f"{m.id}:{m.turn}:{i}",
            buttons.PRIMARY if kind is primary else None,
        )
        for i, kind in offered
    ]
    # Two ways on of one kind (two types, say) must not both be the primary one.
    for later in [b for b in made if b.get("style") == buttons.PRIMARY][1:]:
        del later["style"]
    return made if len(made) == MOST_BUTTONS else [*made, buttons.cancel_button(m)]


def _primary(kinds: tuple[ChoiceKind, ...]) -> ChoiceKind | None:
    if ChoiceKind.ASK_AND_LAUNCH in kinds:
        return ChoiceKind.ASK_AND_LAUNCH
    return kinds[0] if kinds else None


def _small_print(m: Machine, *, cancel_shown: bool) -> str:
    """Who asked, until when this stays open, and how to give up where no button says so."""
    asked = f"Asked for by {words.owner(m)}. Open until {words.at(m.launch_by)}"
    give_up = "" if cancel_shown else f", or give it up: {code(f'/gpu end {m.name}')}"
    return f"{asked}{give_up}."
