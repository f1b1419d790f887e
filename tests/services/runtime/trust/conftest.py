"""Keys in a folder, and the processes that have them."""

from pathlib import Path

import pytest

from services.runtime.settings import Settings
from services.runtime.trust import Trust


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    """A process that has the keys of all."""
    return Trust(Settings(data=tmp_path))
