"""Budgets: shown, set, watched. What is near its end is told once; what is over is acted on."""

from core import commands
from core.flows.house import House
from core.flows.request import Request


def show(house: House, request: Request) -> None:
    """Every budget with what is spent of it."""
    raise NotImplementedError


def change(house: House, request: Request, wanted: commands.BudgetSet) -> None:
    """Set or take away one budget; admins only."""
    raise NotImplementedError
