"""Looks that do not wait for each other, carried out side by side, within the function's time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")

MOST = 8  # at a time: each waits for AWS, not for the processor


class SideBySide:
    """core.flows.house.Together on threads."""

    def __init__(self, patience: float, most: int = MOST) -> None:
        """`patience`: seconds after which no answer is waited for any more; `most` at a time."""
        self._patience = patience
        self._most = most

    def __call__(self, looks: Sequence[Callable[[], T]]) -> tuple[T | None, ...]:
        """None for a look that is not over in time; it may go on, and nobody hears of it."""
        pool = ThreadPoolExecutor(max_workers=self._most)
        tasks = [pool.submit(look) for look in looks]
        done, _ = wait(tasks, timeout=self._patience)
        pool.shutdown(wait=False, cancel_futures=True)
        return tuple(task.result() if task in done else None for task in tasks)
