"""EC2 in the house's words, over the EC2 world: machines, zones, types, prices, use."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.ec2 import Ec2
from adapters.images import SsmImages
from core import run_instances
from core.faults import CloudError, FaultKind
from core.model import Desire, Gpu, Machine, Market, Placement, Policy, State, Wish
from core.ports import InUse, PartKind
from sim import boto
from sim.world import World

R = "us-east-1"
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DEADLINE = START + timedelta(hours=4)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0GS0FvW3Cgq0lcDQxY3RzmyhdDEKsCwZwRkCfWUEz4"
PATTERN = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) *"
POLICY = Policy(
    stack="lab",
    team_id="T1",
    regions=(R,),
    channels=frozenset(),
    admins=frozenset(),
    default_lease=timedelta(hours=4),
    longest_lease=timedelta(days=1),
    default_disk_gb=50,
    approval_above=Decimal(10),
)


@dataclass
class Lab:
    """An account in the world, and the adapter that looks at it. `sent`: calls by client."""

    now: datetime = START

    def __post_init__(self) -> None:
        self.world = World(lambda: self.now)
        self.sent: list[tuple[str, str]] = []
        self.params: dict[str, dict[str, Any]] = {}
        self._clients: dict[tuple[str, str], Any] = {}
        self.ec2 = Ec2(self.of("patient"), self.of("once"), "lab", pause=lambda seconds: None)
        self.control(do="settings", visible_after=0)
        for quota in self.world.state()["quotas"]:
            if quota["region"] == R:
                self.control(do="set-quota", region=R, code=quota["code"], value=64)

    def of(self, kind: str) -> Callable[[str], Any]:
        """Clients of one kind, which note what is sent through them."""

        def client(region: str) -> Any:
            if (kind, region) not in self._clients:
                made = boto.client(self.world, "ec2", region)

                def note(params: dict[str, Any], model: Any, **_: Any) -> None:
                    self.sent.append((kind, model.name))
                    self.params[model.name] = dict(params)

                made.meta.events.register("before-parameter-build", note)
                self._clients[kind, region] = made
            return self._clients[kind, region]

        return client

    def control(self, **command: Any) -> None:
        """The world's own control."""
        self.world.control(command)

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)
        self.world.tick()

    def request(
        self, id: str = "m-one", market: Market = Market.ON_DEMAND, *, stack: str = "lab"
    ) -> dict[str, Any]:
        """RunInstances' arguments as the plan writes them, with group and key made."""
        policy = replace(POLICY, stack=stack)
        network = self.ec2.network(R)
        assert network is not None
        ssm = boto.client(self.world, "ssm", R)
        image = SsmImages(lambda region: ssm, self.of("patient")).newest(
            R, (), (PATTERN,), "x86_64"
        )
        m = a_machine(id, market)
        marks = run_instances.tags(m, policy)
        group = self.ec2.ensure_group(R, f"gpu-{id}", network.vpc, marks)
        self.ec2.ensure_key(R, f"gpu-{id}", KEY, marks)
        zone = self.ec2.zones_offering(R, "g5.xlarge")[0].name
        at = Placement(
            instance_type="g5.xlarge",
            region=R,
            zone=zone,
            subnet=dict(network.subnets)[zone],
            market=market,
            hourly=Decimal("1.006"),
        )
        _, text = run_instances.run_request(
            replace(m, image=image, disk_gb=100),
            at,
            number=1,
            group=group,
            key_name=f"gpu-{id}",
            keys=(KEY,),
            deadline=DEADLINE,
            longest=timedelta(days=7),
            policy=policy,
        )
        found: dict[str, Any] = json.loads(text)
        return found

    def run(self, id: str = "m-one", market: Market = Market.ON_DEMAND, **more: Any) -> str:
        """Launch one; its instance id."""
        return self.ec2.run(R, self.request(id, market, **more))[0].id


def a_machine(id: str, market: Market) -> Machine:
    return Machine(
        id=id,
        version=1,
        name="amber-fox",
        owner="U1",
        channel="C1",
        wish=Wish(instance_type="g5.xlarge", market=market, region=R),
        state=State.LAUNCHING,
        desire=Desire.RUN,
        created_at=START,
        launch_by=DEADLINE,
        due_at=START,
    )


@pytest.fixture
def lab() -> Lab:
    return Lab()


# ---- what is on sale ------------------------------------------------------------------------


