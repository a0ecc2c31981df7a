"""EC2's events in EventBridge's shape: which wake each is for the machine that it is about."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.ports import Ledger, Wakes

_TAKEN_BACK = "EC2 Spot Instance Interruption Warning"
_MAY_BE_TAKEN = "EC2 Instance Rebalance Recommendation"
_CHANGED = "EC2 Instance State-change Notification"


def bring(event: Mapping[str, Any], ledger: Ledger, wakes: Wakes) -> None:
    """Wake the row of the instance; instances of others are none of ours.

    Other wakes may get lost, for a row says when it is due. Of these no row knows, and EC2 says
    such things once: what cannot be sent is a CloudError, and the event must come again.
    """
    machine = ledger.by_instance(event["detail"]["instance-id"])
    if machine is not None:
        wakes.send(wake_key(event, machine.id))


def wake_key(event: Mapping[str, Any], machine: str) -> str:
    """`spot/machine/<id>/<instance>` for a two-minute notice, `advice/machine/…` for word that
    there may be one soon; for a change of state
    `told/machine/<id>/<instance>/<state>/<epoch seconds>`, with EC2's own time of it."""
    instance = event["detail"]["instance-id"]
    if event["detail-type"] == _TAKEN_BACK:
        return f"spot/machine/{machine}/{instance}"
    if event["detail-type"] == _MAY_BE_TAKEN:
        return f"advice/machine/{machine}/{instance}"
    if event["detail-type"] != _CHANGED:
        return f"machine/{machine}"
    at = int(datetime.fromisoformat(event["time"]).timestamp())
    return f"told/machine/{machine}/{instance}/{event['detail']['state']}/{at}"
