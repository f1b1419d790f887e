import json
from pathlib import Path
from typing import Any

import pytest

from gateway.documents import manifest
from gateway.documents.manifest import ManifestError, load

ONE, TWO = "query One { viewer { type } }", "query Two { viewer { type } }"
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": "1", "name": "One", "type": "query", "body": ONE},
        {"id": "2", "name": "Two", "type": "query", "body": TWO},
    ],
}
PLAIN = {"1": ONE, "2": TWO}


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("content", [APOLLO, PLAIN])
def test_manifests_of_all_tools_are_read(tmp_path: Path, content: Any) -> None:
    assert load(written(tmp_path / "manifest.json", content)) == PLAIN


def test_the_manifests_of_a_folder_are_read_together(tmp_path: Path) -> None:
    written(tmp_path / "web.json", {"1": ONE})
    written(tmp_path / "app.json", APOLLO)
    written(tmp_path / "notes.txt", "not a manifest")
    assert load(tmp_path) == PLAIN


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    documents = {"One": ONE, "Two": TWO}
    for write in (manifest.apollo, manifest.plain):
        (tmp_path / "manifest.json").write_bytes(write(documents))
        assert load(tmp_path / "manifest.json") == {manifest.id_of(text): text for text in documents.values()}
    assert json.loads(manifest.apollo(documents))["operations"][0] == {
        "id": manifest.id_of(ONE),
        "name": "One",
        "type": "query",
        "body": ONE,
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON: "),
        ("[]", "must be a JSON object"),
        ("{}", "holds no document"),
        ({"1": 2}, "1: id and text must be strings that are not empty"),
        ({"1": ""}, "1: id and text must be strings that are not empty"),
        ({**APOLLO, "version": 2}, "format and version must be apollo-persisted-query-manifest and 1"),
        ({**APOLLO, "format": "other"}, "format and version must be apollo-persisted-query-manifest and 1"),
        ({**APOLLO, "operations": None}, "operations: must be a list of objects"),
        ({**APOLLO, "operations": ["x"]}, "operations: must be a list of objects"),
        ({**APOLLO, "operations": [{"id": "1"}]}, "1: id and text must be strings that are not empty"),
        (
            {**APOLLO, "operations": [{"id": "1", "body": ONE}, {"id": "1", "body": TWO}]},
            "1: stands for two texts",
        ),
    ],
)
def test_what_is_no_manifest_is_refused_in_one_line(tmp_path: Path, content: Any, problem: str) -> None:
    path = written(tmp_path / "manifest.json", content)
    with pytest.raises(ManifestError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {problem}")
    assert "\n" not in str(caught.value)


def test_two_manifests_may_not_disagree(tmp_path: Path) -> None:
    written(tmp_path / "a.json", {"1": ONE})
    written(tmp_path / "b.json", {"1": TWO})
    with pytest.raises(ManifestError, match=r"b\.json: 1: stands for another text in another manifest"):
        load(tmp_path)


def test_a_file_that_is_not_there_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere\.json: cannot be read: no such file or directory"):
        load(tmp_path / "nowhere.json")
    with pytest.raises(ManifestError, match="holds no document"):
        load(tmp_path)
