"""The protocol of launching and ending one machine, in every order that things can happen in.

Two workers run the product's own code (`sim.protocol_rows`) against one row and EC2. Any of their
calls may be the next thing that happens, or their death; EC2 carries requests out late, in another
order, or says no, for good or for now; answers are lost; new machines are shown late; the person
ends or extends it; the deadline comes; spot capacity is taken back; the sweep reads tags. A search
over all of it, breadth first, so that what it finds wrong it finds in the shortest history.

What is assumed of the world, and nothing else: a conditional write is one; a client token buys once
in its zone; a function lives no longer than `SENDER_LIVES`; behind the fence (`FENCE`) no request
is under way and everything bought is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NamedTuple

from core.model import Market
from core.ports import Tagged
from core.reconcile import Action
from core.reconcile import sweep as decide
from sim.protocol_rows import SENT, Answers, Call, Code

UNKNOWN = ("no", "ReadTimeoutError", False)
FULL = ("no", "InsufficientInstanceCapacity", True)
GONE = ("no", "IdempotentInstanceTerminated", True)
EARLY = ("no", "InvalidKeyPair.NotFound", True)
BEHIND_THE_FENCE = len(SENT) - 1
NOBODY_SENDS = BEHIND_THE_FENCE - 1


class Worker(NamedTuple):
    """One run of a step: the row as it has read it, and the answers of the move it is at."""

    row: int
    looked: bool = False
    answers: Answers = ()
    stale: bool = False  # somebody has written the row since
    sending: bool = False  # it has written that it sends, and not yet what came of it
    waits: str = ""  # the token of a RunInstances that is not answered
    older: int = 0  # how much time has passed since the move began, as an index of SENT
    hours: int = 0  # and how many hours


class Bought(NamedTuple):
    """An instance. `state` is up, ending or gone; `ends` is what its tag says, see ENDS."""

    id: str
    token: str
    attempt: int
    ends: int
    state: str = "up"
    shown: bool = False


class World(NamedTuple):
    """Everything there is."""

    row: int
    workers: tuple[Worker, ...] = ()
    asked: tuple[tuple[str, int, int], ...] = ()  # under way to EC2: token, attempt, tag
    bought: tuple[Bought, ...] = ()
    doomed: tuple[str, ...] = ()  # what the sweep has decided to end, and has not yet
    unwanted: bool = False  # the person has ended it
    steps: int = 0
    trouble: int = 0  # deaths, reads that fail, answers to acts that are lost
    hours: int = 0
    extended: bool = False
    taken: bool = False
    sent: int = 0


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much may happen. `steps`: how many times anybody looks."""

    steps: int = 4
    trouble: int = 1
    workers: int = 2
    hours: int = 2
    people: bool = True  # end it, and extend it
    taken: bool = True
    sweep: bool = True


Next = Iterator[tuple[str, World]]


