"""The same signed request, five times within its five minutes, acts once.

Two towns live the same story through the door, the queue and the queue's own door. In one of them
every request comes once; in the other five times, and all of them once more when everything is
over. What people and AWS have at the end is the same.
"""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from core import beats
from core.model import Approval, DataVolume, OneTimeLink, Rules, SavedImage, Schedule, Usage
from handlers.door import Door
from handlers.slack import serve
from sim.chat import Posted, direct
from sim.town import ADA, CHANNEL, KEY, SAM, SIGNING_SECRET, TEAM, Town, buttons, town, value_of


class Story:
    """A town, and everything that was sent to it."""

    def __init__(self, aws: Any, slack: Any, times: int) -> None:
        self.aws, self.slack, self.times = aws, slack, times
        self.here = town()
        self.here.with_quota()
        aws.secret = {"signing_secret": SIGNING_SECRET}
        slack.secret = SIGNING_SECRET
        environ = {**aws.environ, "SLACK_TEAM_ID": TEAM, "STACK_NAME": self.here.policy.stack}
        self.door = Door(environ, now=lambda: slack.now)
        self.sent: list[dict[str, Any]] = []

    def send(self, event: dict[str, Any], times: int = 0) -> None:
        """Through the door, and each that was queued through the queue's own door."""
        self.sent.append(event)
        for _ in range(times or self.times):
            assert self.door.answer(event)["statusCode"] in (200, 204)
            while self.aws.queued:
                self.serve(self.aws.queued.pop())
            self.here.pass_time(timedelta(seconds=1))

    def serve(self, message: dict[str, Any]) -> None:
        now = {**message, "received_at": self.here.now.timestamp()}
        record = {"messageId": "0" * 8, "attributes": {"ApproximateReceiveCount": "1"}}
        serve(self.here.house, SQSRecord({**record, "body": json.dumps(now)}))

    def type(self, text: str, user: str = ADA) -> None:
        nonce = f"{len(self.sent)}.1"
        form = {
            "command": "/gpu",
            "text": text,
            "team_id": TEAM,
            "user_id": user,
            "channel_id": CHANNEL,
            "trigger_id": nonce,
            "response_url": f"https://hooks.slack.com/commands/{nonce}",
        }
        self.send(self.slack.event(urlencode(form).encode()))

    def press(self, action: str, value: str, user: str = ADA) -> None:
        nonce = f"{len(self.sent)}.1"
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": TEAM},
            "channel": {"id": CHANNEL},
            "trigger_id": nonce,
            "response_url": f"https://hooks.slack.com/actions/{nonce}",
            "actions": [{"type": "button", "action_id": action, "value": value}],
        }
        self.send(self.slack.event(urlencode({"payload": json.dumps(payload)}).encode()))

    def live(self) -> None:
        """What people do in a day."""
        here = self.here
        self.type(f"key add {KEY}")
        self.type("allow 203.0.113.7")
        self.type("launch p3.2xlarge on-demand for 2h name bert")
        here.until_quiet()
        self.press("extend", value_of(here.card(), "extend"))
        self.type("extend bert 30m")
        self.type("idle bert 40m")
        self.type("schedule bert weekdays 9:00-18:00")
        self.type("save bert as env")
        self.type("allow me for 1h")
        self._open_the_link()
        self._report()
        self.type("policy set longest-lease 20h", SAM)
        self.type("budget team 900", SAM)
        self.type("launch p3.8xlarge on-demand for 2h name dear")
        self.press("choose-0", value_of(here.card(), "choose-0"))
        self.press("approve", self._question(), SAM)
        here.until_quiet()
        self.type("stop bert")
        here.until_quiet()
        self.type("start bert for 1h")
        here.until_quiet()
        self.type("end dear")
        self.type("quota raise p4d.24xlarge x4")
        self.type("allow remove 203.0.113.7")
        self.type("budget team 700", SAM)
        self.type("policy set longest-lease 21h", SAM)
        self.type("key remove 1")
        here.until_quiet()

    def _open_the_link(self) -> None:
        (answer,) = [a for a in self.here.chat.answers if "/here/" in a.message.text][:1]
        token = answer.message.text.split("/here/")[1].split("|")[0]
        event = self._event(f"/here/{token}", b"")
        self.slack.now, before = int(self.here.now.timestamp()), self.slack.now
        self.send(event)
        self.slack.now = before

    def _report(self) -> None:
        bert = self.here.ledger.named("bert")
        assert bert is not None
        token = beats.make(SIGNING_SECRET, self.here.policy.stack, bert.id)
        told = {"instance": bert.instances[0].id, "boot": "0" * 36, "up": 60}
        body = json.dumps({**told, "samples": [[0, 93, 40, 1]]}).encode()
        self.send(self._event(f"/beat/{token}", body))

    def _event(self, path: str, body: bytes) -> dict[str, Any]:
        http = {"method": "POST", "sourceIp": "198.51.100.9"}
        return {"rawPath": path, "requestContext": {"http": http}, "body": body.decode()}

    def _question(self) -> str:
        asked = [p.message for p in self.here.chat.channel(direct(SAM)) if buttons(p.message)]
        return value_of(asked[-1], "approve")


def outcome(here: Town) -> dict[str, Any]:
    """What people and AWS have, without the moments at which it came about."""
    rows = here.ledger.rows
    rules = rows(Rules)[0]
    return {
        "machines": [
            (m.name, m.state, m.desire, m.lease and (m.lease.length, m.lease.version), m.attempts)
            for m in here.ledger.everything()
        ],
        "keys": [key.fingerprint for key in here.ledger.profile(ADA).keys],
        "open": [access.cidr for access in here.ledger.profile(ADA).accesses],
        "approvals": [(row.name, row.verdict, row.decided_by) for row in rows(Approval)],
        "images": [row.name for row in rows(SavedImage)],
        "volumes": [row.key for row in rows(DataVolume)],
        "schedules": [(row.days, row.starts, row.stops) for row in rows(Schedule)],
        "links": [(row.user, row.address) for row in rows(OneTimeLink)],
        "looks": [len(row.samples) for row in rows(Usage)],
        "rules": ([(one.rule, one.value) for one in rules.changed], rules.budgets),
        "quotas": [(q.code, q.desired) for q in here.ledger.quota_requests()],
        "deeds": sorted(
            {deed.did for deed in here.ledger.deeds(here.now - timedelta(days=2), here.now)}
        ),
        "posted": sorted(line for line in map(_first, here.chat._posted) if line != _OPENED),
        "aws": here.counts(),
    }


_OPENED = "`198.51.100.9/32` may rea"  # answered privately while its response_url takes answers


def _first(posted: Posted) -> str:
    return posted.message.text.splitlines()[0][:25]


def test_five_times_the_same_request_is_once(aws: Any, slack: Any) -> None:
    once = Story(aws, slack, 1)
    once.live()
    often = Story(aws, slack, 5)
    often.live()
    assert outcome(often.here) == outcome(once.here)
    assert [_first(p) for p in often.here.chat._posted].count(_OPENED) <= 1


def test_each_request_once_more_when_all_is_over_changes_nothing(aws: Any, slack: Any) -> None:
    story = Story(aws, slack, 1)
    story.live()
    before, launches = outcome(story.here), story.here.hearing("RunInstances")
    changed = []
    for event in list(story.sent):
        if not str(event["rawPath"]).startswith("/here/"):  # whose ten minutes are over: 404
            story.send(event, 1)
            after = outcome(story.here)
            changed += [
                (name, event["body"][-160:]) for name in after if after[name] != before[name]
            ]
            before = after
    assert changed == []
    assert launches == []
