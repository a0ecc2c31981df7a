"""EC2's news: an instance changed its state, or spot capacity is being taken back.

Events come late, twice or never, so they only wake the machine's row; EC2 itself is asked then.
When it happened is the one thing that EC2 tells nowhere else: that goes along.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from core.news import wake_key
from handlers import discreet, wiring

logger = discreet.logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Wake the row of the instance; instances of others are none of ours."""
    machine = wiring.table().by_instance(event["detail"]["instance-id"])
    if machine is not None:
        wiring.wakes().wake(wake_key(event, machine.id))
