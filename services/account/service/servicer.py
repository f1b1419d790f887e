"""The whole account service."""

from services.account.biz import Accounts, Administration, Lives, Merges, Sessions
from services.account.service.administering import AdministeringServicer
from services.account.service.living import LivingServicer
from services.account.service.merging import MergingServicer
from services.account.service.messages import Issue
from services.account.service.owning import OwningServicer
from services.account.service.reading import ReadingServicer


class AccountServicer(ReadingServicer, OwningServicer, AdministeringServicer, LivingServicer, MergingServicer):
    """Answers every call of the contract."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        administration: Administration,
        lives: Lives,
        merges: Merges,
        issue: Issue,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._administration = administration
        self._lives = lives
        self._merges = merges
        self._issue = issue
