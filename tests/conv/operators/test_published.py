"""Published layers, each restated with torch's own functions, on random convolutions."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from random_specs import Case, conv2d_by_torch, pad_by_torch, random_case

from rfviz.conv.errors import InputError
from rfviz.conv.operators.apply import apply_operator, operator_strips
from rfviz.conv.operators.catalogue import OPERATORS, operator_named
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.operators.own import gradcheck_operator, operator
from rfviz.conv.operators.reads import Learned, OutputMap, Reads
from rfviz.conv.spec.spec import Conv2dSpec

N_SPECS = 200
Tensors = dict[str, torch.Tensor]
# Of a case of one group and the operator's own tensors: (F, H_out, W_out) without bias.
Judge = Callable[[Case, Tensors], torch.Tensor]


def size_of(case: Case) -> tuple[int, int]:
    return case.spec.output_size((case.image.shape[1], case.image.shape[2]))


def fields(image: torch.Tensor, spec: Conv2dSpec) -> torch.Tensor:
    """(L, C, T) by nn.Unfold."""
    columns = F.unfold(
        pad_by_torch(image, spec)[None], spec.kernel_size, spec.dilation, 0, spec.stride
    )[0]
    return columns.view(len(image), spec.n_taps, -1).permute(2, 0, 1)


def middles(case: Case) -> torch.Tensor:
    """(L, C): the pixel under the middle tap, of a kernel of one pixel moved there."""
    spec, padded = case.spec, pad_by_torch(case.image, case.spec)
    top, left = (n // 2 * d for n, d in zip(spec.kernel_size, spec.dilation, strict=True))
    (rows, columns), (down, across) = size_of(case), spec.stride
    found = padded[:, top::down, left::across][:, :rows, :columns]
    return found.flatten(1).T


def as_map(values: torch.Tensor, case: Case) -> torch.Tensor:
    return values.T.reshape(-1, *size_of(case))


def by_grid_sample(case: Case, offsets: torch.Tensor) -> torch.Tensor:
    """(L, C, T): each tap at its place plus its offset, by torch's own bilinear sampling."""
    spec, padded = case.spec, pad_by_torch(case.image, case.spec)
    (rows, columns), (height, width) = size_of(case), spec.kernel_size
    by_tap = offsets.view(spec.n_taps, 2, rows, columns)
    found = []
    for tap in range(spec.n_taps):
        y = torch.arange(rows)[:, None] * spec.stride[0] + tap // width * spec.dilation[0]
        x = torch.arange(columns) * spec.stride[1] + tap % width * spec.dilation[1]
        at_y, at_x = y + by_tap[tap, 0], x + by_tap[tap, 1]
        grid = torch.stack(
            [(2 * at_x + 1) / padded.shape[2] - 1, (2 * at_y + 1) / padded.shape[1] - 1], dim=-1
        )
        found.append(F.grid_sample(padded[None], grid[None], align_corners=False)[0].flatten(1))
    assert height * width == len(found)
    return torch.stack(found, dim=2).permute(1, 0, 2)


