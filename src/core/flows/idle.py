"""Machines that nobody uses: what they tell of themselves, the question, the stop."""

from core import commands
from datetime import datetime

from core.beats import Report
from core.flows.house import House
from core.flows.request import Request


def change(house: House, request: Request, wanted: commands.Idle) -> None:
    """When this machine is stopped for not being used."""
    raise NotImplementedError


def beat(house: House, machine: str, report: Report, received: datetime) -> None:
    raise NotImplementedError
