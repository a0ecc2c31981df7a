"""The composition root: settings → clients → ports. The only place that makes a boto3 client.

Clients are made once for each region and kept for the life of the process; which endpoint they
speak to is boto3's own business (`AWS_ENDPOINT_URL…`), so nothing here knows where it runs.
"""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from slack_sdk.web import WebClient

from adapters.aws_errors import translated
from adapters.ebs import Ebs
from adapters.ec2 import Ec2
from adapters.github import GithubKeys
from adapters.here import DoorLinks
from adapters.images import SsmImages
from adapters.invoices import CostExplorer
from adapters.ledger import Table
from adapters.own_images import Amis
from adapters.prices import PriceList
from adapters.secret import Secret
from adapters.service_quotas import ServiceQuotas
from adapters.slack import Responder, SlackChat, web_client
from adapters.ssm_commands import RunCommand
from adapters.sts import Sts
from adapters.together import SideBySide
from adapters.trials import DryRuns
from adapters.wakes import SqsWakes
from adapters.watchers import AwsWatchers, SNSClient
from adapters.whole import whole
from core.flows.house import House
from core.flows.watch import Watch
from handlers import settings
from handlers.settings import BadSettings, Settings

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

# Every function ends within 60 s: no call may eat it all, and reads may be repeated.
_PATIENT = Config(
    connect_timeout=3,
    read_timeout=10,
    max_pool_connections=40,
    retries={"mode": "standard", "total_max_attempts": 3},
)
# RunInstances is sent once: what its silence means is decided by the flow, not by a retry.
_ONCE = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 1})
# Price lists are served in a few regions only; the figures are the same in each. Cost Explorer is
# one for all regions, and answers here.
_PRICES_IN = "us-east-1"
LOOKS_FOR = 40.0  # seconds that the doctor's looks may take together
# boto3 makes clients out of one session, which is not safe from several threads; using them is.
_MAKING = threading.Lock()
# The clock's looks: of its 58 seconds each stage of the sweep may take so many, though AWS hangs.
# As many at a time as there are regions and more, so that those that hang keep none waiting.
_SWEEPS_FOR, _AT_A_TIME = 12.0, 40


@cache
def _read() -> tuple[Settings, BadSettings | None]:
    """The environment, read once."""
    return settings.read_what_can_be(os.environ)


def known() -> Settings:
    """What the template and the admins decided; BadSettings where any of it is wrong."""
    found, wrong = _read()
    if wrong is not None:
        raise wrong
    return found


def _as_far_as_known() -> Settings:
    """The same, whatever is wrong: where the table and the queue are, and whose the machines."""
    return _read()[0]


@cache
def _ec2(region: str) -> "EC2Client":
    with _MAKING:
        return whole(boto3.client("ec2", region_name=region, config=_PATIENT))


@cache
def _ec2_once(region: str) -> "EC2Client":
    return whole(boto3.client("ec2", region_name=region, config=_ONCE))


@cache
def _ssm(region: str) -> "SSMClient":
    with _MAKING:
        return whole(boto3.client("ssm", region_name=region, config=_PATIENT))


@cache
def _service_quotas(region: str) -> "ServiceQuotasClient":
    with _MAKING:
        return whole(boto3.client("service-quotas", region_name=region, config=_PATIENT))


@cache
def table() -> Table:
    """The ledger's table, in the functions' own region."""
    return Table(whole(boto3.client("dynamodb", config=_PATIENT)), _as_far_as_known().table)


@cache
def _sqs() -> "SQSClient":
    return whole(boto3.client("sqs", config=_PATIENT))


@cache
def wakes() -> SqsWakes:
    """The queue that the Slack function takes."""
    return SqsWakes(_sqs(), _as_far_as_known().queue_url)


@cache
def _prices() -> PriceList:
    return PriceList(whole(boto3.client("pricing", region_name=_PRICES_IN, config=_PATIENT)))


@cache
def _invoices() -> CostExplorer:
    client = whole(boto3.client("ce", region_name=_PRICES_IN, config=_PATIENT))
    return CostExplorer(client, known().policy.stack)


@cache
def _reasons() -> Sts:
    return Sts(whole(boto3.client("sts", config=_PATIENT)))


@cache
def _sns() -> SNSClient:
    with _MAKING:
        client: SNSClient = boto3.client("sns", config=_PATIENT)
    return whole(client)


def _watchers() -> AwsWatchers:
    at = known()
    return AwsWatchers(_sqs, at.dead_letters, _sns, at.alarm_topic)


@cache
def _cloud() -> Ec2:
    return Ec2(_ec2, _ec2_once, _as_far_as_known().policy.stack)


@cache
def _quotas() -> ServiceQuotas:
    return ServiceQuotas(_service_quotas)


@cache
def _secret() -> Secret:
    """At most five minutes old."""
    client = whole(boto3.client("secretsmanager", config=_PATIENT))

    def read() -> str:
        with translated("GetSecretValue"):
            return client.get_secret_value(SecretId=known().secret_arn)["SecretString"]

    return Secret(read)


def signing_secret() -> str:
    """What Slack signs with; the door accepts the one before it too."""
    return _secret().get("signing_secret")


@cache
def _chat(token: str) -> SlackChat:
    where = known().slack_api_url
    responder = Responder(where)
    return SlackChat(web_client(token, where), known().policy.team_id, responder, renew=_renewed)


def _renewed(refused: str) -> WebClient | None:
    """For the rest of this call; the next one finds the newer token by itself."""
    token = _secret().newer("bot_token", refused)
    return web_client(token, known().slack_api_url) if token else None


def clock() -> datetime:
    """Now, as aware UTC. The only clock in the product."""
    return datetime.now(UTC)


def house(now: Callable[[], datetime] = clock) -> House:
    """Everything a flow works through."""
    at = known()
    return House(
        cloud=_cloud(),
        images=SsmImages(_ssm, _ec2),
        own_images=Amis(_ec2, at.policy.stack),
        disks=Ebs(_ec2, at.policy.stack),
        quotas=_quotas(),
        prices=_prices(),
        invoices=_invoices(),
        reasons=_reasons(),
        public_keys=GithubKeys(at.github_url),
        commands=RunCommand(_ssm),
        links=DoorLinks(at.here_url, at.policy.stack, signing_secret),
        chat=_chat(_secret().get("bot_token")),
        ledger=table(),
        wakes=wakes(),
        trials=DryRuns(_ec2),
        watchers=_watchers(),
        policy=at.policy,
        clock=now,
        together=SideBySide(LOOKS_FOR),
    )


def watch(now: Callable[[], datetime] = clock) -> Watch:
    """What the clock works through: no Slack, no secret. It launches nothing, so that a setting
    that is wrong keeps it from nothing: that is told when its work is done."""
    at, wrong = _read()
    return Watch(
        cloud=_cloud(),
        ledger=table(),
        wakes=wakes(),
        policy=at.policy,
        clock=now,
        together=SideBySide(_SWEEPS_FOR, _AT_A_TIME),
        wrong=() if wrong is None else (wrong,),
    )
