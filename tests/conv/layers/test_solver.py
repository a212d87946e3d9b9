"""The solver finds every setting that torch's sizes admit, and nothing else."""

import random
from itertools import product

import pytest

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import KINDS, Layer
from rfviz.conv.layers.solver import Ranges, Setting, layer_of, solve, solve_goal


def by_brute_force(
    kind: str, before: int, after: int, ranges: Ranges, ceil_mode: bool
) -> set[tuple[int, ...]]:
    """Build every layer of the ranges and ask it, one axis standing for both."""
    found: set[tuple[int, ...]] = set()
    for kernel, stride, padding, dilation, extra in product(*ranges):
        if dilation > 1 and kind == "AvgPool2d":
            continue
        if extra and kind != "ConvTranspose2d":
            continue
        try:
            layer = Layer(kind, kernel, stride, padding, dilation, extra, ceil_mode)
            size = layer.output_size((before, before))
        except InputError:
            continue
        if size == (after, after):
            found.add((kernel, stride, padding, dilation, extra))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_200_random_tasks_are_solved_completely(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible tests, no secret
    solved = 0
    for _ in range(50):
        kind = rng.choice(KINDS)
        ceil_mode = kind.endswith("Pool2d") and rng.random() < 0.5
        ranges = Ranges(
            range(1, rng.randint(2, 5)),
            range(1, rng.randint(2, 4)),
            range(rng.randint(1, 3)),
            range(1, rng.randint(2, 3)),
            range(rng.randint(1, 2)),
        )
        before = (rng.randint(1, 12), rng.randint(1, 12))
        after = (rng.randint(1, before[0]), rng.randint(1, 14))
        rows, columns = (
            by_brute_force(kind, before[axis], after[axis], ranges, ceil_mode) for axis in (0, 1)
        )
        found = solve(kind, before, after, ranges, ceil_mode)
        assert {setting[:5] for setting in found.rows} == rows
        assert {setting[:5] for setting in found.columns} == columns
        assert {setting[:5] for setting in found.both} == rows & columns
        assert (len(found.rows), len(found.columns)) == (len(rows), len(columns))
        assert bool(found.explanation) == (not (rows and columns))
        solved += bool(rows and columns)
    assert solved >= 5


@pytest.mark.parametrize(
    ("kind", "goal", "plainest"),
    [
        ("Conv2d", "same", (3, 1, 1, 1, 0)),
        ("Conv2d", "halve", (2, 2, 0, 1, 0)),
        ("MaxPool2d", "halve", (2, 2, 0, 1, 0)),
        ("AvgPool2d", "same", (3, 1, 1, 1, 0)),
        ("ConvTranspose2d", "double", (2, 2, 0, 1, 0)),
    ],
)
def test_goals_begin_with_what_a_textbook_would_say(
    kind: str, goal: str, plainest: tuple[int, ...]
) -> None:
    found = solve_goal(kind, (32, 48), goal)  # type: ignore[arg-type]
    assert plainest in [setting[:5] for setting in found.both[:2]]


def test_axes_are_solved_apart() -> None:
    found = solve("Conv2d", (32, 20), (16, 18))
    layer = layer_of("Conv2d", found.rows[0], found.columns[0])
    assert layer.output_size((32, 20)) == (16, 18)
    assert found.both == ()


def test_none_found_is_explained_with_the_nearest_sizes() -> None:
    found = solve("MaxPool2d", (8, 8), (6, 100), Ranges(range(2, 3), range(2, 3), range(1)))
    assert found.rows == ()
    assert found.explanation.startswith("No setting in these ranges turns 8 rows into 6")
    assert "into 100; the nearest that can be reached: 4." in found.explanation


def test_a_remainder_is_the_part_that_the_floor_drops() -> None:
    found = solve("Conv2d", (32, 32), (16, 16))
    assert Setting(3, 2, 1, 1, 0, 1) in found.both


@pytest.mark.parametrize(
    ("kind", "size", "ranges", "ceil_mode"),
    [
        ("Linear", (4, 4), Ranges(), False),
        (None, (4, 4), Ranges(), False),
        ("Conv2d", (0, 4), Ranges(), False),
        ("Conv2d", "x", Ranges(), False),
        ("Conv2d", (4, 4), Ranges(), True),
        ("Conv2d", (4, 4), Ranges(kernel_size=range(0)), False),
        ("Conv2d", (4, 4), Ranges(stride=range(3)), False),
        ("Conv2d", (4, 4), Ranges(kernel_size=range(1, 10**6)), False),
    ],
)
def test_wrong_questions_are_input_errors(
    kind: str, size: object, ranges: Ranges, ceil_mode: bool
) -> None:
    with pytest.raises(InputError):
        solve(kind, size, (4, 4), ranges, ceil_mode)  # type: ignore[arg-type]


def test_an_unknown_goal_is_an_input_error() -> None:
    with pytest.raises(InputError, match="halve"):
        solve_goal("Conv2d", (4, 4), "treble")
