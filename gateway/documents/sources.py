"""The operations that stand in a client's sources, each with the fragments that it needs."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

SUFFIXES = (".graphql", ".gql")


class SourceError(Exception):
    """Sources that cannot be used; a line for each problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def documents_in(paths: Iterable[Path]) -> dict[str, str]:
    """One document for each operation in the files and folders, by the operation's name; raises SourceError."""
    gathered = _Gathered()
    for path in paths:
        for file in _files(path):
            gathered.take(file)
    return gathered.documents()


def _files(path: Path) -> Sequence[Path]:
    return sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES) if path.is_dir() else [path]


class _Gathered:
    def __init__(self) -> None:
        self._operations: dict[str, OperationDefinitionNode] = {}
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._problems: list[str] = []

    def take(self, file: Path) -> None:
        try:
            definitions = parse(file.read_text("utf-8")).definitions
        except GraphQLError as error:
            self._problems.append(f"{file}{place_of(error)}: {error.message}")
        except (OSError, UnicodeDecodeError) as error:
            self._problems.append(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}")
        else:
            self._problems += [f"{file}: {problem}" for node in definitions if (problem := self._add(node))]

    def _add(self, node: Node) -> str | None:
        """Takes a definition; what is wrong with it."""
        if not isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            return "holds something that is neither an operation nor a fragment"
        if node.name is None:
            return "holds an operation without a name"
        if isinstance(node, OperationDefinitionNode):
            kept: Node = self._operations.setdefault(node.name.value, node)
        else:
            kept = self._fragments.setdefault(node.name.value, node)
        return None if kept is node else f"{node.name.value}: there is another one of this name"

    def documents(self) -> dict[str, str]:
        documents = {}
        for name, operation in sorted(self._operations.items()):
            needed = sorted(self._needed(operation))
            self._problems += [f"{name}: there is no fragment {one}" for one in needed if one not in self._fragments]
            parts = [operation, *(self._fragments[one] for one in needed if one in self._fragments)]
            documents[name] = "\n\n".join(map(print_ast, parts))
        if not self._operations and not self._problems:
            self._problems.append("there is no operation in these sources")
        if self._problems:
            raise SourceError(self._problems)
        return documents

    def _needed(self, operation: OperationDefinitionNode) -> set[str]:
        """The names of the fragments that the operation spreads, and of those that these spread."""
        needed: set[str] = set()
        waiting: list[Node] = [operation]
        while waiting:
            new = set(_spreads(waiting.pop())) - needed
            needed |= new
            waiting += [self._fragments[name] for name in new if name in self._fragments]
        return needed


def _spreads(node: Node) -> Iterator[str]:
    class Spreads(Visitor):
        def __init__(self) -> None:
            super().__init__()
            self.names: list[str] = []

        def enter_fragment_spread(self, spread: FragmentSpreadNode, *_: object) -> None:
            self.names.append(spread.name.value)

    found = Spreads()
    visit(node, found)
    return iter(found.names)


def place_of(error: GraphQLError) -> str:
    """Where in its text an error is: `:line:column`."""
    return f":{error.locations[0].line}:{error.locations[0].column}" if error.locations else ""
