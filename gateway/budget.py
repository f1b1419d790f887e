"""How long a request may take: as long as its client waits, and never longer than the setting allows."""

from starlette.datastructures import Headers

from gateway.body import Refusal
from schema import errcode

HEADER = "x-request-timeout-ms"
"""After how many milliseconds the client gives up."""
LONGEST_NUMBER = 9
"""Digits that a header of some use may have."""
USABLE = 0.95
"""The part of a client's time in which backends may answer; the rest is for putting the answer together."""


def budget(headers: Headers, most: float) -> float:
    """Seconds for this request, its body included; raises Refusal for a header that is no number of milliseconds."""
    wanted = headers.get(HEADER)
    if wanted is None:
        return most
    if not (wanted.isascii() and wanted.isdigit()) or len(wanted) > LONGEST_NUMBER or int(wanted) == 0:
        raise Refusal(400, errcode.InvalidArgument(HEADER, "must be a whole number of milliseconds, 1 or more"))
    return min(int(wanted) / 1000 * USABLE, most)
