"""Whether a launch that could be made may be made: price, time and budget, and what was approved.

Asked after everything else is known and before anything is prepared or bought.
"""

from core.flows.house import House
from core.model import Hold, Machine
from core.plan import Proceed


def check(house: House, m: Machine, go: Proceed) -> Hold | None:
    """None: go on, and what it may cost is set aside. Else why not, and what can be done."""
    return None
