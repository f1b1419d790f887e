"""gRPC channels to the backends: each call gets time left, trace and lane, is counted, and fails with an AtriumError.

What keeps a backend that fails from taking its callers along, from the outside in:

    unreachable  a backend of which no server takes connections is not asked until one does
    in flight    at most so many calls to one backend at once: a slow one cannot hold everything
    silence      a backend that takes calls and answers none is hardly asked any more, and nobody waits for it for long
    breaker      a method that its backend does not answer is hardly asked any more, and so fails at once
    hedge        a read that takes longer than nearly all others is sent to others as well
    retry        a read that did not arrive is sent again            ⎫
    ejection     a server that fails is left out for a while         ⎬ by gRPC, as `service_config` says
    health       a server that says it does not serve gets no calls  ⎭
    keepalive    a server that is frozen or unreachable is noticed within seconds
"""

from services.runtime.channels.caller import PROOF, Caller
from services.runtime.channels.calls import CALL_SECONDS
from services.runtime.channels.opening import open_channel, open_channels
from services.runtime.channels.policy import OPTIONS
from services.runtime.channels.tally import CallTally, call_tally

__all__ = ["CALL_SECONDS", "OPTIONS", "PROOF", "CallTally", "Caller", "call_tally", "open_channel", "open_channels"]
