"""EC2's news: an instance changed its state, or spot capacity is being taken back.

Events come late, twice or never, so they only wake the machine's row; EC2 itself is asked then.
When it happened is the one thing that EC2 tells nowhere else: that goes along.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from core.news import bring
from handlers import discreet, wiring

logger = discreet.logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Bring it on its way; where that fails Lambda calls again, after one minute and after two."""
    bring(event, wiring.table(), wiring.wakes())
