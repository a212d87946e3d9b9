"""Which process runs which test, where there are several."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

CHROMIUM = "tests/browser/"


class OneForChromium(LoadScopeScheduling):  # type: ignore[misc]
    """One process drives Chromium: a page that shares two cores with others is late by itself.

    Every other test goes to whichever process is free. Groups of xdist's own would say the same,
    but the names of pytest 9.2 do not take them in.
    """

    def _split_scope(self, nodeid: str) -> str:
        return CHROMIUM if nodeid.startswith(CHROMIUM) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneForChromium:
    """Give xdist this scheduler."""
    return OneForChromium(config, log)
