"""The rules: silence means no, a denial wins, a guest has the guest role alone."""

from collections.abc import Collection, Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.permission.biz import (
    AccountType,
    Effect,
    Feature,
    Permissions,
    Question,
    Rules,
    Standing,
    Viewer,
)

GUEST = Viewer(0, AccountType.GUEST)
ADA = Viewer(1, AccountType.PERSONAL)
BO = Viewer(2, AccountType.CREATOR)
NEWCOMER = Viewer(9, 77)
RULES = Rules(
    roles={
        AccountType.GUEST: {"account.open"},
        AccountType.PERSONAL: {"orders.view", "wallet.view"},
        AccountType.STAFF: {"admin.accounts.read"},
    },
    exceptions={
        0: {Effect.ALLOW: {"wallet.view"}},
        1: {Effect.DENY: {"wallet.view", "studio.use"}, Effect.ALLOW: {"studio.use", "team.view"}},
    },
)
names = st.sampled_from(["a", "b", "c"])
permissions = st.frozensets(names)


class FixedRules:
    """Answers the same rules whatever is asked, and keeps what was asked."""

    def __init__(self, features: Sequence[Feature] = ()) -> None:
        self.asked: list[tuple[set[int], set[int]]] = []
        self._features = features

    async def rules(self, account_types: Collection[int], account_ids: Collection[int]) -> Rules:
        self.asked.append((set(account_types), set(account_ids)))
        return RULES

    async def rules_and_features(
        self, account_types: Collection[int], account_ids: Collection[int]
    ) -> tuple[Rules, Sequence[Feature]]:
        return await self.rules(account_types, account_ids), self._features


def feature(key: str, permission: str | None) -> Feature:
    return Feature(key=key, title=key, url=f"https://atrium.example/{key}", badge=None, permission=permission)


async def allowed(viewer: Viewer, permission: str) -> bool:
    [answer] = await Permissions(FixedRules()).check([Question(viewer, permission)])
    return answer


@given(role=permissions, granted=permissions, denied=permissions, permission=names)
def test_a_denial_wins_and_else_a_role_or_a_grant_is_needed(
    role: frozenset[str], granted: frozenset[str], denied: frozenset[str], permission: str
) -> None:
    answer = Standing(role, granted, denied).allows(permission)
    assert answer is (permission in (role | granted) - denied)


@given(role=permissions, granted=permissions, denied=permissions, more=permissions, permission=names)
def test_more_denials_never_allow_more(
    role: frozenset[str], granted: frozenset[str], denied: frozenset[str], more: frozenset[str], permission: str
) -> None:
    stricter = Standing(role, granted, denied | more).allows(permission)
    assert stricter <= Standing(role, granted, denied).allows(permission)


async def test_the_role_of_the_type_allows() -> None:
    assert await allowed(ADA, "orders.view") is True


async def test_an_unknown_permission_is_denied() -> None:
    assert await allowed(ADA, "orders.burn") is False


async def test_a_name_is_matched_whole() -> None:
    assert [await allowed(ADA, name) for name in ("orders", "orders.*", "orders.view.all", "ORDERS.VIEW")] == [
        False
    ] * 4


async def test_a_denial_wins_over_the_role() -> None:
    assert await allowed(ADA, "wallet.view") is False


async def test_a_denial_wins_over_a_grant() -> None:
    assert await allowed(ADA, "studio.use") is False


async def test_a_grant_adds_to_the_role() -> None:
    assert await allowed(ADA, "team.view") is True


async def test_an_exception_is_for_one_account() -> None:
    neighbour = Viewer(5, AccountType.PERSONAL)
    assert await allowed(neighbour, "wallet.view") is True
    assert await allowed(neighbour, "team.view") is False


async def test_a_guest_has_the_guest_role_and_no_grants() -> None:
    assert await allowed(GUEST, "account.open") is True
    assert await allowed(GUEST, "wallet.view") is False


async def test_nobody_is_staff_without_an_account() -> None:
    assert await allowed(Viewer(0, AccountType.STAFF), "admin.accounts.read") is False


async def test_a_guest_with_an_account_id_has_no_grants_of_that_account() -> None:
    assert await allowed(Viewer(1, AccountType.GUEST), "team.view") is False


async def test_a_type_newer_than_this_backend_has_no_role() -> None:
    assert await allowed(NEWCOMER, "orders.view") is False


async def test_a_type_whose_role_is_empty_is_denied() -> None:
    assert await allowed(BO, "orders.view") is False


async def test_answers_keep_the_order_and_repeat_with_the_questions() -> None:
    questions = [Question(ADA, "orders.view"), Question(GUEST, "orders.view"), Question(ADA, "orders.view")]
    assert await Permissions(FixedRules()).check(questions) == [True, False, True]


async def test_a_batch_asks_once_for_all_and_for_no_account_of_a_guest() -> None:
    repo = FixedRules()
    await Permissions(repo).check([Question(viewer, name) for viewer in (GUEST, ADA, BO, NEWCOMER) for name in "ab"])
    assert repo.asked == [({1, 2, 3, 77}, {1, 2, 9})]


async def test_the_menu_shows_what_is_allowed_or_for_everybody_in_its_order() -> None:
    menu = [feature("wallet", "wallet.view"), feature("help", None), feature("team", "team.view")]
    ada, guest, ada_again = await Permissions(FixedRules(menu)).features([ADA, GUEST, ADA])
    assert [entry.key for entry in ada] == ["help", "team"]
    assert [entry.key for entry in guest] == ["help"]
    assert ada_again == ada
