"""Colleagues who may not use the bot any more: whoever left Slack is let in to no machine."""

from core.flows import permits, sharing
from core.flows.house import House
from core.flows.speak import passing
from core.ports import ChatError


def look_over(house: House) -> None:
    """Take them off every machine that is shared with them, by the rule by which nobody like that
    could be let in now. Each is asked for once; where Slack does not answer nothing is concluded,
    and the others are asked for an hour later."""
    live = house.ledger.live()
    for user in sorted({user for m in live for user in m.shared}):
        try:
            gone = permits.may_press(house, user) is not None
        except ChatError as error:
            if passing(error):
                return
            continue
        for m in live:
            if gone and user in m.shared:
                sharing.take_off(house, m, user)
