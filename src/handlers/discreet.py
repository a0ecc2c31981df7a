"""A log without secrets: what looks like one is blacked out of every line, whoever put it there.

Nobody means to log any: but an exception of a library may repeat what it was called with. This is
the last of the nets, for Slack's tokens, signatures and response_urls, one-time links of the door,
tokens of machines, user data and private keys.
"""

import re

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.logging.types import LogRecord

BLACK = "(left out)"
_REST = r"(?:[^\"\\]|\\.)*"  # of the JSON string that it stands in
_SECRETS = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+"  # Slack's tokens
    r"|v0=[0-9a-f]{64}"  # its signatures
    r"|\b[0-9a-f]{32}\b"  # its signing secrets
    r"|\b[0-9]{6,}\.[0-9]{6,}\.[0-9a-f]{32}\b"  # its trigger_ids
    r"|/(?:commands|actions|workflows|app|response)/[^\s\"'\\<>]{6,}"  # what response_urls end in
    r"|\b[\w-]{22}\.[UW][A-Z0-9]{2,20}\.[0-9]{10}\.[0-9]{1,6}\.[\w-]{43}"  # one-time links
    r"|\bm-[a-z2-7]{10}\.[\w-]{43}"  # machines' tokens
    rf"|BEGIN [A-Z0-9 ]{{0,30}}PRIVATE KEY{_REST}|b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=]*"
    rf"|\#cloud-config{_REST}|I2Nsb3VkLWNvbmZpZ[A-Za-z0-9+/=]*",  # user data, also in base64
    re.ASCII,
)


def without_secrets(line: str) -> str:
    """The same line, blacked out where it tells what nobody may read."""
    return _SECRETS.sub(BLACK, line)


class _Discreet(LambdaPowertoolsFormatter):
    def serialize(self, log: LogRecord) -> str:
        return without_secrets(super().serialize(log))


def logger() -> Logger:
    """Powertools' own, but for that."""
    return Logger(logger_formatter=_Discreet())
