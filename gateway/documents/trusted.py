"""The documents that clients may name by an id: those of manifests, and where that is allowed those told before."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from cachebox import LRUCache

from gateway.body import Operation
from schema import errcode

ALGORITHM = "sha256:"
"""Ids may begin with it."""
NOT_FOUND = "PersistedQueryNotFound"
"""The word by which Apollo's clients know that they are to send the text as well."""
MOST_TOLD = 1000
"""So many texts are remembered that clients told."""


class NotTrusted(errcode.InvalidOperation):
    """A text that stands in no manifest, where only such are run."""

    def __init__(self) -> None:
        super().__init__("query: only documents that were registered are run here")


class Registry:
    """Finds the text of a document by its id."""

    def __init__(self, texts: Mapping[str, str], *, only: bool, automatic: bool) -> None:
        """`only` these texts are run; or else `automatic`: clients may register a text by its hash."""
        self._only = only
        self._automatic = automatic and not only
        self._told: LRUCache[str, str] = LRUCache(MOST_TOLD)
        self.trust(texts)

    def trust(self, texts: Mapping[str, str]) -> None:
        """Puts other documents in place of those trusted until now."""
        self._texts = texts
        self._known = frozenset(texts.values())

    def resolve(self, operation: Operation) -> Operation:
        """The operation with its text; raises InvalidOperation, NotTrusted among others."""
        if operation.document_id is None:
            return self._allowed(operation)
        document_id = operation.document_id.removeprefix(ALGORITHM)
        text = self._texts.get(document_id) or self._told.get(document_id)
        if text is None:
            return self._unknown(document_id, operation)
        if operation.query and operation.query != text:
            raise errcode.InvalidOperation("documentId: is not the id of this query")
        return replace(operation, query=text)

    def _allowed(self, operation: Operation) -> Operation:
        if self._only and operation.query not in self._known:
            raise NotTrusted
        return operation

    def _unknown(self, document_id: str, operation: Operation) -> Operation:
        if not operation.query:
            raise errcode.InvalidOperation(NOT_FOUND if self._automatic else "documentId: there is no such document")
        if self._automatic:
            if hashlib.sha256(operation.query.encode()).hexdigest() != document_id:
                raise errcode.InvalidOperation("extensions.persistedQuery: sha256Hash is not that of the query")
            self._told[document_id] = operation.query
        return self._allowed(operation)
