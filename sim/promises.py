"""What must hold whatever happens: each promise a predicate over a stage, in plain words.

`ALWAYS` are looked at after every function that ran, `AFTER_EACH_STEP` once a step of the history
is done, `AT_THE_END` once everything has been mended, everybody has ended what they had and time
has passed, `AFTER_DEATH` where no function runs any more. A predicate yields what is broken.
It judges by the world itself (what EC2 has), by what was written into rows and sent to EC2, and by
what the history made go wrong, never by the product's own opinion of what is allowed.

How late something may be is counted, not guessed: three minutes, the skew of the clocks that
decide, and for each trouble that the history caused since shortly before, the time that the queue
takes to bring the work again (log.VISIBLE_AGAIN) and the delay itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core import messages
from core.flows.request import Asked, Click
from core.flows.speak import _digest
from core.lifecycle import LAUNCH_WITHIN
from core.model import (
    ALIVE,
    FINAL,
    Cause,
    Desire,
    Machine,
    Over,
    State,
    Verdict,
)
from core.model import Approval as Question
from core.policy import ADMINS_LONGEST
from sim.history.acts import MEMBERS
from sim.history.log import Function, Log, Owed, Sent, Stopped, Written, foreign
from sim.history.stage import Stage
from sim.town import SAM, buttons

LATE = timedelta(minutes=3)
DEAD_BY = timedelta(minutes=2)
ALONE = timedelta(minutes=2)  # a trouble so shortly before may still delay what is due
BOOTS = timedelta(minutes=15)  # at most between EC2's start and `running`, when the bill begins
SECOND = timedelta(seconds=1)
UP = frozenset({"pending", "running"})
GONE = frozenset({"shutting-down", "terminated"})


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A promise that did not hold, and what was seen."""

    promise: str
    seen: str


@dataclass(kw_only=True)
class Seen:
    """What a predicate looks at: how it stands, and what was written down since the last look."""

    stage: Stage
    ours: list[Any]  # instances of this deployment that are not terminated
    every: dict[str, list[Any]]  # all that a machine ever had, by its id
    writes: list[Written]
    sends: list[Sent]
    stops: list[Stopped]

    @property
    def now(self) -> datetime:
        return self.stage.now

    @property
    def log(self) -> Log:
        return self.stage.log

    def row(self, instance: Any) -> Machine | None:
        """The row that the instance's own tag names."""
        return self.stage.ledger.machine(instance.tags.get("gpu:machine", ""))

    def skew(self, function: Function) -> timedelta:
        """How far that function's clock is off, either way."""
        return abs(self.stage.skews.get(function, timedelta(0)))

    def most_skew(self) -> timedelta:
        """Of the clocks that decide."""
        return max(self.skew(Function.SLACK), self.skew(Function.CLOCK))


Predicate = Callable[[Seen], Iterator[str]]
ALWAYS: dict[str, Predicate] = {}
AFTER_EACH_STEP: dict[str, Predicate] = {}
AT_THE_END: dict[str, Predicate] = {}
AFTER_DEATH: dict[str, Predicate] = {}


def _promise(*tables: dict[str, Predicate]) -> Callable[[Predicate], Predicate]:
    def keep(predicate: Predicate) -> Predicate:
        for table in tables:
            table[predicate.__name__.replace("_", " ")] = predicate
        return predicate

    return keep


# ---- once, and never lost -------------------------------------------------------------------


@_promise(ALWAYS, AFTER_DEATH)
def one_launch_never_has_more_instances_than_it_asked_for(seen: Seen) -> Iterator[str]:
    """Up at a time; ever bought by one attempt; and ever bought at all, unless it was started anew
    from its disk."""
    for id, of_it in seen.every.items():
        m = seen.stage.ledger.machine(id)
        most = m.wish.count if m else 1
        up = [i.id for i in of_it if i.state in UP]
        if len(up) > most:
            yield f"{len(up)} of {_named(m, id)} are up: {up}"
        for attempt, number in Counter(i.tags.get("gpu:attempt") for i in of_it).items():
            if number > most:
                yield f"attempt {attempt} of {_named(m, id)} bought {number}"
        if len(of_it) > most and id not in seen.log.moved:
            yield f"{len(of_it)} were ever bought for {_named(m, id)}"


