"""The second lease of a stopped machine: its owner lets it lie there longer."""

from datetime import datetime, timedelta

from core import lifecycle as life
from core import messages
from core.flows.again import heard_before
from core.flows.find import touchable
from core.flows.house import House, rewrite
from core.flows.request import Asked, Click
from core.flows.speak import answer
from core.flows.step import step
from core.model import Desire, Machine, State


def lengthen(
    house: House, m: Machine, asked: Asked, length: timedelta | None, until: datetime | None
) -> None:
    """By command: so much longer, or until then, or as long again as it had."""
    if until is not None and m.shelf is not None:
        length = until - max(m.shelf.until, house.clock())
        if length <= timedelta(0):  # it lies there as long as that in any case
            return answer(house, asked.response_url, messages.kept_stopped(m))
    return _lengthen(house, m, asked, m.shelf.version if m.shelf else 0, length)


def keep_click(house: House, click: Click) -> None:
    """The button fits one question: the first click decides, later ones are told."""
    id, _, version = click.value.partition(":")
    m = None if heard_before(house, click) else touchable(house, click, id)
    if m is None:
        return None
    if m.shelf is None or str(m.shelf.version) != version:
        return answer(house, click.response_url, messages.old_button(m))
    return _lengthen(house, m, click, m.shelf.version, None)


def _lengthen(
    house: House, m: Machine, asked: Asked, version: int, length: timedelta | None
) -> None:
    too_long = False

    def change(row: Machine) -> Machine:
        nonlocal too_long
        too_long = False
        lies = row.state is State.STOPPED and row.desire is Desire.STOP
        if not lies or row.shelf is None or row.shelf.version != version or asked.id in row.heard:
            return row
        if life.is_sealed(row):
            return row
        by = length or messages.shelf_more(row)
        longer = life.kept_longer(row, house.clock(), by, asked.user)
        too_long = longer is None
        return row if longer is None else life.heard(longer, asked.id)

    after = rewrite(house, m.id, change)
    if too_long:
        said = messages.kept_too_long(after, house.clock())
        return answer(house, asked.response_url, said)
    if asked.id not in after.heard or after.shelf is None:
        late = messages.shelf_too_late if life.is_sealed(after) else messages.old_button
        return answer(house, asked.response_url, late(after))
    step(house, m.id)
    return answer(house, asked.response_url, messages.kept_stopped(after))
