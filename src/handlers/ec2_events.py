"""EC2's news: an instance changed its state, or spot capacity is being taken back.

Events come late, twice or never, so they only wake the machine's row; EC2 itself is asked then.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers import wiring

logger = Logger()

_TAKEN_BACK = "EC2 Spot Instance Interruption Warning"


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Wake the row of the instance; instances of others are none of ours."""
    news = EventBridgeEvent(event)
    instance = news.detail["instance-id"]
    machine = wiring.table().by_instance(instance)
    if machine is None:
        return
    key = f"machine/{machine.id}"
    wiring.wakes().wake(f"spot/{key}/{instance}" if news.detail_type == _TAKEN_BACK else key)
