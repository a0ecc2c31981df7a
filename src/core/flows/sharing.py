"""Machines that more than one person may connect to: decided in the row, then carried out.

Before the first boot the user data let the others in. After it Systems Manager brings the keys:
a `KeyDelivery` says that the machine's file may differ from the rows, and is due until every
instance has carried out a script that was written from them. Private keys never pass; of people's
words only public keys that were read and checked do.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from core import commands, messages, policy, shared_keys
from core import lifecycle as life
from core.blocks import Message
from core.deeds import BOT
from core.faults import CloudError
from core.flows import admitted, order
from core.flows.find import find
from core.flows.house import MOST_RACES, House, rewrite
from core.flows.request import Request
from core.flows.speak import answer, for_good_let_go, passing, say
from core.model import ALIVE, FINAL, Desire, KeyDelivery, Machine, SentCommand, State
from core.policy import Denied, Pointless
from core.ports import ChatError, CommandState, StaleRow

MOST_SHARED = 10
PATIENCE = timedelta(minutes=10)  # an agent that does not answer by then has not come up
AGAIN = timedelta(seconds=5)
LATER = timedelta(minutes=5)  # while it does not run
MOST_AT_ONCE = 50  # instances that one command takes


def share(house: House, request: Request, wanted: commands.Share) -> None:
    """Let a colleague in, or no longer: its owner's decision, or an admin's."""
    verb = "unshare" if wanted.stop else "share"
    m = find(house, request, wanted.name, verb, lambda m: m.desire is not Desire.GONE)
    if m is None:
        return None
    refused = _not_shared(m, wanted.user) if wanted.stop else _refused(house, m, wanted.user)
    if refused and request.id not in m.heard:
        if wanted.stop:  # what was typed before it may still come
            rewrite(house, m.id, lambda row: _stopped(row, request, wanted))
        return answer(house, request.response_url, messages.denied(refused))
    m = rewrite(house, m.id, lambda row: _decided(house, row, request, wanted))
    if (wanted.user in m.shared) is wanted.stop:
        # It is ending, or this comes late or again after somebody decided otherwise.
        return answer(house, request.response_url, messages.share_since(m, wanted.user))
    if not has_booted(m):
        return _told_before_boot(house, m, request, wanted)
    added, removed = ((), (wanted.user,)) if wanted.stop else ((wanted.user,), ())
    _deliver(house, m, request.id, request.user, added, removed)
    follow(house, m.id)
    guest = admitted.profile(house, wanted.user)
    return answer(house, request.response_url, messages.share_goes(m, guest, stop=wanted.stop))


def _refused(house: House, m: Machine, user: str) -> Denied | Pointless | None:
    """Why this person is not let in: only full members are, and only so many."""
    if user == m.owner:
        return Pointless(what=f"{m.name} is theirs already.", next=None)
    if user in m.shared:
        return Pointless(what=f"{m.name} is shared with them already.")
    if m.desire is Desire.GONE or m.state in FINAL:
        return Pointless(what=f"{m.name} is ending.")
    try:
        barred = policy.may_press(house.chat.person(user), house.policy)
    except ChatError as error:
        if passing(error):
            raise
        return Pointless(what="Slack knows nobody by that name here.")
    if barred:
        return Denied(
            rule="members",
            what="Only full members of this workspace can be let in to a machine (rule `members`).",
        )
    if len(m.shared) >= MOST_SHARED:
        return Pointless(
            what=f"A machine is shared with {MOST_SHARED} people at most.",
            next=f"Take somebody off first: /gpu unshare {m.name} @somebody",
        )
    return None


def _not_shared(m: Machine, user: str) -> Pointless | None:
    return None if user in m.shared else Pointless(what=f"{m.name} is not shared with them.")


def _decided(house: House, row: Machine, request: Request, wanted: commands.Share) -> Machine:
    if request.id in row.heard or row.desire is Desire.GONE or row.state in FINAL:
        return row
    if not wanted.stop and order.closed_since(row.unshared, wanted.user, request.at):
        return row
    row = _stopped(row, request, wanted) if wanted.stop else row
    others = tuple(user for user in row.shared if user != wanted.user)
    shared = others if wanted.stop else (*others, wanted.user)
    what = "no longer shared with" if wanted.stop else "shared with"
    row = life.told(row, house.clock(), f"{what} {wanted.user} (by {request.user})")
    return life.heard(replace(row, shared=shared), request.id)


def _stopped(row: Machine, request: Request, wanted: commands.Share) -> Machine:
    if row.desire is Desire.GONE or row.state in FINAL:
        return row
    unshared = order.closing(row.unshared, (wanted.user,), request.at)
    return row if unshared == row.unshared else replace(row, unshared=unshared)


def has_booted(m: Machine) -> bool:
    """Whether its user data are written, so that new keys need another way."""
    return bool(m.instance or m.members or m.attempt or m.kept)


def _told_before_boot(house: House, m: Machine, request: Request, wanted: commands.Share) -> None:
    if sum(map(len, admitted.keys_of_others(house, m))) > admitted.MOST_KEY_TEXT:
        _deliver(house, m, request.id, request.user, (), ())  # what its user data cannot hold
    news = messages.share_before_boot(m, wanted.user, request.user, stop=wanted.stop)
    _tell(house, m, (wanted.user,), news)
    guest = admitted.profile(house, wanted.user)
    answer(house, request.response_url, messages.share_stands(m, guest, stop=wanted.stop))


def take_off(house: House, m: Machine, user: str) -> None:
    """Let somebody in no longer by nobody's word: they may not use the bot any more.

    The delivery stands before the row is changed, so that whoever dies in between leaves it due;
    and again after it, for somebody may have followed the first with the keys as they were.
    """
    booted = has_booted(m)
    if booted:
        _deliver(house, m, f"going {user} {house.clock()}", BOT, (), ())
    m = rewrite(house, m.id, lambda row: _without(house, row, user))
    if booted or has_booted(m):
        _deliver(house, m, f"gone {user} {m.version}", BOT, (), (user,))
        house.wakes.wake(f"key-delivery/{m.id}")


def _without(house: House, row: Machine, user: str) -> Machine:
    if user not in row.shared:
        return row
    shared = tuple(other for other in row.shared if other != user)
    what = f"no longer shared with {user} (who may not use the bot any more)"
    return replace(life.told(row, house.clock(), what), shared=shared)


def keys_changed(house: House, user: str) -> None:
    """Somebody's keys are others than they were: bring them to the machines of colleagues."""
    version = house.ledger.profile(user).version
    for m in admitted.shared_with(house, user):
        if has_booted(m):
            _deliver(house, m, f"keys {user} {version}", user, (), ())
            house.wakes.wake(f"key-delivery/{m.id}")