@_promise(ALWAYS, AFTER_DEATH)
def nothing_is_alive_that_no_row_explains(seen: Seen) -> Iterator[str]:
    """From the moment EC2 has it: a row that is not final names it, or has its attempt open."""
    for i in seen.ours:
        if i.state in GONE:
            continue
        m = seen.row(i)
        if m is None:
            yield f"{i.id} is {i.state} and has no row"
        elif m.state in FINAL:
            yield f"{i.id} is {i.state} and {m.name} is {m.state}"
        elif not _explains(m, i):
            yield f"{i.id} is {i.state} and the row of {m.name} ({m.state}) does not name it"


def _named(m: Machine | None, id: str) -> str:
    return m.name if m else id


def _explains(m: Machine, i: Any) -> bool:
    if any(one.id == i.id for one in m.instances):
        return True
    if m.attempt is not None and str(m.attempt.number) == i.tags.get("gpu:attempt"):
        return True
    return m.kept is not None and m.kept.instance == i.id


# ---- deadlines ------------------------------------------------------------------------------


@_promise(ALWAYS)
def nothing_is_up_past_its_deadline(seen: Seen) -> Iterator[str]:
    """Three minutes, the clocks' skew, and what troubles since shortly before it may have cost."""
    for i in seen.ours:
        m = seen.row(i)
        if i.state not in UP or m is None or m.lease is None or m.state in FINAL:
            continue
        since = max(m.lease.deadline, i.launched_at)
        over = seen.now - since
        if over <= LATE + seen.most_skew():
            continue
        if over > LATE + seen.most_skew() + seen.log.lost_since(since - ALONE):
            yield f"{m.name} ({i.id}) is {i.state} {over} after its deadline"


@_promise(ALWAYS)
def a_smooth_minute_leaves_nothing_overdue(seen: Seen) -> Iterator[str]:
    """The sweep alone: what it saw up, two minutes and more beyond tag and lease, is down."""
    if not seen.log.strikes or seen.log.strikes[-1].at != seen.now:
        return
    struck = seen.log.strikes[-1]
    for i in seen.ours:
        if not struck.smooth or i.id not in struck.up or i.state not in UP:
            continue
        m, tag = seen.row(i), i.tags.get("gpu:deadline", "")
        times = [datetime.fromtimestamp(int(tag), UTC)] if tag.isdecimal() else []
        if m is not None and m.lease is not None and m.state not in FINAL:
            times.append(m.lease.deadline)
        if times and struck.own >= max(*times, i.launched_at, i.launched_at) + ALONE:
            yield f"{i.id} was seen up by a sweep at {struck.own:%H:%M:%S} and is still"


@_promise(AFTER_DEATH)
def the_machines_own_timer_ends_it_where_no_function_runs_any_more(seen: Seen) -> Iterator[str]:
    """By its longest or, where an admin went beyond that, its deadline, and two minutes. Xen types
    are not held to it: their metadata shows old tags. A tag that somebody has edited counts for
    itself."""
    for i in seen.ours:
        m = seen.row(i)
        if i.state not in UP or m is None or m.lease is None or i.id in seen.log.edited:
            continue
        longest = max(m.lease.hard, m.lease.deadline)
        if seen.now > max(longest, i.launched_at) + DEAD_BY:
            yield f"{m.name} ({i.id}) is {i.state} {seen.now - longest} after its longest"
        if seen.now > max(m.lease.deadline, i.launched_at) + DEAD_BY:
            yield f"{m.name} ({i.id}) is {i.state} {seen.now - m.lease.deadline} late"


@_promise(ALWAYS, AFTER_DEATH)
def nobody_is_stopped_early_unless_somebody_asked(seen: Seen) -> Iterator[str]:
    """Before the deadline only for a person, disuse, a spent budget, or what happened outside."""
    for stop in seen.stops:
        m = stop.row
        if m is None or m.state in FINAL:
            yield f"{stop.instance.id} was stopped, and no row knows it"
        elif not _may_stop(seen, stop, m):
            yield (
                f"{m.name} ({m.state}, wants {m.desire}, cause {m.cause}) was told to {stop.how} "
                f"at {stop.at:%H:%M:%S}; its deadline is {m.lease and m.lease.deadline}"
            )


