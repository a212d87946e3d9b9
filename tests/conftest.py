"""Which process runs which tests, where there are several."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

CHROMIUM = "tests/browser/"
# Pytest would take this file for one with examples in docstrings, and mix it up with the other one.
collect_ignore = ["conftest.py"]


class ApartFromChromium(LoadScopeScheduling):  # type: ignore[misc]
    """File by file: the first process takes those with Chromium, the others all the rest.

    A page that shares two cores with others is late by itself; so the others drive Chromium only
    once there is nothing else left to do.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", 1)[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        mine = node is self.nodes[0]
        for file in self.workqueue:
            if file.startswith(CHROMIUM) == mine:
                self.workqueue.move_to_end(file, last=False)
                break
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ApartFromChromium:
    """Give xdist this scheduler."""
    return ApartFromChromium(config, log)