@dataclass
class Model:
    """Which worlds follow from a world.

    `own_tokens` and `believes_tags` are mutants: each send has a token of its own; the sweep does
    not ask the row. `looks_for`: what else is wrong is not looked at.
    """

    code: Code
    bounds: Bounds = field(default_factory=Bounds)
    own_tokens: bool = False
    believes_tags: bool = False
    looks_for: str = ""

    def first(self) -> World:
        """A launch that is planned; nothing has been sent."""
        return World(row=self.code.first)

    def following(self, w: World) -> Next:
        """Everything that can happen next, with its name."""
        over = self.code.facts[w.row].over
        if over and not w.workers and not w.asked and not any(o.state == "up" for o in w.bought):
            return
        yield from self._workers(w)
        yield from self._ec2(w)
        yield from self._time(w)
        yield from self._people(w)
        yield from self._sweep(w)

    # ---- workers ------------------------------------------------------------------------------

    def _workers(self, w: World) -> Next:
        b = self.bounds
        free = len(w.workers) < b.workers and w.steps < b.steps
        if free and not self.code.facts[w.row].over:
            begun = self._at_a_call(Worker(row=w.row))
            if begun is not None:
                yield "a look begins", _with(w._replace(steps=w.steps + 1), begun)
        for n, one in enumerate(w.workers):
            if n and one == w.workers[n - 1]:
                continue
            rest = w._replace(workers=w.workers[:n] + w.workers[n + 1 :])
            if w.trouble < b.trouble:
                yield "a worker dies", rest._replace(trouble=w.trouble + 1)
            if one.waits:
                late = self._told(one._replace(waits=""), UNKNOWN)
                yield "RunInstances has no answer in time", _with(rest, late)
            else:
                yield from self._call(rest, one)

    def _call(self, w: World, one: Worker) -> Next:
        call = self.code.next_call(one.row, one.looked, one.answers)
        match call.name:
            case "save":
                yield self._save(w, one, call)
            case "run":
                yield self._run(w, one, call.args[0])
            case "find":
                found = [_shown(b) for b in w.bought if b.shown and b.attempt == call.args[0]]
                yield from self._read(w, one, "looks by tag", found)
            case "look":
                found = [_shown(b) for b in w.bought if b.shown and b.id in call.args]
                yield from self._read(w, one, "looks by id", found)
            case _:
                yield from self._act(w, one, call)

    def _save(self, w: World, one: Worker, call: Call) -> tuple[str, World]:
        if one.stale:
            return "writes, and is late", w
        then = one._replace(sending=True, older=0) if call.sends else one
        row = self._as_late(call.row, then)
        others = _stale(w.workers)
        wrote = w._replace(row=row, workers=others)
        words = self.code.facts[row].words
        return f"writes {words}", _with(wrote, self._told(then, ("ok",)))

    def _as_late(self, row: int, one: Worker) -> int:
        """The row as it is after the time that has passed while the move was made."""
        if one.older:
            row = self.code.changed("older", row, one.older)
        for _ in range(one.hours):
            row = self.code.changed("an_hour_later", row)
        return row

    def _run(self, w: World, one: Worker, token: str) -> tuple[str, World]:
        known = self.code.rows[one.row]
        attempt = known.attempt.number if known.attempt else known.attempts + 1
        if self.own_tokens:
            w = w._replace(sent=w.sent + 1)
            token = f"{token}+{w.sent}"
        ends = self.code.facts[one.row].ends
        asked = (token, attempt, max(0, (1 if ends is None else ends) - one.hours))
        w = w._replace(asked=tuple(sorted((*w.asked, asked))))
        return f"sends {token}", _with(w, one._replace(waits=token))

    def _read(self, w: World, one: Worker, what: str, found: list[Any]) -> Next:
        yield what, _with(w, self._told(one, ("ok", *found)))
        if w.trouble < self.bounds.trouble:
            hurt = w._replace(trouble=w.trouble + 1)
            yield f"{what}, in vain", _with(hurt, self._told(one, UNKNOWN))

    def _act(self, w: World, one: Worker, call: Call) -> Next:
        """What EC2 does at once: an end, a tag. Its answer may be lost, or the call itself."""
        done = _done(w, call)
        yield f"{call.name} is done", _with(done, self._told(one, ("ok",)))
        if w.trouble < self.bounds.trouble:
            lost = self._told(one, UNKNOWN)
            yield f"{call.name}: lost answer", _with(done._replace(trouble=w.trouble + 1), lost)
            yield f"{call.name}: lost", _with(w._replace(trouble=w.trouble + 1), lost)

    def _told(self, one: Worker, answer: Any) -> Worker | None:
        return self._at_a_call(one._replace(answers=(*one.answers, answer)))

    def _at_a_call(self, one: Worker) -> Worker | None:
        """The worker where it calls something the next time; None where it is at its end."""
        while True:
            found = self.code.next_call(one.row, one.looked, one.answers)
            if isinstance(found, Call):
                return None if found.name == "rest" else one
            row, looked = found
            one = Worker(row=self._as_late(row, one), looked=looked, stale=one.stale)

    # ---- EC2 ----------------------------------------------------------------------------------

    def _ec2(self, w: World) -> Next:
        for n, request in enumerate(w.asked):
            if n and request == w.asked[n - 1]:
                continue
            rest = w._replace(asked=w.asked[:n] + w.asked[n + 1 :])
            yield f"{request[0]} gets lost", rest
            yield from self._sold(rest, *request)
        for n, one in enumerate(w.bought):
            for what, then in _ages(one):
                yield what, w._replace(bought=(*w.bought[:n], then, *w.bought[n + 1 :]))
            if one.state == "up" and self.bounds.taken and not w.taken:
                took = (*w.bought[:n], one._replace(state="gone"), *w.bought[n + 1 :])
                yield f"EC2 takes {one.id} back", w._replace(bought=took, taken=True)

    def _sold(self, w: World, token: str, attempt: int, ends: int) -> Next:
        known = next((one for one in w.bought if one.token == token), None)
        if known is None:
            new = Bought(id=f"i-{len(w.bought) + 1}", token=token, attempt=attempt, ends=ends)
            sold, answer = w._replace(bought=(*w.bought, new)), ("ok", _shown(new))
            yield from self._answered(f"EC2 sells {new.id} for {token}", sold, token, answer)
            yield from self._answered(f"EC2 has none for {token}", w, token, FULL)
            if w.trouble < self.bounds.trouble:
                hurt = w._replace(trouble=w.trouble + 1)
                yield from self._answered(f"{token} comes too early", hurt, token, EARLY)
        elif known.state == "up":
            yield from self._answered(f"EC2 knows {token}", w, token, ("ok", _shown(known)))
        else:
            yield from self._answered(f"EC2 says that {token} is gone", w, token, GONE)

    def _answered(self, what: str, w: World, token: str, answer: Any) -> Next:
        """With the answer coming to whom waits for it, or to nobody."""
        yield f"{what}, and tells nobody", w
        for n, one in enumerate(w.workers):
            if one.waits == token:
                rest = w._replace(workers=w.workers[:n] + w.workers[n + 1 :])
                yield what, _with(rest, self._told(one._replace(waits=""), answer))
                return

    # ---- time ---------------------------------------------------------------------------------

    def _time(self, w: World) -> Next:
        facts = self.code.facts[w.row]
        yield from self._sends_age(w)
        if w.hours < self.bounds.hours and facts.ends:
            then = w._replace(
                row=self.code.changed("an_hour_later", w.row),
                bought=tuple(o._replace(ends=max(0, o.ends - 1)) for o in w.bought),
                asked=tuple((t, n, max(0, ends - 1)) for t, n, ends in w.asked),
                workers=_sorted(map(self._an_hour_older, w.workers)),
                hours=w.hours + 1,
            )
            yield "an hour passes", then

    def _sends_age(self, w: World) -> Next:
        ago, settled = self.code.facts[w.row].ago, not w.asked and all(o.shown for o in w.bought)
        if ago is None or ago == BEHIND_THE_FENCE:
            if self.code.facts[w.row].unseen and settled:
                yield "ten minutes pass", self._older(w, BEHIND_THE_FENCE)
        elif ago + 1 < BEHIND_THE_FENCE:
            yield ("a moment passes", "its sender is dead by now")[ago], self._older(w, ago + 1)
        elif settled:
            yield "the fence has passed", self._older(w, BEHIND_THE_FENCE)

    def _older(self, w: World, sent: int) -> World:
        """After `SENDER_LIVES` whoever was sending is dead."""
        alive = (one for one in w.workers if sent < NOBODY_SENDS or not one.sending)
        return w._replace(
            row=self.code.changed("older", w.row, sent),
            workers=_sorted(self._older_worker(one, sent) for one in alive),
        )

    def _older_worker(self, one: Worker, sent: int) -> Worker:
        if one.answers:
            return one._replace(older=max(one.older, sent))
        return one._replace(row=self.code.changed("older", one.row, sent))

    def _an_hour_older(self, one: Worker) -> Worker:
        if one.answers:
            return one._replace(hours=one.hours + 1)
        return one._replace(row=self.code.changed("an_hour_later", one.row))

    # ---- people, and the sweep ------------------------------------------------------------------

    def _people(self, w: World) -> Next:
        if not self.bounds.people or self.code.facts[w.row].over:
            return
        if not w.unwanted:
            row = self.code.changed("ended_by_user", w.row)
            stale = _stale(w.workers)
            yield "the person ends it", w._replace(row=row, workers=stale, unwanted=True)
        if not w.extended:
            row = self.code.changed("extended_by_user", w.row)
            if row != w.row:
                stale = _stale(w.workers)
                yield "the person extends it", w._replace(row=row, workers=stale, extended=True)

    def _sweep(self, w: World) -> Next:
        if w.doomed:
            yield "the sweep ends it", _done(w, Call("terminate", w.doomed))._replace(doomed=())
        elif self.bounds.sweep and (doomed := self._decided(w)):
            yield "the sweep decides to end it", w._replace(doomed=doomed)

    def _decided(self, w: World) -> tuple[str, ...]:
        """What the sweep would end, by its own decision, once its grace has passed."""
        if not any(one.ends == 0 and one.state == "up" for one in w.bought):
            return ()
        row, late = self.code.rows[w.row], self.code.now + timedelta(seconds=150)
        shown = tuple(one for one in w.bought if one.state == "up" and one.shown)
        believed = None if self.believes_tags else row
        tagged = tuple((self._tagged(one), believed) for one in shown)
        found = (one for one in decide(tagged, late) if one.action is not Action.WAKE)
        return tuple(one.tagged.instance.id for one in found)

    def _tagged(self, one: Bought) -> Tagged:
        shown = self.code.instance(one.id, "running", one.ends)
        before = shown.launched_at - timedelta(minutes=5)  # young: it needs no explanation yet
        return Tagged(
            instance=replace(shown, launched_at=before),
            machine=self.code.template.id,
            owner=self.code.template.owner,
            market=Market.SPOT,
            deadline=shown.deadline,
        )

    # ---- what must hold -----------------------------------------------------------------------

    def wrong(self, before: World, w: World) -> str | None:
        """What is wrong with a world, or with the way to it."""
        found = self._all_wrong(before, w)
        return next((one for one in found if one.startswith(self.looks_for)), None)

    def _all_wrong(self, before: World, w: World) -> Iterator[str]:
        facts = self.code.facts[w.row]
        if len(w.bought) > 1:
            yield "double: two machines were bought"
        for one in w.bought:
            named = not facts.over and (facts.instance == one.id or facts.attempt == one.attempt)
            if one.state == "up" and not named:
                yield f"orphan: {one.id} is up and no row names it"
            if one.state == "ending" and not self._may_end(before) and one not in before.bought:
                yield f"early: {one.id} was ended before its time"
        if w.unwanted and facts.wanted:
            yield "revived: what the person has ended is wanted again"

    def _may_end(self, before: World) -> bool:
        facts = self.code.facts[before.row]
        return before.unwanted or not facts.wanted or not facts.ends


