"""The strongest receptive fields equal those that a search through all outputs finds."""

import math

import pytest
import torch
from random_specs import conv2d_by_torch, random_case

import rfviz
from rfviz.conv.feature_maps.strongest import Response, StrongestFields, strongest_fields
from rfviz.conv.matmul.strips import output_strips

SEEDS = range(120)


def by_search(
    maps: list[torch.Tensor], spec: rfviz.Conv2dSpec, number: int, k: int, sign: float
) -> list[Response]:
    """Every output in order of its answer, unless its box meets one that is taken."""
    outputs = [
        (-sign * value, image, row, column)
        for image, each in enumerate(maps)
        for row, line in enumerate(each[number].tolist())
        for column, value in enumerate(line)
        if not math.isnan(value)
    ]
    taken: list[Response] = []
    boxes: list[tuple[int, range, range]] = []
    for value, image, row, column in sorted(outputs):
        field = spec.receptive_field((row, column))
        box = (image, span(field.rows), span(field.columns))
        if len(taken) < k and not any(meet(box, other) for other in boxes):
            taken.append(Response(-sign * value, image, row, column))
            boxes.append(box)
    return taken


def span(taps: range) -> range:
    return range(taps[0], taps[-1] + 1)


def meet(one: tuple[int, range, range], other: tuple[int, range, range]) -> bool:
    def cross(a: range, b: range) -> bool:
        return a.start < b.stop and b.start < a.stop

    return one[0] == other[0] and cross(one[1], other[1]) and cross(one[2], other[2])


@pytest.mark.parametrize("largest", [True, False])
def test_they_are_those_of_a_search(largest: bool) -> None:
    found_several = 0
    for seed in SEEDS:
        case = random_case(seed)
        # Whole numbers from few, so that many answers are equal.
        bias = None if case.bias is None else case.bias.round()
        case = case._replace(weight=case.weight.round(), image=case.image.round(), bias=bias)
        images = list(case.image) if case.image.ndim == 4 else [case.image]
        maps = [conv2d_by_torch(case._replace(image=image)) for image in images]
        for k in (1, 4):
            found = strongest_fields(
                images, case.weight, case.bias, case.spec, k=k, largest=largest
            )
            for number, responses in enumerate(found):
                expected = by_search(maps, case.spec, number, k, 1.0 if largest else -1.0)
                assert responses == expected, (seed, number)
                found_several += len(responses) > 2
    assert found_several > 50


def test_strips_and_uneven_pictures_change_nothing() -> None:
    torch.manual_seed(0)
    images = [torch.randn(2, 37, 53), torch.randn(2, 11, 90)]
    weight, spec = torch.randn(3, 2, 3, 5), rfviz.Conv2dSpec((3, 5), stride=(1, 2), padding=(2, 1))
    collected = StrongestFields(3, spec, 5)
    for number, image in enumerate(images):
        size = spec.output_size((image.shape[1], image.shape[2]))
        whole = torch.cat([values for _, values in output_strips(image, weight, None, spec)], 1)
        for top in range(0, size[0], 2 * collected.tile[0]):
            rows = range(top, min(top + 2 * collected.tile[0], size[0]))
            collected.add(number, rows, whole[:, rows.start : rows.stop])
    assert collected.responses() == strongest_fields(images, weight, None, spec, k=5)


def test_what_is_no_number_never_answers() -> None:
    image = torch.tensor([[[1.0, math.nan, 3.0, 2.0]]])
    (found,) = strongest_fields([image], torch.ones(1, 1, 1, 1), k=9)
    assert [response.value for response in found] == [3.0, 2.0, 1.0]


def test_wrong_calls_are_sentences() -> None:
    spec = rfviz.Conv2dSpec(3)
    with pytest.raises(rfviz.InputError, match="number of receptive fields"):
        StrongestFields(1, spec, 0)
    with pytest.raises(rfviz.InputError, match="multiple of 3"):
        StrongestFields(1, spec, 1).add(0, range(1, 2), torch.zeros(1, 1, 4))
    with pytest.raises(rfviz.InputError):
        strongest_fields([torch.zeros(1, 2, 2)], torch.ones(1, 1, 3, 3), None, spec)
