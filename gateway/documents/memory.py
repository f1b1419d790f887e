"""The documents that were asked for lately, so that each is read once however often it is asked."""

from collections import OrderedDict

from graphql import GraphQLSchema

from gateway.body import Operation
from gateway.documents.document import Document, Prepared, read
from gateway.guard.limits import Limits, check

MOST_DOCUMENTS = 1024
MOST_CHARACTERS = 1_048_576
"""Of all documents together: a character of one takes up to 100 bytes of memory once it is parsed."""


class Documents:
    """What is known of documents, those asked for least lately forgotten first.

    Those that cannot be run are kept apart, so that nonsense never pushes out what is of use.
    """

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._runnable = _Lately()
        self._refused = _Lately()
        self.read = 0
        """How many were read, as against known."""

    def prepared(self, operation: Operation) -> Prepared:
        """The operation to run, within every limit; raises NotRunnable, InvalidOperation or OperationTooLarge."""
        found = self.document(operation.query).operation(operation.name)
        check("cost", found.cost(operation.variables), self._limits.cost)
        return found

    def document(self, source: str) -> Document:
        """What is known of this text."""
        found = self._runnable.get(source) or self._refused.get(source)
        if found is None:
            self.read += 1
            found = read(source, self._schema, self._limits)
            (self._refused if found.errors else self._runnable).add(source, found)
        return found


class _Lately:
    """Documents by text, bounded in number and in characters."""

    def __init__(self) -> None:
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    def get(self, source: str) -> Document | None:
        if (found := self._documents.get(source)) is not None:
            self._documents.move_to_end(source)
        return found

    def add(self, source: str, document: Document) -> None:
        self._documents[source] = document
        self._characters += len(source)
        while len(self._documents) > MOST_DOCUMENTS or self._characters > MOST_CHARACTERS:
            forgotten, _ = self._documents.popitem(last=False)
            self._characters -= len(forgotten)
