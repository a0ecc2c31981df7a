"""A program's hands on a local run: types, clicks and looks as a person would, over HTTP.

It knows `/sandbox.json` and the stand-in's routes, nothing of the app: it reads what Slack's own
API and AWS's own API say. Used by the end-to-end tests; docs/sandbox.md shows it by hand.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import boto3
import httpx
from botocore.config import Config

Json = dict[str, Any]
T = TypeVar("T")  # the syntax of 3.12 is not there in 3.11
NOISE = 4.0  # times: a machine on which others work, too, may be so much slower


class Drive:
    """Everything that can be done to one local run from outside."""

    def __init__(self, page: str) -> None:
        """`page` is the address that the run printed."""
        self.page = page.rstrip("/")
        self._http = httpx.Client(base_url=self.page, timeout=30, trust_env=False)
        self.info: Json = self._http.get("/sandbox.json").raise_for_status().json()

    # what a person does

    def slash(self, user: str, text: str, channel: str = "gpu-lab") -> Json:
        """`/gpu text`; the acknowledgement: status, body, ms, delivered."""
        return self._post("slash", {"user": user, "channel": channel, "text": text})

    def click(self, user: str, message: Json, action: str, channel: str = "gpu-lab") -> Json:
        """The button of a message whose action_id is `action`.

        `{"error": …}` where the person does not see such a button any more.
        """
        gesture = {"user": user, "channel": channel, "ts": message["ts"], "action_id": action}
        answer = self._http.post("/sandbox/click", json=gesture)
        seen: Json = answer.json()
        return seen

    def dismiss(self, user: str, message: Json, channel: str = "gpu-lab") -> None:
        """Put away a message that only that person sees."""
        self._post("dismiss", {"user": user, "channel": channel, "ts": message["ts"]})

    def again(self) -> Json:
        """The last request, delivered once more, byte for byte."""
        return self._post("duplicate", {})

    def regenerate(self, what: str) -> str:
        """A new `signing_secret` or `bot_token`, as somebody has Slack make one."""
        self.info |= self._post("regenerate", {"what": what})
        return str(self.info[what])

    def world(self, command: Json) -> Json:
        """The world control."""
        return self._post("world", command)

    def _post(self, gesture: str, body: Json) -> Json:
        answer: Json = self._http.post(f"/sandbox/{gesture}", json=body).raise_for_status().json()
        return answer

    # what can be seen

    def screen(self, user: str, channel: str = "gpu-lab") -> Json:
        """What the page draws for that person."""
        asked = self._http.get("/sandbox/state", params={"user": user, "channel": channel})
        seen: Json = asked.raise_for_status().json()
        return seen

    def messages(self, user: str, channel: str = "gpu-lab") -> Iterator[Json]:
        """Every message of the channel that the person sees, replies after their first message."""
        for message in self.screen(user, channel)["messages"]:
            yield message
            yield from message.get("replies", ())

    def private(self, user: str, channel: str = "gpu-lab") -> list[str]:
        """The words of the messages that only that person sees, oldest first."""
        return [words(m) for m in self.messages(user, channel) if m.get("ephemeral")]

    def find(
        self, user: str, *said: str, action: str | None = None, channel: str = "gpu-lab"
    ) -> Json | None:
        """The newest message the person sees that says all this and has such a button.

        `action` is the beginning of an action_id; letters' case, `*` and backticks do not
        matter in what is said.
        """
        for message in reversed(list(self.messages(user, channel))):
            text = words(message).lower().replace("*", "").replace("`", "")
            fits = all(part.lower() in text for part in said)
            if fits and (action is None or any(a.startswith(action) for a in actions(message))):
                return message
        return None

    def wait_message(
        self, user: str, *said: str, action: str | None = None, seconds: float = 30
    ) -> Json:
        """The same, waited for; what the person saw instead is in the failure."""
        try:
            return wait_for(lambda: self.find(user, *said, action=action), "", seconds)
        except AssertionError:
            seen = "\n---\n".join(f"{words(m)} {actions(m)}" for m in self.messages(user))
            raise AssertionError(f"{user} sees no {said} with {action}:\n{seen}") from None

    def allow_everything(self, user: str, key: str, address: str = "203.0.113.7/32") -> None:
        """Give the person a key and an address, so that launches do not wait for them."""
        self.slash(user, f"key add {key}")
        self.slash(user, f"allow {address}")
        self.wait_message(user, address)

    def set_quota(self, code: str, vcpus: int, region: str = "us-east-1") -> None:
        """Give the account that many vCPUs of one quota, as if AWS had granted them before."""
        self.world({"do": "set-quota", "region": region, "code": code, "value": vcpus})

    # a stranger's hands

    def signed(
        self, body: bytes, *, secret: str | None = None, at: float | None = None
    ) -> dict[str, str]:
        """Slack's headers for the body: signed now with the run's secret, unless told otherwise."""
        stamp = str(int(time.time() if at is None else at))
        key = (self.info["signing_secret"] if secret is None else secret).encode()
        mac = hmac.new(key, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={mac}",
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def knock(
        self, body: bytes, headers: Mapping[str, str], path: str = "/slack"
    ) -> httpx.Response:
        """Any request at the Function URL."""
        return httpx.post(
            self.info["function_url"] + path,
            content=body,
            headers={**headers, **self.info["function_headers"]},
            timeout=30,
            trust_env=False,
        )

    def form(self, text: str, **changes: str) -> bytes:
        """The body of ada's `/gpu text`, with fields changed."""
        fields = {
            "token": "none",
            "team_id": self.info["team_id"],
            "team_domain": "gpu-lab",
            "channel_id": self.info["channels"]["gpu-lab"],
            "channel_name": "gpu-lab",
            "user_id": self.info["users"]["ada"],
            "user_name": "ada",
            "command": "/gpu",
            "text": text,
            "api_app_id": "A06GPU2APP1",
            "response_url": f"{self.page}/response/none",
            "trigger_id": "1.2.3",
        }
        return urlencode(fields | changes).encode()

    # what AWS has

    def aws(self, service: str, region: str = "us-east-1") -> Any:
        """A boto3 client: of the world for what it answers, of MiniStack for the rest."""
        there = service in ("ec2", "service-quotas", "pricing", "ce", "ssm")
        session = boto3.session.Session(
            aws_access_key_id=self.info["aws_access_key_id"],
            aws_secret_access_key=self.info["aws_secret_access_key"],
            region_name=region,
        )
        return session.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.info["ec2_endpoint" if there else "aws_endpoint"],
            config=Config(retries={"total_max_attempts": 2}),
        )

    def ever(self) -> list[Json]:
        """Every instance, in every region, that EC2 still knows: those that are terminated too."""
        return [
            instance
            for region in self.info["regions"]
            for page in self.aws("ec2", region).get_paginator("describe_instances").paginate()
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]

    def instances(self) -> list[Json]:
        """Those of them that are not terminated."""
        return [one for one in self.ever() if one["State"]["Name"] != "terminated"]

    def left_over(self) -> dict[str, int]:
        """What is there in all regions that a machine could have left."""
        counts = {"instances": len(self.instances()), "groups": 0, "volumes": 0, "keys": 0}
        for region in self.info["regions"]:
            ec2 = self.aws("ec2", region)
            groups = ec2.describe_security_groups()["SecurityGroups"]
            counts["groups"] += sum(1 for g in groups if g["GroupName"] != "default")
            counts["volumes"] += len(ec2.describe_volumes()["Volumes"])
            counts["keys"] += len(ec2.describe_key_pairs()["KeyPairs"])
        return counts

    def resource(self, name: str) -> str:
        """The physical id of one of the template's resources: a queue's URL, a table's name."""
        found = self.aws("cloudformation").describe_stack_resource(
            StackName=self.info["stack"], LogicalResourceId=name
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def held(self, queue: str) -> int:
        """Messages in the queue of that URL, waiting or in work."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        asked = self.aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return sum(int(asked["Attributes"][name]) for name in names)

    def queued(self) -> int:
        """The same of the queue between the door and the Slack function."""
        return self.held(self.info["queue"])


def words(message: Json) -> str:
    """Everything that a message says, its blocks included."""
    return "\n".join([str(message.get("text", "")), *_texts(message.get("blocks", []))])


def actions(message: Json) -> list[str]:
    """The action_ids of a message's buttons, in order."""
    return [
        element["action_id"]
        for block in message.get("blocks", [])
        for element in (*block.get("elements", ()), block.get("accessory"))
        if isinstance(element, dict) and element.get("type") == "button"
    ]


def wait_for(look: Callable[[], T | None], what: str, seconds: float = 30, every: float = 0.2) -> T:
    """The first thing that `look` finds (not None, not False); AssertionError without one.

    `seconds`: what is ample on a quiet machine; on a noisy one it may take `NOISE` times as long.
    `every`: seconds between two looks, more of them where a look is dear.
    """
    end = time.monotonic() + seconds * NOISE
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds * NOISE:.0f} s: {what}")
        time.sleep(every)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