def _with(w: World, one: Worker | None) -> World:
    return w if one is None else w._replace(workers=_sorted((*w.workers, one)))


def _sorted(workers: Any) -> tuple[Worker, ...]:
    found = tuple(workers)
    return found if len(found) < 2 else tuple(sorted(found))


def _stale(workers: tuple[Worker, ...]) -> tuple[Worker, ...]:
    return _sorted(one._replace(stale=True) for one in workers)


def _ages(one: Bought) -> Iterator[tuple[str, Bought]]:
    if not one.shown:
        yield f"EC2 shows {one.id}", one._replace(shown=True)
    if one.state == "ending":
        yield f"{one.id} is gone", one._replace(state="gone")


def _done(w: World, call: Call) -> World:
    ends, ids = (None, call.args) if call.name == "terminate" else (call.args[0], call.args[1:])
    return w._replace(
        bought=tuple(_struck(one, ends) if one.id in ids else one for one in w.bought)
    )


def _struck(one: Bought, ends: int | None) -> Bought:
    if ends is not None:
        return one._replace(ends=ends)
    return one._replace(state="ending") if one.state == "up" else one


_SHOWN = {"up": "running", "ending": "shutting-down", "gone": "terminated"}


def _shown(one: Bought) -> tuple[str, str, int]:
    return one.id, _SHOWN[one.state], one.ends
