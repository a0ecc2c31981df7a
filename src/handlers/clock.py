"""Every minute: what is due goes on the queue, and EC2's own tags are held against the ledger."""

from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.flows import pulse
from core.flows.sweep import Report, sweep, wake_due
from core.flows.watch import Watch
from handlers import discreet, wiring

logger = discreet.logger()
metrics = Metrics(namespace="gpu")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """The sweep needs no ledger: it runs even when what is due cannot be read. Nor does it need
    more of the settings than where to look: what is wrong with them is told at the end."""
    watch = wiring.watch()
    failed, report = [*_wake(watch)], _sweep(watch)
    failed += [*report.failed, *watch.wrong]
    failed += _leave_mark(watch, [*failed, *report.unread.values()])
    for error in failed:  # each by itself: Lambda writes none of the parts of a group
        logger.error("not done, or not as it should be", error=repr(error))
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


def _sweep(watch: Watch) -> Report:
    """A region that cannot be read is counted, not raised: it has an alarm of its own, and must not
    hide what else fails."""
    report = sweep(watch)
    _log(report)
    for name, value in (
        ("Swept", len(report.done)),
        ("Unexplained", sum(not one.known for one in report.done)),
        ("UnreadRegions", len(report.unread)),
    ):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    return report


def _log(report: Report) -> None:
    for swept in report.done:
        logger.warning(
            "swept",
            machine=swept.tagged.machine,
            instance=swept.tagged.instance.id,
            region=swept.tagged.instance.region,
            owner=swept.tagged.owner,
            action=swept.action,
            reason=swept.reason,
        )
    for id, why in report.roused:
        logger.warning("roused", machine=id, reason=why)
    for region, error in report.unread.items():
        logger.error("a region could not be read", region=region, error=repr(error))
    logger.info("the sweep is over", instances=report.looked_at)
