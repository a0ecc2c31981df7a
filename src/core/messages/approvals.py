"""What approvers are asked, and what became of it."""

from core import price
from core.blocks import (
    Message,
    actions,
    button,
    code,
    confirm,
    context,
    escape,
    fields,
    message,
    section,
    user,
)
from core.messages import buttons, words
from core.messages.holds import why
from core.model import Approval, Asking, Machine, State, Verdict


def what_is_asked(m: Machine) -> str:
    """8 x `p5.48xlarge` spot in us-east-1; of a launch with the disk that was wished for."""
    disk = words.root_disk(m.wish) if m.state is State.HELD else ""
    return f"{words.what(m)}, {disk}" if disk else words.what(m)


def why_held(m: Machine) -> str:
    """Which rules a held launch passes."""
    assert m.hold is not None
    return why(m, m.hold)


# ---- the question ---------------------------------------------------------------------------


def approval(row: Approval, *, reminder: bool) -> Message:
    """Who, what, how long, at most how much, why; with buttons only while it is open."""
    again = "A reminder: " if reminder else ""
    head = f"{again}{user(row.requester)} asks for your approval: {_verb(row)}"
    blocks = [section(head), fields(_facts(row))]
    blocks.append(section("\n".join(f"• {one}" for one in row.broken)))
    if row.why:
        blocks.append(section(f"In their own words: {escape(row.why)}"))
    if row.verdict is not Verdict.OPEN:
        return message(*blocks, context(_end(row)))
    blocks.append(actions(_yes(row), button("Deny", "deny", row.key)))
    return message(*blocks, context(f"Open until {words.at(row.expires_at)}; {_meanwhile(row)}"))


def _meanwhile(row: Approval) -> str:
    if row.asking is Asking.EXTEND:
        return f"it runs until its deadline as before, at {words.hourly(row.hourly)}"
    return "nothing runs for it now"


def _verb(row: Approval) -> str:
    name = f"*{escape(row.name)}*"
    match row.asking:
        case Asking.LAUNCH:
            return f"to launch {name}, {row.what}."
        case Asking.START:
            return f"to start {name} again, {row.what}."
        case Asking.EXTEND:
            until = words.at(row.until) if row.until else "later"
            return f"to let {name}, {row.what}, run on until {until}."


def _facts(row: Approval) -> list[tuple[str, str]]:
    longer = "Longer by" if row.asking is Asking.EXTEND else "For at most"
    return [
        ("Costs at most", words.hourly(row.hourly)),
        (longer, words.length(row.length)),
        (f"{_in_all(row).capitalize()} at most", words.money(row.total)),
    ]


def _in_all(row: Approval) -> str:
    """What the total is of: of an extension only what it adds."""
    return "more" if row.asking is Asking.EXTEND else "in all"


def _yes(row: Approval) -> dict[str, object]:
    sure = confirm(
        f"Approve {row.name}?",
        f"It may cost {price.per_hour(row.hourly)} and {price.dollars(row.total)} {_in_all(row)}, "
        "at most.",
        "Approve",
        "Not yet",
        danger=False,
    )
    return button(f"Approve {price.dollars(row.total)}", "approve", row.key, buttons.PRIMARY, sure)


# ---- its end --------------------------------------------------------------------------------


def _end(row: Approval) -> str:
    who = user(row.decided_by) if row.decided_by else "nobody"
    when = words.at(row.decided_at) if row.decided_at else "now"
    match row.verdict:
        case Verdict.APPROVED:
            return f"Approved by {who}, {when}"
        case Verdict.DENIED:
            return f"Denied by {who}, {when}"
        case Verdict.EXPIRED:
            return f"Nobody decided in time: it was open until {words.at(row.expires_at)}"
        case Verdict.WITHDRAWN:
            return f"No longer asked for, {when}"
        case Verdict.OPEN:
            return f"Open until {words.at(row.expires_at)}"


def asked_before(row: Approval) -> str:
    """To approvers: that the same was asked before, and what became of it."""
    return f"The same was asked before. {_end(row)}."


def no_approval(row: Approval) -> str:
    """Why a launch is held again."""
    if row.verdict is Verdict.DENIED:
        return "An approver denied it."
    return "No approver decided about it in time."


def barred(row: Approval, why: str) -> Message:
    """To whoever asked: the rules have changed, and no approver may lift what stands against it."""
    return message(
        section(
            f"{user(row.requester)} No approver may allow it any more: *{escape(row.name)}* is not "
            f"extended. {escape(why)} Its deadline stays as it is."
        )
    )


def approval_outcome(row: Approval) -> Message:
    """To whoever asked."""
    name = f"*{escape(row.name)}*"
    who = user(row.decided_by) if row.decided_by else "Nobody"
    if row.verdict is Verdict.APPROVED:
        goes = "its deadline is moved" if row.asking is Asking.EXTEND else "it goes on by itself"
        total = f"{words.money(row.total)} {_in_all(row)}"
        most = f"{words.hourly(row.hourly)} and {total}, at most"
        return message(section(f"{user(row.requester)} {who} approved {name}: {goes} ({most})."))
    said = f"{who} denied it" if row.verdict is Verdict.DENIED else "Nobody decided in time"
    now = (
        "Its deadline stays as it is."
        if row.asking is Asking.EXTEND
        else f"{words.NOTHING} Its card shows what else can be done."
    )
    return message(section(f"{user(row.requester)} {said}: {name}. {now}"))


def approval_asked(row: Approval, approvers: tuple[str, ...]) -> Message:
    """Private, to whoever asked."""
    said = ", ".join(user(one) for one in approvers[:5])
    now = "It costs nothing while it waits."
    if row.asking is Asking.EXTEND:
        now = f"Until then it runs as before and costs {words.hourly(row.hourly)}."
    return message(
        section(
            f"Asked {said} about *{escape(row.name)}*: {words.hourly(row.hourly)}, "
            f"{words.money(row.total)} {_in_all(row)}, at most. The channel is told what "
            f"they decide, by {words.at(row.expires_at)} at the latest. {now}"
        )
    )


def approval_closed(row: Approval) -> Message:
    """To an approver: what was decided, by whom and when."""
    return message(section(f"*{escape(row.name)}*: {_end(row)}."))


def may_not_approve(row: Approval, why: str) -> Message:
    """To somebody who may not decide."""
    return message(
        section(f"{escape(why)} *{escape(row.name)}* stays as it is. Nothing was changed.")
    )


def may_not_launch_any_more(m: Machine, rule: str) -> Message:
    """To an approver who said yes: whoever asked has left, say, and nobody can say yes for them."""
    return message(
        section(
            f"{words.owner(m)} may not launch any more (rule `{rule}`), so {words.name(m)} is "
            f"given up. {words.NOTHING}"
        )
    )


def nobody_approves(m: Machine, asking: Asking) -> Message:
    """There is no approver but the person who asks."""
    now = "Nothing was started."
    if asking is Asking.EXTEND:
        now = "Its deadline stays as it is, and it runs and costs as before."
    return message(
        section(
            f"There is nobody but you who could approve {words.name(m)}, and nobody approves what "
            f"is their own. {now} An admin can name approvers: "
            f"{code('/gpu policy set approvers @kim')}"
        )
    )
