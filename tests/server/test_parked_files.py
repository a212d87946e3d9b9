"""Files that a stranger parks on the server: bounded for one, for all, and for who sends oddly."""

import resource
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from visitor import Visitor, ask, upload
from watched_server import WatchedServer

from rfviz.ui.run.upload_bound import MOST_OF_ONE

MEGABYTE = 1_000_000
# Half of it is for files: three visitors with as much as one may have do not fit.
BUDGET = 1600


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedServer]:
    watched = WatchedServer(tmp_path_factory.mktemp("parked"), {"RFVIZ_MEMORY_MB": str(BUDGET)})
    try:
        yield watched
    finally:
        watched.stop()
    assert "Traceback" not in watched.log, watched.log


def resident(server: WatchedServer) -> int:
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_twelve_files_of_a_hundred_megabytes_are_bounded_and_the_page_says_so(
    server: WatchedServer,
) -> None:
    with Visitor(server.port) as visitor:
        visitor.open(source="Upload")
        before = resident(server)
        names = [str(uuid4()) for _ in range(12)]
        for name in names:
            assert upload(server.port, visitor.session, name, bytes(100 * MEGABYTE)) == 204
        assert resident(server) - before < MOST_OF_ONE + 150 * MEGABYTE
        visitor.list_files("Pictures", dict.fromkeys(names[:5], "large.bin"))
        said = " ".join(visitor.errors)
        assert "one visitor keeps at most 400 MB of files here" in said
        assert "Remove some of the list" in said


def test_all_visitors_together_are_bounded(server: WatchedServer) -> None:
    visitors = [Visitor(server.port) for _ in range(3)]
    before = resident(server)
    last = str(uuid4())
    for visitor in visitors:
        visitor.open(source="Upload")
        for _ in range(3):
            upload(server.port, visitor.session, str(uuid4()), bytes(100 * MEGABYTE))
        upload(server.port, visitor.session, last, bytes(90 * MEGABYTE))
    assert resident(server) - before < BUDGET / 2 * MEGABYTE + 150 * MEGABYTE
    visitors[-1].list_files("Pictures", {last: "large.bin"})
    assert "all visitors together keep at most 800 MB" in " ".join(visitors[-1].errors)
    for visitor in visitors:
        visitor.close()


@pytest.mark.parametrize("length", ["", "many", "-1", "9" * 30])
def test_a_file_that_does_not_say_its_length_is_refused(server: WatchedServer, length: str) -> None:
    headers = {"Content-Length": length} if length else {"Transfer-Encoding": "chunked"}
    answer = ask(server.port, "/_stcore/upload_file/none/none", headers, "PUT")
    assert answer.status in {400, 411}


def test_a_file_of_no_session_is_not_kept(server: WatchedServer) -> None:
    before = resident(server)
    assert upload(server.port, "none", str(uuid4()), bytes(100 * MEGABYTE)) in {400, 403}
    assert resident(server) - before < 150 * MEGABYTE