def first_keys_are_old(house: House, m: Machine) -> None:
    """The call that buys it holds keys of colleagues that are others by now."""
    _deliver(house, m, f"frozen {m.attempts}", BOT, (), ())
    house.wakes.wake(f"key-delivery/{m.id}")


def _deliver(
    house: House,
    m: Machine,
    request: str,
    by: str,
    added: tuple[str, ...],
    removed: tuple[str, ...],
) -> None:
    """Write that the machine's keys may differ from the rows; once for each request."""
    for _ in range(MOST_RACES):
        seen = house.ledger.row(KeyDelivery, m.id)
        if seen is not None and seen.request == request:
            return
        try:
            house.ledger.save_row(_wanted(house, m, seen, request, by, added, removed), seen)
        except StaleRow:
            continue
        return
    raise StaleRow(m.id)


def _wanted(
    house: House,
    m: Machine,
    seen: KeyDelivery | None,
    request: str,
    by: str,
    added: tuple[str, ...],
    removed: tuple[str, ...],
) -> KeyDelivery:
    before = seen or KeyDelivery(machine=m.id)
    return replace(
        before,
        request=request,
        by=by,
        added=(*(u for u in before.added if u not in (*added, *removed)), *added),
        removed=(*(u for u in before.removed if u not in (*added, *removed)), *removed),
        since=None,
        held_up=False,
        sent=(),
        done=(),
        due_at=house.clock(),
    )


# ---- carrying it out ------------------------------------------------------------------------


def follow(house: House, id: str) -> None:
    """Bring the machine's addresses and keys to what the rows say, as far as it will go now."""
    row, m = house.ledger.row(KeyDelivery, id), house.ledger.machine(id)
    if row is None or row.due_at is None or row.due_at > house.clock() + timedelta(seconds=1):
        return None
    if m is None or m.state in FINAL or m.desire is Desire.GONE:
        return house.ledger.drop_row(row)
    try:
        return _go_on(house, row, m)
    except StaleRow:
        return None  # somebody decided anew, and is at it


