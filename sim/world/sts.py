"""STS: what an encoded authorization message says, for those who may read it."""

from typing import Any

from sim.world.asking import Operation, Params, need
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Region


def _decode(ground: Ground, _: Region, params: Params) -> dict[str, Any]:
    reason = ground.troubles.reasons.get(need(params, "EncodedMessage"))
    if reason is None:
        raise AwsError(
            "InvalidAuthorizationMessageException", "Message is not valid or has expired."
        )
    return {"DecodedMessage": reason}


OPERATIONS = (
    Operation(name="DecodeAuthorizationMessage", takes={"EncodedMessage": None}, run=_decode),
)
