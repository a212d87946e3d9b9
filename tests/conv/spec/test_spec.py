"""What a person may write, the sentence when it cannot be, and remedies that truly mend it."""

import contextlib
import copy
import dataclasses
import math
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_sets import how_many
from random_specs import random_spec
from torch import nn

from rfviz.conv.errors import InputError, Remedy
from rfviz.conv.spec.spec import Conv2dSpec

NONSENSE = [
    True,
    2.5,
    math.nan,
    math.inf,
    "3",
    b"3",
    None,
    (1, 2, 3),
    (),
    {},
    {1, 2},
    2**31,
    object(),
]


@pytest.mark.parametrize("field", ["kernel_size", "stride", "padding", "dilation", "groups"])
@pytest.mark.parametrize("value", [*NONSENSE, -1, (1, -1), (1, "2"), torch.tensor(True)])
def test_nonsense_is_refused_with_its_value_and_a_remedy_that_builds(
    field: str, value: object
) -> None:
    with pytest.raises(InputError, match=field) as caught:
        Conv2dSpec(**{"kernel_size": 3, field: value})
    assert caught.value.remedies
    for remedy in caught.value.remedies:
        Conv2dSpec(**{"kernel_size": 3, **remedy.changes})


# torch warns of an empty kernel before it refuses it.
@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize("field", ["kernel_size", "stride", "dilation", "groups"])
def test_zero_is_refused_where_torch_refuses_it(field: str) -> None:
    parameters: dict[str, Any] = {"kernel_size": 3, field: 0}
    with pytest.raises(InputError, match="got 0"):
        Conv2dSpec(**parameters)
    with pytest.raises((RuntimeError, ValueError)):
        nn.Conv2d(1, 1, **parameters)(torch.zeros(1, 5, 5))


@pytest.mark.parametrize(
    "three", [3, (3, 3), [3, 3], np.int64(3), np.array([3, 3]), torch.Size([3, 3]), torch.tensor(3)]
)
def test_one_normal_form_whatever_the_type(three: object) -> None:
    assert Conv2dSpec(three) == Conv2dSpec(3)
    assert hash(Conv2dSpec(three)) == hash(Conv2dSpec(3))
    assert Conv2dSpec(3, padding=three).padding == ((3, 3), (3, 3))


def test_padding_in_every_form() -> None:
    assert Conv2dSpec(3, padding=(1, 2)).pads == ((1, 1), (2, 2))
    assert Conv2dSpec(3, padding=[[1, 2], [3, 4]]).pads == ((1, 2), (3, 4))
    assert Conv2dSpec(3, padding="valid").pads == ((0, 0), (0, 0))
    assert Conv2dSpec((4, 3), padding="same", dilation=(1, 2)).pads == ((1, 2), (2, 2))


def test_same_refuses_a_stride_as_torch_does() -> None:
    with pytest.raises(InputError, match="needs stride 1") as caught:
        Conv2dSpec(3, stride=(1, 2), padding="same")
    with pytest.raises(ValueError, match="strided"):
        nn.Conv2d(1, 1, 3, stride=(1, 2), padding="same")
    for remedy in caught.value.remedies:
        Conv2dSpec(**{"kernel_size": 3, "stride": (1, 2), "padding": "same", **remedy.changes})


