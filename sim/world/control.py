"""The world control: what a person at the page, or a test, makes happen to the world.

Every command is {"do": …} and gives back {"ok": True, …}; ValueError says what is wrong with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sim.world import beats, quotas, troubles
from sim.world.amis import fail
from sim.world.data import load_quotas, load_types
from sim.world.ground import Ground
from sim.world.life import USER, end, interrupt, shut_down
from sim.world.routes import remove_default_vpc
from sim.world.things import Full, Instance, QuotaRequest, Reason, Region, Subnet

Command = dict[str, Any]

# Codes that come with another status than 400 when a fault is ordered.
_STATUS = {
    "InsufficientInstanceCapacity": 500,
    "InternalError": 500,
    "InternalFailure": 500,
    "ServiceException": 500,
    "Unavailable": 503,
    "ServiceUnavailable": 503,
    "RequestLimitExceeded": 503,
    "UnauthorizedOperation": 403,
    "AccessDenied": 403,
}


@dataclass(kw_only=True)
class Fault:
    """The next `times` calls of `operation` fail with `code`; with `effect`, after being done."""

    operation: str
    code: str
    times: int
    message: str
    status: int
    effect: bool
    region: str | None


@dataclass(kw_only=True)
class Control:
    """Carries out the commands, and keeps the faults that are ordered."""

    ground: Ground
    faults: list[Fault] = field(default_factory=list)

    def run(self, command: Command) -> dict[str, Any]:
        """Do what the command says. ValueError when it cannot be done, with the reason."""
        commands: dict[str, Callable[[Command], dict[str, Any] | None]] = {
            "fill-zone": self._fill,
            "free-zone": self._free,
            "interrupt": self._interrupt,
            "rebalance": self._rebalance,
            "grant-quota": self._grant,
            "deny-quota": self._deny,
            "set-quota": self._set_quota,
            "fault": self._fault,
            "clear-faults": self._clear,
            "stop-outside": self._stop_outside,
            "terminate-outside": self._terminate_outside,
            "load": self._load,
            "fail-image": self._fail_image,
            "instance-profile": self._profile,
            "disk-key": self._disk_key,
            "remove-default-vpc": self._remove_vpc,
            "hide-subnets": self._hide_subnets,
            "fill-subnets": self._fill_subnets,
            **dict.fromkeys(troubles.NAMES, self._trouble),
            "mend": self._mend,
            "settings": self._settings,
            "cost-explorer": self._cost_explorer,
        }
        do = command.get("do")
        if do not in commands:
            raise ValueError(f"do must be one of {', '.join(commands)}, not {do!r}")
        return {"ok": True, **(commands[do](command) or {})}

    def take_fault(self, operation: str, region: str) -> Fault | None:
        """The fault that this call meets, used up by it."""
        for fault in self.faults:
            if fault.operation == operation and fault.region in (None, region):
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault
        return None

    # ---- capacity -------------------------------------------------------------------------

    def _fill(self, command: Command) -> dict[str, Any]:
        """No more there, or with `room` only so many more."""
        region, name, market = self._region(command), _type(command), _market(command)
        room = int(_number({"room": 0, **command}, "room"))
        for zone in _zones(region, command):
            where = (zone, name, market)
            same = {f for f in region.full if (f.zone, f.instance_type, f.market) == where}
            region.full -= same
            region.full.add(Full(zone=zone, instance_type=name, market=market, room=room))
        return {"full": len(region.full)}

    def _free(self, command: Command) -> dict[str, Any]:
        """Free what the words name: without a type or market, everything in the zone."""
        region, zones = self._region(command), _zones(self._region(command), command)
        name, market = _type(command), _market(command)
        region.full -= {
            full
            for full in region.full
            if full.zone in zones
            and name in (None, full.instance_type)
            and market in (None, full.market)
        }
        return {"full": len(region.full)}

    # ---- instances ------------------------------------------------------------------------

    def _interrupt(self, command: Command) -> None:
        region, instance = self._spot(command)
        if not instance.interrupted:
            interrupt(self.ground, region, instance)

    def _rebalance(self, command: Command) -> None:
        """EC2 recommends to move on before it may take it back."""
        self.ground.tell_rebalance(*self._spot(command))

    def _stop_outside(self, command: Command) -> None:
        """Somebody types `shutdown` on the machine: it stops or ends as it was launched to."""
        region, instance = self._instance(command)
        if instance.state != "running":
            raise ValueError(f"{instance.id} is {instance.state}")
        shut_down(self.ground, region, instance)

    def _terminate_outside(self, command: Command) -> None:
        """Somebody ends it in the console; with a `code`, EC2 does, for that reason."""
        region, instance = self._instance(command)
        if instance.state in ("shutting-down", "terminated"):
            raise ValueError(f"{instance.id} is {instance.state}")
        code = str(command.get("code") or "")
        told = Reason(code=code, message=f"{code}: (ordered from the world control)")
        end(self.ground, region, instance, told if code else USER)

    def _load(self, command: Command) -> dict[str, Any]:
        """How much it is used from now on; null is unknown, and what is not named stays."""
        _, instance = self._instance(command)
        return {"load": beats.change(self.ground, instance, command)}

    # ---- networks -------------------------------------------------------------------------

    def _remove_vpc(self, command: Command) -> None:
        remove_default_vpc(self._region(command))

    def _disk_key(self, command: Command) -> None:
        """The account has a key of its own for the region's new disks from now on."""
        self._region(command).disk_key = str(command.get("key") or "alias/aws/ebs")

    def _hide_subnets(self, command: Command) -> None:
        """Their route table leads to no internet gateway any more."""
        for subnet in self._subnets(command):
            subnet.public = False

    def _fill_subnets(self, command: Command) -> None:
        """Others take their addresses; `free` of them stay, none by default."""
        free = int(_number({"free": 0, **command}, "free"))
        for subnet in self._subnets(command):
            subnet.taken = 4091 - free

    def _subnets(self, command: Command) -> list[Subnet]:
        region = self._region(command)
        zones = _zones(region, command)
        return [subnet for subnet in region.subnets.values() if subnet.zone in zones]

    # ---- the account ----------------------------------------------------------------------

    def _trouble(self, command: Command) -> None:
        do = str(command["do"])
        anywhere = do in troubles.ANYWHERE and not command.get("region")
        region = None if anywhere else self._region(command).name
        troubles.command(self.ground.troubles, do, region, command)

    def _mend(self, _: Command) -> None:
        """A good day again: room, networks, prices and the account as they were at first."""
        self.faults.clear()
        self.ground.troubles = troubles.Troubles()
        for region in self.ground.regions.values():
            region.full.clear()
            for subnet in region.subnets.values():
                subnet.public, subnet.taken = True, 0
            if not region.vpc:
                region.vpc, region.subnets = self.ground.default_vpc(region.zones)

    # ---- images ---------------------------------------------------------------------------

    def _fail_image(self, command: Command) -> None:
        """A pending image comes to nothing."""
        fail(self._region(command), str(command.get("image")))

    # ---- quotas ---------------------------------------------------------------------------

    def _grant(self, command: Command) -> None:
        region, request = self._request(command)
        value = None if command.get("value") is None else _number(command, "value")
        later = _number(command, "shown_after") if command.get("shown_after") else 0
        quotas.grant(self.ground, region, request, value, later)

    def _deny(self, command: Command) -> None:
        _, request = self._request(command)
        quotas.deny(self.ground, request)

    def _set_quota(self, command: Command) -> None:
        region, code = self._region(command), command.get("code")
        if code not in {quota.code for quota in load_quotas()}:
            raise ValueError(f"{code!r} is no quota")
        region.limits[str(code)] = _number(command, "value")

    # ---- faults and settings --------------------------------------------------------------

    def _fault(self, command: Command) -> None:
        code, operation = command.get("code"), command.get("operation")
        if not code or not operation:
            raise ValueError("a fault needs an operation and a code")
        self.faults.append(
            Fault(
                operation=str(operation),
                code=str(code),
                times=int(_number({"times": 1, **command}, "times", least=1)),
                message=str(command.get("message") or f"{code} (ordered from the world control)"),
                status=int(command.get("status") or _STATUS.get(str(code), 400)),
                effect=bool(command.get("effect")) or code == "timeout-with-effect",
                region=command.get("region"),
            )
        )

    def _clear(self, _: Command) -> None:
        self.faults.clear()

    def _profile(self, command: Command) -> None:
        """IAM, which the world does not have, says that there is this profile, with this role; or
        that it is gone."""
        arn = str(command.get("arn"))
        if ":instance-profile/" not in arn:
            raise ValueError(f"arn must be an instance profile's, not {arn!r}")
        if command.get("gone"):
            self.ground.profiles.pop(arn, None)
            return
        same = arn.replace(":instance-profile/", ":role/")
        self.ground.profiles[arn] = str(command.get("role") or same)

    def _cost_explorer(self, command: Command) -> None:
        """Who may read the bill, whether the tag splits it, and how many hours late it is."""
        books = self.ground.books
        books.readable = bool(command.get("readable", books.readable))
        books.activated = bool(command.get("activated", books.activated))
        if "late" in command:
            books.late = timedelta(hours=_number(command, "late"))

    def _settings(self, command: Command) -> None:
        values = command.get("settings")
        if values is None:
            values = {key: value for key, value in command.items() if key != "do"}
        self.ground.settings = self.ground.settings.changed(values)

    # ---- what a command names -------------------------------------------------------------

    def _region(self, command: Command) -> Region:
        name = command.get("region")
        if name not in self.ground.regions:
            raise ValueError(
                f"region must be one of {', '.join(self.ground.regions)}, not {name!r}"
            )
        return self.ground.regions[name]

    def _instance(self, command: Command) -> tuple[Region, Instance]:
        for region in self.ground.regions.values():
            if command.get("instance") in region.instances:
                return region, region.instances[command["instance"]]
        raise ValueError(f"there is no instance {command.get('instance')!r}")

    def _spot(self, command: Command) -> tuple[Region, Instance]:
        region, instance = self._instance(command)
        if instance.market != "spot" or instance.state not in ("pending", "running"):
            raise ValueError(f"{instance.id} is no living spot instance")
        return region, instance

    def _request(self, command: Command) -> tuple[Region, QuotaRequest]:
        for region in self.ground.regions.values():
            request = region.quota_requests.get(command.get("request", ""))
            if request and request.status not in quotas.OPEN:
                raise ValueError(f"AWS has decided on it: {request.status}")
            if request:
                return region, request
        raise ValueError(f"there is no quota request {command.get('request')!r}")


def _zones(region: Region, command: Command) -> list[str]:
    names = [name for name, _ in region.zones]
    zone = command.get("zone")
    if zone and zone not in names:
        raise ValueError(f"zone must be one of {', '.join(names)}, not {zone!r}")
    return [zone] if zone else names


def _type(command: Command) -> str | None:
    name = command.get("instance_type")
    if name and name not in load_types():
        raise ValueError(f"there is no instance type {name!r}")
    return name or None


def _market(command: Command) -> str | None:
    market = command.get("market")
    if market and market not in ("spot", "on-demand"):
        raise ValueError(f"market must be spot or on-demand, not {market!r}")
    return market or None


def _number(command: Command, name: str, least: float = 0) -> float:
    try:
        value = float(command.get(name, ""))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number, not {command.get(name)!r}") from error
    if not least <= value < 1e9:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return value