def _may_stop(seen: Seen, stop: Stopped, m: Machine) -> bool:
    if m.lease is None or stop.at >= m.lease.deadline - seen.most_skew():
        return True
    if m.instance is not None and m.instance.id != stop.instance.id and not m.members:
        return True  # one that it had before
    if m.desire is Desire.RUN:
        return False
    match m.cause:
        case Cause.PERSON:
            return any(asked.user == m.ended_by for asked in seen.log.asked)
        case Cause.DEADLINE:
            return False
        case Cause.OUTSIDE:
            return stop.instance.id in seen.log.outside or _any_outside(seen, m)
        case _:
            return True


def _any_outside(seen: Seen, m: Machine) -> bool:
    return any(i.id in seen.log.outside for i in seen.every.get(m.id, ()))


@_promise(ALWAYS)
def an_extension_counts_once_and_never_beyond_the_longest(seen: Seen) -> Iterator[str]:
    """One click of one button moves one deadline once; nothing moves one that is being stopped."""
    for w in seen.writes:
        b, a = w.before, w.after
        if b is None or b.lease is None or a.lease is None or _is_new_lease(b, a):
            continue
        if a.lease.deadline <= b.lease.deadline:
            continue
        if b.desire is not Desire.RUN or b.state not in ALIVE:
            yield f"{a.name} was extended while {b.state} and wanted {b.desire}"
        if a.lease.deadline > _furthest(seen, w, b):
            yield f"{a.name} was extended to {a.lease.deadline}, beyond {b.lease.hard}"
        if w.run is None or w.run.asked is None:
            continue
        asked = w.run.asked
        meant = f"{asked.action} {asked.value}" if isinstance(asked, Click) else asked.id
        if (a.id, meant) in seen.log.extended:
            yield f"{meant} has moved the deadline of {a.name} twice"
        seen.log.extended.add((a.id, meant))


def _is_new_lease(b: Machine, a: Machine) -> bool:
    """A start, or the first lease of an attempt: no extension."""
    if b.state not in ALIVE or a.state not in ALIVE or b.desire is not a.desire:
        return True
    assert a.lease is not None
    assert b.lease is not None
    return a.lease.started_at + a.lease.length == a.lease.deadline and b.attempt is not None


def _furthest(seen: Seen, w: Written, b: Machine) -> datetime:
    """For admins and, where longer is not blocked, for what was approved: seven days after EC2
    started it, by EC2's own time. Nobody but the admin approves, so none of it is his own."""
    assert b.lease is not None
    ids = {one.id for one in b.instances}
    starts: list[datetime] = [i.launched_at for i in seen.every.get(b.id, ()) if i.id in ids]
    asked = w.run.asked if w.run else None
    by_admin = asked is not None and asked.user == SAM
    approved = asked is None and w.run is not None  # an approver's yes is carried out by a wake
    longer = approved and seen.stage.policy.over_length is Over.APPROVE
    if not (by_admin or longer) or not starts:
        return b.lease.hard
    return max(b.lease.hard, max(starts) + BOOTS + ADMINS_LONGEST)


# ---- stopping and ending --------------------------------------------------------------------


@_promise(ALWAYS)
def what_is_being_ended_is_never_kept_again(seen: Seen) -> Iterator[str]:
    """GONE is never taken back, ENDING only ends, and final rows stay as they are."""
    for w in seen.writes:
        b, a = w.before, w.after
        if b is None:
            continue
        if b.desire is Desire.GONE and a.desire is not Desire.GONE:
            yield f"{a.name} was to be gone and is to {a.desire}"
        if b.state is State.ENDING and a.state not in FINAL | {State.ENDING}:
            yield f"{a.name} was ending and is {a.state}"
        if b.state in FINAL and a.state is not b.state:
            yield f"{a.name} was {b.state} and is {a.state}"


