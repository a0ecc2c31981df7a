"""Hours at which a machine starts and stops by itself."""

from core import commands
from core.flows.house import House
from core.flows.request import Request


def show(house: House, request: Request) -> None:
    """The caller's schedules."""
    raise NotImplementedError


def change(house: House, request: Request, wanted: commands.ScheduleSet) -> None:
    """Give a machine hours, or take them away."""
    raise NotImplementedError


def skip(house: House, request: Request, wanted: commands.ScheduleSkip) -> None:
    """The next start does not happen."""
    raise NotImplementedError
