from hashlib import sha256

import pytest

from gateway.body import Operation
from gateway.documents import NotTrusted, Registry
from schema import errcode

ONE, OTHER = "query One { a }", "query Other { a }"
ONE_ID, OTHER_ID = (sha256(text.encode()).hexdigest() for text in (ONE, OTHER))


def asked(query: str = "", document_id: str | None = None) -> Operation:
    return Operation(query, {"x": 1}, None, document_id=document_id)


def registry(*, only: bool = False, automatic: bool = False) -> Registry:
    return Registry({ONE_ID: ONE, "one": ONE}, only=only, automatic=automatic)


def refusal(by: Registry, operation: Operation) -> str:
    with pytest.raises(errcode.InvalidOperation) as caught:
        by.resolve(operation)
    return caught.value.message


@pytest.mark.parametrize("document_id", [ONE_ID, f"sha256:{ONE_ID}", "one"])
@pytest.mark.parametrize("only", [True, False])
def test_a_trusted_document_is_found_by_its_id(document_id: str, only: bool) -> None:
    by = registry(only=only)
    assert by.resolve(asked(document_id=document_id)) == asked(ONE, document_id)
    assert by.resolve(asked(ONE, document_id)) == asked(ONE, document_id)


def test_an_id_of_another_text_is_refused() -> None:
    assert refusal(registry(), asked(OTHER, ONE_ID)) == "documentId: is not the id of this query"


def test_an_id_of_no_document_is_refused() -> None:
    assert refusal(registry(), asked(document_id=OTHER_ID)) == "documentId: there is no such document"


def test_a_text_is_run_as_it_is_unless_only_trusted_ones_are() -> None:
    assert registry().resolve(asked(OTHER)) == asked(OTHER)
    assert registry().resolve(asked(OTHER, OTHER_ID)) == asked(OTHER, OTHER_ID)
    by = registry(only=True)
    assert by.resolve(asked(ONE)) == asked(ONE)
    for operation in (asked(OTHER), asked(OTHER, OTHER_ID), asked(ONE + " ")):
        with pytest.raises(NotTrusted, match="only documents that were registered are run here"):
            by.resolve(operation)


def test_a_client_may_register_a_text_by_its_hash_where_that_is_open() -> None:
    by = registry(automatic=True)
    assert refusal(by, asked(document_id=OTHER_ID)) == "PersistedQueryNotFound"
    assert by.resolve(asked(OTHER, OTHER_ID)) == asked(OTHER, OTHER_ID)
    assert by.resolve(asked(document_id=OTHER_ID)) == asked(OTHER, OTHER_ID)


def test_nobody_registers_a_text_by_a_hash_that_is_not_its_own() -> None:
    by = registry(automatic=True)
    wrong = "0" * 64
    assert refusal(by, asked(OTHER, wrong)) == "extensions.persistedQuery: sha256Hash is not that of the query"
    assert refusal(by, asked(document_id=wrong)) == "PersistedQueryNotFound"


def test_nobody_registers_anything_where_only_trusted_documents_are_run() -> None:
    by = registry(only=True, automatic=True)
    with pytest.raises(NotTrusted):
        by.resolve(asked(OTHER, OTHER_ID))
    assert refusal(by, asked(document_id=OTHER_ID)) == "documentId: there is no such document"


def test_documents_that_are_trusted_no_longer_are_not_found() -> None:
    by = registry(only=True)
    by.trust({OTHER_ID: OTHER})
    assert by.resolve(asked(document_id=OTHER_ID)).query == OTHER
    assert refusal(by, asked(document_id=ONE_ID)) == "documentId: there is no such document"
    with pytest.raises(NotTrusted):
        by.resolve(asked(ONE))
