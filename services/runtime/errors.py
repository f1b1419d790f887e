"""The one place that turns an error into a gRPC status, and a gRPC status back into an error."""

from collections.abc import Callable

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from schema import errcode

DOMAIN = "atrium"
_CODES: dict[int, grpc.StatusCode] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_UNEXPLAINED: dict[grpc.StatusCode, Callable[[str], errcode.AtriumError]] = {
    grpc.StatusCode.DEADLINE_EXCEEDED: lambda _backend: errcode.DeadlineExceeded(),
    grpc.StatusCode.RESOURCE_EXHAUSTED: lambda _backend: errcode.Overloaded(),
}


def grpc_code(error: errcode.AtriumError) -> grpc.StatusCode:
    """The gRPC status code that matches the error's HTTP status."""
    if isinstance(error, errcode.Overloaded):
        return grpc.StatusCode.RESOURCE_EXHAUSTED
    return _CODES[error.http_status]


def to_grpc(error: errcode.AtriumError) -> rpc_status._Status:
    """The status to abort a call with: code, message, and an ErrorInfo that names reason and seven-digit code.

    A RetryInfo says after how long another try may succeed, where the error knows it.
    """
    info = ErrorInfo(reason=error.reason, domain=DOMAIN)
    info.metadata.update(code=str(error.code), retryable=str(error.retryable).lower())
    status = Status(code=grpc_code(error).value[0], message=error.message)
    status.details.add().Pack(info)
    if error.retry_after:
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=error.retry_after)))
    return rpc_status.to_status(status)


def from_grpc(error: grpc.aio.AioRpcError, backend: str) -> errcode.AtriumError:
    """What the backend said, as an error of the catalogue; a failure it could not explain counts as unavailable."""
    if (info := _error_info(error)) and (known := errcode.CATALOGUE.get(info.reason)):
        return known.worded(error.details() or known.reason)
    explain = _UNEXPLAINED.get(error.code(), errcode.BackendUnavailable)
    return explain(backend)


def _error_info(error: grpc.aio.AioRpcError) -> ErrorInfo | None:
    status = rpc_status.from_call(error)
    info = ErrorInfo()
    for detail in status.details if status else ():
        if detail.Unpack(info) and info.domain == DOMAIN:
            return info
    return None
