"""Every rule that admins can change: its name, what it means, its value, and what it is a part of.

Pure. Rules that stand for the whole deployment are told apart by where they are decided: `RULES` in
the template or from Slack, `FIXED` in the template or in the code alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from core import rule_values as kinds
from core.model import Over, Policy
from core.rule_values import BadValue, Kind

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_YEAR = 365 * _DAY
_ON_AND_ON = "Machines that run now go on; it counts for launches and starts from now on."


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. `field` is the policy's; `after` says what a change means for what runs now."""

    name: str
    field: str
    kind: Kind
    means: str
    after: str = _ON_AND_ON

    def value(self, policy: Policy) -> Any:
        """What the policy says of it."""
        return getattr(policy, self.field)

    def typed(self, policy: Policy) -> str:
        """The same as it could be typed."""
        return self.kind.typed(self.value(policy))

    def laid(self, policy: Policy, text: str, deployed: Policy) -> Policy:
        """The policy with this value; BadValue where it is none."""
        value = self.kind.read(text)
        if self.field == "regions":
            value = _regions(value, deployed)
        if self.field == "types":
            value = _types(value, deployed)
        return replace(policy, **{self.field: value})


def _regions(wanted: tuple[str, ...], deployed: Policy) -> tuple[str, ...]:
    """The functions' own rights are limited to the template's regions: no more can be allowed."""
    beyond = [region for region in wanted if region not in deployed.regions]
    if beyond:
        listed = ", ".join(deployed.regions)
        raise BadValue(
            f"`{beyond[0]}` is not among the regions of the template ({listed}): whoever deploys "
            "this can add it there (parameter Regions)."
        )
    return wanted or deployed.regions


def _types(wanted: tuple[str, ...], deployed: Policy) -> tuple[str, ...]:
    """As with regions: a family of the template stands for all its types, not the other way."""
    families = {word: word.partition(".")[0] for word in wanted}
    beyond = [w for w in wanted if not {w, families[w]} & set(deployed.types)]
    if beyond and deployed.types:
        listed = ", ".join(deployed.types)
        raise BadValue(
            f"`{beyond[0]}` is not among the types of the template ({listed}): whoever deploys "
            "this can add it there (parameter AllowedTypes)."
        )
    return wanted or deployed.types


