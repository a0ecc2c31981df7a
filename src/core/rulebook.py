"""The policy in force: what the template says, with what admins have changed from Slack over it.

Pure. `core.rule_table` has the rules themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.model import Policy, RuleChange, Rules
from core.rule_table import FIXED, RULES
from core.rule_values import BadValue
from core.words import closest

MOST_NEWS = 20  # changes that are remembered, so that a redelivery is known
NAMES = frozenset({*RULES, *FIXED})


@dataclass(frozen=True, kw_only=True)
class Effective:
    """The policy in force, and the changes that do not count because they cannot."""

    policy: Policy
    ignored: tuple[str, ...] = ()  # names of rules


def effective(deployed: Policy, rules: Rules | None) -> Effective:
    """The deployment's own policy with what admins have changed laid over it.

    A change that this version cannot read, or that does not go together with what the template says
    by now, does not count; the others do.
    """
    if rules is None:
        return Effective(policy=deployed)
    wanted = {change.rule: change for change in rules.changed}
    while True:
        policy, unread = _laid(deployed, wanted.values())
        at_odds = {name for fault in faults(policy) for name in fault.between} & wanted.keys()
        gone = unread | at_odds
        if not gone:
            break
        wanted = {name: change for name, change in wanted.items() if name not in gone}
    if rules.budgets is not None:
        policy = replace(policy, budgets=rules.budgets)
    ignored = (change.rule for change in rules.changed if change.rule not in wanted)
    return Effective(policy=policy, ignored=tuple(ignored))


def _laid(deployed: Policy, changes: Iterable[RuleChange]) -> tuple[Policy, set[str]]:
    policy, unread = deployed, set[str]()
    for change in changes:
        rule = RULES.get(change.rule)
        try:
            if rule is None or change.value is None:
                unread.add(change.rule)
            else:
                policy = rule.laid(policy, change.value, deployed)
        except BadValue:
            unread.add(change.rule)
    return policy, unread


@dataclass(frozen=True, kw_only=True)
class AtOdds:
    """Two rules that do not go together."""

    between: tuple[str, str]
    what: str


def faults(policy: Policy) -> tuple[AtOdds, ...]:
    """What in a policy does not go together."""
    found = []
    if policy.default_lease > policy.longest_lease:
        what = _longer("default-lease", "longest-lease", policy)
        found.append(AtOdds(between=("default-lease", "longest-lease"), what=what))
    largest = policy.largest_disk_gb
    if largest is not None and policy.default_disk_gb > largest:
        what = _longer("default-disk", "largest-disk", policy)
        found.append(AtOdds(between=("default-disk", "largest-disk"), what=what))
    return tuple(found)


def _longer(less: str, more: str, policy: Policy) -> str:
    lower, upper = RULES[less].typed(policy), RULES[more].typed(policy)
    return f"`{less}` would be {lower}, more than `{more}` ({upper}). Change the other one first."


def changed(rules: Rules, change: RuleChange, deployed: Policy) -> Rules:
    """The rules with this change; BadValue where its value is none or does not fit the others.

    What is kept is the value as it is written back, whichever way it was typed.
    """
    rule = RULES[change.rule]
    before = effective(deployed, rules).policy
    text = rule.typed(deployed) if change.value is None else change.value
    after = rule.laid(before, text, deployed)
    for fault in faults(after):
        if rule.name in fault.between:
            raise BadValue(fault.what)
    value = None if change.value is None else rule.typed(after)
    written = replace(change, value=value, was=rule.typed(before))
    others = tuple(one for one in rules.changed if one.rule != rule.name)
    return replace(
        rules,
        changed=others if value is None else (*others, written),
        news=(*rules.news, written)[-MOST_NEWS:],
    )


def nearest(name: str) -> str | None:
    """The rule that was probably meant."""
    return closest(name, RULES)
