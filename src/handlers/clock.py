"""Every minute: what is due goes on the queue, and EC2's own tags are held against the ledger."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.flows.sweep import sweep, wake_due
from handlers import wiring

logger = Logger()
metrics = Metrics(namespace="gpu")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """An error in the sweep comes after everything that is due has been woken."""
    watch = wiring.watch()
    metrics.add_metric(name="Due", unit=MetricUnit.Count, value=wake_due(watch))
    for swept in sweep(watch):
        logger.warning(
            "swept",
            machine=swept.tagged.machine,
            instance=swept.tagged.instance.id,
            action=swept.action,
            reason=swept.reason,
        )
        metrics.add_metric(name="Swept", unit=MetricUnit.Count, value=1)
