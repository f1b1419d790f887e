from graphql import build_schema

from gateway.documents import Documents, memory
from gateway.settings import Settings

SCHEMA = build_schema("type Query { n: Int }")


def documents() -> Documents:
    return Documents(SCHEMA, Settings().limits)


def test_a_document_is_read_once() -> None:
    known = documents()
    first = known.document("{ n }")
    assert [known.document("{ n }") is first for _ in range(3)] == [True] * 3
    assert known.read == 1


def test_why_a_document_cannot_be_run_is_known_too() -> None:
    known = documents()
    for text in ("{", "{ nowhere }", "{ n" + " n" * 30 + " }") * 2:
        assert known.document(text).errors
    assert known.read == 3


def test_the_document_that_was_asked_for_least_lately_is_forgotten() -> None:
    known = documents()
    texts = [f"{{ n }} # {number}" for number in range(memory.MOST_DOCUMENTS + 1)]
    for text in texts[:-1]:
        known.document(text)
    known.document(texts[0])
    known.document(texts[-1])
    before = known.read
    known.document(texts[0])
    assert known.read == before
    known.document(texts[1])
    assert known.read == before + 1


def test_documents_are_forgotten_by_their_length_too() -> None:
    known = documents()
    texts = [f"{{ n }} # {number} " + "x" * 16_000 for number in range(70)]
    for text in texts:
        known.document(text)
    before = known.read
    for text in texts[-60:]:
        known.document(text)
    assert known.read == before
    known.document(texts[0])
    assert known.read == before + 1


def test_nonsense_never_pushes_out_what_is_of_use() -> None:
    known = documents()
    known.document("{ n }")
    for number in range(2 * memory.MOST_DOCUMENTS):
        known.document(f"{{ nowhere{number} }}")
    before = known.read
    known.document("{ n }")
    assert known.read == before
