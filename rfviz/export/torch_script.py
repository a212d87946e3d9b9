"""What the page shows, as a script that needs torch and pillow: no rfviz, no NumPy.

What it reads is checked against the numbers of the page, so that another file of the same name, or
one that is read otherwise, ends in a sentence and never in other numbers.
"""

import zlib
from dataclasses import dataclass

import torch

from rfviz.conv.spec.padding_modes import torch_mode
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.export.kernel_code import MOST_WRITTEN, bank_code, written
from rfviz.io.kernels.bank import Across

# (top, left, height, width), and (filter, row, column).
Box = tuple[int, int, int, int]
Output = tuple[int, int, int]


@dataclass(frozen=True)
class PictureFile:
    """The file of a picture, (channels, height, width) whole, and what of it is worked on.

    `crc` is that of `pixels_crc`. A short file can be given as base64 `text`: then none is needed.
    """

    file: str
    n_channels: int
    crc: int
    transparent: bool = False
    text: str = ""
    box: Box | None = None
    grey: bool = False
    factor: int = 1
    repeated: int = 1
    divisor: int = 1


@dataclass(frozen=True)
class NamedBank:
    """A bank of a named kernel, as `filter_bank` makes it."""

    name: str
    across: Across
    seed: int


@dataclass(frozen=True)
class WeightsFile:
    """A file of torch that holds the weight, and the bias if it has a name, under these names."""

    file: str
    weight: str
    bias: str = ""
    # How a .safetensors file holds them; any other is read by torch itself.
    stored: torch.dtype | None = None


def pixels_crc(picture: torch.Tensor) -> int:
    """CRC-32 of a uint8 picture (C, H, W) as pixel after pixel, row by row.

    >>> pixels_crc(torch.zeros(1, 1, 1, dtype=torch.uint8)) == zlib.crc32(bytes(1))
    True
    """
    crc = 0
    for row in picture.unbind(1):
        crc = zlib.crc32(row.t().contiguous().numpy().tobytes(), crc)
    return crc


def weights_sum(weight: torch.Tensor) -> float:
    """A sum of the weights that tells them, and their order, from others.

    >>> weights_sum(torch.ones(2))
    3.0
    """
    flat = weight.detach().double().flatten()
    return float((flat * torch.arange(1, flat.numel() + 1)).sum())


def files_needed(
    picture: PictureFile, weight: torch.Tensor, weights: NamedBank | WeightsFile
) -> list[str]:
    """Return the names of the files that the script reads.

    >>> box = NamedBank("box", "mean", 0)
    >>> files_needed(PictureFile("photo.jpg", 3, 0), torch.ones(1, 3, 3, 3), box)
    ['photo.jpg']
    """
    needs = [] if picture.text else [picture.file]
    if isinstance(weights, WeightsFile) and weight.numel() > MOST_WRITTEN:
        needs.append(weights.file)
    return needs


def torch_script(
    *,
    picture: PictureFile,
    spec: Conv2dSpec,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    weights: NamedBank | WeightsFile,
    chosen: Output,
) -> str:
    """Return the script that prints the chosen receptive field, its sum, and what nn.Conv2d says.

    `weight` is (F, C / groups, kh, kw): written out where it is short, else made by its formula or
    read from its file.
    """
    imports = {"import torch", "import torch.nn.functional as F", "from torch import nn"}
    needs = files_needed(picture, weight, weights)
    lines = [*_picture(picture, weight.dtype, imports), ""]
    lines += _weights(weight, bias, weights, spec, imports)
    lines += ["", *_convolution(spec, weight, chosen)]
    files = " and ".join(map(repr, needs)) if needs else "no file"
    head = [f"# Needs torch and pillow, and in this folder: {files}.", "", *sorted(imports), ""]
    return "\n".join([*head, *lines]) + "\n"


