"""Limits and requests for more, over the world's Service Quotas."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.service_quotas import ServiceQuotas
from core.catalog import quota_of
from core.faults import CloudError, FaultKind
from core.model import Market, QuotaStatus
from sim import boto
from sim.world import World

R = "us-east-1"
P_ON_DEMAND = "L-417A185B"


class Account:
    """A world whose time a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.world = World(lambda: self.now)
        self._client = boto.client(self.world, "service-quotas", R)
        self.quotas = ServiceQuotas(lambda region: self._client)
        self.asked: list[str] = []
        self._client.meta.events.register(
            "before-parameter-build", lambda model, **_: self.asked.append(model.name)
        )

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.world.tick()


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_new_account_has_no_gpu_vcpus(account: Account) -> None:
    code, name, limit = account.quotas.limit(R, "", P_ON_DEMAND)
    assert (code, limit) == (P_ON_DEMAND, 0)
    assert "P instances" in name


def test_without_a_code_the_name_decides_and_is_looked_up_once(account: Account) -> None:
    _, name, _ = account.quotas.limit(R, "", P_ON_DEMAND)
    assert account.quotas.limit(R, name, "")[0] == P_ON_DEMAND
    before = len(account.asked)
    account.quotas.limit(R, name, "")
    assert account.asked[before:] == ["GetServiceQuota"]


def test_a_name_that_aws_does_not_list_is_no_refusal(account: Account) -> None:
    with pytest.raises(CloudError) as caught:
        account.quotas.limit(R, "All Q instances", "")
    assert caught.value.fault.kind is FaultKind.UNKNOWN


def test_a_quota_with_no_applied_value_has_its_default(account: Account) -> None:
    account.world.control(
        {
            "do": "fault",
            "operation": "GetServiceQuota",
            "code": "NoSuchResourceException",
            "times": 1,
        }
    )
    assert account.quotas.limit(R, "", P_ON_DEMAND)[2] == 0
    assert account.asked == ["GetServiceQuota", "GetAWSDefaultServiceQuota"]


def test_a_code_that_nobody_knows_is_an_error(account: Account) -> None:
    with pytest.raises(CloudError) as caught:
        account.quotas.limit(R, "", "L-00000000")
    assert caught.value.fault.kind is FaultKind.GONE


def test_a_request_is_followed_until_it_is_granted(account: Account) -> None:
    assert account.quotas.open_change(R, P_ON_DEMAND) is None
    asked = account.quotas.raise_to(R, P_ON_DEMAND, 8)
    assert (asked.status, asked.desired) == (QuotaStatus.PENDING, 8)
    assert account.quotas.open_change(R, P_ON_DEMAND) == asked
    account.later(25)
    assert account.quotas.change(R, asked.id).status is QuotaStatus.APPROVED
    assert account.quotas.open_change(R, P_ON_DEMAND) is None
    assert account.quotas.limit(R, "", P_ON_DEMAND)[2] == 8


def test_the_second_request_gives_back_the_open_one(account: Account) -> None:
    first = account.quotas.raise_to(R, P_ON_DEMAND, 8)
    assert account.quotas.raise_to(R, P_ON_DEMAND, 16) == first


def test_a_request_for_less_is_refused(account: Account) -> None:
    account.world.control({"do": "set-quota", "region": R, "code": P_ON_DEMAND, "value": 64})
    with pytest.raises(CloudError) as caught:
        account.quotas.raise_to(R, P_ON_DEMAND, 8)
    assert caught.value.fault.kind is FaultKind.BUG


def test_a_status_that_aws_has_added_since_is_followed_up(aws: Any) -> None:
    shown = {"Id": "q-1", "Status": "UNDER_A_TREE", "DesiredValue": 8.0, "CaseId": "case-7"}
    aws.answer("GetRequestedServiceQuotaChange", RequestedQuota=shown)
    quotas = ServiceQuotas(lambda region: aws.client("service-quotas", region))
    change = quotas.change(R, "q-1")
    assert change.status.is_open
    assert change.case_id == "case-7"


def test_every_quota_is_listed_with_what_was_applied(account: Account) -> None:
    account.world.control({"do": "set-quota", "region": R, "code": P_ON_DEMAND, "value": 64})
    limits = {one.name: one for one in account.quotas.limits(R)}
    assert limits["Running On-Demand P instances"].vcpus == 64
    assert limits["All P5 Spot Instance Requests"].vcpus == 0
    assert limits["All P5 Spot Instance Requests"].code == "L-C4BD4855"


def test_a_quota_that_was_never_applied_is_listed_with_its_default(aws: Any) -> None:
    def shape(code: str, name: str, value: float) -> dict[str, Any]:
        return {"QuotaCode": code, "QuotaName": name, "Value": value}

    never, once = "All Trn Spot Instance Requests", "All Inf Spot Instance Requests"
    aws.answer(
        "ListAWSDefaultServiceQuotas", Quotas=[shape("L-1", never, 4.0), shape("L-2", once, 0.0)]
    )
    aws.answer("ListServiceQuotas", Quotas=[shape("L-2", once, 8.0)])
    quotas = ServiceQuotas(lambda region: aws.client("service-quotas", region))
    assert {(q.name, q.vcpus) for q in quotas.limits(R)} == {(never, 4), (once, 8)}


def test_the_quotas_whose_codes_are_disputed_are_found_by_name(account: Account) -> None:
    for kind in ("p5.48xlarge", "trn1.2xlarge"):
        wanted = quota_of(kind, Market.SPOT)
        assert wanted.code == ""
        assert account.quotas.limit(R, wanted.name, wanted.code)[1] == wanted.name
