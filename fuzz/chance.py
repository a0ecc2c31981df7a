"""Where a mutation's decisions come from: a seeded generator, or the bytes of a guided fuzzer."""

import random
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Chance(Protocol):
    """A source of numbers and bytes."""

    def below(self, most: int) -> int:
        """0 ≤ n < most."""

    def raw(self, most: int) -> bytes:
        """Some bytes, at most that many."""


def one_of(chance: Chance, things: Sequence[T]) -> T:
    return things[chance.below(len(things))]


class Seeded:
    """The same decisions for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, most: int) -> int:
        return int(self._random.random() * most)

    def raw(self, most: int) -> bytes:
        return self._random.randbytes(self.below(most + 1))


class Guided:
    """Decisions out of the bytes that atheris tries; zero where they are used up."""

    def __init__(self, provider: Any) -> None:
        """`provider` is an `atheris.FuzzedDataProvider`."""
        self._provider = provider

    def below(self, most: int) -> int:
        return int(self._provider.ConsumeIntInRange(0, most - 1))

    def raw(self, most: int) -> bytes:
        return bytes(self._provider.ConsumeBytes(self.below(most + 1)))
