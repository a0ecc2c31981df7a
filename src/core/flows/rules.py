"""The policy as data: shown, changed from Slack, laid over what the template says."""

from core import commands
from core.flows.house import House
from core.flows.request import Request


def show(house: House, request: Request) -> None:
    """Every rule with its value, and who has changed it."""
    raise NotImplementedError


def change(house: House, request: Request, wanted: commands.PolicySet) -> None:
    """Set or reset one rule; admins only."""
    raise NotImplementedError
