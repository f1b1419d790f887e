"""The job contract over gRPC."""

from schema.generated.job.v1 import job_pb2, job_pb2_grpc
from services.job.biz.errands import ErrandState
from services.job.biz.questions import Questions
from services.job.service.messages import (
    changes_to_message,
    merge_to_message,
    merges_to_message,
    viewer_from_message,
)
from services.runtime.server import Context


class JobServicer(job_pb2_grpc.JobServiceServicer):
    """Answers staff."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def ListChanges(  # noqa: N802
        self, request: job_pb2.ListChangesRequest, context: Context
    ) -> job_pb2.ListChangesResponse:
        """A page of the history of an account."""
        actor = viewer_from_message(request.actor)
        return changes_to_message(
            await self._questions.changes(actor, request.account_id, request.first, request.after)
        )

    async def GetMerge(  # noqa: N802
        self, request: job_pb2.GetMergeRequest, context: Context
    ) -> job_pb2.GetMergeResponse:
        """How far the merge of an account is."""
        errand = await self._questions.merge(viewer_from_message(request.actor), request.source_id)
        return job_pb2.GetMergeResponse(merge=merge_to_message(errand) if errand else None)

    async def ListMerges(  # noqa: N802
        self, request: job_pb2.ListMergesRequest, context: Context
    ) -> job_pb2.ListMergesResponse:
        """A page of the merges."""
        actor, states = viewer_from_message(request.actor), [ErrandState(state) for state in request.states]
        return merges_to_message(await self._questions.merges(actor, states, request.first, request.after))

    async def RetryMerge(  # noqa: N802
        self, request: job_pb2.RetryMergeRequest, context: Context
    ) -> job_pb2.RetryMergeResponse:
        """The merge, queued again."""
        errand = await self._questions.retry(viewer_from_message(request.actor), request.source_id)
        return job_pb2.RetryMergeResponse(merge=merge_to_message(errand))
