"""What backends are asked on behalf of somebody: each RPC of theirs, with a request by one about another."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc.aio
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.admin.v1 import admin_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.identifier.v1 import identifier_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.job.v1 import job_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.generated.task.v1 import task_pb2
from schema.generated.upkeep.v1 import upkeep_pb2
from services.runtime.channels import PROOF
from services.runtime.errors import from_grpc

CONTRACTS = {
    "account": account_pb2,
    "activity": activity_pb2,
    "admin": admin_pb2,
    "banner": banner_pb2,
    "identifier": identifier_pb2,
    "job": job_pb2,
    "permission": permission_pb2,
    "task": task_pb2,
}
JSON = dict[str, Any]
Words = Callable[[JSON, int], JSON]
"""A request, given who asks and about whom."""


def _question(**more: Any) -> Words:
    return lambda viewer, _target: {"questions": [{"viewer": viewer, **more}]}


def _about(name: str) -> Words:
    return lambda viewer, target: {"questions": [{"viewer": viewer, name: target}]}


def _acting(target_name: str = "", **more: Any) -> Words:
    def words(viewer: JSON, target: int) -> JSON:
        return {"actor": viewer, **more, **({target_name: target} if target_name else {})}

    return words


_PAGE = {"page": {"first": 50}}
_NEW = {"type": "ACCOUNT_TYPE_PERSONAL", "handle": "newcomer", "display_name": "N", "password": "long-enough"}
_GRANT = {"permission": "wallet.view", "reason": "r"}

READS: dict[str, Words] = {
    "account.BatchGetPrivateAttributes": _about("account_id"),
    "account.BatchListPendingClosures": _question(first=10),
    "activity.BatchGetActivities": _about("activity_id"),
    "activity.BatchListFeeds": _question(**_PAGE),
    "activity.BatchListOwnActivities": _question(**_PAGE),
    "activity.ListFeedSince": lambda viewer, _target: {"viewer": viewer, "after_id": 1, "limit": 1000},
    "banner.BatchListBanners": _question(slot="BANNER_SLOT_HOME_TOP"),
    "permission.BatchCheckPermissions": _question(permission="admin.accounts.read"),
    "permission.BatchListFeatures": lambda viewer, _target: {"viewers": [viewer]},
}
"""What anybody may ask: the answer is theirs."""
STAFFS: dict[str, Words] = {
    "account.SearchAccounts": _acting(first=100),
    "account.CreateAccount": _acting(reason="r", **_NEW),
    "account.ChangeAccount": _acting("account_id", version=1, bio="changed", reason="r"),
    "account.CloseAccount": _acting("account_id", reason="r"),
    "account.ReopenAccount": _acting("account_id", reason="r"),
    "account.SuspendAccount": _acting("account_id", reason="r"),
    "account.CheckMerge": _acting("source_id", target_id=12),
    "account.StartMerge": _acting("source_id", target_id=12, reason="r"),
    "activity.SearchActivities": _acting(first=1000),
    "permission.GrantPermission": _acting("account_id", allow=True, **_GRANT),
    "permission.RevokePermission": _acting("account_id", **_GRANT),
    "admin.SearchAccounts": _acting(first=100),
    "admin.GetAccount": _acting("account_id"),
    "admin.CreateAccount": _acting(reason="r", **_NEW),
    "admin.ChangeAccount": _acting("account_id", version=1, bio="changed", reason="r"),
    "admin.ListChanges": _acting("account_id", first=100),
    "admin.CloseAccount": _acting("account_id", reason="r"),
    "admin.ReopenAccount": _acting("account_id", reason="r"),
    "admin.SuspendAccount": _acting("account_id", reason="r"),
    "admin.SearchActivities": _acting(first=100),
    "admin.ExportActivities": _acting(),
    "admin.GrantPermission": _acting("account_id", allow=True, **_GRANT),
    "admin.RevokePermission": _acting("account_id", **_GRANT),
    "admin.CheckMerge": _acting("source_id", target_id=12),
    "admin.MergeAccounts": _acting("source_id", target_id=12, reason="r"),
    "admin.GetMerge": _acting("source_id"),
    "admin.RetryMerge": _acting("source_id", reason="r"),
    "admin.ListAudits": _acting(first=100),
    "job.ListChanges": _acting("account_id", first=100),
    "job.GetMerge": _acting("source_id"),
    "job.ListMerges": _acting(first=100),
    "job.RetryMerge": _acting("source_id"),
}
"""What only staff may ask, or do with what is another's."""
OWN: dict[str, Words] = {
    "account.UpdateProfile": lambda viewer, _target: {"viewer": viewer, "version": 1, "bio": "changed"},
    "activity.Follow": lambda viewer, target: {"viewer": viewer, "account_id": target},
    "activity.Unfollow": lambda viewer, target: {"viewer": viewer, "account_id": target},
    "activity.PublishActivity": lambda viewer, _target: {"viewer": viewer, "kind": "ACTIVITY_KIND_POST", "text": "t"},
}
"""What changes the things of whoever asks."""


def methods() -> Iterator[tuple[str, MethodDescriptor]]:
    """Every RPC of these backends on behalf of somebody, as `backend.Method`."""
    for backend, contract in CONTRACTS.items():
        for method in methods_in(contract):
            if _names_somebody(method.input_type):
                yield f"{backend}.{method.name}", method


def methods_at(backend: str) -> list[MethodDescriptor]:
    """Every RPC that the backend may be asked by whoever it lets in."""
    return [*methods_in(CONTRACTS[backend]), *methods_in(upkeep_pb2)]


def methods_in(contract: Any) -> list[MethodDescriptor]:
    """Every RPC of a contract."""
    return [method for service in contract.DESCRIPTOR.services_by_name.values() for method in service.methods]


async def refusal_of(channel: grpc.aio.Channel, method: MethodDescriptor, proof: str) -> grpc.StatusCode:
    """How the RPC ends when it is asked for nothing, with this proof of whoever asks."""
    path = path_of(method)
    metadata = ((PROOF, proof),)
    ask: Any = (channel.unary_stream if method.server_streaming else channel.unary_unary)(path)
    ended: grpc.StatusCode = await ask(b"", metadata=metadata).code()
    return ended


def path_of(method: MethodDescriptor) -> str:
    """Where the RPC is called."""
    return f"/{method.containing_service.full_name}/{method.name}"


async def call(channel: grpc.aio.Channel, method: MethodDescriptor, words: JSON) -> list[Message]:
    """What the backend answers, one message or all of a stream; raises what it fails with."""
    request = ParseDict(words, GetMessageClass(method.input_type)())
    path, answer = path_of(method), GetMessageClass(method.output_type)
    if method.server_streaming:
        stream = channel.unary_stream(path, type(request).SerializeToString, answer.FromString)(request)
        try:
            return [message async for message in stream]
        except grpc.aio.AioRpcError as error:
            raise from_grpc(error, method.containing_service.name) from error
    return [await channel.unary_unary(path, type(request).SerializeToString, answer.FromString)(request)]


def _names_somebody(message: Descriptor) -> bool:
    inner = [field.message_type for field in message.fields if field.message_type is not None]
    return identity_pb2.Viewer.DESCRIPTOR in inner or any(
        _names_somebody(one) for one in inner if one.file == message.file and one is not message
    )
