"""The bot's secret: five minutes old at most, at once where it is refused, and never lost again."""

import json

import pytest

from adapters.secret import APART, KEPT, BadSecret, Secret
from core.faults import CloudError, classify


class Vault:
    """Secrets Manager as far as it matters: what it holds, whether it answers, how often asked."""

    def __init__(self) -> None:
        self.text = json.dumps({"signing_secret": "s1", "bot_token": "xoxb-1"})
        self.away = False
        self.asked = 0
        self.seconds = 1000.0

    def read(self) -> str:
        self.asked += 1
        if self.away:
            raise CloudError(classify("GetSecretValue", "ReadTimeoutError", "", 0))
        return self.text

    def put(self, **values: str) -> None:
        self.text = json.dumps({**json.loads(self.text), **values})

    def secret(self) -> Secret:
        return Secret(self.read, lambda: self.seconds)


def test_it_is_read_once_in_five_minutes() -> None:
    vault = Vault()
    secret = vault.secret()
    assert (secret.get("bot_token"), secret.get("signing_secret")) == ("xoxb-1", "s1")
    vault.put(bot_token="xoxb-2")
    vault.seconds += KEPT - 1
    assert secret.get("bot_token") == "xoxb-1"
    vault.seconds += 1
    assert secret.get("bot_token") == "xoxb-2"
    assert vault.asked == 2


def test_a_refused_value_has_it_read_at_once_but_not_again_and_again() -> None:
    vault = Vault()
    secret = vault.secret()
    assert secret.get("bot_token") == "xoxb-1"
    vault.seconds += APART
    assert secret.newer("bot_token", "xoxb-1") is None
    vault.put(bot_token="xoxb-2")
    for _ in range(100):  # a flood of refusals
        assert secret.newer("bot_token", "xoxb-1") is None
    assert vault.asked == 2
    vault.seconds += APART
    assert secret.newer("bot_token", "xoxb-1") == "xoxb-2"
    assert secret.newer("bot_token", "xoxb-1") == "xoxb-2"
    assert secret.get("bot_token") == "xoxb-2"
    assert vault.asked == 3


@pytest.mark.parametrize("damage", ["away", "{", "[]", '{"signing_secret": "s2"}', "null"])
def test_what_was_read_last_goes_on_while_it_cannot_be_read(damage: str) -> None:
    vault = Vault()
    secret = vault.secret()
    secret.get("bot_token")
    vault.away, whole = damage == "away", vault.text
    vault.text = damage
    vault.seconds += KEPT
    for _ in range(10):
        assert secret.get("bot_token") == "xoxb-1"
    assert vault.asked == 2
    vault.away, vault.text = False, whole
    vault.put(bot_token="xoxb-2")
    vault.seconds += APART
    assert secret.get("bot_token") == "xoxb-2"


def test_without_ever_having_been_read_it_is_an_error_and_tells_nothing() -> None:
    vault = Vault()
    vault.text = '{"signing_secret": "very-secret"}'
    with pytest.raises(BadSecret) as caught:
        vault.secret().get("bot_token")
    assert "very-secret" not in str(caught.value)
    vault.away = True
    with pytest.raises(CloudError):
        vault.secret().get("bot_token")
