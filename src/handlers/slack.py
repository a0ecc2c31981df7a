"""The queue's door: verified requests go through Bolt to their flow, wakes to theirs.

Signatures were checked by the Function URL's door over the raw bytes; here Bolt only routes. A
record that fails is reported as failed, so the queue delivers it again and at last keeps it in the
dead-letter queue. Every flow is safe to repeat.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, assert_never

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult

from core import late, messages, names
from core.blocks import Message
from core.faults import CloudError, FaultKind
from core.flows import entrance, home, idle, route, trail
from core.flows.entrance import Opened
from core.flows.house import House
from core.flows.request import Click, Request, in_person
from core.flows.speak import answer
from core.flows.wake import on_wake
from handlers import discreet, queued, wiring
from handlers.queued import Beat, ForBolt, Unreadable, Wake

logger = discreet.logger()
metrics = Metrics(namespace="gpu")
processor = BatchProcessor(event_type=EventType.SQS)

_LATER = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED})
R = TypeVar("R", Request, Click)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """One batch of the queue; the records that failed are named in the answer."""
    metrics.add_metric(name="Records", unit=MetricUnit.Count, value=len(event["Records"]))
    return take(counting(wiring.house()), event, context)


def take(house: House, event: dict[str, Any], context: LambdaContext | None = None) -> Any:
    """The same in any house."""
    try:
        return process_partial_response(
            event=event, record_handler=partial(serve, house), processor=processor, context=context
        )
    except BatchProcessingError as error:
        # Lambda itself would write down the words of every exception as they are.
        for child in error.child_exceptions:
            logger.error("not carried out; the queue delivers it again", exc_info=child[1])
        raise NotCarriedOut("the line before says why") from None


class NotCarriedOut(Exception):
    """No record of a batch was carried out: an alarm counts these."""


def counting(house: House) -> House:
    """The same, and what alarms watch becomes a metric of this function."""
    return replace(house, count=_count)


def _count(name: str) -> None:
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)


def serve(house: House, record: SQSRecord) -> None:
    """Carry out one message of the queue; an exception has it delivered again."""
    try:
        message = queued.read(record.body)
    except Unreadable as error:
        # As unreadable the tenth time: it is told of here, and does not block the dead letters.
        logger.error("dropped, for it cannot be read", reason=str(error))
        metrics.add_metric(name="Unreadable", unit=MetricUnit.Count, value=1)
        return
    match message:
        case Wake():
            logger.append_keys(wake=message.key)
            on_wake(house, message.key)
        case Opened():
            logger.append_keys(user=message.user)
            entrance.here(house, message)
        case Beat():
            logger.append_keys(machine=message.machine)
            idle.beat(house, message.machine, message.report, message.received)
        case ForBolt():
            _dispatch(house, record, message)
        case _:
            assert_never(message)


def _dispatch(house: House, record: SQSRecord, message: ForBolt) -> None:
    if message.body is None:
        logger.info("nobody listens to that kind of event or form")
        return
    first = record.attributes.approximate_receive_count == "1"
    answering = _Answering(house, record.message_id, message.received, first=first)
    # The mode in which Bolt takes a body that has been read already.
    request = BoltRequest(body=message.body, mode="socket_mode")
    answer = _router(answering).dispatch(request)
    if answer.status != 200:
        raise RuntimeError(f"Bolt answered {answer.status}")


def _router(answering: "_Answering") -> App:
    """Bolt as the router: no lazy listeners, no second look at a signature, no call of Slack."""
    app = App(
        authorize=_authorize,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        process_before_response=True,
    )

    @app.command(re.compile("^/"))
    def on_command(ack: Callable[[], None], body: dict[str, Any]) -> None:
        ack()
        answering(_typed(body), route.command)

    @app.action(re.compile(".*"))
    def on_action(ack: Callable[[], None], body: dict[str, Any]) -> None:
        ack()
        if "url" not in body["actions"][0]:
            answering(_pressed(body), route.click)

    @app.event("app_home_opened")
    def on_home(body: dict[str, Any]) -> None:
        if body["event"]["tab"] == "home":  # the other one is where direct messages are
            logger.append_keys(user=body["event"]["user"])
            home.opened(answering.house, body["event"]["user"])

    @app.error
    def on_error(error: Exception) -> None:
        raise error  # to the batch processor, which logs it and reports the record

    return app


def _authorize(team_id: str | None = None, enterprise_id: str | None = None) -> AuthorizeResult:
    """The door has let only the home workspace in, and Bolt never speaks: it needs no token."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def _typed(body: dict[str, Any]) -> Request:
    return Request(
        id=names.request_id(body["team_id"], "slash", body["trigger_id"]),
        user=body["user_id"],
        channel=body["channel_id"],
        text=body["text"],
        response_url=body["response_url"] or in_person(body["user_id"]),
    )


def _pressed(body: dict[str, Any]) -> Click:
    action = body["actions"][0]
    name, value = action["action_id"], action["value"]
    if action["type"] == "datetimepicker":  # it has no value: the ids stand in its name
        name, _, ids = name.partition("/")
        value = f"{ids}:{action['selected_date_time'] or ''}"
    return Click(
        id=names.request_id(body["team"]["id"], "click", body["trigger_id"]),
        user=body["user"]["id"],
        channel=body["channel"]["id"],
        action=name,
        value=value,
        response_url=body["response_url"] or in_person(body["user"]["id"]),
    )


class _Answering:
    """Runs a flow so that the person hears of it even when it fails."""

    def __init__(self, house: House, reference: str, received: datetime, *, first: bool) -> None:
        self.house = house
        self.reference = reference[:8]
        self.received = received
        self.first = first

    def __call__(self, request: R, flow: Callable[[House, R], None]) -> None:
        logger.append_keys(user=request.user, channel=request.channel, reference=self.reference)
        now = self.house.clock()
        if now - self.received > late.ANSWERED_BY_URL:
            request = replace(request, response_url=in_person(request.user))
        if late.is_late(self.received, now) and not route.lessens(request):
            logger.warning("too old to be carried out", received_at=self.received.isoformat())
            said = messages.too_late(self.received, trail.words_of(request))
            return self._say(request, said)
        try:
            return flow(self.house, replace(request, at=self.received))
        except CloudError as error:
            # AWS said no or nothing while something was looked up for a person. What had been
            # begun stands in the ledger and goes on from there; the rest was not begun.
            logger.exception("AWS refused", code=error.fault.code, operation=error.fault.operation)
            metrics.add_metric(name="Refused", unit=MetricUnit.Count, value=1)
            if error.fault.kind in _LATER:
                if self.first:
                    self._say(request, messages.trouble(self.reference, self._begun(request)))
                raise  # every flow can be repeated: the queue delivers it again
            return self._say(request, messages.aws_refused(self.reference, error.fault))
        except Exception:
            # Not caught, only told: the queue delivers it again, and an alarm sees what stays.
            logger.exception("failed; the queue delivers it again")
            if self.first:
                self._say(request, messages.trouble(self.reference, self._begun(request)))
            raise

    def _begun(self, request: Request | Click) -> str | None:
        """What runs of a launch by now: it may have failed right after EC2 had taken it."""
        if not route.launches(request):
            return None
        try:
            m = self.house.ledger.machine(names.machine_id(request.id))
        except Exception:  # noqa: BLE001 - not caught, only told: the table may be what has failed
            return messages.launched_not_known()
        return messages.launched_so_far(m)

    def _say(self, request: Request | Click, message: Message) -> None:
        answer(self.house, request.response_url, message)
