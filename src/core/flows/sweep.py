"""Every minute: wake what is due, and hold EC2's own tags against the ledger in every region of the
policy, and wherever else a row has instances still.

EC2 is listed first and the rows are read then, so that what the ledger knows is the newer. Calls
grow by pages of a thousand instances and batches of a hundred rows, never one by one, and none
waits for another. Whatever is not done when the time is over, the next minute does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from core.faults import CloudError
from core.flows.against_rows import Listed, held_against_rows
from core.flows.sweeping import carried_out, to_look_at, to_tell
from core.flows.watch import NotInTime, Watch, in_time, parts, tried
from core.ports import Tagged
from core.reconcile import Swept, braked

TOLD_AFTER = timedelta(seconds=30)  # by then EC2 has been asked, and shows what it did


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one sweep did, and what it could not do; the latter is for the log and the alarms.

    `unread`: regions that could not be listed, from which nothing is concluded. `roused`: rows that
    were woken because nobody would have looked at them.
    """

    done: tuple[Swept, ...]
    failed: tuple[Exception, ...]
    unread: Mapping[str, Exception]
    roused: tuple[tuple[str, str], ...]  # (machine id, why)
    looked_at: int  # instances


# ---- what is due ----------------------------------------------------------------------------


def wake_due(watch: Watch) -> int:
    """Put everything whose time has come on the queue, the longest overdue first; how many.

    What could not be sent is due still, and sent in the next minute.
    """
    due = in_time(watch, partial(watch.ledger.due, watch.clock()), "what is due")
    if isinstance(due, Exception):
        raise due
    keys = (
        *(f"due/{key}" for key in due),
        *_strays_due(watch),
        *_budgets_due(watch),
        *_invoices_due(watch),
    )
    _wake_all(watch, keys)
    return len(keys)


def _wake_all(watch: Watch, keys: Sequence[str]) -> None:
    watch.together([partial(watch.wakes.wake_all, some) for some in parts(keys)])


def _strays_due(watch: Watch) -> tuple[str, ...]:
    """Once an hour each region is looked over for things that no machine owns, one after another:
    by the Slack function, for this one may delete nothing but instances."""
    minute = watch.clock().minute
    regions = enumerate(watch.policy.regions)
    return tuple(f"strays/{name}" for number, name in regions if minute == 7 + number * 2 % 50)


def _budgets_due(watch: Watch) -> tuple[str, ...]:
    """Every five minutes what was spent is held against the budgets."""
    return ("budgets/now",) if watch.clock().minute % 5 == 3 else ()


def _invoices_due(watch: Watch) -> tuple[str, ...]:
    """Once an hour it is asked whether AWS's own bill was read today."""
    return ("invoices/days",) if watch.clock().minute == 41 else ()


# ---- the sweep ------------------------------------------------------------------------------


def sweep(watch: Watch) -> Report:
    """Stop what outlived its deadline, whatever the ledger says; what was done and why.

    No failure keeps the others from being swept: a region or a row that cannot be read, an instance
    that EC2 will not stop. From a read that failed nothing is concluded.
    """
    listed, unread = _listed(watch, watch.policy.regions)
    held = held_against_rows(watch, listed)
    if held.elsewhere:
        # Somebody has taken their regions out of the policy while they run.
        more, silent = _listed(watch, tuple(sorted(held.elsewhere)))
        listed, unread = {**listed, **more}, {**unread, **silent}
        held = held_against_rows(watch, listed)
    decided = braked(held.verdicts, watch.clock())
    unsaid = _not_left(watch, to_tell(decided, watch.clock()))
    done, failed = carried_out(watch, decided)
    unsaid = _not_left(watch, tuple(unsaid))  # the queue may have been away for a moment only
    _wake_all(watch, to_look_at(decided, held.roused))
    return Report(
        done=done,
        failed=(*held.failed, *unsaid.values(), *failed, *_ours(unread)),
        unread=unread,
        roused=held.roused,
        looked_at=sum(map(len, listed.values())),
    )


def _not_left(watch: Watch, words: Sequence[str]) -> Mapping[str, Exception]:
    """Leave word of what is to be done; what the queue did not take, and why.

    Before anything is done: whoever dies while EC2 does it leaves the word behind. Who reads it
    has EC2 say what was really done (flows/strangers.py). No queue that hangs or fails keeps
    anything from being stopped."""
    left = watch.together([partial(tried, partial(_leave, watch, word)) for word in words])
    pairs = zip(words, left, strict=True)
    return {word: one or NotInTime("leave word") for word, one in pairs if one is not True}


def _leave(watch: Watch, word: str) -> bool:
    watch.wakes.send(word, TOLD_AFTER)
    return True


def _listed(watch: Watch, regions: Sequence[str]) -> tuple[Listed, Mapping[str, Exception]]:
    """What each region shows; and those that did not show all of it, in time."""
    looks = [partial(tried, partial(watch.cloud.tagged, region)) for region in regions]
    listed: dict[str, tuple[Tagged, ...]] = {}
    unread: dict[str, Exception] = {}
    for region, found in zip(regions, watch.together(looks), strict=True):
        if found is None or isinstance(found, Exception):
            unread[region] = found or NotInTime(region)
        else:
            listed[region] = found
    return listed, unread


def _ours(unread: Mapping[str, Exception]) -> tuple[Exception, ...]:
    """What is no refusal or silence of AWS's is a fault of ours."""
    return tuple(e for e in unread.values() if not isinstance(e, CloudError | NotInTime))
