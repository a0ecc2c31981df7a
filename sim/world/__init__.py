"""One faithful model of what the app uses of EC2, Service Quotas, the Price List and public AMIs.

Used in process through sim.boto and over HTTP through sandbox.ec2_wire; both are this one world.
"""

from sim.world.errors import AwsError, TimedOut
from sim.world.settings import Settings
from sim.world.world import REGIONS, SERVICES, World

__all__ = ["REGIONS", "SERVICES", "AwsError", "Settings", "TimedOut", "World"]