def test_a_type_is_what_ec2_says_it_is(lab: Lab) -> None:
    facts = lab.ec2.type_facts(R, "p3.2xlarge")
    assert facts is not None
    assert facts.gpu is not None
    assert (facts.vcpus, facts.architecture) == (8, "x86_64")
    assert facts.gpu == Gpu(name="V100", maker="NVIDIA", count=Decimal(1), memory_mib=16384)
    assert facts.markets == {Market.SPOT, Market.ON_DEMAND}


def test_an_unknown_type_is_none(lab: Lab) -> None:
    assert lab.ec2.type_facts(R, "p99.huge") is None


def test_every_gpu_type_of_the_region_is_known(lab: Lab) -> None:
    found = lab.ec2.gpu_types(R)
    assert {"p3.2xlarge", "g5.xlarge", "p5.48xlarge"} <= {t.name for t in found}
    assert all(t.gpu for t in found)


def test_a_part_of_a_gpu_counts_as_a_part(lab: Lab) -> None:
    parts = {t.name: t.gpu.count for t in lab.ec2.gpu_types(R) if t.gpu}
    assert parts["g6f.large"] == Decimal("0.125")
    assert parts["g5.12xlarge"] == 4


def test_the_zones_that_sell_a_type_have_names_and_ids(lab: Lab) -> None:
    zones = lab.ec2.zones_offering(R, "p3.2xlarge")
    assert zones
    assert [z.name for z in zones] == sorted(z.name for z in zones)
    assert all(z.name.startswith(R) and z.id.startswith("use1-az") for z in zones)
    assert lab.ec2.zones_offering(R, "p99.huge") == ()


def test_spot_prices_are_by_type_and_zone(lab: Lab) -> None:
    prices = lab.ec2.spot_prices(R, ("p3.2xlarge", "g5.xlarge"), START)
    assert {name for name, _ in prices} == {"p3.2xlarge", "g5.xlarge"}
    assert all(isinstance(price, Decimal) and price > 0 for price in prices.values())
    zones = {z.name for z in lab.ec2.zones_offering(R, "p3.2xlarge")}
    assert {zone for name, zone in prices if name == "p3.2xlarge"} <= zones
    assert lab.ec2.spot_prices(R, (), START) == {}


def test_the_network_is_the_default_vpc_with_a_subnet_for_each_zone(lab: Lab) -> None:
    network = lab.ec2.network(R)
    assert network is not None
    zones = [zone for zone, _ in network.subnets]
    assert len(zones) == len(set(zones)) > 1
    assert {z.name for z in lab.ec2.zones_offering(R, "g5.xlarge")} <= set(zones)


# ---- a machine's life -----------------------------------------------------------------------


def test_a_launch_goes_through_the_client_that_never_repeats(lab: Lab) -> None:
    request = lab.request()
    lab.sent.clear()
    (instance,) = lab.ec2.run(R, request)
    assert lab.sent == [("once", "RunInstances")]
    assert instance.state == "pending"
    assert instance.zone.startswith(R)
    sent = lab.params["RunInstances"]
    user_data = base64.b64decode(sent["UserData"]).decode()  # encoded by boto3, as EC2 wants it
    assert {**sent, "UserData": user_data} == request


def test_the_same_call_again_is_the_same_machine(lab: Lab) -> None:
    request = lab.request()
    assert lab.ec2.run(R, request)[0].id == lab.ec2.run(R, request)[0].id
    assert len(lab.ec2.find(R, "m-one", 1)) == 1


def test_a_machine_is_found_by_its_tag_and_only_in_its_deployment(lab: Lab) -> None:
    mine = lab.run("m-one")
    lab.run("m-two")
    lab.run("m-one", stack="other", market=Market.SPOT)
    assert [i.id for i in lab.ec2.find(R, "m-one", 1)] == [mine]
    assert lab.ec2.find(R, "m-none", 1) == ()


def test_a_look_follows_a_machine_until_ssh_answers(lab: Lab) -> None:
    id = lab.run()
    first = lab.ec2.look(R, id)
    assert first is not None
    assert (first.state, first.checks_ok) == ("pending", False)
    lab.later(5)
    booting = lab.ec2.look(R, id)
    assert booting is not None
    assert (booting.state, booting.checks_ok) == ("running", False)
    assert booting.address
    lab.later(9)
    ready = lab.ec2.look(R, id)
    assert ready is not None
    assert ready.checks_ok
    assert ready.launched_at == START
    assert ready.launched_at.tzinfo is UTC


