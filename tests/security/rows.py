"""Who may see each field of the schema, and whose things each mutation changes. A new field needs its row here."""

from enum import Enum

from graphql import GraphQLSchema, get_named_type, is_abstract_type, is_composite_type
from graphql.type import GraphQLNamedType


class Seen(Enum):
    """Who sees a field."""

    ANYBODY = "whoever sees the object, and all the same"
    OWNER = "the account itself and staff; null for anybody else"
    VIEWER = "whoever asks, of themselves: no id leads to another's"
    SIGNED_IN = "whoever gave the password"
    DESK = "staff with a permission of the desk; refused to anybody else"

    @property
    def doors(self) -> frozenset[str]:
        """The fields one of which stands above every such field."""
        return _DOORS[self]


class Whose(Enum):
    """Whose things a mutation changes."""

    OWN = "those of whoever asks, whatever is asked"
    ANYBODYS = "those of the account that is named: for the desk alone"
    NOBODYS = "nobody's: it opens a session"


_ACCOUNT = "id type status version handle displayName avatarUrl bio createdAt followerCount followingCount"
_HOME = "features banners feed"
_PAGE = "edges pageInfo"

SEEN: dict[str, dict[Seen, str]] = {
    "Node": {Seen.ANYBODY: "id"},
    "Account": {Seen.ANYBODY: _ACCOUNT},
    "PersonalAccount": {Seen.ANYBODY: _ACCOUNT, Seen.OWNER: "birthday"},
    "CreatorAccount": {Seen.ANYBODY: f"{_ACCOUNT} category verified"},
    "BusinessAccount": {Seen.ANYBODY: f"{_ACCOUNT} companyName industry verified"},
    "StaffAccount": {Seen.ANYBODY: f"{_ACCOUNT} department"},
    "PlainAccount": {Seen.ANYBODY: _ACCOUNT},
    "Activity": {Seen.ANYBODY: "id kind text createdAt author"},
    "PageInfo": {Seen.ANYBODY: "hasNextPage hasPreviousPage startCursor endCursor"},
    "Viewer": {Seen.VIEWER: "type home account can"},
    "Home": {Seen.VIEWER: _HOME},
    "GuestHome": {Seen.VIEWER: _HOME},
    "PersonalHome": {Seen.VIEWER: f"{_HOME} suggestions"},
    "CreatorHome": {Seen.VIEWER: f"{_HOME} audience ownActivities"},
    "BusinessHome": {Seen.VIEWER: f"{_HOME} team reach"},
    "StaffHome": {Seen.VIEWER: f"{_HOME} pendingClosures"},
    "PlainHome": {Seen.VIEWER: _HOME},
    "Feature": {Seen.VIEWER: "key title url badge"},
    "Banner": {Seen.VIEWER: "id slot title imageUrl targetUrl"},
    "ActivityConnection": {Seen.VIEWER: _PAGE},
    "ActivityEdge": {Seen.VIEWER: "cursor node"},
    "Audience": {Seen.VIEWER: "followers newThisWeek activitiesThisWeek"},
    "Session": {Seen.SIGNED_IN: "token expiresAt viewer"},
    "Query": {Seen.ANYBODY: "account accountByHandle accounts node", Seen.VIEWER: "viewer", Seen.DESK: "admin"},
    "Subscription": {Seen.VIEWER: "feedActivityAdded accountChanged"},
    "Admin": {Seen.DESK: "accounts account changes activities merge checkMerge audits"},
    "AdminAccountConnection": {Seen.DESK: _PAGE},
    "AdminAccountEdge": {Seen.DESK: "cursor node"},
    "AdminAccount": {
        Seen.DESK: "account birthday followers following grants recentActivities recentChanges merge",
    },
    "AdminGrant": {Seen.DESK: "permission allow"},
    "AdminGrants": {Seen.DESK: "changed grants"},
    "AdminChangeConnection": {Seen.DESK: _PAGE},
    "AdminChangeEdge": {Seen.DESK: "cursor node"},
    "AdminChange": {Seen.DESK: "accountId kind reason occurredAt differences erased actor"},
    "AdminDifference": {Seen.DESK: "field before after"},
    "AdminMerge": {
        Seen.DESK: "sourceId targetId state steps reason requestedAt startedAt finishedAt problem actor",
    },
    "AdminMergeStep": {Seen.DESK: "name total moved done"},
    "AdminMergeCheck": {Seen.DESK: "refusal moves"},
    "AdminAmount": {Seen.DESK: "what count"},
    "AdminActivityConnection": {Seen.DESK: _PAGE},
    "AdminActivityEdge": {Seen.DESK: "cursor node authorId"},
    "AdminAuditConnection": {Seen.DESK: _PAGE},
    "AdminAuditEdge": {Seen.DESK: "cursor node"},
    "AdminAudit": {Seen.DESK: "at actorId action accountId reason request before after outcome actor"},
}
"""Who may see what, by type."""

