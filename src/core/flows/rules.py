"""The policy as data: shown, changed from Slack, laid over what the template says.

`ruled` is called once at the beginning of each delivery, so that one delivery decides by one policy
however often its row is read.
"""

from dataclasses import replace

from core import commands, messages, rulebook
from core.flows import admitted
from core.flows.house import MOST_RACES, House
from core.flows.request import Request
from core.flows.speak import answer, passing, to_admins
from core.model import Policy, RuleChange, Rules
from core.policy import Denied, may_press
from core.ports import ChatError, StaleRow, UnreadableRow
from core.rule_table import RULES, Rule
from core.rule_values import BadValue
from core.words import echo

KEY = Rules().key


def stored(house: House) -> Rules | None:
    """What has been changed from Slack."""
    return house.ledger.row(Rules, KEY)


def ruled(house: House) -> House:
    """The house with the policy in force.

    A row that cannot be read keeps no machine from being stopped: the deployment's own policy
    counts then. Admins are told by `look_over`, every hour for as long as it is so.
    """
    deployed = _deployed(house)
    try:
        rules = house.ledger.row(Rules, KEY)
    except UnreadableRow:
        rules = None
    return replace(house, policy=rulebook.effective(deployed, rules).policy, deployed=deployed)


def look_over(house: House) -> None:
    """Tell the admins while what they have changed does not count."""
    try:
        rules = house.ledger.row(Rules, KEY)
    except UnreadableRow:
        return to_admins(house, messages.rules_unreadable())
    ignored = rulebook.effective(_deployed(house), rules).ignored
    return to_admins(house, messages.rules_ignored(ignored)) if ignored else None


def show(house: House, request: Request) -> None:
    """Every rule with its value, and who has changed it."""
    deployed = _deployed(house)
    try:
        rules = house.ledger.row(Rules, KEY) or Rules()
    except UnreadableRow:
        answer(house, request.response_url, messages.rules_unreadable())
        rules = Rules()
    found = rulebook.effective(deployed, rules)
    admin = request.user in deployed.admins
    answer(house, request.response_url, messages.rules(found, rules, admin=admin))


def change(house: House, request: Request, wanted: commands.PolicySet) -> None:
    """Set or reset one rule; admins only."""
    denied = _may_change(house, request)
    if denied:
        return answer(house, request.response_url, messages.denied(denied))
    rule = RULES.get(wanted.rule)
    if rule is None:
        return answer(house, request.response_url, messages.usage(_unknown(wanted)))
    try:
        _check_ids(house, rule, wanted.value)
        done = _written(house, request, rule, wanted.value)
    except BadValue as bad:
        return answer(house, request.response_url, messages.usage(_no_value(rule, bad)))
    except UnreadableRow:
        return answer(house, request.response_url, messages.rules_unreadable())
    if done is None:
        same = messages.rule_same(rule, ruled(house).policy)
        return answer(house, request.response_url, same)
    if rule.name == "networks":
        admitted.unlisted(ruled(house))
    if not done.told:
        _announce(house, done)
    return answer(house, request.response_url, messages.rule_changed(rule, done))


def _deployed(house: House) -> Policy:
    return house.deployed or house.policy


def _may_change(house: House, request: Request) -> Denied | None:
    if request.user not in _deployed(house).admins:
        return Denied(
            rule="admins",
            what="Only admins change the rules (rule `admins`). Nothing was changed.",
            next="Who they are, and how everything is set: /gpu policy",
        )
    return may_press(house.chat.person(request.user), house.policy)


def _unknown(wanted: commands.PolicySet) -> commands.UsageError:
    near = rulebook.nearest(wanted.rule)
    rest = f"set {near} {wanted.value}" if wanted.value else f"reset {near}"
    said = echo(wanted.rule)
    if wanted.rule in rulebook.NAMES:
        what = f"{said} is not changed by a command: it is set in the template, or never."
    else:
        what = f"There is no rule called {said}."
    return commands.UsageError(what=what, nearest=f"policy {rest}" if near else "policy")


def _no_value(rule: Rule, bad: BadValue) -> commands.UsageError:
    example = f"policy set {rule.name} {rule.kind.example}"
    return commands.UsageError(what=f"{bad.what} (rule `{rule.name}`)", nearest=example)


def _check_ids(house: House, rule: Rule, text: str | None) -> None:
    """Approvers and user groups must be there: a slip would leave nobody who may."""
    if text is None or rule.name not in ("approvers", "groups"):
        return
    for id in sorted(rule.kind.read(text)):
        try:
            there = _is_there(house, rule, id)
        except ChatError as error:
            if passing(error):
                raise
            raise BadValue(f"Slack does not tell who `{id}` is ({error.code}).") from error
        if not there:
            raise BadValue(
                f"`{id}` is no active full member of this workspace."
                if rule.name == "approvers"
                else f"The user group `{id}` has no members, so nobody could launch."
            )


def _is_there(house: House, rule: Rule, id: str) -> bool:
    if rule.name == "groups":
        return bool(house.chat.group_members(id))
    return may_press(house.chat.person(id), house.policy) is None


def _written(house: House, request: Request, rule: Rule, value: str | None) -> RuleChange | None:
    """The change as it stands in the row, written by this delivery or an earlier one; None where
    it is so already. Others' changes, and the budgets, stay."""
    lost: StaleRow | None = None
    for _ in range(MOST_RACES):
        seen = house.ledger.row(Rules, KEY)
        known = [one for one in seen.news if one.request == request.id] if seen else []
        if known:
            return known[-1]
        now = house.clock()
        wanted = RuleChange(
            rule=rule.name, value=value, was="", by=request.user, at=now, request=request.id
        )
        new = rulebook.changed(seen or Rules(), wanted, _deployed(house))
        if new.changed == (seen.changed if seen else ()) or new.news[-1].value == new.news[-1].was:
            return None
        try:
            house.ledger.save_row(replace(new, by=request.user, at=now), seen)
            return new.news[-1]
        except StaleRow as stale:
            lost = stale
    assert lost is not None
    raise lost


def _announce(house: House, done: RuleChange) -> None:
    """To every admin but the one who did it; after a kill in between some may read it twice."""
    said = messages.rule_announced(RULES[done.rule], done)
    to_admins(house, said, but=done.by)
    told = replace(done, told=True)
    for _ in range(MOST_RACES):
        seen = house.ledger.row(Rules, KEY)
        if seen is None or done not in seen.news:
            return
        news = tuple(told if one == done else one for one in seen.news)
        try:
            house.ledger.save_row(replace(seen, news=news), seen)
            return
        except StaleRow:
            continue
