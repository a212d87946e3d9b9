"""Messages of pooling, unpooling, resizing and padding."""

import re

from rfviz.conv.errors import Remedy
from rfviz.conv.torch_messages.convolutions import ZEROS
from rfviz.conv.torch_messages.explanations import (
    LIST,
    N,
    Rule,
    Told,
    axes_of,
    extent,
    integers,
    number,
    said,
    shape,
    sizes,
    told,
    word,
)


def pool_size(match: re.Match[str]) -> Told:
    """Explain a pooling kernel that does not fit a map of one to three axes."""
    before, after = integers(match.group(1)), integers(match.group(2))
    named = axes_of(len(after) - 1)
    small = {axis: n for axis, n in zip(named, after[1:], strict=False) if n < 1}
    return told(
        f"The kernel does not fit: a map of {extent(before)} (channels, "
        f"{', '.join(named)}) would give {extent(after)}.",
        {f"output {axis}": n for axis, n in zip(named, after[1:], strict=False)},
        f"Use a smaller kernel, or a larger map, on the {' and '.join(small) or 'smaller axis'}",
        "Leave out a pooling layer or a stride before this one",
    )


def image_smaller_than_kernel(match: re.Match[str]) -> Told:
    """Explain a kernel of a pooling layer that is larger than its map."""
    size, kernel = ([int(n) for n in re.findall(r": (\d{1,9})", part)] for part in match.groups())
    return told(
        f"The map of {extent(size)} is smaller than the pooling kernel of {extent(kernel)}.",
        {f"{axis} short": k - n
         for axis, n, k in zip(axes_of(len(size)), size, kernel, strict=False) if k > n},
        f"Use a kernel of at most {extent([min(p) for p in zip(size, kernel, strict=False)])}",
        "Leave out a pooling layer or a stride before this one",
    )  # fmt: skip


