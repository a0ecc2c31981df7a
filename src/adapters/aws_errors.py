"""How boto3 says no, told in the house's own words: every foreign exception ends here.

CloudError (core.faults)
  from botocore.exceptions.ClientError    AWS answered with an error code
  from botocore.exceptions.BotoCoreError  no answer, or nothing was sent at all
  from botocore.parsers.ResponseParserError  an answer that cannot be read
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from core.faults import CloudError, classify


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise CloudError in place of whatever botocore raises inside; `operation` as AWS names it."""
    try:
        yield
    except ClientError as error:
        raise cloud_error(operation, error) from error
    except BotoCoreError as error:
        raise CloudError(classify(operation, _unsent(error), str(error), 0)) from error
    except ResponseParserError as error:  # its text has the whole answer in it
        words = "the answer could not be read"
        raise CloudError(classify(operation, type(error).__name__, words, 0)) from error


def _unsent(error: BotoCoreError) -> str:
    """AWS's own word where nothing was sent for certain; else the class: ReadTimeoutError, …"""
    if isinstance(error, ParamValidationError):
        return "InvalidParameterValue"
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return "NoCredentials"
    return type(error).__name__


def cloud_error(operation: str, error: ClientError) -> CloudError:
    """What an error answer of AWS means."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    message = error.response.get("Error", {}).get("Message", "")
    return CloudError(classify(operation, code_of(error), message, status))


def code_of(error: ClientError) -> str:
    """AWS's error code, such as `InvalidGroup.NotFound`; "Unknown" where the answer had none."""
    return error.response.get("Error", {}).get("Code") or "Unknown"
