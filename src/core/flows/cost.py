"""What was spent: by person, machine and project, this week or month; as a table and as CSV."""

from core import commands
from core.flows.house import House
from core.flows.request import Request


def show(house: House, request: Request, wanted: commands.Cost) -> None:
    """Answer with the spending, or send it as a file."""
    raise NotImplementedError
