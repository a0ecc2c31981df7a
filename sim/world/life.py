"""How an instance lives: pending, running, stopping, stopped, shutting-down, terminated.

Every command starts a new life of the instance; what was planned in an older one does not happen.
"""

from sim.world import guest
from sim.world.ground import Ground
from sim.world.things import Instance, Reason, Region

USER = Reason(
    code="Client.UserInitiatedShutdown",
    message="Client.UserInitiatedShutdown: User initiated shutdown",
    transition="User initiated",
)
INSIDE = Reason(
    code="Client.InstanceInitiatedShutdown",
    message="Client.InstanceInitiatedShutdown: Instance initiated shutdown",
)
SPOT = Reason(
    code="Server.SpotInstanceTermination",
    message="Server.SpotInstanceTermination: Spot instance termination",
    transition="Server.SpotInstanceTermination",
)


def boot(ground: Ground, region: Region, instance: Instance) -> None:
    """It is pending, and will be running."""
    _enter(ground, region, instance, "pending")
    instance.reason = None
    _then(ground, region, instance, "running", ground.settings.pending)


def halt(ground: Ground, region: Region, instance: Instance, reason: Reason) -> None:
    """It stops: the disk stays, the public address goes."""
    _leave(ground, instance, reason)
    _enter(ground, region, instance, "stopping")
    _then(ground, region, instance, "stopped", ground.settings.stop)


def shut_down(ground: Ground, region: Region, instance: Instance) -> None:
    """`shutdown` is typed on it, or its timer does so: it stops or ends as it was launched to."""
    if instance.shutdown == "terminate" or instance.market == "spot":
        end(ground, region, instance, INSIDE)
    else:
        halt(ground, region, instance, INSIDE)


def end(ground: Ground, region: Region, instance: Instance, reason: Reason) -> None:
    """It shuts down, and will be terminated."""
    _leave(ground, instance, reason)
    _close_spot(ground, region, instance, reason)
    _enter(ground, region, instance, "shutting-down")
    _then(ground, region, instance, "terminated", ground.settings.terminate)


def set_timer(ground: Ground, region: Region, instance: Instance) -> None:
    """It runs now, or its tags tell another deadline: its own timer goes by that."""
    guest.watch(ground, instance, lambda: shut_down(ground, region, instance))


def interrupt(ground: Ground, region: Region, instance: Instance) -> None:
    """EC2 takes a spot instance back: a warning now, the end after the notice.

    It stays running in between; a person who ends it earlier has ended it.
    """
    instance.interrupted = True
    request = region.spot_requests[instance.spot_request or ""]
    request.status, request.updated = "marked-for-termination", ground.time
    request.status_message = "Your Spot instance is marked for termination."
    ground.tell_interruption(region, instance)

    def take() -> None:
        if instance.state in ("pending", "running"):
            end(ground, region, instance, SPOT)

    ground.later(ground.settings.spot_notice, take)


# ---- steps --------------------------------------------------------------------------------------


def _enter(ground: Ground, region: Region, instance: Instance, state: str) -> None:
    instance.state = state
    instance.life += 1
    ground.tell_state(region, instance)


def _then(ground: Ground, region: Region, instance: Instance, state: str, after: float) -> None:
    """Have it reach the state unless a command comes in between."""
    life = instance.life

    def arrive() -> None:
        if instance.life == life:
            _arrive(ground, region, instance, state)

    ground.later(after, arrive)


def _arrive(ground: Ground, region: Region, instance: Instance, state: str) -> None:
    if state == "running":
        instance.running_since = ground.time
    if state == "stopped":
        _drop_address(region, instance)
    if state == "terminated":
        instance.ended_at = ground.time
        _release(region, instance)
    _enter(ground, region, instance, state)
    set_timer(ground, region, instance)


def _leave(ground: Ground, instance: Instance, reason: Reason) -> None:
    instance.running_since = None
    when = f" ({ground.time:%Y-%m-%d %H:%M:%S} GMT)" if reason is USER else ""
    instance.reason = Reason(
        code=reason.code, message=reason.message, transition=reason.transition + when
    )


def _close_spot(ground: Ground, region: Region, instance: Instance, reason: Reason) -> None:
    request = region.spot_requests.get(instance.spot_request or "")
    if request and request.state == "active":
        by_ec2 = reason is SPOT
        request.state, request.updated = "closed", ground.time
        request.status = "instance-terminated-" + ("no-capacity" if by_ec2 else "by-user")
        request.status_message = f"Your Spot instance was terminated ({reason.code})."


def _drop_address(region: Region, instance: Instance) -> None:
    if instance.interface:
        region.interfaces[instance.interface].public_ip = None


def _release(region: Region, instance: Instance) -> None:
    """What dies with it goes; what does not is left behind, as on EC2, and costs money."""
    for one in instance.volumes:
        volume = region.volumes[one]
        if volume.dies_with:
            del region.volumes[one]
        else:
            volume.instance, volume.device, volume.link = None, "", "attached"
    instance.volumes = []
    if instance.interface:
        del region.interfaces[instance.interface]
        instance.interface = None
