"""The audit trail: who did what, when, with which answer."""

from core import commands
from core.flows.house import House
from core.flows.request import Request


def show(house: House, request: Request, wanted: commands.Audit) -> None:
    """The deeds of a stretch of time, or a file of them."""
    raise NotImplementedError
