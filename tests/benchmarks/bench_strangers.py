"""What visitors with large work cost the others: peak memory, and the seconds of somebody's moves.

`python tests/benchmarks/bench_strangers.py` prints a table: for each attack the server's peak and
the moves of a second person, median and 95th of a hundred, without it and beside it; and below each
what its visitors are told, the last one included.
"""

import io
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
sys.path.insert(1, str(Path(__file__).parents[1] / "server"))

import numpy as np
from app_server import AppServer
from PIL import Image
from visitor import Visitor, upload

MOVES = 60
LONGEST = 90.0
LINE = "{:<44}{:>8}{:>12}{:>12}{:>12}{:>12}\n"
Attack = Callable[[AppServer], list[str]]
# A layer of a million weights, in a file of 4 MB and one of 100 MB.
SIDE = 10_000


def large_resize(server: AppServer) -> list[str]:
    """A check of pictures that are first made as large as any may be."""
    return _open(server, 1, "check", {"check_resize": "10000,10000"})


def eight_checks(server: AppServer) -> list[str]:
    """Eight visitors check the largest sample after it has been made larger."""
    return _open(server, 8, "check", {"sample": "scene", "check_resize": "4000,4000"})


def eight_large_checks(server: AppServer) -> list[str]:
    """Eight visitors check pictures that are made as large as any may be."""
    return _open(server, 8, "check", {"check_resize": "10000,10000"})


def eight_large_pictures(server: AppServer) -> list[str]:
    """Eight visitors upload a picture of 100 megapixels each and check it."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), "red").save(file, "PNG")
    return _upload_each(server, 8, ("Pictures", "picture.png"), file.getvalue(), "check")


def twelve_weights_files(server: AppServer) -> list[str]:
    """Twelve visitors upload a weights file of 64 MB each."""
    file = io.BytesIO()
    np.save(file, np.ones((400, 3, 116, 115), np.float32))
    return _upload_each(server, 12, ("Weights file", "weights.npy"), file.getvalue(), "filters")


def twelve_files(server: AppServer) -> list[str]:
    """One visitor parks 1.2 GB of files that are no pictures."""
    with Visitor(server.port) as visitor:
        visitor.open(source="Upload")
        files = [str(uuid4()) for _ in range(12)]
        for file in files:
            upload(server.port, visitor.session, file, bytes(100_000_000))
        visitor.list_files("Pictures", dict.fromkeys(files, "large.bin"))
        return _told([visitor])


ATTACKS: Mapping[str, Attack] = MappingProxyType(
    {
        "check_resize=10000,10000": large_resize,
        "eight checks, resized to 4000 × 4000": eight_checks,
        "eight checks, resized to 10000 × 10000": eight_large_checks,
        "eight checks of 100 megapixels": eight_large_pictures,
        "twelve files of 100 MB": twelve_files,
        "twelve weights files of 64 MB": twelve_weights_files,
    }
)


def _open(server: AppServer, n_visitors: int, page: str, address: Mapping[str, str]) -> list[str]:
    with ExitStack() as open_tabs:
        visitors = [open_tabs.enter_context(Visitor(server.port)) for _ in range(n_visitors)]
        runs = [
            threading.Thread(target=visitor.open_page, args=(page, address, LONGEST))
            for visitor in visitors
        ]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        return _told(visitors)


def _upload_each(
    server: AppServer, n_visitors: int, file: tuple[str, str], data: bytes, page: str
) -> list[str]:
    """Visitors who upload a file, (label of the uploader, name), each with an end of its own."""
    label, name = file
    address = {"source": "Upload", "weights_source": "File"}

    def visit(visitor: Visitor, number: int) -> None:
        visitor.open_page(page, address, LONGEST)
        number_of_file = str(uuid4())
        # Other bytes for each, so that nobody is given what another one has had decoded.
        upload(server.port, visitor.session, number_of_file, data + bytes(number))
        visitor.list_files(label, {number_of_file: name}, page, address, LONGEST)

    with ExitStack() as open_tabs:
        visitors = [open_tabs.enter_context(Visitor(server.port)) for _ in range(n_visitors)]
        runs = [
            threading.Thread(target=visit, args=(visitor, number))
            for number, visitor in enumerate(visitors)
        ]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        return _told(visitors)


def _told(visitors: Sequence[Visitor]) -> list[str]:
    """What visitors read of waiting and of refusals, each sentence once."""
    return list(dict.fromkeys(said for visitor in visitors for said in visitor.said))


def moves_of(person: Visitor, ended: Callable[[list[float]], bool]) -> list[float]:
    """Seconds of a person's moves, one after the other, until it is enough."""
    seconds: list[float] = []
    while not ended(seconds):
        seconds.append(person.open(sample="glyph", row=len(seconds) % 20))
        time.sleep(0.05)
    return seconds


def peak_bytes(server: AppServer) -> int:
    """The most that the server's process has held at once."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    (kilobytes,) = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(kilobytes) * 1024


def measured(name: str, attack: Attack, folder: Path) -> str:
    """A line of the table, from a server of its own."""
    server = AppServer(folder / f"{len(name)}.txt")
    try:
        with Visitor(server.port) as person:
            moves_of(person, lambda seconds: len(seconds) == 5)
            quiet = moves_of(person, lambda seconds: len(seconds) == MOVES)
            told: list[str] = []
            work = threading.Thread(target=lambda: told.extend(attack(server)))
            began = time.monotonic()
            work.start()
            beside = moves_of(person, lambda seconds: not work.is_alive() and len(seconds) >= MOVES)
            took = time.monotonic() - began
        times = [_p(quiet, 50), _p(quiet, 95), _p(beside, 50), _p(beside, 95)]
        shown = [f"{1000 * seconds:,.0f} ms" for seconds in times]
        megabytes = f"{peak_bytes(server) / 1e6:,.0f} MB"
        line = LINE.format(f"{name} ({took:.0f} s)", megabytes, *shown)
        return line + "".join(f"    {sentence}\n" for sentence in told)
    finally:
        server.stop()


def _p(seconds: list[float], share: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[share - 1]


def main() -> None:
    """Measure every attack, or those whose name holds what is asked for."""
    wanted = " ".join(sys.argv[1:])
    sys.stdout.write(
        LINE.format("attack", "peak", "quiet p50", "quiet p95", "beside p50", "beside p95")
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, attack in ATTACKS.items():
            if wanted and wanted not in name:
                continue
            sys.stdout.write(measured(name, attack, Path(folder)))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
