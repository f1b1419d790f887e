"""Which of the two media types an answer may have, from the request's `Accept`."""

from collections.abc import Iterator
from functools import lru_cache

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
MOST_REMEMBERED = 128
"""Clients ask in few ways, again and again."""


@lru_cache(maxsize=MOST_REMEMBERED)
def answer_type(accept: str) -> str | None:
    """The media type the client likes best; None when it takes neither.

    Where it likes both equally, `graphql-response+json` wins if it was named and `json` if only a wildcard was: that is
    how clients older than the newer type ask.
    """
    ranges = list(_ranges(accept or "*/*"))
    (quality, _, _), best = max((_liking(media, ranges), media) for media in (JSON, GRAPHQL))
    return best if quality > 0 else None


@lru_cache(maxsize=MOST_REMEMBERED)
def accepts(accept: str, wanted: str) -> bool:
    """Whether the client names a media type; a wildcard does not count."""
    return any(media == wanted and quality > 0 for media, quality in _ranges(accept))


def _liking(media: str, ranges: list[tuple[str, float]]) -> tuple[float, int, bool]:
    """Quality, how exactly it was named, and which of the two wins a tie."""
    for specificity, name in ((2, media), (1, "application/*"), (0, "*/*")):
        qualities = [quality for wanted, quality in ranges if wanted == name]
        if qualities:
            return max(qualities), specificity, (media == GRAPHQL) == (specificity == 2)
    return 0.0, 0, False


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Each media range with its quality; one that asks for another charset than UTF-8 is left out."""
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        values = dict(parameter.partition("=")[::2] for parameter in parameters)
        if values.get("charset", "utf-8").strip('"') in ("utf-8", "utf8"):
            yield media, _quality(values.get("q", "1"))


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