def test_a_machine_that_ec2_does_not_know_is_none_and_a_failed_read_is_an_error(
    lab: Lab,
) -> None:
    assert lab.ec2.look(R, "i-0123456789abcdef0") is None
    lab.control(do="fault", operation="DescribeInstances", code="InternalError", times=1)
    with pytest.raises(CloudError) as caught:
        lab.ec2.look(R, "i-0123456789abcdef0")
    assert caught.value.fault.kind is FaultKind.UNKNOWN


def test_a_machine_stops_starts_and_ends(lab: Lab) -> None:
    id = lab.run()
    lab.later(20)
    lab.ec2.stop(R, id)
    lab.later(20)
    stopped = lab.ec2.look(R, id)
    assert stopped is not None
    assert (stopped.state, stopped.address) == ("stopped", None)
    lab.ec2.start(R, id)
    lab.later(20)
    running = lab.ec2.look(R, id)
    assert running is not None
    assert running.state == "running"
    lab.ec2.terminate(R, id)
    lab.later(20)
    gone = lab.ec2.look(R, id)
    assert gone is not None
    assert (gone.state, gone.reason) == ("terminated", "Client.UserInitiatedShutdown")
    lab.ec2.terminate(R, id)
    lab.ec2.terminate(R, "i-0123456789abcdef0")


def test_an_instance_tells_its_type_its_own_deadline_and_when_it_was_stopped(lab: Lab) -> None:
    id = lab.run()
    lab.later(20)
    up = lab.ec2.look(R, id)
    assert up is not None
    assert (up.kind, up.deadline, up.ended_at) == ("g5.xlarge", DEADLINE, None)
    lab.ec2.stop(R, id)
    lab.later(60)
    (stopped,) = lab.ec2.look_all(R, "m-one")
    assert stopped.ended_at == START + timedelta(seconds=20)
    lab.ec2.start(R, id)
    lab.later(60)
    (again,) = lab.ec2.look_all(R, "m-one")
    assert again.ended_at is None


def test_what_ec2_tells_no_time_of_and_a_tag_that_cannot_be_read_are_none(lab: Lab) -> None:
    id = lab.run()
    lab.later(20)
    lab.of("patient")(R).create_tags(
        Resources=[id], Tags=[{"Key": "gpu:deadline", "Value": "soon"}]
    )
    lab.control(do="stop-outside", instance=id)
    lab.later(20)
    gone = lab.ec2.look(R, id)
    assert gone is not None
    assert (gone.state, gone.deadline, gone.ended_at) == ("stopped", None, None)


def test_a_one_time_spot_machine_cannot_be_stopped(lab: Lab) -> None:
    id = lab.run(market=Market.SPOT)
    lab.later(20)
    with pytest.raises(CloudError) as caught:
        lab.ec2.stop(R, id)
    assert caught.value.fault.kind is FaultKind.WRONG_STATE


def test_the_group_goes_once_the_machine_has_gone_and_nothing_is_left(lab: Lab) -> None:
    id = lab.run()
    lab.later(20)
    kinds = {part.kind: part for part in lab.ec2.parts(R, "m-one")}
    assert kinds.keys() == {PartKind.VOLUME, PartKind.KEY, PartKind.GROUP}
    volume = kinds[PartKind.VOLUME]
    assert (volume.gb, volume.state, volume.instance) == (100, "in-use", id)
    assert not lab.ec2.delete_group(R, "gpu-m-one")
    lab.ec2.terminate(R, id)
    lab.later(20)
    assert lab.ec2.delete_group(R, "gpu-m-one")
    lab.ec2.delete_key(R, "gpu-m-one")
    assert lab.ec2.parts(R, "m-one") == ()
    counts = lab.world.state()["counts"]
    assert counts == dict.fromkeys(counts, 0)


def test_the_addresses_of_a_machine_are_exactly_those_that_are_set(lab: Lab) -> None:
    lab.run()
    group = _group(lab)
    lab.ec2.set_addresses(R, group, frozenset({"203.0.113.7/32", "2001:db8::7/128"}))
    lab.ec2.set_addresses(R, group, frozenset({"203.0.113.8/32", "2001:db8::7/128"}))
    assert _open_to(lab, group) == {"203.0.113.8/32", "2001:db8::7/128"}


def _group(lab: Lab) -> str:
    network = lab.ec2.network(R)
    assert network is not None
    return lab.ec2.ensure_group(R, "gpu-m-one", network.vpc, {})


def _open_to(lab: Lab, group: str) -> set[str]:
    shown = lab.of("patient")(R).describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return {
        source.get("CidrIp") or source.get("CidrIpv6")
        for permission in shown["IpPermissions"]
        for source in [*permission.get("IpRanges", []), *permission.get("Ipv6Ranges", [])]
    }