def attention(case: Case, taps: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Scaled dot product attention over the taps (L, C, T), values weighted tap by tap."""
    keys = taps.transpose(1, 2)
    values = torch.einsum("lct,fct->ltf", taps, case.weight.flatten(2))
    query = middles(case)[:, None]
    return as_map(F.scaled_dot_product_attention(query, keys, values, bias[:, None])[:, 0], case)


def inside_windows(case: Case) -> torch.Tensor:
    """(L, C, T): neighbourhoods as natten starts them, index by index, in the picture itself."""
    spec, (height, width) = case.spec, case.image.shape[1:]

    def starts(axis: int, n: int, n_outputs: int) -> list[int]:
        k, d = spec.kernel_size[axis], spec.dilation[axis]
        found = []
        for output in range(n_outputs):
            first = output * spec.stride[axis] - spec.pads[axis][0]
            residue = [at for at in range(n - d * (k - 1)) if (at - first) % d == 0]
            found.append(min(residue, key=lambda at: abs(at - first)))
        return found

    rows, columns = size_of(case)
    windows = []
    for top in starts(0, height, rows):
        for left in starts(1, width, columns):
            (down, across), (k_y, k_x) = spec.dilation, spec.kernel_size
            part = case.image[:, top : top + down * (k_y - 1) + 1 : down]
            part = part[:, :, left : left + across * (k_x - 1) + 1 : across]
            windows.append(part.flatten(1))
    return torch.stack(windows)


def without_bias(case: Case, weight: torch.Tensor) -> torch.Tensor:
    return conv2d_by_torch(case._replace(weight=weight, bias=None))


def locally(case: Case, own: Tensors) -> torch.Tensor:
    weight = own["weight"].flatten(4).flatten(2, 3)
    return torch.einsum("lct,fctl->fl", fields(case.image, case.spec), weight).view(
        -1, *size_of(case)
    )


def pixel_kernels(case: Case, own: Tensors) -> torch.Tensor:
    kernels = own["kernels"].view(len(case.weight), case.weight[0].numel(), -1)
    columns = fields(case.image, case.spec).flatten(1)
    added = torch.stack([(k.T * columns).sum(1) for k in kernels], dim=1)
    return without_bias(case, case.weight) + as_map(added, case)


def involved(case: Case, own: Tensors) -> torch.Tensor:
    """As the authors write it: a 1 × 1 convolution makes the kernels, unfold, multiply, sum."""
    n, spec = len(case.image), case.spec
    weight = case.weight.flatten(2).transpose(1, 2).reshape(-1, n, 1, 1)
    query = middles(case).T.reshape(1, n, *size_of(case))
    kernels = F.conv2d(query, weight)[0].view(len(case.weight), spec.n_taps, -1)
    unfolded = fields(case.image, spec).permute(1, 2, 0)
    channels = [f % n for f in range(len(case.weight))]
    return (kernels * unfolded[channels]).sum(1).view(-1, *size_of(case))


def sampled(case: Case, own: Tensors) -> torch.Tensor:
    taps = by_grid_sample(case, own["offsets"])
    if "modulation" in own:
        taps = taps * own["modulation"].flatten(1).T[:, None]
    return as_map(taps.flatten(1) @ case.weight.flatten(1).T, case)


def masked_attention(case: Case, own: Tensors) -> torch.Tensor:
    known = own["mask"] if "mask" in own else torch.ones_like(case.image)
    allowed = (fields(known, case.spec) != 0).any(1)
    bias = own["position_bias"].expand(allowed.shape).masked_fill(~allowed, -torch.inf)
    out = attention(case, fields(case.image, case.spec), bias)
    return out.masked_fill(~allowed.any(1).view(size_of(case)), 0)


def gate(case: Case, own: Tensors) -> torch.Tensor:
    both = torch.cat([case.weight, own["gate"].view_as(case.weight)])
    bias = torch.cat([torch.zeros_like(own["gate_bias"]), own["gate_bias"]])
    return F.glu(conv2d_by_torch(case._replace(weight=both, bias=bias)), dim=0)


def adaptive(case: Case, own: Tensors) -> torch.Tensor:
    guide = fields(own.get("guide", case.image), case.spec)
    height, width = case.spec.kernel_size
    middle = guide[..., height // 2 * width + width // 2, None]
    near = torch.exp(-0.5 * (guide - middle).pow(2).sum(1, keepdim=True))
    taps = fields(case.image, case.spec) * near
    return as_map(taps.flatten(1) @ case.weight.flatten(1).T, case)


def before(case: Case, own: Tensors) -> torch.Tensor:
    height, width = case.spec.kernel_size
    mask = torch.ones_like(case.weight)
    mask[:, :, height // 2, width // 2 :] = 0
    mask[:, :, height // 2 + 1 :] = 0
    return without_bias(case, case.weight * mask)


def with_position(case: Case, own: Tensors) -> torch.Tensor:
    rows, columns = size_of(case)
    row = torch.arange(rows, dtype=torch.float64)[:, None].expand(rows, columns)
    column = torch.arange(columns, dtype=torch.float64).expand(rows, columns)
    plane = torch.einsum("fp,pyx->fyx", own["slope"], torch.stack([row, column]))
    return without_bias(case, case.weight) + plane


JUDGES: dict[str, Judge] = {
    "locally_connected": locally,
    "per_pixel_kernels": pixel_kernels,
    "involution": involved,
    "deformable": sampled,
    "modulated_deformable": sampled,
    "neighbourhood_attention": lambda case, own: attention(
        case, inside_windows(case), own["position_bias"][None]
    ),
    "masked_neighbourhood_attention": masked_attention,
    "gated": gate,
    "pixel_adaptive": adaptive,
    "causal": before,
    "positional": with_position,
}


def published_case(name: str, seed: int) -> Case:
    """One picture, one group, of a spec that the operator can have."""
    while True:
        case = random_case(seed)
        image = case.image if case.image.ndim == 3 else case.image[0]
        case = case._replace(image=image)
        room = [k * d for k, d in zip(case.spec.kernel_size, case.spec.dilation, strict=True)]
        fits = room[0] <= image.shape[1] and room[1] <= image.shape[2]
        if case.spec.groups == 1 and (fits or name != "neighbourhood_attention"):
            return case
        seed += 10_007


def own_tensors(name: str, case: Case, seed: int) -> Tensors:
    """Random tensors for all that the operator reads."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    sizes = {"F": len(case.weight), "C": case.weight.shape[1], "T": case.spec.n_taps}
    sizes["K"] = sizes["C"] * sizes["T"]
    reads, found = operator_named(name).reads, {}
    own: tuple[Learned | OutputMap, ...] = (*reads.learned, *reads.maps)
    for each in own:
        shape = [sizes[s] if isinstance(s, str) else s for s in each.shape]
        is_map = isinstance(each, OutputMap)
        n_channels = torch.Size(shape).numel()
        found[each.name] = drawn(n_channels, *size_of(case)) if is_map else drawn(*shape)
    if reads.guide and seed % 2:
        found["guide"] = drawn(2, *case.image.shape[1:])
    return found


@pytest.mark.parametrize("name", JUDGES)
def test_equals_its_restatement(name: str) -> None:
    for seed in range(N_SPECS):
        case = published_case(name, seed)
        own, weight, mask = own_tensors(name, case, seed), case.weight, None
        judged = dict(own)
        if operator_named(name).reads.weight_per_column:
            weight = torch.randn(*case.weight.shape, *size_of(case), dtype=torch.float64)
            judged["weight"] = weight
        if operator_named(name).reads_mask and seed % 2:
            mask = (torch.rand(case.image.shape[1:]) < 0.6).double()
            judged["mask"] = mask.expand(case.image.shape)
        out = apply_operator(case.image, weight, name, case.spec, case.bias, mask=mask, tensors=own)
        expected = JUDGES[name](case, judged)
        if case.bias is not None:
            expected = expected + case.bias[:, None, None]
        torch.testing.assert_close(out, expected, rtol=1e-9, atol=1e-9)


def test_every_published_operator_is_judged() -> None:
    published = {entry.name for entry in OPERATORS if not entry.reads.is_plain}
    assert published == set(JUDGES)


# In these the weight plays no part: only the picture has a gradient.
WEIGHTLESS = ("max_pooling", "mean_pooling", "median_pooling", "local_variance")


@pytest.mark.parametrize("name", [entry.name for entry in OPERATORS])
def test_its_gradients_agree_with_differences(name: str) -> None:
    verdict = gradcheck_operator(name)
    assert verdict.trainable == (name not in WEIGHTLESS), verdict.sentence


@pytest.mark.parametrize("name", WEIGHTLESS)
def test_the_picture_alone_has_gradients_where_no_weight_counts(name: str) -> None:
    picture = torch.rand(2, 6, 5, dtype=torch.float64, requires_grad=True)
    weight, spec = torch.ones(2, 2, 3, 3, dtype=torch.float64), Conv2dSpec(3, padding=1, stride=2)
    assert torch.autograd.gradcheck(lambda x: apply_operator(x, weight, name, spec), picture)


def by_torchvisions_formula(case: Case, offsets: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What torchvision.ops.deform_conv2d computes, restated from its loops, without its groups.

    Source: bilinear_interpolate and deformable_im2col_kernel, torchvision/csrc/ops/cpu/
    deform_conv2d_kernel.cpp: a sample at or beyond one pixel outside the picture is 0, and of its
    four neighbours those outside count nothing.
    """
    spec, (height, width) = case.spec, case.image.shape[1:]
    (top, _), (left, _) = spec.pads
    rows, columns = size_of(case)
    by_tap = offsets.view(spec.n_taps, 2, rows, columns)
    y0 = torch.arange(rows)[:, None] * spec.stride[0] - top
    x0 = torch.arange(columns)[None] * spec.stride[1] - left
    out = torch.zeros(len(case.weight), rows, columns, dtype=torch.float64)
    for i in range(spec.kernel_size[0]):
        for j in range(spec.kernel_size[1]):
            tap = i * spec.kernel_size[1] + j
            y = y0 + i * spec.dilation[0] + by_tap[tap, 0]
            x = x0 + j * spec.dilation[1] + by_tap[tap, 1]
            low_y, low_x = y.floor().long(), x.floor().long()
            part_y, part_x = y - low_y, x - low_x
            inside = (y > -1) & (y < height) & (x > -1) & (x < width)
            value = torch.zeros(len(case.image), rows, columns, dtype=torch.float64)
            for at_y, of_y in ((low_y, 1 - part_y), (low_y + 1, part_y)):
                for at_x, of_x in ((low_x, 1 - part_x), (low_x + 1, part_x)):
                    there = inside & (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
                    pixel = case.image[:, at_y.clamp(0, height - 1), at_x.clamp(0, width - 1)]
                    value += pixel * (of_y * of_x * there)
            out += torch.einsum("fc,cyx->fyx", case.weight[:, :, i, j], value * mask[tap])
    return out


@pytest.mark.parametrize("name", ["deformable", "modulated_deformable"])
def test_deformable_is_what_torchvision_computes(name: str) -> None:
    compared = 0
    for seed in range(8 * N_SPECS):
        case = published_case(name, seed)
        if case.spec.padding_mode != "zeros":
            continue
        own = own_tensors(name, case, seed)
        own["offsets"] *= 1 + seed % 3
        taps = (case.spec.n_taps, *size_of(case))
        mask = own.get("modulation", torch.ones(taps, dtype=torch.float64)).view(taps)
        expected = by_torchvisions_formula(case, own["offsets"], mask)
        out = apply_operator(case.image, case.weight, name, case.spec, tensors=own)
        torch.testing.assert_close(out, expected, rtol=1e-9, atol=1e-9)
        compared += 1
        if compared == N_SPECS:
            break
    assert compared == N_SPECS


AS_CONVOLUTION = (
    "deformable",
    "modulated_deformable",
    "locally_connected",
    "per_pixel_kernels",
    "positional",
)


@pytest.mark.parametrize("name", AS_CONVOLUTION)
def test_what_it_begins_as_is_the_convolution(name: str) -> None:
    for seed in range(N_SPECS):
        case = random_case(seed)
        image = case.image if case.image.ndim == 3 else case.image[0]
        expected = conv2d_by_torch(case._replace(image=image))
        out = apply_operator(image, case.weight, name, case.spec, case.bias)
        torch.testing.assert_close(out, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("groups", [1, 2])
def test_a_layer_of_it_trains_in_blocks_as_it_does_whole(
    name: str, groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of one row, against one product of everything that autograd follows itself."""
    torch.manual_seed(0)
    spec = Conv2dSpec(3, padding=1, stride=2, groups=groups)
    layer = OperatorConv2d(name, spec, 4, 4, input_size=(8, 7), dtype=torch.float64)
    with torch.no_grad():
        for tensor in layer.parameters():
            tensor.add_(torch.rand_like(tensor) / 5)
    image = torch.rand(3, 4, 8, 7, dtype=torch.float64, requires_grad=True)
    found = []
    for whole in (False, True):
        if whole:
            monkeypatch.setattr("rfviz.conv.operators.module.is_plain_call", lambda *tensors: False)
        else:
            monkeypatch.setattr("rfviz.conv.operators.batch_blocks.BLOCK_BYTES", 1)
        out = layer(image)
        given = [image, *layer.parameters()]
        slopes = torch.autograd.grad(out.square().sum(), given, allow_unused=True)
        with torch.no_grad():
            torch.testing.assert_close(layer(image), out)
        found.append([out, *slopes])
    torch.testing.assert_close(*found)
    assert all(slope is not None for slope in found[0])


def test_partial_convolution_passes_its_mask_on() -> None:
    """As the authors' layer updates it: a convolution of ones over the mask, clamped to 0 and 1."""
    spec = Conv2dSpec(3, padding=1, stride=2)
    first = OperatorConv2d("partial_convolution", spec, 2, 4)
    second = OperatorConv2d("partial_convolution", spec, 4, 3)
    image, mask = torch.rand(2, 2, 16, 12), (torch.rand(2, 1, 16, 12) < 0.1).float()
    out, known = first(image, mask, return_mask=True)
    ones = torch.ones(1, 1, 3, 3)
    expected = F.conv2d(mask, ones, stride=2, padding=1).clamp(0, 1)
    torch.testing.assert_close(known, expected.expand(-1, 4, -1, -1))
    out, known = second(out, known, return_mask=True)
    expected = F.conv2d(expected, ones, stride=2, padding=1).clamp(0, 1)
    torch.testing.assert_close(known, expected.expand(-1, 3, -1, -1))
    assert out.isfinite().all()


def test_own_operator_may_ask_for_anything(tmp_path: Any) -> None:
    """Position, query, a tensor of its own and a map, in one function."""

    @operator(
        reads=Reads(
            position=True,
            query=True,
            learned=(Learned("scale", ("F",), 2.0),),
            maps=(OutputMap("lift", ("F",), 1.0),),
        )
    )
    def everything(patches, weight, *, position, query, scale, lift):  # type: ignore[no-untyped-def]
        return (weight @ patches) * scale[:, None] + lift + position.sum(0) + query.sum(0)

    image, weight = torch.rand(2, 6, 5), torch.rand(4, 1, 3, 3)
    spec = Conv2dSpec(3, padding=1, groups=2)
    plain = F.conv2d(image[None], weight, padding=1, groups=2)[0]
    row, column = torch.meshgrid(torch.arange(6), torch.arange(5), indexing="ij")
    expected = plain * 2 + 1 + row + column + image.repeat_interleave(2, dim=0)
    torch.testing.assert_close(apply_operator(image, weight, everything, spec), expected)
    strips = operator_strips(image, weight, everything, spec, rows_per_strip=2)
    torch.testing.assert_close(torch.cat([s.values for s in strips], dim=1), expected)
    layer = OperatorConv2d(everything, spec, 2, 4)
    assert {name for name, _ in layer.named_parameters()} == {
        "weight", "bias", "learned.scale", "predicts.lift.weight", "predicts.lift.bias",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x, w: apply_operator(x, w, "adder", tensors={"offsets": x}), "reads no offsets"),
        (
            lambda x, w: apply_operator(x, w, "deformable", tensors={"offsets": x}),
            r"'offsets' must be \(1, 18, 4, 4\), got \(1, 1, 6, 6\)",
        ),
        (
            lambda x, w: OperatorConv2d("locally_connected", Conv2dSpec(3), 1, 1),
            "needs to know how many there are",
        ),
        (
            lambda x, w: OperatorConv2d(
                "locally_connected", Conv2dSpec(3), 1, 1, input_size=(9, 9)
            )(x),
            "for 7 × 7 outputs, but the picture of 6 × 6 pixels gives 4 × 4",
        ),
        (
            lambda x, w: apply_operator(
                x, w, "neighbourhood_attention", Conv2dSpec(3, dilation=3, padding=3)
            ),
            "A window of 3 × 3 taps with dilation 3 × 3 cannot be moved into a picture of 6 × 6",
        ),
        (lambda x, w: OperatorConv2d("adder", Conv2dSpec(3), 1, 1)(x, x), "reads no mask"),
        (
            lambda x, w: OperatorConv2d(
                "masked_neighbourhood_attention", Conv2dSpec(3), 1, 1
            )(x, return_mask=True),
            "passes no mask on",
        ),
        (
            lambda x, w: apply_operator(x, w, "pixel_adaptive", tensors={"guide": x[:, 1:]}),
            r"must be a picture of 6 × 6 pixels too, got \(1, 5, 6\)",
        ),
        (lambda x, w: Reads(sampled=True), "reads a map of offsets"),
        (lambda x, w: Learned("a", ("L",)), "is a tuple of C, F, K, T"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_sentence(call: Callable[..., Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call(torch.rand(1, 6, 6), torch.rand(1, 1, 3, 3))