ANYTHING = st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.booleans(), st.binary())
NESTED = st.recursive(ANYTHING, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
FIELDS = st.sets(st.sampled_from([field.name for field in dataclasses.fields(Conv2dSpec)]))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_anything_at_all_is_a_spec_or_an_input_error(data: st.DataObject) -> None:
    values = {name: data.draw(NESTED, name) for name in data.draw(FIELDS)}
    with contextlib.suppress(InputError):
        spec = Conv2dSpec(**{"kernel_size": 1, **values})
        assert spec == Conv2dSpec(**dataclasses.asdict(spec))


# torch says once that it pads a copy for an even kernel, which is what "same" is.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_output_size_and_refusals_equal_torch_on_random_specs() -> None:
    rng = random.Random(7)  # noqa: S311 - reproducible, no secret
    refused, n_specs = 0, how_many(600, 2500)
    for _ in range(n_specs):
        spec = random_spec(rng)
        size = (rng.randint(1, 14), rng.randint(1, 14))
        module = dataclasses.replace(spec, groups=1).to_module(1, 1)
        try:
            expected = tuple(module(torch.zeros(1, *size)).shape[1:])
        except RuntimeError:
            refused += 1
            with pytest.raises(InputError):
                spec.output_size(size)
        else:
            assert spec.output_size(size) == expected, (spec, size)
    assert n_specs / 12 < refused < n_specs * 4 / 5


def _smaller(field: str, change: Any, current: Conv2dSpec) -> list[Any]:
    """Changes one step smaller on one axis: nearer to what the spec had before the remedy."""
    smaller = []
    for axis in (0, 1):
        before = current.pads[axis] if field == "padding" else getattr(current, field)[axis]
        if change[axis] != before:
            nearer = _nearer(change[axis], before) if field == "padding" else change[axis] + 1
            smaller.append((nearer, change[1]) if axis == 0 else (change[0], nearer))
    return smaller


def _nearer(pad: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
    """One pixel nearer on the last side that changed, on both where both changed alike."""
    step = [(old > new) - (old < new) for new, old in zip(pad, before, strict=True)]
    if step[1] and pad[0] != pad[1]:
        return pad[0], pad[1] + step[1]
    return pad[0] + step[0], pad[1] + step[1]


def test_every_remedy_mends_and_a_smaller_change_does_not() -> None:
    rng = random.Random(11)  # noqa: S311 - reproducible, no secret
    checked, n_specs = 0, how_many(1000, 3000)
    for _ in range(n_specs):
        spec, size = random_spec(rng), (rng.randint(1, 8), rng.randint(1, 8))
        remedies = _remedies(spec, size)
        for changes in (remedy.changes for remedy in remedies or ()):
            dataclasses.replace(spec, **changes).output_size(size)
            if len(changes) > 1 or "padding_mode" in changes:
                continue
            ((field, change),) = changes.items()
            for smaller in _smaller(field, change, spec):
                with pytest.raises(InputError):
                    dataclasses.replace(spec, **{field: smaller}).output_size(size)
                checked += 1
    assert checked > n_specs / 10


def _remedies(spec: Conv2dSpec, size: tuple[int, int]) -> tuple[Remedy, ...] | None:
    """None where the spec fits; else the remedies, of which there must be one."""
    try:
        spec.output_size(size)
    except InputError as error:
        if not error.remedies:
            pytest.fail(f"no remedy for {spec} on {size}")
        return error.remedies
    return None


@pytest.mark.parametrize("size", [(0, 4), (4, 0), (-1, 4), "x", None, (3, 4, 5), (2.0, 3.0)])
def test_a_picture_without_pixels_is_a_sentence(size: object) -> None:
    with pytest.raises(InputError, match="height and a width"):
        Conv2dSpec(3).output_size(size)


def test_receptive_field_is_the_nonzero_gradient() -> None:
    spec = Conv2dSpec((2, 3), stride=(2, 1), padding=(1, 2), dilation=(2, 1))
    image = torch.zeros(1, 6, 7, dtype=torch.float64, requires_grad=True)
    module = spec.to_module(1, 1, dtype=torch.float64)
    nn.init.ones_(module.weight)
    rows, columns = spec.output_size((6, 7))
    out = module(image)
    for row in range(rows):
        for column in range(columns):
            (gradient,) = torch.autograd.grad(out[0, row, column], image, retain_graph=True)
            field = spec.receptive_field((row, column))
            expected = torch.zeros(6, 7, dtype=torch.float64)
            for y in field.rows:
                for x in field.columns:
                    if 0 <= y < 6 and 0 <= x < 7:
                        expected[y, x] = 1
            torch.testing.assert_close(gradient[0], expected)


def test_receptive_field_refuses_a_negative_position() -> None:
    with pytest.raises(InputError, match="output position"):
        Conv2dSpec(3).receptive_field((-1, 0))


def test_groups_that_do_not_divide_name_divisors_that_do() -> None:
    spec = Conv2dSpec(3, groups=4)
    with pytest.raises(InputError, match="6 in_channels") as caught:
        spec.check_channels(6, 12)
    for remedy in caught.value.remedies:
        dataclasses.replace(spec, **remedy.changes).check_channels(6, 12)
    spec.check_channels(8, 4)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("padding", [0, (1, 2), "same", "valid", ((0, 1), (2, 0))])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_module_round_trip(padding: object, mode: str) -> None:
    spec = Conv2dSpec(
        (3, 2), stride=1, padding=padding, dilation=(1, 2), groups=2, padding_mode=mode
    )
    module = spec.to_module(4, 6, bias=False, dtype=torch.float64)
    normal = dataclasses.replace(spec, padding=spec.pads) if padding == "valid" else spec
    assert Conv2dSpec.from_module(module) in {spec, normal}
    expected = spec.output_size((8, 9))
    torch.testing.assert_close(module(torch.ones(4, 8, 9).double()).shape[1:], torch.Size(expected))
    copied = _pickled(copy.deepcopy(module))
    assert Conv2dSpec.from_module(copied) == Conv2dSpec.from_module(module)


def test_symmetric_padding_gives_plain_conv2d() -> None:
    assert type(Conv2dSpec(3, padding=(1, 2)).to_module(1, 1)) is nn.Conv2d


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.ConvTranspose2d(1, 1, 3),
        lambda: nn.Conv1d(1, 1, 3),
        lambda: nn.Linear(3, 3),
        lambda: nn.LazyConv2d(3, 3),
        lambda: "conv",
    ],
)
def test_from_module_refuses_what_is_not_conv2d(build: Callable[[], nn.Module]) -> None:
    with pytest.raises(InputError, match=r"nn\.Conv2d"):
        Conv2dSpec.from_module(build())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool])
def test_to_module_refuses_weights_that_are_not_floating(dtype: torch.dtype) -> None:
    with pytest.raises(InputError, match="floating"):
        Conv2dSpec(3).to_module(1, 1, dtype=dtype)


def _pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes


def test_input_error_pickles_and_speaks() -> None:
    error = InputError(
        "Too small.", [Remedy("Set a to 1", {"stride": (1, 1)}), Remedy("Set b to 2")]
    )
    assert str(error) == "Too small. Set a to 1, or set b to 2."
    twin = _pickled(error)
    assert (twin.what, twin.remedies, str(twin)) == (error.what, error.remedies, str(error))
    assert str(InputError("Empty.", remedy="Choose another file.")) == "Empty. Choose another file."
    with pytest.raises(TypeError):
        error.remedies[0].changes["stride"] = 2  # type: ignore[index]


@pytest.mark.parametrize("more", [(16, 3), (2,), (1, 1, 0), (None,)])
def test_all_but_the_kernel_are_given_by_name(more: tuple[object, ...]) -> None:
    with pytest.raises(InputError, match="takes the kernel alone without a name, got \\(3, "):
        Conv2dSpec(3, *more)  # type: ignore[arg-type]