@_promise(ALWAYS)
def what_is_being_stopped_is_started_only_by_somebody(seen: Seen) -> Iterator[str]:
    """A person, its schedule, its `recover`, or somebody outside: nothing else undoes a stop."""
    for w in seen.writes:
        b, a = w.before, w.after
        if b is None or b.desire is not Desire.STOP or a.desire is not Desire.RUN:
            continue
        outside = any(i.id in seen.log.outside for i in seen.every.get(a.id, ()))
        asked = w.run is not None and w.run.asked is not None
        scheduled = any("its schedule" in line.what for line in a.history[-3:])
        if not (asked or outside or scheduled or a.recoveries > b.recoveries):
            yield f"{a.name} was to stop and is to run, and nobody asked"


@_promise(ALWAYS)
def stopped_and_ended_are_said_only_when_ec2_says_so(seen: Seen) -> Iterator[str]:
    """At the moment of the write; what somebody outside has started again since is excused."""
    for w in seen.writes:
        a = w.after
        if w.before is None or w.before.state is a.state:
            continue
        if a.state is State.STOPPED and a.kept is None and a.instances:
            allowed = GONE | {"stopped"}
        elif a.state in FINAL:
            allowed = frozenset({"terminated"})
        else:
            continue
        began = w.run.began if w.run else w.at
        for i in seen.every.get(a.id, ()):
            again = i.launched_at >= began or seen.log.outside.get(i.id, i.launched_at) >= began
            if i.state not in allowed and not (again and a.state is State.STOPPED):
                yield f"{a.name} is said to be {a.state}, and {i.id} is {i.state}"


# ---- when, how many, how much ---------------------------------------------------------------


@_promise(ALWAYS)
def a_launch_is_sent_within_fifteen_minutes_or_never(seen: Seen) -> Iterator[str]:
    """From its acceptance, or from the last decision of a person or of AWS about it; unless it was
    to keep trying. A sender that stalls after the look at its clock is excused for its own life."""
    for sent in seen.sends:
        m = sent.row
        if m.attempt is None:
            yield f"{m.name} was sent without an attempt in its row"
            continue
        if m.keep_until is not None or m.wish.keep_until is not None:
            continue
        decided = seen.log.decided.get(m.id, m.created_at)
        allowed = LAUNCH_WITHIN + timedelta(minutes=1) + 2 * seen.most_skew()
        if sent.at > decided + allowed and m.kept is None and not m.members:
            yield f"{m.name} was sent {sent.at - decided} after it was decided"


@_promise(ALWAYS)
def only_members_of_the_workspace_cause_launches(seen: Seen) -> Iterator[str]:
    """Whoever owns a row, started a stopped machine or stopped one is a full member; what is asked
    of another's machine is asked by an admin."""
    for w in seen.writes:
        m, asked = w.after, w.run.asked if w.run else None
        if w.before is None and m.owner not in MEMBERS:
            yield f"{m.name} was launched for {m.owner}"
        if asked is None or w.before is None or w.before.desire is m.desire:
            continue
        if asked.user not in (m.owner, SAM):
            yield f"{asked.user} changed {m.name} of {m.owner} from {w.before.desire} to {m.desire}"


@_promise(ALWAYS)
def the_money_an_hour_never_passes_its_limit(seen: Seen) -> Iterator[str]:
    """What is up in EC2 or may be on its way there, at the prices it was bought at."""
    policy = seen.stage.policy
    limits = [b.hourly for b in policy.budgets if b.hourly is not None]
    if not limits or policy.over not in (Over.BLOCK, Over.STOP) or not (seen.writes or seen.sends):
        return
    rate = sum((_hourly(seen, m) for m in seen.stage.ledger.live()), start=type(limits[0])(0))
    if rate > min(limits):
        yield f"machines for ${rate} an hour are up, and the limit is ${min(limits)}"


def _hourly(seen: Seen, m: Machine) -> Any:
    up = [i for i in seen.every.get(m.id, ()) if i.state in UP]
    if m.members:
        price = {one.instance.id: one.placement.hourly for one in m.members}
        return sum(price.get(i.id, m.members[0].placement.hourly) for i in up)
    at = m.attempt.placement if m.attempt and m.attempt.sends else m.placement
    return at.hourly * len(up) if at and up else 0