def half_padding(match: re.Match[str]) -> Told:
    """Explain pooling padding above half of the kernel."""
    pad, kernel = int(match.group(1)), int(match.group(2))
    return told(
        f"A pooling layer may pad by at most half of its kernel: {kernel // 2} for a kernel of "
        f"{kernel}, got {pad}.",
        {"padding": pad, "kernel": kernel, "largest padding": kernel // 2},
        Remedy(f"Set padding to {kernel // 2}", {"padding": kernel // 2}),
        f"Use a kernel of at least {2 * pad}",
    )


def half_padding_each(match: re.Match[str]) -> Told:
    """Explain pooling padding above half of the kernel, axis by axis."""
    pad_width, pad_height, kernel_width, kernel_height = map(int, match.groups())
    fits = (min(pad_height, kernel_height // 2), min(pad_width, kernel_width // 2))
    return told(
        f"A pooling layer may pad by at most half of its kernel: kernel {kernel_height} × "
        f"{kernel_width}, padding {pad_height} × {pad_width}.",
        {"padding rows": pad_height, "padding columns": pad_width},
        Remedy(f"Set padding to {fits}", {"padding": fits}),
    )


def fractional(match: re.Match[str]) -> Told:
    """Explain a fractional pooling whose outputs do not leave room for its kernel."""
    axis, kernel, size = match.group(1), int(match.group(2)), int(match.group(3))
    most = max(size - kernel + 1, 0)
    return told(
        f"Fractional pooling needs an input of at least output + kernel - 1 on each axis: with a "
        f"kernel {axis} of {kernel} and an input of {size}, the output is at most {most}.",
        {"kernel": kernel, "input": size, "largest output": most},
        f"Ask for an output of at most {most}",
        f"Use a smaller kernel {axis}",
    )


def reflect(match: re.Match[str]) -> Told:
    """Explain more reflection than the picture has pixels to give."""
    pads, dimension, given = match.groups()
    lengths, most = integers(given), 0
    if 0 <= int(dimension) < len(lengths):
        most = lengths[int(dimension)] - 1
    return told(
        f"Reflection can give at most {most} pixels on a side of dimension {dimension} of an input "
        f"of shape {shape(lengths)}, got padding {shape(pads)}.",
        {"largest padding": most},
        f"Pad by at most {most} pixels",
        ZEROS,
    )


def shrunk(match: re.Match[str]) -> Told:
    """Explain a padding below zero that takes all of the map."""
    before, after = ([int(n) for n in re.findall(r"(-?\d{1,9})", part)] for part in match.groups())
    return told(
        f"A map of {extent(before)} would become {extent(after)}: the padding below zero takes "
        "all of it.",
        {"output rows": after[0]} if after else {},
        "Take off less than the size of the map",
    )


def padded_dimensions(match: re.Match[str]) -> Told:
    """Explain padding other than zeros, which fits only some numbers of dimensions."""
    count, given = int(match.group(1)), int(match.group(2))
    least = count // 2 + 1
    remedies = [f"Give {2 * (given - 2)} numbers, two for each axis"] if given > 2 else []
    return told(
        f"{count} paddings, two for each axis, need an input of {least} or {least + 1} "
        f"dimensions, got {given}.",
        {"paddings": count, "dimensions": given},
        *remedies,
        "Add the missing dimension with unsqueeze(0)" if given < least else "Pad with zeros",
    )


POOL_RULES: tuple[Rule, ...] = (
    Rule("pooled output too small",
         rf"[Gg]iven input size: {LIST}\. Calculated output size: {LIST}\. Output size is too "
         rf"small",
         pool_size),
    Rule("image smaller than kernel",
         r"input image \(([^()]{1,60})\) smaller than (?:kernel|\(?output padded)[^()]{0,30}\("
         r"([^()]{1,60})\)", image_smaller_than_kernel),
    Rule("pooled output too small on one axis",
         rf"max_pool1d\(\) Invalid computed output size: {number('output')}",
         said("The pooling kernel does not fit: the output would have {output} positions.",
              "Use a smaller kernel, or a longer input",
              "Leave out a pooling layer or a stride before this one")),
    Rule("pooling padding",
         r"pad should be at most half of (?:effective )?kernel size, but got pad="
         rf"{N}, kernel_size={N}", half_padding),
    Rule("pooling padding of each axis",
         rf"half of kernel size, but got padW = {N}, padH = {N}, kW = {N}, kH = {N}",
         half_padding_each),
    Rule("pooling padding above half of the kernel",
         r"pad should be (?:smaller than|at most) half of (?:effective )?kernel size",
         said("A pooling layer may pad by at most half of its kernel.",
              Remedy("Set padding to 0", {"padding": 0}), "Use a larger kernel")),
    Rule("empty or wrong input", r"non-empty (?P<fewer>\d)D or (?P<more>\d)D \(batch mode\) tensor",
         said("This layer takes {fewer} dimensions, or {more} with the batch; none of them empty.",
              "Add the missing dimension with unsqueeze(0), or flatten the extra one")),
    Rule("empty dimension",
         rf"to have non-zero size for non-batch dimensions, but input has sizes {sizes('input')} "
         rf"with dimension {number('dimension')} being empty",
         said("Dimension {dimension} of the input of shape {input} is empty: a layer before took "
              "all of it.", "Use a larger picture, or leave out a pooling layer or a stride")),
    Rule("adaptive output size", r"adaptive_\w{1,20}: output_size must be (?P<axes>\d)",
         said("An adaptive pooling takes its output size as one number or as {axes}, one for each "
              "axis.", "Give {axes} numbers, or one")),
    Rule("negative output size",
         rf"elements of output_size must be greater than or equal to 0 but received "
         rf"{sizes('size')}",
         said("An adaptive pooling cannot give {size}: no output size may be below zero.",
              "Give an output size of at least 1")),
    Rule("fractional pooling",
         rf"pool (height|width|time) {N} too large relative to input \w{{1,8}} {N}", fractional),
    Rule("fractional ratio", r"output_ratio must be between 0 and 1 \(got (?P<ratio>[^)]{1,30})\)",
         said("Fractional pooling keeps a part of each axis, between 0 and 1, got {ratio}.",
              "Give an output_ratio below 1, such as 0.5")),
    Rule("fractional output", r"FractionalMaxPool\dd requires specifying either an output size",
         said("Fractional pooling needs to know how much it keeps.",
              "Give output_size, or output_ratio such as 0.5")),
    Rule("unpooling indices",
         rf"shape of indices to be same as that of the input tensor \({sizes('input')}\) but got "
         rf"indices tensor with shape: {sizes('indices')}",
         said("Unpooling needs one index for each value: the input has the shape {input}, the "
              "indices {indices}.",
              "Give the indices of the pooling whose output this map continues")),
    Rule("unpooling index",
         rf"Found an invalid max index: {number('index')} \(output volumes are of size "
         r"(?P<size>[\dx]{1,40})\)",
         said("Index {index} lies outside of an output of {size}.",
              "Give output_size as the size of the map before pooling")),
    Rule("unpooling type", rf"elements in indices should be type int64 but got: {word('kind')}",
         said("Unpooling takes its indices as whole numbers of 64 bits, got {kind}.",
              "Pool with return_indices=True and give these indices")),
    Rule("unpooling size",
         rf'invalid output_size "{sizes("wanted")}" \(dim {number("axis")} must be between '
         rf"{number('least')} and {number('most')}\)",
         said("Unpooling cannot give {wanted}: axis {axis} must be between {least} and {most}.",
              "Give output_size as the size of the map before pooling")),
    Rule("divisor", r"divisor must be not zero",
         said("A mean cannot be divided by 0.", "Leave out divisor_override")),
    Rule("reflection padding",
         r"less than the corresponding input dimension, but got: padding "
         rf"{LIST} at dimension {N} of input {LIST}", reflect),
    Rule("circular padding", r"Padding value causes wrapping around more than once",
         said("Circular padding takes its pixels from the picture once around, so it can be no "
              "larger than the picture.", "Pad by at most the picture's size", ZEROS)),
    Rule("padding takes all",
         r"input \(([^()]{1,60})\) is too small\. +Calculated output ([\w:\- ]{1,80})", shrunk),
    Rule("padding of dimensions",
         rf"Padding size {N} is not supported for {N}D input tensor", padded_dimensions),
    Rule("padding of dimensions, older",
         r"Only 3D, 4D, 5D padding with non-constant padding are supported for now",
         said("Padding other than zeros needs two numbers for each of the last one to three axes, "
              "and an input with batch and channels.",
              "Give (left, right, top, bottom) for an input of four dimensions")),
    Rule("number of paddings", r"Padding length must be divisible by 2",
         said("Padding takes two numbers for each axis, from the last axis on.",
              "Give (left, right, top, bottom)")),
    Rule("too many paddings",
         rf"two times the input dimension but got padding length {number('paddings')} and input of "
         rf"dimension {number('dimensions')}",
         said("An input of {dimensions} dimensions takes at most two paddings each, got "
              "{paddings}.", "Give (left, right, top, bottom)")),
    Rule("padding mode of pad", r"Unrecognised padding mode (?P<name>\w{1,40})",
         said("'{name}' is no padding mode; torch knows constant, reflect, replicate and circular.",
              "Use one of the four")),
    Rule("padding value", r'Padding mode "?(?P<name>\w{1,20})"? doesn\'t take in value argument',
         said("Padding by {name} takes its values from the picture, and no value of its own.",
              "Leave out value")),
    Rule("resize axes",
         rf"same number of spatial dimensions, but got input with spatial dimensions of "
         rf"{sizes('input')} and (?P<what>output size|scale_factor) of (?:shape "
         rf")?{sizes('wanted')}",
         said("The input has the axes {input} after batch and channels, the {what} {wanted} "
              "other ones.",
              "Give the {what} as one number, or one for each axis after batch and channels",
              "Add a missing batch dimension with x.unsqueeze(0)")),
    Rule("resize mode",
         r"Got (?P<given>\d)D input, but (?P<mode>[\w-]{1,20}) mode needs (?P<needed>\d)D input",
         said("The mode {mode} resizes inputs of {needed} dimensions with batch and channels, got "
              "{given}.", "Use bilinear for pictures, linear for signals, trilinear for volumes")),
    Rule("name of the resize mode",
         r"Input Error: Only 3D, 4D and 5D input Tensors supported \(got (?P<given>\d)D\).{1,160}"
         r"\(got (?P<mode>[\w-]{1,30})\)",
         said("Resizing takes 3 to 5 dimensions with a mode that fits; got {given} dimensions and "
              "the mode {mode}.",
              "Use mode='bilinear' or 'nearest' on (batch, channels, height, width)")),
    Rule("resize to nothing",
         r"Input and output sizes should be greater than 0, but got input "
         r"\((?P<input>[^()]{1,60})"
         r"\) output \((?P<output>[^()]{1,60})\)",
         said("Resizing from {input} to {output}: no side may be empty.",
              "Use a larger size or scale_factor", "Use a larger picture")),
    Rule("resize size or factor",
         r"(?:only one of|either) size or scale_factor should be defined",
         said("Resizing takes either a size or a scale_factor, exactly one of them.",
              "Give size=(height, width) alone, or scale_factor=2 alone")),
    Rule("corners of resizing", r"align_corners option can only be set with the interpolating "
                                r"modes",
         said("align_corners belongs to modes that interpolate between pixels, not to nearest and "
              "area.", "Leave out align_corners, or use mode='bilinear'")),
    Rule("size of resizing", r"expected size to be one of int or Tuple\[int\]",
         said("Resizing takes its size as whole numbers.", "Give whole numbers, as int(height)")),
    Rule("pixel shuffle",
         rf"divisible by the square of upscale_factor, but input\.size\(-3\)={number('channels')} "
         rf"is not divisible by {number('divisor')}",
         said("Shuffling pixels makes {divisor} pixels of {divisor} channels; {channels} channels "
              "are no multiple of {divisor}.",
              "Give the layer before a multiple of {divisor} filters")),
    Rule("pixel unshuffle",
         r"divisible by downscale_factor, but input\.size\(-?\d\)="
         rf"{number('size')} is not divisible by {number('factor')}",
         said("A side of {size} pixels is no multiple of the factor {factor}.",
              "Pad or crop the picture to a multiple of {factor}")),
    Rule("channel shuffle",
         r"Number of channels must be divisible by groups\. Got "
         rf"{number('channels')} channels and {number('groups')} groups",
         said("{groups} groups do not divide {channels} channels evenly.",
              "Choose groups that divide {channels}")),
    Rule("sampling grid",
         rf"expected grid to have size {number('axes')} in last dimension, but got grid with sizes "
         rf"{sizes('grid')}",
         said("A grid has {axes} coordinates at each position, in its last dimension; its shape is "
              "{grid}.",
              "Give the grid as (batch, height, width, 2), with x before y")),
    Rule("sampling grid's batch",
         rf"same batch size, but got input with sizes {sizes('input')} and grid with sizes "
         rf"{sizes('grid')}",
         said("The grid of shape {grid} and the input of shape {input} differ in the batch.",
              "Repeat the smaller with expand(batch, -1, -1, -1)")),
    Rule("affine matrices",
         r"Expected a batch of (?P<axes>\d)D affine matrices of shape (?P<wanted>Nx\dx\d)"
         rf".{{0,80}}Got {sizes('given')}",
         said("An affine grid needs matrices of shape {wanted}, got {given}.",
              "Give one matrix of that shape for each picture")),
    Rule("window of unfold",
         rf"maximum size for tensor at dimension {number('dimension')} is {number('size')} but "
         rf"size is {number('window')}",
         said("A window of {window} does not fit in dimension {dimension}, which has {size}.",
              "Use a window of at most {size}", "Pad the picture first")),
    Rule("step of unfold", r"step is (?P<step>-?\d{1,9}) but must be > 0",
         said("Windows must move on by at least 1, got {step}.", "Use a step of at least 1")),
)  # fmt: skip
