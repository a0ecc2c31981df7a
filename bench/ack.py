"""One process of the measurement: `python -m bench.ack <case> <how many commands>`."""

import hashlib
import hmac
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

Event = dict[str, Any]
Handler = Callable[[Event, Any], Event]


class Context:
    """What Bolt's runner asks of Lambda's context."""

    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bolt"
    function_name = "bolt"


def signed_command() -> Event:
    """A slash command as a Function URL hands it on, signed now."""
    form = {
        "team_id": "T0HOME",
        "channel_id": "C0LAB",
        "user_id": "U0ADA",
        "command": "/gpu",
        "text": "launch p3.2xlarge spot for 4h",
        "response_url": "https://hooks.slack.com/commands/T0HOME/1/abc",
        "trigger_id": "1.2.3",
    }
    body, stamp = urlencode(form), str(int(time.time()))
    signature = hmac.new(b"s", f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "version": "2.0",
        "rawPath": "/slack",
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={signature}",
        },
        "requestContext": {"http": {"method": "POST", "path": "/slack"}},
        "body": body,
        "isBase64Encoded": False,
    }


def door() -> Handler:
    """The product's own."""
    from handlers.door import handler

    return handler


def bolt() -> Handler:
    """Bolt's documented pattern for Lambda, with its lazy listener."""
    from slack_bolt import Ack, App
    from slack_bolt.adapter.aws_lambda import SlackRequestHandler
    from slack_bolt.authorization import AuthorizeResult

    def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T0HOME", bot_token="xoxb-1")

    app = App(signing_secret="s", process_before_response=True, authorize=authorize)

    def say_first_words(ack: Ack) -> None:
        ack("Looking for p3.2xlarge spot in us-east-1…")

    def work_later() -> None:
        raise AssertionError("the lazy listener runs in another process")

    app.command("/gpu")(ack=say_first_words, lazy=[work_later])

    def handler(event: Event, context: Any) -> Event:
        answer = SlackRequestHandler(app).handle(event, context)  # type: ignore[no-untyped-call]
        assert isinstance(answer, dict)
        return answer

    return handler


def main() -> None:
    case, times = sys.argv[1], int(sys.argv[2])
    if case == "nothing":
        return
    handler = {"door": door, "bolt": bolt}[case]()
    for _ in range(times):
        answer = handler(signed_command(), Context())
        assert answer["statusCode"] == 200, answer
        assert "Looking for" in answer["body"], answer


if __name__ == "__main__":
    main()
