"""Manifests: which documents are trusted, as the tools of clients write it.

Apollo's tools write an object with a list of operations; Relay's compiler and the client preset of GraphQL Code
Generator write one object of texts by id.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

APOLLO, APOLLO_VERSION = "apollo-persisted-query-manifest", 1


class ManifestError(Exception):
    """A manifest cannot be read; the message is one line that says which, and why."""


def files(path: Path) -> list[Path]:
    """The manifests at a path: the file itself, or every `.json` file of the folder."""
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def load(path: Path) -> dict[str, str]:
    """The texts of all manifests at a path by id; raises ManifestError."""
    texts: dict[str, str] = {}
    for each in files(path):
        for document_id, text in read(each).items():
            if texts.setdefault(document_id, text) != text:
                raise ManifestError(f"{each}: {document_id}: stands for another text in another manifest")
    if not texts:
        raise ManifestError(f"{path}: holds no document")
    return texts


def read(path: Path) -> Mapping[str, str]:
    """The texts of one manifest by id; raises ManifestError."""
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except orjson.JSONDecodeError as error:
        raise ManifestError(f"{path}: is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ManifestError(f"{path}: must be a JSON object")
    texts: dict[str, str] = {}
    for document_id, text in _entries(path, content):
        if not isinstance(document_id, str) or not document_id or not isinstance(text, str) or not text:
            raise ManifestError(f"{path}: {document_id}: id and text must be strings that are not empty")
        if texts.setdefault(document_id, text) != text:
            raise ManifestError(f"{path}: {document_id}: stands for two texts")
    return texts


def _entries(path: Path, content: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    if "format" not in content:
        return iter(content.items())
    if (content["format"], content.get("version")) != (APOLLO, APOLLO_VERSION):
        raise ManifestError(f"{path}: format and version must be {APOLLO} and {APOLLO_VERSION}")
    operations = content.get("operations")
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise ManifestError(f"{path}: operations: must be a list of objects")
    return ((one.get("id"), one.get("body")) for one in operations)


def apollo(documents: Mapping[str, str]) -> bytes:
    """A manifest as Apollo's tools write it, of documents by the name of their operation."""
    operations = [
        {"id": id_of(text), "name": name, "type": text.partition(" ")[0], "body": text}
        for name, text in documents.items()
    ]
    return _written({"format": APOLLO, "version": APOLLO_VERSION, "operations": operations})


def plain(documents: Mapping[str, str]) -> bytes:
    """A manifest as Relay and GraphQL Code Generator write it, of documents by the name of their operation."""
    return _written({id_of(text): text for text in documents.values()})


def id_of(text: str) -> str:
    """The id of a document, by its text, as clients compute it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _written(content: object) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
