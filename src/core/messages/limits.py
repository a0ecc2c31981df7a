"""vCPU quotas in words: how much there is, what has been asked of AWS, what AWS said."""

from core.blocks import Block, Message, code, context, escape, message, section, user
from core.faults import Fault
from core.messages import words
from core.model import Machine, QuotaFacts, QuotaRequest, QuotaStatus, TypeFacts
from core.refusals import what_to_say

MOST_ROWS = 12

_STATUS = {
    QuotaStatus.PENDING: "AWS is deciding",
    QuotaStatus.CASE_OPENED: "AWS has opened a support case",
    QuotaStatus.APPROVED: "granted",
    QuotaStatus.DENIED: "refused",
    QuotaStatus.NOT_APPROVED: "not approved",
    QuotaStatus.CASE_CLOSED: "the case was closed",
    QuotaStatus.INVALID_REQUEST: "AWS calls it invalid",
    QuotaStatus.UNKNOWN: "AWS does not tell",
}


def quotas(
    rows: tuple[tuple[str, tuple[QuotaFacts, ...] | Fault], ...],
    asked: tuple[QuotaRequest, ...],
    kind: TypeFacts | None = None,
) -> Message:
    """Limit, use and room of each quota by region, and the requests that AWS has still to decide.

    A region that AWS did not answer for stands with its fault. `kind`: the type that was asked
    about; without it, quotas of 0 that nothing uses are named in one line.
    """
    title = "*vCPUs that this account may run*"
    if kind is not None:
        title = f"{code(kind.name)} needs {kind.vcpus} vCPUs. {title}"
    blocks = [section(title), *(section(_region(*row, kind)) for row in rows)]
    if asked:
        lines = "\n".join(f"• {_asked_row(r)}" for r in asked[:MOST_ROWS])
        blocks.append(section(f"*Asked of AWS*\n{lines}"))
    return message(*blocks, context(*_quota_hints(rows[0][0], kind)))


def _quota_hints(region: str, kind: TypeFacts | None) -> tuple[str, ...]:
    example = kind.name if kind else "g5.xlarge"
    more = (
        f"More of it: {code(f'/gpu quota raise {example} spot in {region}')} or "
        f"{code(f'/gpu quota raise {example} on-demand in {region}')}"
    )
    return (more,) if kind else (f"One type: {code(f'/gpu quota {example}')}", more)


def _region(region: str, found: tuple[QuotaFacts, ...] | Fault, kind: TypeFacts | None) -> str:
    title = f"*{escape(region)}*"
    if isinstance(found, Fault):
        return f"{title}\n• not known now: {escape(what_to_say(found))}"
    shown = [f for f in found if kind or f.limit or f.used or f.in_flight]
    none = [f for f in found if f not in shown]
    lines = [f"• {_row(f)}{_fits(f, kind)}" for f in shown]
    return "\n".join([title, *lines, *_zeros(none)])


def _zeros(none: list[QuotaFacts]) -> list[str]:
    """P, Inf and the like, of which a new account may run nothing, in one line a market."""
    lines = []
    for market in ("on-demand", "spot"):
        names = [
            words.quota_family(f.name).removesuffix("-type")
            for f in none
            if words.quota_market(f.name) == market
        ]
        if names:
            lines.append(f"• limit 0, {market}: {', '.join(dict.fromkeys(names))}")
    return lines


def _fits(facts: QuotaFacts, kind: TypeFacts | None) -> str:
    if kind is None:
        return ""
    fits = facts.room // kind.vcpus
    unsure = " (AWS does not say which quota counts this type; this has the most room)"
    return f": room for {fits or 'none'}{unsure if facts.unsure else ''}"


def _row(facts: QuotaFacts) -> str:
    family = f"{words.quota_family(facts.name)} {words.quota_market(facts.name)}"
    flight = f", {facts.in_flight} being launched" if facts.in_flight else ""
    return f"*{family}*: limit {facts.limit}, used {facts.used}{flight}, free {facts.room}"


def _asked_row(request: QuotaRequest) -> str:
    who = "found" if request.outside else f"asked by {user(request.asked_by)}"
    return (
        f"{_what(request)}: {request.before} → {request.desired}, {_status(request)}; "
        f"{who} {words.at(request.asked_at)}"
    )


def _status(request: QuotaRequest) -> str:
    if request.status.is_open and request.approved_at is not None:
        return f"granted {words.at(request.approved_at)}, but the limit does not show it yet"
    return _STATUS[request.status]


def _what(request: QuotaRequest) -> str:
    return f"{words.vcpus_of(request.name)} in {escape(request.region)}"