def _picture(picture: PictureFile, dtype: torch.dtype, imports: set[str]) -> list[str]:
    imports |= {"import zlib", "from PIL import Image, ImageOps"}
    file = repr(picture.file)
    if picture.text:
        imports |= {"import base64", "import io"}
        file = f'io.BytesIO(base64.b64decode("{picture.text}"))'
    mode = "RGBA" if picture.transparent else "L" if picture.n_channels == 1 else "RGB"
    lines = [
        f"image = ImageOps.exif_transpose(Image.open({file})).convert({mode!r})",
        "data = bytearray(image.tobytes())",
        "pixels = torch.frombuffer(data, dtype=torch.uint8).view(image.height, image.width, -1)",
    ]
    if picture.transparent:
        lines += [
            "colour, alpha = pixels[..., :3].int(), pixels[..., 3:].int()",
            "pixels = (255 - ((255 - colour) * alpha + 127) // 255).to(torch.uint8)  # over white",
        ]
        lines += ["pixels = pixels[..., :1]"] if picture.n_channels == 1 else []
        lines += ["data = b''.join(bytes(row.flatten().tolist()) for row in pixels)"]
    lines += [
        f"if zlib.crc32(data) != {picture.crc}:",
        f"    raise SystemExit({_other(picture.file)!r})",
        "picture = pixels.permute(2, 0, 1)",
    ]
    return lines + _worked_on(picture, dtype)


def _other(file: str) -> str:
    return (
        f"{file} is read here as other pixels than on the page: save the picture there as a PNG, "
        f"beside this code, and open that file."
    )


def _worked_on(picture: PictureFile, dtype: torch.dtype) -> list[str]:
    """The region, grey, reduced and repeated, as numbers: `crop_picture`, `to_grey` and so on."""
    lines = []
    if picture.box is not None:
        top, left, height, width = picture.box
        lines.append(f"picture = picture[:, {top}:{top + height}, {left}:{left + width}]")
    if picture.grey and picture.n_channels == 3:
        lines += [
            "red, green, blue = picture.int()",
            "luma = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16  # ITU-R BT.601",
            "picture = luma[None]",
        ]
    if picture.factor > 1:
        lines += [
            f"side = min({picture.factor}, max(picture.shape[1:]))",
            "ones = torch.ones_like(picture[None], dtype=torch.float64)",
            "boxes = {'kernel_size': side, 'ceil_mode': True, 'divisor_override': 1}",
            "counts = F.avg_pool2d(ones, **boxes)[0].long()",
            "sums = F.avg_pool2d(ones * picture, **boxes)[0].long()",
            "picture = (2 * sums + counts) // (2 * counts)  # the mean of each box, rounded",
        ]
    if picture.repeated > 1:
        lines.append(f"picture = picture.expand({picture.repeated}, -1, -1)")
    scale = "" if picture.divisor == 1 else f" / {picture.divisor}"
    return [*lines, f"picture = picture.to({dtype}){scale}"]


def _weights(
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    weights: NamedBank | WeightsFile,
    spec: Conv2dSpec,
    imports: set[str],
) -> list[str]:
    if weight.numel() <= MOST_WRITTEN:
        return [*written("weight", weight), *_bias(bias)]
    if isinstance(weights, NamedBank):
        n_filters, n_channels, height, width = weight.shape
        shape = (n_filters, n_channels, height, width)
        more, lines = bank_code(weights.name, shape, spec.groups, weights.across, weights.seed)
        imports |= more
        return [*lines, f"weight = weight.to({weight.dtype})", *_bias(bias)]
    if weights.stored is not None:
        imports.add("import json")
    return _of_file(weight, bias, weights)


