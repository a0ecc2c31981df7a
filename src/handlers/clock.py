"""Every minute: what is due goes on the queue, and EC2's own tags are held against the ledger."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.flows.sweep import Watch, sweep, wake_due
from handlers import wiring

logger = Logger()
metrics = Metrics(namespace="gpu")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """The sweep needs no ledger: it runs even when what is due cannot be read."""
    watch = wiring.watch()
    try:
        metrics.add_metric(name="Due", unit=MetricUnit.Count, value=wake_due(watch))
    finally:
        _sweep(watch)


def _sweep(watch: Watch) -> None:
    report = sweep(watch)
    for swept in report.done:
        logger.warning(
            "swept",
            machine=swept.tagged.machine,
            instance=swept.tagged.instance.id,
            action=swept.action,
            reason=swept.reason,
        )
    metrics.add_metric(name="Swept", unit=MetricUnit.Count, value=len(report.done))
    if report.failed:
        # All of them, so that the alarm on this function's errors sees what was not swept.
        raise ExceptionGroup("not everything could be swept", list(report.failed))
