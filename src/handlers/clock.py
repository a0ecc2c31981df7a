"""Every minute: what is due goes on the queue, and EC2's own tags are held against the ledger."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.flows import pulse
from core.flows.sweep import Watch, sweep, wake_due
from handlers import wiring

logger = Logger()
metrics = Metrics(namespace="gpu")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """The sweep needs no ledger: it runs even when what is due cannot be read."""
    watch = wiring.watch()
    failed = [*_wake(watch), *_sweep(watch)]
    failed += _leave_mark(watch, failed)
    if failed:
        # All of them, so that the alarm on this function's errors sees what was not done.
        raise ExceptionGroup("not everything could be looked after", failed)


def _wake(watch: Watch) -> tuple[Exception, ...]:
    try:
        due = wake_due(watch)
    except Exception as error:  # noqa: BLE001 - not caught, only kept until the sweep is done
        return (error,)
    metrics.add_metric(name="Due", unit=MetricUnit.Count, value=due)
    return ()


def _leave_mark(watch: Watch, failed: list[Exception]) -> tuple[Exception, ...]:
    try:
        pulse.beat(watch, failed)
    except Exception as error:  # noqa: BLE001 - as above: it must not hide the others
        return (error,)
    return ()


def _sweep(watch: Watch) -> tuple[Exception, ...]:
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
    return report.failed
