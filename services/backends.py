"""Every backend by name. A new one is imported and listed here, and nowhere else."""

from services.account.wire import BACKEND as ACCOUNT
from services.activity.wire import BACKEND as ACTIVITY
from services.banner.wire import BACKEND as BANNER
from services.permission.wire import BACKEND as PERMISSION
from services.runtime.backend import Backend

BACKENDS: dict[str, Backend] = {backend.name: backend for backend in (ACCOUNT, PERMISSION, BANNER, ACTIVITY)}
"""In the order in which demo data is made and servers start."""
