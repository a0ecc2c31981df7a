"""How the world says no: AWS's own codes and words, and the silence of a lost reply."""


class AwsError(Exception):
    """AWS refuses a call. `status` is the HTTP status that comes with the code."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class TimedOut(Exception):
    """No reply came. `effect` tells whether the call was carried out all the same."""

    def __init__(self, operation: str, *, effect: bool) -> None:
        super().__init__(f"no reply to {operation}")
        self.operation = operation
        self.effect = effect


def unknown(operation: str, what: str, name: str) -> AwsError:
    """Loud refusal of something that this model does not simulate."""
    return AwsError("InvalidParameterValue", f"{operation}: the world does not know {what} {name}")
