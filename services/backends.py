"""Every backend by name. A new one is imported and listed here, and nowhere else."""

from services.account.wire import BACKEND as ACCOUNT
from services.activity.wire import BACKEND as ACTIVITY
from services.admin.wire import BACKEND as ADMIN
from services.banner.wire import BACKEND as BANNER
from services.identifier.wire import BACKEND as IDENTIFIER
from services.job.wire import BACKEND as JOB
from services.permission.wire import BACKEND as PERMISSION
from services.runtime.backend import Backend
from services.task.wire import BACKEND as TASK

BACKENDS: dict[str, Backend] = {
    backend.name: backend for backend in (IDENTIFIER, ACCOUNT, PERMISSION, BANNER, ACTIVITY, JOB, ADMIN, TASK)
}
"""In the order in which demo data is made and servers start."""