def _go_on(house: House, row: KeyDelivery, m: Machine) -> None:
    now, runs = house.clock(), m.state is State.RUNNING
    since = (row.since or now) if runs else None
    over = since is not None and now >= since + PATIENCE
    soon = (m.state in ALIVE or m.state is State.LAUNCHING) and not over
    wait = AGAIN if soon else LATER
    # Written before anything is sent: the script carries the version that this gives.
    row = house.ledger.save_row(replace(row, since=since, due_at=now + wait), row)
    opened = _opened(house, m)
    if runs:
        with suppress(CloudError):  # it is due again, and given up when patience is over
            row = _carry(house, row, m)
    if opened and runs and set(_ids(m)) <= set(row.done):
        return _close(house, row, m, messages.share_done(m, row.by, row.added, row.removed))
    if opened and over:
        return _close(house, row, m, messages.share_failed(m, row.added, row.removed))
    if over:
        _say_held_up(house, row, m)
    return house.wakes.wake(f"due/key-delivery/{m.id}", wait)


def _opened(house: House, m: Machine) -> bool:
    """Whether its addresses are as the rows say. That is never given up: nobody else would close
    what is open."""
    try:
        admitted.let_in(house, m)
    except CloudError:
        return False
    return True


def _say_held_up(house: House, row: KeyDelivery, m: Machine) -> None:
    people = (*row.added, *row.removed)
    if people and not row.held_up:
        _tell(house, m, people, messages.share_held_up(m, row.added, row.removed))
        house.ledger.save_row(replace(row, held_up=True), row)


def _ids(m: Machine) -> tuple[str, ...]:
    return tuple(i.id for i in admitted.instances(m) if i.state == "running")


def _carry(house: House, row: KeyDelivery, m: Machine) -> KeyDelivery:
    """Hear what became of the commands that were sent, and send to those that are left."""
    region = admitted.instances(m)[0].region
    heard = _heard(house, row, region)
    under_way = {one for sent in heard.sent for one in sent.instances}
    left = [one for one in _ids(m) if one not in under_way and one not in heard.done]
    online = sorted(house.commands.online(region, *left)) if left else []
    for start in range(0, len(online), MOST_AT_ONCE):
        some = tuple(online[start : start + MOST_AT_ONCE])
        command = house.commands.send(region, _script(house, row, m), *some)
        sent = SentCommand(id=command, instances=some)
        heard = replace(heard, sent=(*heard.sent, sent))
    return row if heard == row else house.ledger.save_row(heard, row)


def _heard(house: House, row: KeyDelivery, region: str) -> KeyDelivery:
    """One that failed is neither under way nor done: it is sent to again."""
    done, sent = list(row.done), []
    for command in row.sent:
        states = {i: house.commands.state(region, command.id, i) for i in command.instances}
        done += [i for i, state in states.items() if state is CommandState.DONE]
        going = tuple(i for i, state in states.items() if state is CommandState.RUNNING)
        sent += [replace(command, instances=going)] if going else []
    return replace(row, done=tuple(done), sent=tuple(sent))


def _script(house: House, row: KeyDelivery, m: Machine) -> str:
    login = m.image.user if m.image else "ubuntu"
    return shared_keys.script(m.id, row.version, login, admitted.keys_of_others(house, m))


def _close(house: House, row: KeyDelivery, m: Machine, news: Message) -> None:
    """Say what was decided since the last time, if anything was; then it is not due any more."""
    people = (*row.added, *row.removed)
    if people:
        _tell(house, m, people, news)
    over = replace(row, added=(), removed=(), since=None, held_up=False, sent=(), done=())
    house.ledger.save_row(replace(over, due_at=None), row)


def _tell(house: House, m: Machine, people: tuple[str, ...], news: Message) -> None:
    """In the machine's thread, which mentions them; where the bot may not write, to each."""
    thread = m.card.ts if m.card and m.card.channel == m.channel else None
    with for_good_let_go():
        place = say(house, m.channel, m.owner, news, thread)
        if place.channel.startswith("D"):
            for user in people:
                house.chat.dm(user, news)
