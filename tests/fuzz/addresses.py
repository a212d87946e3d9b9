"""Open pages at random addresses: `python tests/fuzz/addresses.py --count 2000`.

Every address has a number, so that `--first 4711 --count 1` opens it again. The keys and what each
can take are learnt from the pages themselves: extreme values first, and many of them at once. A
page that ends in an exception is a fault, as is one that takes over 20 seconds of processor.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from streamlit.testing.v1.element_tree import Widget

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(1, str(Path(__file__).parents[1] / "pages"))

from opened import OpenedPage

from rfviz.conv.errors import InputError
from rfviz.ui.run import jobs

PAGES = ("receptive_field", "column_matrix", "matmul", "output_shape", "stack", "filters",
         "responses", "operators", "check", "practice")  # fmt: skip
MOST_SECONDS = 20.0
# Choices bring widgets of their own, which bring choices: so often a page is looked at for them.
N_LOOKS = 8
TEXTS = ("", "0", "-1", "1, 2; 3, 4", "1e308", "-1e308", "1e-308", "nan", "inf", "1,1",
         "10000,10000", "100000,1", "1e6", "-1e6", "0.0001", "A" * 200, "9" * 200, "1 0 -1",
         "[[1, 2], [3]]", "RuntimeError: ", "Linear(3, 4)", "nn.Conv2d(3, 8, 3)")  # fmt: skip


class Fault(NamedTuple):
    """What went wrong at an address, with the number that makes it again."""

    number: int
    page: str
    address: dict[str, str]
    what: str


def address_of(number: int) -> tuple[str, dict[str, str]]:
    """The page and the address of a number."""
    dice = random.Random(f"address {number}")  # noqa: S311 - makes nonsense, keeps no secret
    page = PAGES[number % len(PAGES)]
    keys = values_of(page)
    # What a page has of its own is drawn as often as all that it shares with others.
    shared = [key for key in keys if key in values_of("receptive_field")]
    own = [key for key in keys if key not in shared] or shared
    names = {*dice.sample(own, dice.randint(0, min(8, len(own))))}
    names |= {*dice.sample(shared, dice.randint(0, min(6, len(shared))))}
    return page, {name: _value(keys[name], dice) for name in sorted(names)}


def faults_at(number: int) -> Iterator[Fault]:
    """Open the page of a number; what is wrong with it."""
    page, address = address_of(number)
    began = time.process_time()
    opened = _opened(page, address)
    seconds = time.process_time() - began
    for exception in opened.at.exception:
        yield Fault(number, page, address, str(exception.value))
    if not opened.at.title:
        yield Fault(number, page, address, "has no title")
    if seconds > MOST_SECONDS:
        yield Fault(number, page, address, f"takes {seconds:.0f} s")


def _value(values: tuple[str, ...] | range, dice: random.Random) -> str:
    if not isinstance(values, range):
        return dice.choice(values)
    least, most = values.start, values.stop - 1
    near = min(most, least + int(len(values) ** dice.random()))
    return str(dice.choice((least, most, least + 1, most - 1, dice.choice(values), near, near)))


@cache
def values_of(page: str) -> dict[str, Any]:
    """What the widgets of a page can take, by their names in the address."""
    dice = random.Random(f"looks {page}")  # noqa: S311 - makes nonsense, keeps no secret
    found = _widgets(_opened(page, {}))
    for _ in range(N_LOOKS):
        switches = {name: dice.choice(values) for name, values in found.items()
                    if isinstance(values, tuple) and values is not TEXTS}  # fmt: skip
        found = _widgets(_opened(page, switches)) | found
    return dict(sorted(found.items()))


def _widgets(opened: OpenedPage) -> dict[str, Any]:
    widgets = [each for part in (opened.at.sidebar, opened.at.main) for each in part]
    return {
        name: _taken(widget) for widget in widgets
        if isinstance(widget, Widget) and (name := getattr(widget.proto, "query_param_key", ""))
    }  # fmt: skip


def _taken(widget: Any) -> tuple[str, ...] | range:
    """The values that a widget may be given, whole numbers as a range."""
    if options := getattr(widget, "options", None):
        return tuple(map(str, options))
    if widget.type in {"toggle", "checkbox"}:
        return ("true", "false")
    if widget.type in {"number_input", "slider"} and float(widget.min).is_integer():
        return range(int(widget.min), int(widget.max) + 1)
    return TEXTS


def _opened(page: str, address: dict[str, str]) -> OpenedPage:
    with mock.patch.object(jobs, "_step_for", _one_step):
        return OpenedPage(page, address)


def _one_step(job: jobs.Job[Any], _seconds: float) -> None:
    """Stop what takes longer than one step, as a person may: exactness is tested elsewhere."""
    try:
        job.fraction = next(job.steps)
        job.stopped = True
    except StopIteration as end:
        job.result = end.value
    except InputError as error:
        job.error = error


def main() -> int:
    """Open as many as asked for, and say which are faulty."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first address")
    options = parser.parse_args()
    n_faults = 0
    for number in range(options.first, options.first + options.count):
        for fault in faults_at(number):
            n_faults += 1
            sys.stdout.write(f"{fault}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{options.count:,} addresses, {n_faults:,} faults\n")
    return 1 if n_faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
