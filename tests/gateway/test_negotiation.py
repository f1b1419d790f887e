import pytest

from gateway.negotiation import GRAPHQL, JSON, accepts, answer_type


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("Application/GraphQL-Response+JSON", GRAPHQL),
        ("application/graphql-response+json, application/json", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json, */*", GRAPHQL),
        ("application/json;q=0.9, application/graphql-response+json;q=0.8", JSON),
        ("application/json;q=0, */*", GRAPHQL),
        ("application/json; charset=UTF-8", JSON),
        ("text/html, */*;q=0.1", JSON),
        ("application/json;q=7", JSON),
    ],
)
def test_the_type_the_client_likes_best_is_answered(accept: str, media: str) -> None:
    assert answer_type(accept) == media


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/xml, text/*",
        "*/*;q=0",
        "application/json;q=0",
        "application/json;charset=latin-1",
        "application/json;q=much",
        ";;;,,=",
    ],
)
def test_a_client_that_takes_neither_type_gets_none(accept: str) -> None:
    assert answer_type(accept) is None


def test_only_a_browser_accepts_html() -> None:
    assert accepts("text/html,application/xhtml+xml,*/*;q=0.8", "text/html")
    assert not accepts("*/*", "text/html")
    assert not accepts("text/html;q=0", "text/html")
