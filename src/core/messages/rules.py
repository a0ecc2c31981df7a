"""The rules: all of them, one that has changed, and those that do not count."""

from core.blocks import Block, Message, code, context, message, section, user
from core.messages import words
from core.model import Policy, RuleChange, Rules
from core.rule_table import FIXED, RULES, Rule
from core.rulebook import Effective

_UNREADABLE = (
    "What admins have changed of the rules cannot be read: a newer version of this bot may have "
    "written it. Until it can, the rules of the template count; every machine stops as it should."
)


def rules(found: Effective, row: Rules, *, admin: bool) -> Message:
    """Each rule: its value, where that comes from, what it means."""
    changed = {one.rule: one for one in row.changed}
    blocks: list[Block] = []
    if found.ignored:
        blocks.append(section(_ignored(found.ignored)))
    for rule in RULES.values():
        one = None if rule.name in found.ignored else changed.get(rule.name)
        blocks.append(section(_line(rule, found.policy, one)))
    fixed = [f"*{name}* {_fixed(name, found.policy)}" for name in FIXED]
    blocks.append(section("Not changed from Slack:\n" + "\n".join(fixed)))
    blocks.append(context(_how(admin=admin)))
    return message(*blocks)


def _line(rule: Rule, policy: Policy, change: RuleChange | None) -> str:
    source = "template"
    if change is not None:
        source = f"changed by {user(change.by)}, {words.at(change.at)}"
    return f"*{rule.name}*  {_shown(rule, rule.typed(policy))}  ({source})\n{rule.means}"


def _shown(rule: Rule, typed: str) -> str:
    """People, channels and groups as Slack shows them; all else as it is typed."""
    return typed if rule.kind.live and "<" in typed else code(typed)


def _fixed(name: str, policy: Policy) -> str:
    if name != "admins" or not policy.admins:
        return FIXED[name]
    return f"{' '.join(user(id) for id in sorted(policy.admins))}: {FIXED[name]}"


def _how(*, admin: bool) -> str:
    if admin:
        return (
            "Change one: `/gpu policy set longest-lease 12h`. Back to the template: "
            "`/gpu policy reset longest-lease`."
        )
    return "Admins change them from here: `/gpu help policy`"


def rule_changed(rule: Rule, done: RuleChange) -> Message:
    """To the admin who did it."""
    return message(
        section(f"*{rule.name}* is {_now(rule, done)} now; it was {_shown(rule, done.was)}."),
        section(rule.after),
        context(f"The other admins are told. Undo: {_undo(rule, done)}"),
    )


def rule_announced(rule: Rule, done: RuleChange) -> Message:
    """To the other admins."""
    return message(
        section(
            f"{user(done.by)} has changed a rule, {words.at(done.at)}: *{rule.name}* is "
            f"{_now(rule, done)}; it was {_shown(rule, done.was)}."
        ),
        section(rule.after),
        context(f"Undo: {_undo(rule, done)}"),
    )


def _now(rule: Rule, done: RuleChange) -> str:
    if done.value is None:
        return "as the template says"
    return _shown(rule, done.value)


def _undo(rule: Rule, done: RuleChange) -> str:
    """As it can be typed; people and channels by their ids."""
    was = done.was
    for mark in ("<#", "<@", "<!subteam^", ">"):
        was = was.replace(mark, "")
    return code(f"/gpu policy set {rule.name} {was}")


def rule_same(rule: Rule, policy: Policy) -> Message:
    """Nothing to change."""
    said = f"*{rule.name}* is {_shown(rule, rule.typed(policy))} already. Nothing was changed."
    return message(section(said))


def rules_unreadable() -> Message:
    """The whole row."""
    return message(
        section(_UNREADABLE),
        context("Nothing was changed. Deploy the newest version again; the row is left as it is."),
    )


def rules_ignored(names: tuple[str, ...]) -> Message:
    """Some of the changes."""
    return message(section(_ignored(names)), context("How everything is set: `/gpu policy`"))


def _ignored(names: tuple[str, ...]) -> str:
    which = ", ".join(code(name) for name in names)
    return (
        f"What was changed of {which} does not count: it cannot be read, or does not go together "
        "with what the template says by now. The template's value counts until an admin sets it "
        "again or resets it."
    )
