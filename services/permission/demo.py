"""The reference data of the account centre, as the demo has it: roles, the menu, and some exceptions."""

from dataclasses import asdict

from sqlalchemy import Table, insert

from services.permission.biz import AccountType, Effect, Feature
from services.permission.data import feature_table, grant_table, role_table
from services.runtime.backend import Demo, Resources

SITE = "https://atrium.example"
MEMBER = ("profile.edit", "activity.publish", "activity.follow", "account.close", "security.view", "messages.read")
SHOPPER = ("orders.view", "wallet.view", "coupons.use", "addresses.edit", "subscriptions.view", "wishlist.view")
PUBLISHER = ("audience.view", "analytics.view", "studio.use", "comments.moderate", "payouts.view")
COMPANY = (
    "audience.view",
    "analytics.view",
    "team.view",
    "team.manage",
    "invoices.view",
    "billing.manage",
    "contracts.view",
    "api_keys.manage",
    "audit_log.view",
)
ADMINISTRATOR = (
    "audit_log.view",
    "admin.accounts.read",
    "admin.accounts.write",
    "admin.accounts.close",
    "admin.activities.read",
    "admin.activities.remove",
    "admin.banners.read",
    "admin.banners.write",
    "admin.permissions.read",
    "admin.permissions.grant",
    "schema.explore",
)
ROLES: dict[AccountType, tuple[str, ...]] = {
    AccountType.GUEST: ("account.open",),
    AccountType.PERSONAL: MEMBER + SHOPPER,
    AccountType.CREATOR: MEMBER + SHOPPER + PUBLISHER,
    AccountType.BUSINESS: MEMBER + COMPANY,
    AccountType.STAFF: MEMBER + ADMINISTRATOR,
}
"""The permissions of each account type."""
GRANTS: tuple[tuple[int, str, Effect], ...] = (
    (1, "wallet.view", Effect.DENY),
    (2, "invoices.view", Effect.ALLOW),
    (3, "studio.use", Effect.ALLOW),
    (4, "analytics.view", Effect.ALLOW),
    (11, "studio.use", Effect.ALLOW),
    (12, "activity.publish", Effect.DENY),
    (20, "payouts.view", Effect.DENY),
    (33, "admin.permissions.grant", Effect.DENY),
)
"""Exceptions from a role: ada may not see her wallet, bo sees invoices, corp has the studio, sam figures."""


def _feature(key: str, title: str, permission: str | None, badge: str | None = None) -> Feature:
    return Feature(key=key, title=title, url=f"{SITE}/{key.replace('_', '-')}", badge=badge, permission=permission)


FEATURES: tuple[Feature, ...] = (
    _feature("discover", "Discover", None),
    _feature("offers", "Offers of the week", None, badge="NEW"),
    _feature("help", "Help centre", None),
    _feature("status", "Service status", None),
    _feature("open_account", "Open an account", "account.open"),
    _feature("profile", "Profile", "profile.edit"),
    _feature("messages", "Messages", "messages.read"),
    _feature("security", "Sign-in and security", "security.view"),
    _feature("orders", "Orders", "orders.view"),
    _feature("wallet", "Wallet", "wallet.view"),
    _feature("coupons", "Coupons", "coupons.use", badge="3"),
    _feature("addresses", "Addresses", "addresses.edit"),
    _feature("subscriptions", "Subscriptions", "subscriptions.view"),
    _feature("wishlist", "Wish list", "wishlist.view"),
    _feature("studio", "Studio", "studio.use", badge="BETA"),
    _feature("audience", "Audience", "audience.view"),
    _feature("analytics", "Analytics", "analytics.view"),
    _feature("comments", "Comments", "comments.moderate"),
    _feature("payouts", "Payouts", "payouts.view"),
    _feature("team", "Team", "team.view"),
    _feature("invoices", "Invoices", "invoices.view"),
    _feature("billing", "Billing", "billing.manage"),
    _feature("contracts", "Contracts", "contracts.view"),
    _feature("api_keys", "API keys", "api_keys.manage", badge="NEW"),
    _feature("audit_log", "Audit log", "audit_log.view"),
    _feature("admin_accounts", "Accounts", "admin.accounts.read"),
    _feature("admin_activities", "Reported activities", "admin.activities.read"),
    _feature("admin_banners", "Banners", "admin.banners.read"),
    _feature("admin_permissions", "Roles and permissions", "admin.permissions.read"),
    _feature("close_account", "Close the account", "account.close"),
)
"""The menu, in its order."""


async def load_demo(resources: Resources, demo: Demo) -> None:
    """Fills the empty tables, all or nothing."""
    async with resources.database.transaction() as session:
        for table, rows in _rows(demo).items():
            await session.execute(insert(table), rows)
            demo.report(len(rows))


def count_demo(demo: Demo) -> int:
    """How many rows `load_demo` writes."""
    return sum(map(len, _rows(demo).values()))


def _rows(demo: Demo) -> dict[Table, list[dict[str, object]]]:
    return {
        role_table: [
            {"account_type": account_type, "permission": permission}
            for account_type, permissions in ROLES.items()
            for permission in permissions
        ],
        grant_table: [
            {"account_id": account_id, "permission": permission, "effect": effect}
            for account_id, permission, effect in GRANTS
            if account_id <= demo.accounts
        ],
        feature_table: [{**asdict(feature), "position": place} for place, feature in enumerate(FEATURES, start=1)],
    }
