"""What only admins are told: why AWS denied a launch, with the reason that STS decodes."""

from core import denials, messages
from core.blocks import Message
from core.faults import CloudError
from core.flows.house import House
from core.model import Machine, Notice


def why_denied(house: House, m: Machine, notice: Notice) -> Message:
    """AWS's refusal, and the statement that decided, as far as STS tells."""
    refused = denials.refused(notice.detail)
    encoded = denials.encoded(refused.message)
    try:
        decoded = house.reasons.decode(encoded) if encoded else None
    except CloudError:
        decoded = None  # help, and nothing waits for it
    return messages.why_denied(m, refused, denials.read(decoded) if decoded else None)
