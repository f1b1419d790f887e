"""Every error that may leave Atrium: one class each, with its seven-digit code.

The first three digits of a code are the HTTP status, the last four the detail.

    AtriumError
    ├── InvalidArgument      4000100
    ├── InvalidOperation     4000200
    ├── OperationTooLarge    4000300
    ├── Unauthenticated      4010100
    ├── TokenExpired         4010200
    ├── BadCredentials       4010300
    ├── PermissionDenied     4030100
    ├── AccountClosed        4030200
    ├── AccountNotFound      4040100
    ├── ActivityNotFound     4040200
    ├── VersionConflict      4090100
    ├── HandleTaken          4090200
    ├── AccountState         4090300
    ├── MergeRefused         4090400
    ├── RateLimited          4290100
    ├── Internal             5000000
    ├── BackendUnavailable   5030100
    ├── Overloaded           5030200
    └── DeadlineExceeded     5040100

Raise the class that says what happened. A layer that can do without the answer degrades; any other wraps with
`raise … from error`. Only the outermost layer logs, once.
"""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

OK = 2000000
"""The code of success, for logs and metrics; no error carries it."""


@dataclass(frozen=True, slots=True)
class LastGood:
    """What was answered to the same question, for whoever asks now, when it could be answered last."""

    answer: Any = field(repr=False)
    age: float
    """How many seconds ago that was, at least."""


class AtriumError(Exception):
    """An error that a client may see; its message names what is wrong and nothing of the inside."""

    code: ClassVar[int]
    reason: ClassVar[str]
    retryable: ClassVar[bool] = False
    retry_after: int | None = None
    """After how many seconds to retry; None where nobody knows."""
    backend: str | None = None
    """The backend whose call failed with this; None when it did not come from one, or nobody said."""
    last_good: "LastGood | None" = None
    """What was answered to the same question before, where somebody kept it; only what says so shows it instead."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @classmethod
    def worded(cls, message: str) -> Self:
        """The error with a message that another process wrote."""
        error = cls.__new__(cls)
        AtriumError.__init__(error, message)
        return error

    def again(self) -> Self:
        """The same error for one more place to raise, with this one as its cause."""
        error = self.worded(self.message)
        error.__dict__ |= self.__dict__
        error.__cause__ = self
        return error

    @property
    def http_status(self) -> int:
        """The first three digits of the code."""
        return self.code // 10_000


class InvalidArgument(AtriumError):
    """A parameter is malformed or out of range."""

    code = 4000100
    reason = "INVALID_ARGUMENT"

    def __init__(self, field: str, problem: str) -> None:
        """`field` as the caller wrote it, `problem` as the rest of the sentence: "must be between 1 and 100"."""
        super().__init__(f"{field}: {problem}")


class InvalidOperation(AtriumError):
    """The GraphQL document, or the request around it, does not parse or validate."""

    code = 4000200
    reason = "INVALID_OPERATION"


class OperationTooLarge(AtriumError):
    """The operation is over a limit."""

    code = 4000300
    reason = "OPERATION_TOO_LARGE"

    def __init__(self, limit: str, value: int, most: int) -> None:
        super().__init__(f"{limit}: {value} is over the limit of {most}")


class Unauthenticated(AtriumError):
    """No token where one is needed, or one that nobody was given."""

    code = 4010100
    reason = "UNAUTHENTICATED"

    def __init__(self, message: str = "sign in first") -> None:
        super().__init__(message)


class TokenExpired(AtriumError):
    """The session's time is over."""

    code = 4010200
    reason = "TOKEN_EXPIRED"

    def __init__(self, message: str = "the session has expired: sign in again") -> None:
        super().__init__(message)


class BadCredentials(AtriumError):
    """Wrong handle or password; never says which."""

    code = 4010300
    reason = "BAD_CREDENTIALS"

    def __init__(self, message: str = "wrong handle or password") -> None:
        super().__init__(message)


class PermissionDenied(AtriumError):
    """The viewer lacks a permission."""

    code = 4030100
    reason = "PERMISSION_DENIED"

    def __init__(self, permission: str) -> None:
        super().__init__(f"this needs the permission {permission}")


class AccountClosed(AtriumError):
    """A closed, merged or suspended account tries to act."""

    code = 4030200
    reason = "ACCOUNT_CLOSED"

    def __init__(self, message: str = "this account is closed, merged or suspended") -> None:
        super().__init__(message)


class AccountNotFound(AtriumError):
    """There is no such account."""

    code = 4040100
    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self, account: object) -> None:
        super().__init__(f"there is no account {account}")


class ActivityNotFound(AtriumError):
    """There is no such activity, or not for this viewer."""

    code = 4040200
    reason = "ACTIVITY_NOT_FOUND"

    def __init__(self, activity: object) -> None:
        super().__init__(f"there is no activity {activity}")


class VersionConflict(AtriumError):
    """Somebody else changed the thing first."""

    code = 4090100
    reason = "VERSION_CONFLICT"

    def __init__(self, version: int) -> None:
        super().__init__(f"version: {version} is no longer the current one: read again, then retry")


class HandleTaken(AtriumError):
    """Another account has the handle."""

    code = 4090200
    reason = "HANDLE_TAKEN"

    def __init__(self, handle: str) -> None:
        super().__init__(f"handle: {handle} is taken")


class AccountState(AtriumError):
    """The account is not in a state that allows this: closing twice, reopening after the end."""

    code = 4090300
    reason = "ACCOUNT_STATE"


class MergeRefused(AtriumError):
    """These two accounts cannot be merged."""

    code = 4090400
    reason = "MERGE_REFUSED"


class RateLimited(AtriumError):
    """Too many calls; wait before the next."""

    code = 4290100
    reason = "RATE_LIMITED"
    retryable = True

    def __init__(self, retry_after_seconds: float) -> None:
        self.retry_after = math.ceil(retry_after_seconds)
        super().__init__(f"too many requests: retry in {self.retry_after} s")


class Internal(AtriumError):
    """Anything unforeseen. Its message is always the same: the cause stays inside."""

    code = 5000000
    reason = "INTERNAL"

    def __init__(self) -> None:
        super().__init__("something went wrong on our side")


class BackendUnavailable(AtriumError):
    """A backend cannot be reached or does not answer as it should."""

    code = 5030100
    reason = "BACKEND_UNAVAILABLE"
    retryable = True

    def __init__(self, backend: str) -> None:
        super().__init__(f"the {backend} backend is unavailable")


class Overloaded(AtriumError):
    """Refused early, to keep what is running fast."""

    code = 5030200
    reason = "OVERLOADED"
    retryable = True
    retry_after = 1

    def __init__(self, message: str = "too busy: retry later") -> None:
        super().__init__(message)


class DeadlineExceeded(AtriumError):
    """The time that the client gave is over."""

    code = 5040100
    reason = "DEADLINE_EXCEEDED"
    retryable = True

    def __init__(self, message: str = "the time for this request is over") -> None:
        super().__init__(message)


OUTAGES = (BackendUnavailable, DeadlineExceeded, Overloaded, Internal)
"""The errors that say that somebody could not answer; any other is an answer."""
CATALOGUE: dict[str, type[AtriumError]] = {error.reason: error for error in AtriumError.__subclasses__()}
"""Every error by its reason."""
