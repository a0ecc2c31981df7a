"""Ids and names: derived from the request, so that a redelivery is the same machine."""

import re

from hypothesis import given
from hypothesis import strategies as st

from core import names
from core.commands import Launch, Show, parse

ids = st.text(max_size=40)


@given(ids, ids, ids)
def test_the_same_request_is_always_the_same_machine(team: str, kind: str, nonce: str) -> None:
    first = names.machine_id(names.request_id(team, kind, nonce))
    assert first == names.machine_id(names.request_id(team, kind, nonce))
    assert re.fullmatch(r"m-[a-z2-7]{10}", first)


def test_another_request_is_another_machine() -> None:
    made = {names.machine_id(names.request_id("T1", "slash", str(n))) for n in range(2000)}
    assert len(made) == 2000


@given(ids, st.integers(0, 30))
def test_a_suggested_name_is_one_that_can_be_typed(machine: str, attempt: int) -> None:
    name = names.suggestion(machine, attempt)
    assert parse(f"show {name}") == Show(name=name)
    assert parse(f"launch p3.2xlarge name {name}") == Launch(instance_type="p3.2xlarge", name=name)


def test_later_suggestions_differ_and_end_in_a_number() -> None:
    tried = [names.suggestion("m-abc", n) for n in range(14)]
    assert len(set(tried)) == 14
    assert all(not name[-1].isdigit() for name in tried[:10])
    assert all(name[-2:].isdigit() for name in tried[10:])