MUTATIONS: dict[str, Whose] = {
    "signIn": Whose.NOBODYS,
    "signOut": Whose.OWN,
    "updateProfile": Whose.OWN,
    "closeAccount": Whose.OWN,
    "reopenAccount": Whose.OWN,
    "follow": Whose.OWN,
    "unfollow": Whose.OWN,
    "publishActivity": Whose.OWN,
    "adminCreateAccount": Whose.ANYBODYS,
    "adminChangeAccount": Whose.ANYBODYS,
    "adminCloseAccount": Whose.ANYBODYS,
    "adminReopenAccount": Whose.ANYBODYS,
    "adminSuspendAccount": Whose.ANYBODYS,
    "adminGrantPermission": Whose.ANYBODYS,
    "adminRevokePermission": Whose.ANYBODYS,
    "adminMergeAccounts": Whose.ANYBODYS,
    "adminRetryMerge": Whose.ANYBODYS,
}
"""What changes whose."""

_DOORS = {
    Seen.ANYBODY: frozenset[str](),
    Seen.OWNER: frozenset[str](),
    Seen.VIEWER: frozenset(
        {"Query.viewer", "Session.viewer", "Subscription.feedActivityAdded", "Subscription.accountChanged"}
    ),
    Seen.SIGNED_IN: frozenset({"Mutation.signIn"}),
    Seen.DESK: frozenset(
        {"Query.admin", *(f"Mutation.{name}" for name, whose in MUTATIONS.items() if whose is Whose.ANYBODYS)}
    ),
}

ARGUMENTS = {
    "Query.account": "(id: $id)",
    "Query.accountByHandle": "(handle: $handle)",
    "Query.accounts": '(ids: ["acc_2", $id, "acc_999999"])',
    "Query.node": "(id: $id)",
    "Viewer.can": '(permission: "admin.accounts.read")',
    "Admin.account": "(id: $id)",
    "Admin.changes": "(accountId: $id)",
    "Admin.merge": "(sourceId: $id)",
    "Admin.checkMerge": "(sourceId: $id, targetId: $own)",
    "Mutation.signIn": "(handle: $handle, password: $password)",
    "Mutation.updateProfile": '(input: {version: $version, bio: "changed"})',
    "Mutation.closeAccount": '(reason: "r")',
    "Mutation.follow": "(accountId: $id)",
    "Mutation.unfollow": "(accountId: $id)",
    "Mutation.publishActivity": '(input: {kind: POST, text: "said"})',
    "Mutation.adminCreateAccount": '(input: {reason: "r", type: PERSONAL, handle: $handle, displayName: "N", '
    "password: $password})",
    "Mutation.adminChangeAccount": '(input: {accountId: $id, version: $version, bio: "changed", reason: "r"})',
    "Mutation.adminCloseAccount": '(accountId: $id, reason: "r")',
    "Mutation.adminReopenAccount": '(accountId: $id, reason: "r")',
    "Mutation.adminSuspendAccount": '(accountId: $id, reason: "r")',
    "Mutation.adminGrantPermission": '(accountId: $id, permission: "wallet.view", reason: "r")',
    "Mutation.adminRevokePermission": '(accountId: $id, permission: "wallet.view", reason: "r")',
    "Mutation.adminMergeAccounts": '(sourceId: $id, targetId: $own, reason: "r")',
    "Mutation.adminRetryMerge": '(sourceId: $id, reason: "r")',
}
"""What fields are asked with that need something."""


def rows() -> dict[str, Seen]:
    """Who may see each field, by `Type.field`."""
    seen = {f"{kind}.{name}": who for kind, row in SEEN.items() for who, names in row.items() for name in names.split()}
    return seen | {f"Mutation.{name}": Seen.ANYBODY for name in MUTATIONS}


def reached(schema: GraphQLSchema, closed: frozenset[str]) -> set[str]:
    """The fields that a document can ask for without going through one of the closed ones."""
    found: set[str] = set()
    waiting: list[GraphQLNamedType] = [
        root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root
    ]
    while waiting:
        kind = waiting.pop()
        if is_abstract_type(kind):
            waiting += [one for one in schema.get_possible_types(kind) if not _known(one, found)]
        for name, field in getattr(kind, "fields", {}).items():
            if (named := f"{kind.name}.{name}") in found | closed:
                continue
            found.add(named)
            if is_composite_type(answer := get_named_type(field.type)):
                waiting.append(answer)
    return found


def _known(kind: GraphQLNamedType, found: set[str]) -> bool:
    return any(f"{kind.name}.{name}" in found for name in getattr(kind, "fields", {}))
