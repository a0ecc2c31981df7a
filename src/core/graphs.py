"""What instances report of their use, as a graph: a figure for each quarter of an hour."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.idle import FRESH
from core.model import Sample, Usage

SLOT = timedelta(minutes=15)
SLOTS = 16  # four hours


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The most that any instance was used in it, per cent; None: not measured, not reported."""

    since: datetime
    gpu: int | None
    cpu: int | None


def graph(rows: Iterable[Usage], now: datetime) -> tuple[Slot, ...]:
    """The last four hours, oldest first, from the first slot that tells something to the last."""
    samples = [sample for row in rows for sample in row.samples]
    first = _floor(now) - (SLOTS - 1) * SLOT
    slots = [_slot(samples, first + n * SLOT) for n in range(SLOTS)]
    telling = [n for n, slot in enumerate(slots) if (slot.gpu, slot.cpu) != (None, None)]
    return tuple(slots[telling[0] : telling[-1] + 1]) if telling else ()


def _slot(samples: Iterable[Sample], since: datetime) -> Slot:
    inside = [one for one in samples if since <= one.at < since + SLOT]
    return Slot(
        since=since,
        gpu=max((one.gpu for one in inside if one.gpu is not None), default=None),
        cpu=max((one.cpu for one in inside if one.cpu is not None), default=None),
    )


def _floor(at: datetime) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (at - epoch) // SLOT * SLOT


def latest(rows: Iterable[Usage], now: datetime) -> Slot | None:
    """The last report of each instance, the busiest of them; None where none is fresh."""
    lasts = [row.samples[-1] for row in rows if row.samples]
    fresh = [one for one in lasts if now - one.at <= FRESH]
    return _slot([_at(one, now) for one in fresh], now) if fresh else None


def _at(sample: Sample, at: datetime) -> Sample:
    return Sample(at=at, gpu=sample.gpu, cpu=sample.cpu, ssh=sample.ssh)