# ---- the sweep and the quota ----------------------------------------------------------------


def test_the_sweep_sees_its_own_living_machines_by_their_tags(lab: Lab) -> None:
    spot = lab.run("m-one", Market.SPOT)
    ended = lab.run("m-two")
    lab.run("m-three", stack="other")
    lab.ec2.terminate(R, ended)
    lab.later(20)
    (found,) = lab.ec2.tagged(R)
    assert found.instance.id == spot
    assert (found.machine, found.owner, found.market) == ("m-one", "U1", Market.SPOT)
    assert found.deadline == DEADLINE


@pytest.mark.parametrize("text", ["", "soon", "-5", " 1800000000", "1800000000.5", "١٢٣", "1e9"])
def test_a_deadline_that_cannot_be_read_is_none(lab: Lab, text: str) -> None:
    id = lab.run()
    tag = {"Key": "gpu:deadline", "Value": text}
    lab.of("patient")(R).create_tags(Resources=[id], Tags=[tag])
    assert lab.ec2.tagged(R)[0].deadline is None


def test_a_moved_deadline_is_what_the_sweep_reads(lab: Lab) -> None:
    id = lab.run()
    lab.ec2.tag_deadline(R, DEADLINE + timedelta(hours=2), id)
    assert lab.ec2.tagged(R)[0].deadline == DEADLINE + timedelta(hours=2)


def test_use_counts_pending_and_running_machines_of_the_whole_account(lab: Lab) -> None:
    assert lab.ec2.in_use(R) == ()
    lab.run("m-one")
    lab.run("m-two", stack="other")
    lab.run("m-three", Market.SPOT)
    stopped = lab.run("m-four")
    lab.later(20)
    lab.ec2.stop(R, stopped)
    on_demand = InUse(
        instance_type="g5.xlarge", market=Market.ON_DEMAND, vcpus=4, machine="m-one", attempt="1"
    )
    assert sorted(lab.ec2.in_use(R), key=lambda one: one.machine) == [
        on_demand,
        replace(on_demand, machine="m-three", market=Market.SPOT),
        replace(on_demand, machine="m-two"),
    ]


# ---- refusals -------------------------------------------------------------------------------


def test_a_full_zone_is_a_lack_of_capacity_that_names_other_zones(lab: Lab) -> None:
    request = lab.request()
    zone = lab.ec2.zones_offering(R, "g5.xlarge")[0].name
    lab.control(do="fill-zone", region=R, zone=zone)
    with pytest.raises(CloudError) as caught:
        lab.ec2.run(R, request)
    fault = caught.value.fault
    assert (fault.kind, fault.definite, fault.operation) == (
        FaultKind.CAPACITY,
        True,
        "RunInstances",
    )
    assert fault.zones
    assert zone not in fault.zones


def test_a_used_up_quota_is_a_quota_fault(lab: Lab) -> None:
    request = lab.request()
    for quota in lab.world.state()["quotas"]:
        if quota["region"] == R:
            lab.control(do="set-quota", region=R, code=quota["code"], value=0)
    with pytest.raises(CloudError) as caught:
        lab.ec2.run(R, request)
    assert caught.value.fault.kind is FaultKind.QUOTA


@pytest.mark.parametrize("silence", ["timeout-with-effect", "timeout-without-effect"])
def test_silence_after_a_launch_says_nothing(lab: Lab, silence: str) -> None:
    request = lab.request()
    lab.control(do="fault", operation="RunInstances", code=silence, times=1)
    with pytest.raises(CloudError) as caught:
        lab.ec2.run(R, request)
    assert caught.value.fault.kind is FaultKind.UNKNOWN
    assert not caught.value.fault.definite
    assert len(lab.ec2.find(R, "m-one", 1)) == (1 if silence == "timeout-with-effect" else 0)


def test_the_token_of_a_machine_that_has_gone_says_so(lab: Lab) -> None:
    request = lab.request()
    lab.ec2.terminate(R, lab.ec2.run(R, request)[0].id)
    lab.later(20)
    with pytest.raises(CloudError) as caught:
        lab.ec2.run(R, request)
    assert caught.value.fault.kind is FaultKind.TOKEN_GONE


def test_an_argument_that_boto3_itself_refuses_is_our_own_bug(lab: Lab) -> None:
    with pytest.raises(CloudError) as caught:
        lab.ec2.run(R, {"NoSuchArgument": 1})
    assert caught.value.fault.operation == "RunInstances"
    assert caught.value.fault.kind is FaultKind.BUG