@_promise(AFTER_EACH_STEP)
def nobody_approves_their_own_and_only_who_may(seen: Seen) -> Iterator[str]:
    """Neither who asked nor whose machine it is; and in time."""
    for row in seen.stage.ledger.rows(Question):
        m = seen.stage.ledger.machine(row.machine)
        if row.verdict is not Verdict.APPROVED or m is None:
            continue
        if row.decided_by not in seen.stage.policy.deciders - {row.requester, m.owner}:
            yield f"{row.key}, asked by {row.requester} for {m.owner}, approved by {row.decided_by}"
        if row.decided_at and row.decided_at > row.expires_at:
            yield f"{row.key} was approved at {row.decided_at}, after {row.expires_at}"


# ---- others, and the door to port 22 --------------------------------------------------------


@_promise(AFTER_EACH_STEP, AFTER_DEATH)
def what_belongs_to_others_is_never_touched(seen: Seen) -> Iterator[str]:
    """Instances and groups that were there before: state, tags and rules are what they were."""
    world = seen.stage.world
    for one in world.things():
        was = seen.log.foreign.get(one.id)
        if was is not None and foreign(one) != was:
            yield f"{one.id} of others was {was} and is {foreign(one)}"


@_promise(ALWAYS, AFTER_DEATH)
def nobody_is_let_in_but_single_addresses(seen: Seen) -> Iterator[str]:
    """No rule of ours is wider than one host; and only TCP port 22 is opened."""
    for group in seen.stage.world.groups():
        if group.tags.get("gpu:stack") != seen.stage.policy.stack:
            continue
        for rule in (one for one in group.rules if not one.egress):
            host = (rule.cidr or "").endswith("/32") or (rule.cidr6 or "").endswith("/128")
            if not host or (rule.protocol, rule.from_port, rule.to_port) != ("tcp", 22, 22):
                yield f"{group.name} lets in {rule.cidr or rule.cidr6} ({rule.protocol})"


# ---- words ----------------------------------------------------------------------------------


@_promise(ALWAYS)
def a_message_comes_twice_at_most_once_for_each_crash(seen: Seen) -> Iterator[str]:
    """Owed messages by the row's own record of them; one that goes to the channel and to its owner
    is one message."""
    twice: dict[Owed, int] = {}
    for said, times in seen.log.said.items():
        more = times - seen.log.owed.get(said.owed, 1)
        twice[said.owed] = max(more, twice.get(said.owed, 0))
    if sum(twice.values()) > seen.log.crashes:
        doubled = [owed for owed, more in twice.items() if more]
        yield f"said twice after {seen.log.crashes} crashes: {doubled}"


@_promise(ALWAYS)
def nothing_fails_but_for_a_reason(seen: Seen) -> Iterator[str]:
    """No function ends with an error that nobody has planned for."""
    for error in seen.stage.failures:
        yield repr(error)


@_promise(AT_THE_END)
def everybody_was_answered(seen: Seen) -> Iterator[str]:
    """Each request was carried out and something was said, by its own function or after it; nothing
    is owed; each card is as things stand; no question is forgotten; no letter is dead."""
    for asked in seen.log.asked:
        if asked.id not in seen.log.served:
            yield f"never carried out: {asked}"
        elif not seen.log.served[asked.id] and not _said_by_another(seen, asked):
            yield f"nothing was said to {asked.user}: {asked}"
    for m in seen.stage.ledger.everything():
        if m.owed:
            yield f"{m.name} still owes {[one.kind.value for one in m.owed]}"
        if m.card is None or m.shown != _digest(messages.card(m, seen.now)):
            yield f"the card of {m.name} does not show that it is {m.state}"
    for row in seen.stage.ledger.rows(Question):
        if row.verdict is Verdict.OPEN and row.due_at is None:
            yield f"the question {row.key} is open, and nobody will look at it again"
    for parcel in seen.stage.queue.dead:
        yield f"dead letter: {parcel}"


