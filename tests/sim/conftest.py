"""A world whose clock the test moves, and the few calls that most tests make of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sim.boto import client
from sim.world import World

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm"
SPOT = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time"}}


class Earth:
    """A world, its clock, and clients of it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.world = World(lambda: self.now)
        self.ec2 = client(self.world, "ec2", "us-east-1")
        self.quotas = client(self.world, "service-quotas", "us-east-1")

    def passes(self, seconds: float) -> list[dict[str, Any]]:
        """Time passes; the events of that time."""
        self.now += timedelta(seconds=seconds)
        return self.world.tick()

    def control(self, do: str, **words: Any) -> dict[str, Any]:
        return self.world.control({"do": do, **words})

    def allow(self, vcpus: int = 64, region: str = "us-east-1") -> None:
        """Quota for P3, on-demand and spot."""
        for code in ("L-417A185B", "L-7212CCBC"):
            self.control("set-quota", region=region, code=code, value=vcpus)

    def image(self, pattern: str = "Deep Learning Base Proprietary*") -> Any:
        found = self.ec2.describe_images(
            Owners=["amazon"], Filters=[{"Name": "name", "Values": [pattern]}]
        )
        return max(found["Images"], key=lambda image: str(image["CreationDate"]))

    def subnet(self, zone: str) -> str:
        where = [{"Name": "availability-zone", "Values": [zone]}]
        return str(self.ec2.describe_subnets(Filters=where)["Subnets"][0]["SubnetId"])

    def request(self, **words: Any) -> dict[str, Any]:
        """RunInstances' arguments for one p3.2xlarge in us-east-1a."""
        return {
            "ImageId": self.image()["ImageId"],
            "InstanceType": "p3.2xlarge",
            "MinCount": 1,
            "MaxCount": 1,
            "SubnetId": self.subnet("us-east-1a"),
            **words,
        }

    def run(self, **words: Any) -> Any:
        return self.ec2.run_instances(**self.request(**words))["Instances"][0]

    def look(self, instance: str) -> Any:
        answer = self.ec2.describe_instances(InstanceIds=[instance])
        return answer["Reservations"][0]["Instances"][0]


@pytest.fixture
def earth() -> Earth:
    return Earth()


@pytest.fixture
def refused() -> Callable[..., tuple[str, int, str]]:
    """(code, HTTP status, message) of a call that AWS must refuse."""

    def ask(call: Callable[..., Any], **params: Any) -> tuple[str, int, str]:
        with pytest.raises(ClientError) as caught:
            call(**params)
        answer = caught.value.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return answer["Error"]["Code"], status, answer["Error"]["Message"]

    return ask
