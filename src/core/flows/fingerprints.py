"""The marks of a machine's SSH host keys, read from its console and kept in its row.

They are there when the status checks are, or a little later; a console that tells none is looked at
again with every look at the machine for a while, and whenever somebody asks how to connect.
"""

from dataclasses import replace
from datetime import timedelta

from core.faults import CloudError
from core.flows import admitted
from core.flows.house import House
from core.host_keys import fingerprints
from core.model import HostKeys, Machine, State
from core.ports import StaleRow

LOOKED_FOR = timedelta(minutes=30)  # after it is ready
MOST_CONSOLES = 20  # read in one go


def read(house: House, m: Machine) -> Machine:
    """The row with what the consoles tell by now; without an answer, the row as it is."""
    running = {i.id: i for i in admitted.instances(m) if i.state == "running"}
    known = tuple(keys for keys in m.host_keys if keys.instance in running)
    unknown = [one for one in running if one not in {keys.instance for keys in known}]
    found = (_printed(house, running[one].region, one) for one in unknown[:MOST_CONSOLES])
    every = (*known, *(keys for keys in found if keys.prints))
    return m if every == m.host_keys else replace(m, host_keys=every)


def read_in_time(house: House, m: Machine) -> Machine:
    """The same while it has come up lately; later nobody is waiting for it."""
    young = m.ready_at is not None and house.clock() <= m.ready_at + LOOKED_FOR
    return read(house, m) if young and m.state is State.RUNNING else m


def learned(house: House, m: Machine) -> Machine:
    """The same for somebody who asks how to connect; written down where nobody else writes."""
    if m.state is not State.RUNNING:
        return m
    to = read(house, m)
    if to is m:
        return m
    try:
        return house.ledger.save(to, m)
    except StaleRow:
        return to


def _printed(house: House, region: str, instance: str) -> HostKeys:
    try:
        console = house.cloud.console_output(region, instance)
    except CloudError:
        console = ""  # it is no reason to keep anybody waiting
    return HostKeys(instance=instance, prints=fingerprints(console))
