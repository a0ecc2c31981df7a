"""Service Quotas: a new account's wall, and how it is asked to move."""

from typing import Any

import pytest

P_SPOT = {"ServiceCode": "ec2", "QuotaCode": "L-7212CCBC"}


def limit(earth: Any) -> float:
    return float(earth.quotas.get_service_quota(**P_SPOT)["Quota"]["Value"])


def ask(earth: Any, vcpus: float = 8) -> str:
    answer = earth.quotas.request_service_quota_increase(**P_SPOT, DesiredValue=vcpus)
    return str(answer["RequestedQuota"]["Id"])


def decision(earth: Any, id: str) -> str:
    answer = earth.quotas.get_requested_service_quota_change(RequestId=id)
    return str(answer["RequestedQuota"]["Status"])


def test_every_gpu_quota_of_a_new_account_is_nothing(earth: Any) -> None:
    pages = earth.quotas.get_paginator("list_service_quotas").paginate(
        ServiceCode="ec2", PaginationConfig={"PageSize": 7}
    )
    quotas = {q["QuotaName"]: q["Value"] for page in pages for q in page["Quotas"]}
    assert quotas["Running On-Demand P instances"] == 0
    assert quotas["All P4, P3 and P2 Spot Instance Requests"] == 0
    assert quotas["All P5 Spot Instance Requests"] == 0
    assert quotas["Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"] == 5
    assert len(quotas) == 19


def test_a_request_is_granted_after_a_while_and_applies(earth: Any) -> None:
    id = ask(earth)
    assert (decision(earth, id), limit(earth)) == ("PENDING", 0)
    earth.passes(20)
    assert (decision(earth, id), limit(earth)) == ("APPROVED", 8)
    default = earth.quotas.get_aws_default_service_quota(**P_SPOT)["Quota"]
    assert default["Value"] == 0


def test_one_open_request_per_quota(earth: Any) -> None:
    id = ask(earth)
    with pytest.raises(earth.quotas.exceptions.ResourceAlreadyExistsException) as caught:
        ask(earth, 16)
    assert "Only one open service quota increase request" in str(caught.value)
    history = earth.quotas.list_requested_service_quota_change_history_by_quota(**P_SPOT)
    assert [r["Id"] for r in history["RequestedQuotas"]] == [id]
    earth.passes(20)
    assert ask(earth, 16) != id


def test_a_request_must_ask_for_more(earth: Any) -> None:
    with pytest.raises(earth.quotas.exceptions.IllegalArgumentException):
        ask(earth, 0)


def test_a_denied_request_changes_nothing(earth: Any) -> None:
    id = ask(earth)
    earth.control("deny-quota", request=id)
    earth.passes(60)
    assert (decision(earth, id), limit(earth)) == ("DENIED", 0)


def test_a_request_can_be_granted_in_part_and_its_status_does_not_tell(earth: Any) -> None:
    id = ask(earth, 64)
    earth.control("grant-quota", request=id, value=8)
    assert (decision(earth, id), limit(earth)) == ("APPROVED", 8)
    with pytest.raises(ValueError, match="AWS has decided"):
        earth.control("deny-quota", request=id)


def test_a_limit_can_show_later_what_was_approved(earth: Any) -> None:
    earth.control("settings", quota_decision=None)
    id = ask(earth, 64)
    earth.control("grant-quota", request=id, shown_after=600)
    earth.passes(590)
    assert (decision(earth, id), limit(earth)) == ("APPROVED", 0)
    earth.passes(20)
    assert limit(earth) == 64


def test_without_a_decision_time_only_the_control_decides(earth: Any) -> None:
    earth.control("settings", quota_decision=None)
    id = ask(earth)
    earth.passes(86_400)
    assert decision(earth, id) == "PENDING"
    earth.control("grant-quota", request=id)
    assert limit(earth) == 8


def test_quotas_are_of_one_region(earth: Any) -> None:
    ask(earth)
    earth.passes(20)
    elsewhere = earth.world.call("service-quotas", "us-west-2", "GetServiceQuota", P_SPOT)
    assert elsewhere["Quota"]["Value"] == 0


def test_what_is_not_there_is_said_so(earth: Any) -> None:
    missing = earth.quotas.exceptions.NoSuchResourceException
    with pytest.raises(missing):
        earth.quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")
    with pytest.raises(missing):
        earth.quotas.get_service_quota(ServiceCode="rds", QuotaCode="L-7212CCBC")
    with pytest.raises(missing):
        earth.quotas.get_requested_service_quota_change(RequestId="none")


def test_p5_spot_has_a_quota_of_its_own(earth: Any, refused: Any) -> None:
    earth.allow(192)
    image = earth.image("Deep Learning Base OSS*(Ubuntu 24.04)*")["ImageId"]
    words = {"InstanceType": "p5.48xlarge", "ImageId": image}
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    request = earth.request(**words, **spot)
    del request["SubnetId"]
    assert refused(earth.ec2.run_instances, **request)[0] == "MaxSpotInstanceCountExceeded"
    earth.control("set-quota", region="us-east-1", code="L-C4BD4855", value=192)
    assert earth.ec2.run_instances(**request)["Instances"]