def _said_by_another(seen: Seen, asked: Asked) -> bool:
    """Whether any function had words since: where one dies or comes second, another speaks."""
    assert asked.at is not None
    last = seen.log.spoke_at
    return last is not None and last >= asked.at - seen.skew(Function.DOOR)


@_promise(AT_THE_END)
def each_deadline_is_warned_of_once(seen: Seen) -> Iterator[str]:
    """No button of a warning, which names the lease's version, stands in two messages, but for a
    function that died between posting and writing so."""
    warnings = Counter(
        button["value"]
        for posted in seen.stage.chat.everything()
        if posted.place.channel.startswith("C") and "so far" in posted.message.text
        for button in buttons(posted.message)
        if button["action_id"] == "stop" and posted.place not in _cards(seen)
    )
    if sum(times - 1 for times in warnings.values()) > seen.log.crashes:
        yield f"warned more than once: {warnings}"


def _cards(seen: Seen) -> set[Any]:
    return {m.card for m in seen.stage.ledger.everything()}


@_promise(AT_THE_END)
def everything_ends_and_nothing_is_left(seen: Seen) -> Iterator[str]:
    """No live row, and EC2 has what it had before: no instance, group, key, disk, image or spot
    request of ours."""
    for m in seen.stage.ledger.live():
        yield f"{m.name} is {m.state} for ever"
    counts = seen.stage.world.state()["counts"]
    left = {k: n - seen.log.counts[k] for k, n in counts.items() if n != seen.log.counts[k]}
    if left:
        yield f"left over: {left}"


# ---- looking --------------------------------------------------------------------------------


class Judge:
    """Looks at a stage again and again; `broken` is what it has found."""

    def __init__(self, stage: Stage, always: Mapping[str, Predicate] = ALWAYS) -> None:
        self.stage = stage
        self.broken: list[Broken] = []
        self.looks = 0
        self._always = always
        self._read = [0, 0, 0]

    def look(self) -> None:
        """Every promise that always holds, or those that hold without any function."""
        if not self.broken:
            self._hold(AFTER_DEATH if self.stage.dead else self._always)

    def look_after_a_step(self) -> None:
        """The same, and what is looked at less often because a look costs more."""
        self.look()
        if not self.broken and not self.stage.dead:
            self._hold(AFTER_EACH_STEP)

    def look_at_the_end(self) -> None:
        """Those, too, that only hold once everything has come to its end."""
        if not self.broken and not self.stage.dead:
            self._hold(AT_THE_END)

    def _hold(self, promises: Mapping[str, Predicate]) -> None:
        self.looks += 1
        seen = self._seen()
        for name, predicate in promises.items():
            self.broken += [Broken(promise=name, seen=what) for what in predicate(seen)]

    def _seen(self) -> Seen:
        log = self.stage.log
        every: dict[str, list[Any]] = {}
        ours = []
        for one in self.stage.world.instances():
            if one.tags.get("gpu:stack") == self.stage.policy.stack:
                every.setdefault(one.tags.get("gpu:machine", ""), []).append(one)
                if one.state != "terminated":
                    ours.append(one)
        lists: tuple[list[Any], ...] = (log.writes, log.sends, log.stops)
        new = [entries[start:] for entries, start in zip(lists, self._read, strict=True)]
        self._read = [len(entries) for entries in lists]
        self._decisions(new[0])
        return Seen(
            stage=self.stage, ours=ours, every=every, writes=new[0], sends=new[1], stops=new[2]
        )

    def _decisions(self, writes: list[Written]) -> None:
        """When a person or AWS last decided that a launch goes on."""
        for w in writes:
            if w.before is not None and w.before.turn != w.after.turn:
                self.stage.log.decided[w.after.id] = w.at
            if w.after.kept is not None:
                self.stage.log.moved.add(w.after.id)


def names() -> list[str]:
    """Every promise by its words."""
    tables = (ALWAYS, AFTER_EACH_STEP, AT_THE_END, AFTER_DEATH)
    return list(dict.fromkeys(name for table in tables for name in table))
