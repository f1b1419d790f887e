import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.graphiql import STATIC, Persona, digest, page, routes

ADA = Persona("ada", "PERSONAL", "a-token-of-ada")


def shown(*personas: Persona) -> str:
    return bytes(page(personas).body).decode()


def settings(content: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="settings">(.*?)</script>', content, re.DOTALL)
    assert found is not None
    value: dict[str, Any] = json.loads(found[1])
    return value


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=routes("/api")))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def test_the_page_holds_the_endpoint_the_personas_and_the_example_tabs() -> None:
    held = settings(shown(ADA))
    assert held["endpoint"] == "/graphql"
    assert held["personas"] == [{"handle": "ada", "type": "PERSONAL", "token": "a-token-of-ada"}]
    named = [re.search(r"^(?:query|mutation|subscription) (\w+)", tab["query"], re.MULTILINE) for tab in held["tabs"]]
    assert [found and found[1] for found in named] == [
        "Home",
        "Profile",
        "Feed",
        "Live",
        "SignIn",
        "Publish",
    ]


def test_a_page_without_personas_holds_nobody() -> None:
    assert settings(shown())["personas"] == []


def test_a_persona_does_not_show_its_token() -> None:
    assert repr(ADA) == "Persona(handle='ada', account_type='PERSONAL')"


def test_no_word_of_a_persona_can_end_the_settings_early() -> None:
    rude = Persona("</script><script>alert(1)</script>", "<!--", "token")
    content = shown(rude)
    assert settings(content)["personas"] == [{"handle": rude.handle, "type": "<!--", "token": "token"}]
    assert content.count("</script>") == shown(ADA).count("</script>")


def test_every_script_of_the_page_is_a_file_of_ours() -> None:
    scripts = re.findall(r"<script([^>]*)>", shown(ADA))
    assert [script for script in scripts if "src=" not in script] == [' type="application/json" id="settings"']
    assert len(scripts) == 5


def test_page_and_own_files_name_no_other_host() -> None:
    own = [shown(ADA), *((STATIC / name).read_text("utf-8") for name in ("atrium.js", "atrium.css"))]
    assert [found for text in own for found in re.findall(r"(?:https?:)?//[a-z]\S*", text)] == []


def test_the_page_is_kept_by_nobody_and_may_load_only_from_here() -> None:
    headers = page([ADA]).headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


async def test_every_file_of_the_page_is_served_with_its_type_and_a_long_life(client: httpx.AsyncClient) -> None:
    content = bytes(page([ADA], "/api").body).decode()
    kinds = {}
    for path in sorted(set(re.findall(r'(?:src|href)="([^"]+)"', content))):
        response = await client.get(path)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        kinds[path.removeprefix(f"/api/static/{digest()}/")] = response.headers["Content-Type"]
    assert kinds == {
        "atrium.css": "text/css; charset=utf-8",
        "atrium.js": "text/javascript; charset=utf-8",
        "atrium.svg": "image/svg+xml",
        "vendor/graphiql.min.css": "text/css; charset=utf-8",
        "vendor/graphiql.min.js": "text/javascript; charset=utf-8",
        "vendor/react-dom.production.min.js": "text/javascript; charset=utf-8",
        "vendor/react.production.min.js": "text/javascript; charset=utf-8",
    }


@pytest.mark.parametrize("path", ["../page.html", "%2e%2e/page.html", "missing.js", "vendor/"])
async def test_only_the_files_are_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/api/static/{digest()}/{path}")).status_code == 404


def test_a_changed_file_changes_the_path_of_all(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(STATIC, tmp_path / "copy"))
    assert digest(copy) == digest()
    changed = Path(shutil.copytree(STATIC, tmp_path / "changed"))
    (changed / "atrium.css").write_text("body { margin: 1px }")
    assert digest(changed) != digest()
