import json
import re
import time

import httpx
from playwright.sync_api import Route, expect

from tests.gateway.graphiql.browser import EDITORS, PATIENCE, Desk

PROFILE = "{ viewer { account { handle } } }"


VIEWS = {
    "ada": ("PersonalAccount", "PersonalHome"),
    "bo": ("CreatorAccount", "CreatorHome"),
    "corp": ("BusinessAccount", "BusinessHome"),
    "sam": ("StaffAccount", "StaffHome"),
}


def test_a_first_visitor_is_a_guest_with_the_examples_in_tabs(desk: Desk) -> None:
    assert desk.chosen() == "guest"
    assert desk.tabs() == ["Home", "Profile", "Feed", "Live", "SignIn", "Publish"]
    viewer = desk.run()["data"]["viewer"]
    assert (viewer["account"], viewer["home"]["__typename"]) == (None, "GuestHome")


def test_switching_the_persona_switches_the_view_and_the_line_below_says_so(desk: Desk) -> None:
    said = desk.page.locator("#answer")
    for persona, (account, home) in VIEWS.items():
        desk.choose(persona)
        viewer = desk.run()["data"]["viewer"]
        assert (viewer["account"]["handle"], viewer["account"]["__typename"]) == (persona, account)
        assert (viewer["home"]["__typename"], len(viewer["home"]["feed"]["edges"])) == (home, 20)
        expect(said).to_contain_text(f"as {persona}")
    desk.choose("guest")
    assert desk.run()["data"]["viewer"]["home"]["__typename"] == "GuestHome"
    expect(said).to_have_text(re.compile(r"^HTTP 200 · \d+ ms · as guest$"))


def test_the_choice_of_a_persona_lasts_as_long_as_the_browser_tab(desk: Desk) -> None:
    desk.choose("sam")
    desk.open()
    assert desk.chosen() == "sam STAFF"
    with desk.page.context.new_page() as page:
        other = Desk(page, desk.gateway)
        other.open()
        assert other.chosen() == "guest"


def test_the_sign_in_tab_answers_a_token_that_the_headers_editor_takes(desk: Desk) -> None:
    desk.open_tab("SignIn")
    session = desk.run()["data"]["signIn"]
    assert session["viewer"]["account"]["handle"] == "ada"
    desk.choose("corp")
    desk.write("query", PROFILE)
    desk.write("headers", json.dumps({"Authorization": f"Bearer {session['token']}"}))
    assert desk.run()["data"] == {"viewer": {"account": {"handle": "ada"}}}
    expect(desk.page.locator("#answer")).to_contain_text("as the token in Headers")


def test_the_publish_tab_publishes_as_the_persona(desk: Desk) -> None:
    desk.choose("bo")
    desk.open_tab("Publish")
    activity = desk.run()["data"]["publishActivity"]
    assert (activity["text"], activity["author"]["handle"]) == ("Hello from the atrium", "bo")


def test_the_live_tab_shows_what_is_published_until_it_is_stopped(desk: Desk) -> None:
    follow, publish = (
        'mutation { follow(accountId: "acc_2") { id } }',
        'mutation { publishActivity(input: {kind: POST, text: "live"}) { id } }',
    )
    ask_as(desk.gateway, "ada", follow)
    desk.choose("ada")
    desk.open_tab("Live")
    desk.press_run()
    until_waiting(desk.gateway, 1)
    ask_as(desk.gateway, "bo", publish)
    expect(desk.page.locator(EDITORS["result"])).to_contain_text('"text": "live"')
    expect(desk.page.locator("#answer")).to_have_text("HTTP 200 · 1 event · as ada")
    desk.page.get_by_role("button", name="Stop query").click()
    until_waiting(desk.gateway, 0)


def ask_as(gateway: str, handle: str, query: str) -> None:
    sign_in = f'mutation {{ signIn(handle: "{handle}", password: "atrium-demo") {{ token }} }}'
    with httpx.Client(base_url=gateway) as http:
        token = http.post("/graphql", json={"query": sign_in}).json()["data"]["signIn"]["token"]
        answer = http.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})
    assert "errors" not in answer.json()


def until_waiting(gateway: str, count: int) -> None:
    """Returns once so many subscriptions wait."""
    deadline = time.monotonic() + PATIENCE / 1000
    while f"atrium_subscriptions {count}.0\n" not in httpx.get(f"{gateway}/metrics").text:
        assert time.monotonic() < deadline


def test_the_profile_and_feed_tabs_run_as_they_stand(desk: Desk) -> None:
    desk.open_tab("Profile")
    assert desk.run()["data"]["accountByHandle"]["handle"] == "ada"
    desk.open_tab("Feed")
    first = desk.run()["data"]["viewer"]["home"]["feed"]
    desk.write("variables", json.dumps({"first": 5, "after": first["pageInfo"]["endCursor"]}))
    second = desk.run()["data"]["viewer"]["home"]["feed"]
    seen = [edge["node"]["id"] for page in (first, second) for edge in page["edges"]]
    assert len(set(seen)) == 10


def test_the_schema_docs_open_and_know_the_types(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Schema docs").click()
    docs = desk.page.get_by_role("region", name="Documentation Explorer")
    docs.get_by_text("Query", exact=True).click()
    docs.get_by_text("accountByHandle", exact=True).click()
    expect(docs).to_contain_text("handle")


def test_the_editor_completes_names_of_the_schema(desk: Desk) -> None:
    desk.write("query", "")
    desk.page.locator(EDITORS["query"]).locator("textarea").press_sequentially("{ accountBy")
    expect(desk.page.locator(".CodeMirror-hint").first).to_contain_text("accountByHandle")


def test_degraded_fields_are_told_below(desk: Desk) -> None:
    entry = {"path": ["viewer", "home", "banners"], "backend": "banner", "mode": "NULL", "code": 5030100, "ageMs": None}
    stale = {"path": ["viewer", "home", "feed"], "backend": "activity", "mode": "STALE", "code": 5030100, "ageMs": 8420}
    answer = {"data": {"viewer": {"home": {"banners": None}}}, "extensions": {"degraded": [entry, stale]}}

    def degrade(route: Route) -> None:
        route.fulfill(json=answer)

    desk.page.route("**/graphql", degrade)
    assert desk.run() == answer
    told = desk.page.locator("#degraded li")
    shown = ["viewer.home.banners (banner, NULL)", "viewer.home.feed (activity, STALE, 8.4 s old)"]
    expect(told).to_have_text([f"degraded: {each}" for each in shown])
    desk.page.unroute("**/graphql", degrade)
    desk.run()
    expect(told).to_have_count(0)


def test_pointing_at_the_address_of_a_picture_asks_its_host_for_nothing(desk: Desk) -> None:
    picture = "https://pictures.example/banner.png"
    desk.page.route("**/graphql", lambda route: route.fulfill(json={"data": {"imageUrl": picture}}))
    desk.run()
    desk.page.get_by_text(picture).hover()
    expect(desk.page.locator(f'img[src="{picture}"]')).to_have_count(1)
    assert desk.strangers == []
    assert {"Content Security Policy" in complaint for complaint in desk.complaints} == {True}
    desk.complaints.clear()
