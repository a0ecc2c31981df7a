"""Sends somebody a file, or says how the app gets the right to."""

from core import messages
from core.files import File
from core.flows.house import House
from core.flows.request import Request
from core.flows.speak import answer, passing
from core.ports import ChatError

_NO_RIGHT = frozenset({"missing_scope", "no_permission", "not_allowed_token_type"})


def send(house: House, request: Request, file: File) -> None:
    """Into the person's direct messages; what only the caller sees says that it is there.

    While Slack cannot be reached the error goes on, and the queue brings the request again.
    """
    try:
        house.chat.upload(request.user, file)
    except ChatError as error:
        if passing(error):
            raise
        if error.code in _NO_RIGHT:
            return answer(house, request.response_url, messages.file_needs_scope(file.name))
        return answer(house, request.response_url, messages.file_refused(file.name, error.code))
    return answer(house, request.response_url, messages.file_sent(file.name))