def quota_asking(facts: QuotaFacts, total: int, by: str) -> Message:
    """Posted before AWS is asked, so that its answer has a thread to go to."""
    return message(
        section(
            f"{user(by)} asks AWS for {total} {words.vcpus_of(facts.name)} in "
            f"{escape(facts.region)} (now {facts.limit})… Asking costs nothing."
        )
    )


def quota_not_asked(facts: QuotaFacts, fault: Fault) -> Message:
    """AWS did not take the request."""
    return message(
        section(
            f"AWS did not take the request for more {words.vcpus_of(facts.name)} in "
            f"{escape(facts.region)} ({escape(fault.code) or 'no answer'}): "
            f"{escape(what_to_say(fault))} The limit is {facts.limit} as before."
        )
    )


def quota_asked(request: QuotaRequest) -> Message:
    """AWS has the request."""
    if request.outside:
        return quota_already(request)
    said = (
        f"{user(request.asked_by)} asked AWS for {request.desired} {_what(request)} (now "
        f"{request.before}): {_STATUS[request.status]}. What AWS says is told in this thread. "
        "Nothing was started, and asking costs nothing."
    )
    return message(section(said), *_references(request))


def quota_already(request: QuotaRequest) -> Message:
    """AWS keeps one open request for a quota, so a second one is not made."""
    who = f"asked by {user(request.asked_by)} {words.at(request.asked_at)}"
    where = "where it was asked"
    if request.outside:
        who, where = "made without this bot", "in this thread"
    said = (
        f"AWS has an open request already: {request.desired} {_what(request)} (now "
        f"{request.before}), {who}; {_status(request)}. Nothing more was asked and nothing "
        f"was started; the outcome is told {where}. See it: "
        f"`/gpu quota in {escape(request.region)}`"
    )
    return message(section(said), *_references(request))


def quota_enough(facts: QuotaFacts, needed: int) -> Message:
    """There is room already: AWS would refuse to be asked."""
    return message(
        section(
            f"There is room already: this account may run {facts.limit} "
            f"{words.vcpus_of(facts.name)} in {escape(facts.region)}, {facts.room} are free, and "
            f"{needed} are needed. Nothing was asked of AWS and nothing was started."
        )
    )


def quota_outcome(request: QuotaRequest, waiting: tuple[Machine, ...]) -> Message:
    """What AWS decided, and what that means for the launches that waited for it."""
    granted = request.is_granted
    said = f"{user(request.asked_by)} {_granted(request) if granted else _refused(request)}"
    blocks = [section(said)]
    if waiting:
        blocks.append(section(_goes_on(waiting) if _in_full(request) else _looked_at(waiting)))
    elif granted:
        blocks.append(context("No launch waited for it, so nothing was started."))
    return message(*blocks, *_references(request))


def _in_full(request: QuotaRequest) -> bool:
    total = request.desired if request.granted is None else request.granted
    return request.is_granted and total >= request.desired


def _granted(request: QuotaRequest) -> str:
    if request.granted is None or _in_full(request):
        total = request.granted or request.desired
        return f"AWS granted it: {total} {_what(request)} (before: {request.before})."
    if request.granted > request.before:
        return (
            f"AWS granted a part: {request.granted} of the {request.desired} {_what(request)} that "
            f"were asked for (before: {request.before})."
        )
    return (
        f"AWS approved {request.desired} {_what(request)}, but the limit still shows "
        f"{request.granted}: it can take some minutes."
    )


def _refused(request: QuotaRequest) -> str:
    if request.status is QuotaStatus.UNKNOWN:
        return (
            f"What became of the request for {request.desired} {_what(request)} is not known: for "
            "days AWS has not let the bot see it, and it is followed no further. Nothing was "
            "started. What the account may run now: "
            f"{code(f'/gpu quota in {request.region}')}"
        )
    now = request.before if request.granted is None else request.granted
    return (
        f"AWS did not grant {request.desired} {_what(request)}: {_STATUS[request.status]}. The "
        f"limit is {now}. Nothing was started. Smaller requests, regions in use and a support case "
        "by an admin have better chances."
    )


def _goes_on(waiting: tuple[Machine, ...]) -> str:
    goes_on = "goes on by itself now" if len(waiting) == 1 else "go on by themselves now"
    return f"{words.names(waiting)} {goes_on}."


def _looked_at(waiting: tuple[Machine, ...]) -> str:
    verb = "is" if len(waiting) == 1 else "are"
    return (
        f"{words.names(waiting)} {verb} looked at again; the launch's own message says how it is."
    )


def _references(request: QuotaRequest) -> tuple[Block, ...]:
    case = f", case {escape(request.case_id)}" if request.case_id else ""
    return (context(f"AWS request {escape(request.change_id)}{case}"),)