_ALL = (
    Rule(
        name="channels",
        field="channels",
        kind=kinds.ids("#", "CG", "all", "a channel", "#gpu #research"),
        means="Where machines may be launched and started; stopping works everywhere.",
    ),
    Rule(
        name="groups",
        field="groups",
        kind=kinds.ids("!subteam^", "S", "all", "a user group", "@ml-team"),
        means="Slack user groups whose members may launch, and the admins; `all`: every member.",
    ),
    Rule(
        name="approvers",
        field="approvers",
        kind=kinds.ids("@", "UW", "admins", "a person", "@kim @lee"),
        means="Who says yes or no to what passes a limit; nobody ever to their own wish.",
        after="Questions that are open now are theirs to answer from now on.",
    ),
    Rule(
        name="regions",
        field="regions",
        kind=kinds.REGIONS,
        means="AWS regions where machines may run; the first is the default.",
        after="Machines elsewhere run on until their deadline; stopped ones stay stopped.",
    ),
    Rule(
        name="types",
        field="types",
        kind=kinds.TYPES,
        means="Instance types (`g5.xlarge`) and families (`g5`) that may be launched.",
        after="Machines of other types run on until their deadline; stopped ones stay stopped.",
    ),
    Rule(
        name="markets",
        field="markets",
        kind=kinds.MARKETS,
        means="How machines may be bought: `spot`, `on-demand`, or `all`.",
        after="Machines bought otherwise run on until their deadline; stopped ones stay stopped.",
    ),
    Rule(
        name="most-count",
        field="most_count",
        kind=kinds.number(1, 100, example="8"),
        means="Most machines in one launch (`x8`).",
    ),
    Rule(
        name="most-gpus",
        field="most_gpus",
        kind=kinds.number(1, 10_000, example="16", off=True),
        means="Most GPUs in one launch, of all its machines together.",
    ),
    Rule(
        name="largest-disk",
        field="largest_disk_gb",
        kind=kinds.number(8, 65_536, example="500", unit="GB", off=True),
        means="The largest disk of a machine, and the largest data disk.",
        after="Disks that are there stay as they are; it counts for new and for growing ones.",
    ),
    Rule(
        name="default-disk",
        field="default_disk_gb",
        kind=kinds.number(1, 16_384, example="100", unit="GB"),
        means="The root disk when nobody says; never below what the image needs.",
    ),
    Rule(
        name="default-lease",
        field="default_lease",
        kind=kinds.length(2 * _MINUTE, _YEAR, example="4h"),
        means="How long a machine runs when nobody says.",
        after="Machines that run now keep their deadlines; it counts from the next launch on.",
    ),
    Rule(
        name="longest-lease",
        field="longest_lease",
        kind=kinds.length(2 * _MINUTE, _YEAR, example="24h"),
        means="How long a machine may run in one go, extensions included; admins may give more.",
        after="Machines that run now keep their deadlines and how far they can be extended; it "
        "counts for launches and starts from now on.",
    ),
    Rule(
        name="stopped-lease",
        field="shelf",
        kind=kinds.length(60 * _MINUTE, _YEAR, example="7d"),
        means="How long a stopped machine lies there before its owner is asked and it is removed.",
        after="Machines that lie stopped now keep their day; it counts for later stops.",
    ),
    Rule(
        name="idle",
        field="idle",
        kind=kinds.length(5 * _MINUTE, 7 * _DAY, example="30m", off=True),
        means="Unused for so long, a machine stops, after a question; unless its owner said else.",
        after="Machines that run now and have no idle time of their own are measured by it, too.",
    ),
    Rule(
        name="recover",
        field="recover",
        kind=kinds.SWITCH,
        means="Whether single spot machines keep their disk and come back when EC2 takes them, "
        "when nobody says.",
        after="It counts for launches from now on.",
    ),
    Rule(
        name="approval-above",
        field="approval_above",
        kind=kinds.DOLLARS,
        means="US dollars an hour above which `over-price` decides; admins may launch dearer ones.",
    ),
    Rule(
        name="over-price",
        field="over_price",
        kind=kinds.one_of((Over.APPROVE, Over.BLOCK)),
        means="What costs more than `approval-above` asks an approver (`approve`) or is refused.",
    ),
    Rule(
        name="over-length",
        field="over_length",
        kind=kinds.one_of((Over.APPROVE, Over.BLOCK)),
        means="What would run longer than `longest-lease` asks an approver or is refused.",
    ),
    Rule(
        name="over-budget",
        field="over",
        kind=kinds.one_of(tuple(Over)),
        means="At a budget's end: `warn` people, `approve` what comes on top, `block` it, or "
        "`stop` what runs after a warning.",
        after="It counts at once, also for budgets that are passed already.",
    ),
    Rule(
        name="networks",
        field="networks",
        kind=kinds.NETWORKS,
        means="Networks that people may open to SSH as a whole; else single addresses only.",
        after="A network that is not listed any more is closed on every machine within minutes, at "
        "the hourly look at the latest. Single addresses stay open until their time is over, but "
        "for private ones of that network.",
    ),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL}

# What no command changes.
FIXED: Mapping[str, str] = {
    "members": "Active full members of this workspace only; guests and people of other workspaces "
    "who share a channel never.",
    "owner": "A machine is its owner's: nobody else, but admins, stops, extends or ends it.",
    "admins": "They change these rules and touch every machine. Named in the template (Admins), "
    "so that nobody can shut them all out.",
    "budget": "How much may be spent: admins set it with `/gpu budget`, the template the first.",
    "shortest-lease": "A machine runs for two minutes at least.",
}