def _of_file(weight: torch.Tensor, bias: torch.Tensor | None, file: WeightsFile) -> list[str]:
    """Both by their names, wherever in the file, and told from others by their sums."""
    shape = tuple(weight.shape)
    lines = [
        "def tensors(part, path=''):  # every tensor of a checkpoint, under its path",
        "    if isinstance(part, torch.Tensor):",
        "        yield path, part",
        "    elif isinstance(part, dict):",
        "        for name, inner in part.items():",
        "            yield from tensors(inner, f'{path}.{name}')",
        "    elif isinstance(part, (list, tuple)):",
        "        for number, inner in enumerate(part):",
        "            yield from tensors(inner, f'{path}.{number}')",
        "",
        "",
        "def named(name, shape, dtype, total):",
        "    for path, tensor in tensors(checkpoint):",
        "        if path.endswith(f'.{name}') and tuple(tensor.shape) == shape:",
        "            found = tensor.detach().to(dtype)",
        "            flat = found.double().flatten()",
        "            told = (flat * torch.arange(1, flat.numel() + 1)).sum().item()",
        "            if abs(told - total) <= 1e-9 * max(1.0, abs(total)):",
        "                return found",
        f"    raise SystemExit(name + {f' of the page is not in {file.file}'!r})",
        "",
        "",
        *_opened(file),
        f"weight = named({file.weight!r}, {shape}, {weight.dtype}, {weights_sum(weight)!r})",
    ]
    if file.bias and bias is not None:
        total = weights_sum(bias)
        name = f"{file.bias!r}, {tuple(bias.shape)}, {bias.dtype}, {total!r}"
        return [*lines, f"bias = named({name})"]
    return [*lines, *_bias(bias)]


def _opened(file: WeightsFile) -> list[str]:
    if file.stored is None:
        return [f"checkpoint = torch.load({file.file!r}, map_location='cpu', weights_only=True)"]
    names = ", ".join(repr(name) for name in (file.weight, file.bias) if name)
    return [
        f"with open({file.file!r}, 'rb') as opened:",
        "    header = json.loads(opened.read(int.from_bytes(opened.read(8), 'little')))",
        "    data = opened.read()",
        "checkpoint = {}",
        f"for name in ({names},):",
        "    part = bytearray(data[slice(*header[name]['data_offsets'])])",
        f"    found = torch.frombuffer(part, dtype={file.stored})",
        "    checkpoint[name] = found.view(header[name]['shape'])",
    ]


def _bias(bias: torch.Tensor | None) -> list[str]:
    if bias is None:
        return ["bias = None"]
    value = bias[0].item()
    if len(bias) > 1 and bool((bias == value).all()):
        return [f"bias = torch.full(({len(bias)},), {value!r}, dtype={bias.dtype})"]
    return written("bias", bias)


def _convolution(spec: Conv2dSpec, weight: torch.Tensor, chosen: Output) -> list[str]:
    (top, bottom), (left, right) = spec.pads
    n_filters, n_channels = weight.shape[:2]
    filter_index, row, column = chosen
    first = filter_index // (n_filters // spec.groups) * n_channels
    rows, columns = (
        f"{start * stride}:{start * stride + span}:{step}"
        for start, stride, span, step in zip(
            (row, column), spec.stride, spec.effective_kernel_size, spec.dilation, strict=True
        )
    )
    pads = f"({left}, {right}, {top}, {bottom}), mode={torch_mode(spec.padding_mode)!r}"
    in_channels = n_channels * spec.groups
    return [
        f"padded = F.pad(picture[None], {pads})",
        "# One column of im2col: what the chosen output reads, channel by channel, row by row.",
        f"vector = padded[0, {first}:{first + n_channels}, {rows}, {columns}].flatten()",
        'print("receptive field:", vector.tolist())',
        f"products = weight[{filter_index}].flatten().double() * vector.double()",
        f"output = products.sum() + (0 if bias is None else bias[{filter_index}])",
        'print("output:", output.item())',
        "",
        "layer = nn.Conv2d(",
        f"    {in_channels}, {n_filters}, {spec.kernel_size}, stride={spec.stride}, padding=0,",
        f"    dilation={spec.dilation}, groups={spec.groups}, dtype=weight.dtype,",
        ")",
        "layer.weight = nn.Parameter(weight)",
        "layer.bias = None if bias is None else nn.Parameter(bias)",
        "with torch.no_grad():",
        f"    by_conv2d = layer(padded)[0, {filter_index}, {row}, {column}].double()",
        "# The sums run in another order, so they may differ by the rounding of each term.",
        "rounding = 2 * len(vector) * torch.finfo(weight.dtype).eps",
        "bound = rounding * (products.abs().sum() + output.abs())",
        "error = (by_conv2d - output).abs()",
        'print("as nn.Conv2d:", bool(error <= bound), error.item())',
    ]
