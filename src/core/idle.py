"""When a machine is unused: since when, as far as that is known, and when its owner is to be asked.

Pure. Unknown counts as busy everywhere: a figure that is missing, a report that is late or does not
come, an instance of a group that says nothing. So whatever fails here, a machine runs on, and its
lease stops it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from core.beats import Look, Report
from core.lifecycle.terms import TO_ANSWER
from core.model import Machine, Policy, Sample, Usage

# Below these nobody works there. A driver, a desktop or a monitor keeps a GPU at 1 to 3 %; agents,
# updates and the sampling itself keep four processors at 1 to 6 %.
IDLE_GPU = 5
IDLE_CPU = 10
USED_CPU = 50  # the first boot alone reaches some 30 %: only more than that is somebody's work
GAP = timedelta(minutes=3)  # samples are a minute apart: two that are missing leave a gap
FRESH = timedelta(minutes=7)  # a report, and two minutes for it to arrive
NEARLY = timedelta(seconds=90)  # how far before the stop the last sample may be
LAST_WORD = timedelta(minutes=6)  # a group's members report at different minutes
DETAIL = timedelta(minutes=15)  # for so long every sample is kept
SLOT = timedelta(minutes=10)  # of older ones, one for each of these
KEEP = timedelta(hours=24)
_APART = timedelta(seconds=5)  # a report that is sent twice tells nearly the same times
_BOOT = timedelta(minutes=2)  # how exactly the time of a boot is known


# ---- what is heard --------------------------------------------------------------------------


def heard(usage: Usage, report: Report, at: datetime, due_at: datetime | None = None) -> Usage:
    """The row with what a report adds that the door took `at`; the same row where that is nothing.

    Its times are counted back from `at`, so an old one that comes again would tell of now: it is
    known by the time that the machine was up.
    """
    if not _follows(usage, report, at):
        return usage
    last = usage.samples[-1].at + _APART if usage.samples else None
    looks = sorted(report.looks, key=lambda look: -look.ago)
    fresh = [s for s in (_sample(look, at) for look in looks) if last is None or s.at > last]
    if not fresh:
        return usage
    for sample in fresh:
        usage = _with(usage, sample)
    samples = _thinned(usage.samples, fresh[-1].at)
    return replace(usage, boot=report.boot, up=report.up, samples=samples, due_at=due_at)


def _follows(usage: Usage, report: Report, at: datetime) -> bool:
    """Whether it was made after the last one: later in the same boot, or in one since then."""
    if not usage.samples:
        return True
    if report.boot == usage.boot:
        return report.up > usage.up
    return at - timedelta(seconds=report.up) >= usage.samples[-1].at - _BOOT


def _sample(look: Look, at: datetime) -> Sample:
    then = at - timedelta(seconds=look.ago)
    return Sample(at=then, gpu=look.gpu, cpu=look.cpu, ssh=look.ssh)


def _with(usage: Usage, sample: Sample) -> Usage:
    since = usage.quiet_since
    gap = not usage.samples or sample.at - usage.samples[-1].at > GAP
    if not quiet(sample):
        since = None
    elif since is None or gap:
        since = sample.at
    used = usage.used_at or (sample.at if _in_use(sample) else None)
    return replace(usage, samples=(*usage.samples, sample), quiet_since=since, used_at=used)


def quiet(sample: Sample) -> bool:
    """Whether it is known for certain that nobody used it then."""
    if sample.gpu is None or sample.cpu is None or sample.ssh is None:
        return False
    return sample.gpu < IDLE_GPU and sample.cpu < IDLE_CPU and sample.ssh == 0


def _in_use(sample: Sample) -> bool:
    gpu, cpu, ssh = (value or 0 for value in (sample.gpu, sample.cpu, sample.ssh))
    return gpu >= IDLE_GPU or cpu >= USED_CPU or ssh > 0


def _thinned(samples: tuple[Sample, ...], now: datetime) -> tuple[Sample, ...]:
    edge = _slot(now - DETAIL)
    old = [s for s in samples if now - KEEP <= s.at < edge]
    slots = (_busiest(slot, list(some)) for slot, some in groupby(old, lambda s: _slot(s.at)))
    return (*slots, *(s for s in samples if s.at >= edge))


def _slot(at: datetime) -> datetime:
    seconds = int(SLOT.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


def _busiest(at: datetime, samples: list[Sample]) -> Sample:
    return Sample(
        at=at,
        gpu=_most(s.gpu for s in samples),
        cpu=_most(s.cpu for s in samples),
        ssh=_most(s.ssh for s in samples),
    )


def _most(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


# ---- what is decided ------------------------------------------------------------------------


def window(m: Machine, policy: Policy) -> timedelta | None:
    """After how long unused it is to be stopped; None: never."""
    wanted = policy.idle if m.wish.idle is None else m.wish.idle
    return wanted or None


def idle_since(m: Machine, usages: tuple[Usage, ...], now: datetime) -> datetime | None:
    """Since when all of it is unused, for certain and up to now; None where it is not, or may not
    be, or has not been used at all yet."""
    rows = [u for u in usages if u.instance in {one.id for one in m.instances}]
    if not rows or len(rows) != len(m.instances) or not any(u.used_at for u in rows):
        return None
    quiet_since = [u.quiet_since for u in rows if _fresh(u, now) and u.quiet_since]
    if len(quiet_since) != len(rows):
        return None
    starts = (one.launched_at for one in m.instances)
    return max([*quiet_since, *starts, *([m.idle_from] if m.idle_from else [])])


def _fresh(usage: Usage, now: datetime) -> bool:
    return bool(usage.samples) and now - usage.samples[-1].at <= FRESH


def asks(m: Machine, usages: tuple[Usage, ...], policy: Policy, now: datetime) -> bool:
    """Whether it has been unused for the whole of its window."""
    wanted, since = window(m, policy), idle_since(m, usages, now)
    return wanted is not None and since is not None and known_until(m, usages) - since >= wanted


def known_until(m: Machine, usages: tuple[Usage, ...]) -> datetime:
    """When the last sample of the instance was that has said nothing for longest."""
    ids = {one.id for one in m.instances}
    return min(u.samples[-1].at for u in usages if u.instance in ids and u.samples)


class Verdict(StrEnum):
    """What follows for a machine that is to be stopped for being unused."""

    STOP = "stop"  # it is unused, and its time has come
    WAIT = "wait"  # it is unused as far as it has told
    SPARE = "spare"  # it is used, or not known to be unused any more


def verdict(m: Machine, usages: tuple[Usage, ...], now: datetime) -> Verdict:
    """Whether it is still unused, for certain, and up to the time of its stop."""
    assert m.doom is not None
    since = idle_since(m, usages, now)
    if since is None or since > m.doom.at - TO_ANSWER:
        return Verdict.SPARE
    if known_until(m, usages) < m.doom.at - NEARLY:
        return Verdict.WAIT if now < m.doom.at + LAST_WORD else Verdict.SPARE
    return Verdict.STOP if now >= m.doom.at else Verdict.WAIT


def is_used(m: Machine, usages: tuple[Usage, ...], now: datetime) -> bool:
    """Whether the newest figures of some instance show use, not only that something is unknown."""
    ids = {one.id for one in m.instances}
    last = [u.samples[-1] for u in usages if u.instance in ids and _fresh(u, now)]
    return any(
        (s.gpu or 0) >= IDLE_GPU or (s.cpu or 0) >= IDLE_CPU or (s.ssh or 0) > 0 for s in last
    )
