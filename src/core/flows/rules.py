"""The policy as data: shown, changed from Slack, laid over what the template says."""

from dataclasses import replace

from core import commands
from core.flows.house import House
from core.flows.request import Request
from core.model import Rules

KEY = "policy"


def stored(house: House) -> Rules | None:
    """What has been changed from Slack."""
    return house.ledger.row(Rules, KEY)


def ruled(house: House) -> House:
    """The house under the rules that hold now."""
    row = stored(house)
    if row is None or row.budgets is None:
        return house
    return replace(house, policy=replace(house.policy, budgets=row.budgets))


def show(house: House, request: Request) -> None:
    """Every rule with its value, and who has changed it."""
    raise NotImplementedError


def change(house: House, request: Request, wanted: commands.PolicySet) -> None:
    """Set or reset one rule; admins only."""
    raise NotImplementedError
