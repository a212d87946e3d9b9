"""Messages of convolutions: sizes, channels, groups, and the parameters of a layer."""

import re
from types import MappingProxyType

from rfviz.conv.errors import Remedy
from rfviz.conv.torch_messages.explanations import (
    LIST,
    Explain,
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

LAYOUTS = MappingProxyType(
    {
        3: "(batch, channels, length)",
        4: "(batch, channels, height, width)",
        5: "(batch, channels, depth, height, width)",
    }
)
TO_FRONT = MappingProxyType(
    {
        3: "x.transpose(1, 2)",
        4: "x.permute(0, 3, 1, 2), or one picture with picture.permute(2, 0, 1)",
        5: "x.permute(0, 4, 1, 2, 3)",
    }
)


def kernel_too_large(match: re.Match[str]) -> Told:
    """Explain a kernel that spans more than the padded input, on one to three axes."""
    size, kernel = (integers(part) for part in match.groups())
    axes = axes_of(len(size))
    unit, whole = ("pixel", "picture") if len(size) == 2 else ("position", "input")
    short = {axis: k - n for axis, n, k in zip(axes, size, kernel, strict=False) if k > n}
    where, most = " and ".join(short), max(short.values(), default=0)
    fits = [min(n, k) for n, k in zip(size, kernel, strict=False)]
    return told(
        f"The kernel spans {extent(kernel)} {unit}s (dilation counted), more than "
        f"the padded {whole} of {extent(size)}"
        + "".join(f"; {n} too many on the {axis}" for axis, n in short.items())
        + ".",
        {f"{axis} short": n for axis, n in short.items()},
        f"Add at least {-(-most // 2)} {unit}{'s' * (most > 2)} of padding to each side of {where}",
        f"Use a kernel that spans at most {extent(fits)} {unit}s",
        f"Use {'a picture' if whole == 'picture' else 'an input'} that is at least {most} "
        f"{unit}{'s' * (most > 1)} larger on {where}",
    )


def channels(match: re.Match[str]) -> Told:
    """Explain an input whose channels are not those of the weight."""
    kernel, shape_text, expected_text, got_text = match.groups()
    expected, got, given = int(expected_text), int(got_text), integers(shape_text)
    found = re.search(r"groups=(\d{1,9})", match.string)
    groups = int(found.group(1)) if found else 1
    is_last = _is_last(given, expected)
    where = f"; the last dimension has {expected}, so the channels stand last" if is_last else ""
    layout = LAYOUTS.get(len(given), LAYOUTS[4]).replace("channels", str(expected))
    of_shape = f" of shape {shape(kernel)}" if kernel else ""
    return told(
        f"The layer's weight{of_shape} expects a map of {expected} channels, but "
        f"the input of shape {shape(given)} has {got}{where}.",
        {"expected channels": expected, "channels": got, "groups": groups},
        *([] if is_last else _colour_remedies(given, expected, got)),
        *([] if is_last else [_set_channels("transposed=1" in match.string, got, groups)]),
        *_order_remedies(given, expected),
        f"Give the layer an input of {expected} channels: {layout}",
    )


def _is_last(given: list[int], expected: int) -> bool:
    """Whether the channels of a picture surely stand last: few of them, and only there."""
    return given[-1] == expected <= len("RGBA") and given[-2] != expected


def _order_remedies(given: list[int], expected: int) -> list[str]:
    """Another order of the axes, where a dimension of the input has the channels wanted."""
    if given[-1] == expected and len(given) in TO_FRONT:
        return [f"If the channels stand last, put them second: {TO_FRONT[len(given)]}"]
    if given[0] == expected and given[1] == 1:
        return ["Swap batch and channels with x.transpose(0, 1)"]
    return []


def _colour_remedies(given: list[int], expected: int, got: int) -> list[str]:
    """What turns grey into colours, or leaves out the transparency, where that may be meant."""
    by_colours = {
        (3, 1): "Repeat the grey channel with x.expand(-1, 3, -1, -1), or image.convert('RGB')",
        (3, 4): "Leave out the transparency with x[:, :3], or image.convert('RGB')",
        (1, 3): "Make the picture grey with x.mean(1, keepdim=True), or image.convert('L')",
    }
    found = by_colours.get((expected, got)) if len(given) == 4 else None
    return [found] if found else []


def _set_channels(is_transposed: bool, got: int, groups: int) -> Remedy:
    changes = {} if is_transposed else {"in_channels": got}
    label = f"Set in_channels to {got}"
    if groups > 1 and got % groups:
        # Torch refuses channels that the groups do not divide.
        changes, label = {**changes, "groups": 1}, f"{label} and groups to 1"
    return Remedy(label, changes)


def transposed_size(match: re.Match[str]) -> Told:
    """Explain a transposed layer whose padding takes all of its output."""
    before, after = integers(match.group(1)), integers(match.group(2))
    short = max((1 - n for n in after), default=1)
    return told(
        f"From an input of {extent(before)} the output would have "
        f"{extent(after)} pixels, {short} short of one.",
        {"pixels short": short},
        f"Take at least {-(-short // 2)} from the padding of each side",
        "Use a larger input, kernel or stride",
    )


def positive(field: str, value: int) -> Explain:
    """Explain a parameter below its least value."""

    def explain(match: re.Match[str]) -> Told:
        got = integers(match.group(0))
        words = f", got {' and '.join(map(str, got))}" if got else ""
        return told(
            f"The {field.replace('_', ' ')} must be at least {value}{words}.",
            {"least": value},
            Remedy(f"Set {field} to {value}", {field: value}),
        )

    return explain


def output_padding(match: re.Match[str]) -> Told:
    """Explain an output padding that is not below the stride or the dilation."""
    height, width, down, across, dilation_down, dilation_across = map(int, match.groups())
    most = (max(down, dilation_down) - 1, max(across, dilation_across) - 1)
    fits = (min(height, most[0]), min(width, most[1]))
    return told(
        f"The output padding ({height}, {width}) must be smaller than the stride or the dilation: "
        f"at most {most}.",
        {"largest rows": most[0], "largest columns": most[1]},
        Remedy(f"Set output_padding to {fits}", {"output_padding": fits}),
        f"Use a stride of at least {max(height, width) + 1}",
    )


def dimensions(match: re.Match[str]) -> Told:
    """Explain an input of too few or too many dimensions, by what the message expects."""
    expected = sorted({int(n) for n in re.findall(r"[1-9]", match.group(1))})
    given = integers(match.group(2))
    most = expected[-1]
    layout = LAYOUTS.get(most, f"{most} dimensions")
    is_fold = expected == [2, 3] and not re.search(r"(?:conv|pool)\w{0,20}1d", match.string)
    if is_fold:
        layout = "(batch, rows, columns) or (rows, columns)"
    elif len(expected) > 1:
        layout += f" or {layout.replace('batch, ', '')}"
    empty = ", none of them empty" if 0 in given else ""
    return told(
        f"The input has {len(given)} dimensions, {shape(given)}; "
        f"{'fold' if is_fold else 'this layer'} takes {' or '.join(map(str, expected))}{empty}.",
        {"dimensions": len(given)},
        *_missing_dimension(expected, len(given)),
        f"Give the {'column matrix' if is_fold else 'input'} as {layout}",
    )


def _missing_dimension(expected: list[int], given: int) -> list[str]:
    if given != expected[0] - 1:
        return []
    if len(expected) > 1:
        return ["Add the channel dimension with picture[None] or unsqueeze(0)"]
    return ["Add the batch dimension with x.unsqueeze(0)"]


def bias(match: re.Match[str]) -> Told:
    """Explain a bias of another length than there are filters."""
    kernel, expected, got = match.groups()
    return told(
        f"A weight of shape {shape(kernel)} has {expected} filters and needs as many "
        f"biases, got {shape(got)}.",
        {"filters": int(expected)},
        f"Give a bias of shape ({expected},), or none",
    )


def arguments(match: re.Match[str]) -> Told:
    """Explain a layer that is called with something else than tensors and whole numbers."""
    name, got = match.groups()
    kinds = [kind.strip() for kind in got.split(",")]
    first = kinds[0]
    remedies = {
        "numpy.ndarray": "Make a tensor of the array with torch.from_numpy(array)",
        "NoneType": "Find where the input becomes None, as where forward() returns nothing",
        "list": "Make one tensor of the list with torch.stack(list)",
        "tuple": "Give one tensor of the tuple, such as x[0]",
        "dict": "Give one tensor of the dictionary, such as x['out']",
        "str": "Read the picture from its path first",
        "Image": "Make a tensor of the picture with torchvision's ToTensor",
    }
    is_input = "Tensor" not in first and "Parameter" not in first
    problem = f"its input is a {first}" if is_input else "one of its numbers is not a whole number"
    return told(
        f"{name} takes a tensor, weights and whole numbers, but {problem}: got ({got.strip()}).",
        {"arguments": len(kinds)},
        remedies.get(first, "Give the input as a tensor")
        if is_input
        else "Give stride, padding, dilation and groups as whole numbers, with // in divisions",
    )


def unfold_size(match: re.Match[str]) -> Told:
    """Explain an unfold whose kernel does not fit."""
    size, kernel, blocks = (integers(part) for part in match.groups())
    return told(
        f"unfold's kernel of {extent(kernel)} fits {extent(blocks)} "
        f"times in a picture of {extent(size)} pixels.",
        {"block rows": blocks[0], "block columns": blocks[1]} if len(blocks) == 2 else {},
        "Use a smaller kernel or dilation, more padding, or a larger picture",
    )


def fold_rows(match: re.Match[str]) -> Told:
    """Explain a fold whose rows are no multiple of the taps."""
    rows, kernel = int(match.group(1)), integers(match.group(2))
    taps = 1
    for length in kernel:
        taps *= length
    return told(
        f"fold reads channels × {taps} rows for a kernel of {extent(kernel)}; "
        f"{rows} is no multiple of {taps}.",
        {"rows": rows, "taps": taps},
        "Give fold the kernel of the unfold",
    )


ZEROS = Remedy("Set padding mode to zeros", {"padding_mode": "zeros"})
GOT = rf"(?:, but got \w{{0,20}}:? ?\[?{N})?"
ARGUMENT = r"(?:, but got [\w:]{0,20} ?"

# The order matters where one pattern would also match the text of a more special one.
CONVOLUTION_RULES: tuple[Rule, ...] = (
    Rule("kernel larger than picture",
         rf"padded input size per channel: {LIST}\. Kernel size: {LIST}", kernel_too_large),
    Rule("channels of the input",
         r"(?:weight (?:of size )?\[?(\d[\d, ]{0,120})\]?,? ?(?:so )?)?expected input ?"
         rf"{LIST} to have {N} channels, but got {N} channels", channels),
    Rule("dimensions beside the weight's",
         r"Expected (\d)-dimensional input for \d-dimensional weight.{0,120}but got "
         rf"(?:\d{{1,2}}-dimensional )?input of size {LIST}", dimensions),
    Rule("transposed output too small",
         rf"input size per channel: {LIST}\. Calculated output size per channel: {LIST}\. Output",
         transposed_size),
    Rule("output padding",
         rf"output_padding_height: {N} output_padding_width: {N} stride_height: {N} stride_width: "
         rf"{N} dilation_height: {N} dilation_width: {N}", output_padding),
    Rule("output padding of three axes",
         r"output padding must be smaller than either stride or dilation",
         said("The output padding must be smaller than the stride or than the dilation.",
              Remedy("Set output_padding to 0", {"output_padding": 0}))),
    Rule("negative output padding", r"negative output_padding", positive("output_padding", 0)),
    Rule("same padding with a stride", r"padding='same' is not supported for strided convolutions",
         said("Padding 'same' keeps the size, which a stride above 1 does not; torch refuses "
              "the two together.",
              Remedy("Set stride to 1", {"stride": 1}),
              "Give the padding as a number: half of the kernel for an odd kernel")),
    Rule("padding name", r"Invalid padding string:? '?(?P<name>[^',]{0,60})",
         said("'{name}' is no name of a padding; torch knows 'valid' and 'same'.",
              "Use 'valid', 'same' or a number")),
    Rule("padding mode",
         r"padding_mode must be one of .{0,120}padding_mode='(?P<name>[^']{0,60})'",
         said("'{name}' is no padding mode; torch knows zeros, reflect, replicate and circular.",
              "Use one of the four")),
    Rule("padding mode of a transposed layer", r'Only "zeros" padding mode is supported',
         said("A transposed convolution pads with zeros only.", ZEROS)),
    Rule("negative padding",
         rf"negative padding is not supported|[Pp]ad(?:ding)? (?:must|should) be (?:non-negative|"
         rf"greater than zero){ARGUMENT}{N})?", positive("padding", 0)),
    Rule("stride", rf"non-positive stride is not supported|stride should not be zero|stride should "
         rf"be greater than zero{GOT}", positive("stride", 1)),
    Rule("dilation", rf"dilation should be greater than zero{GOT}|non-positive dilation is not",
         positive("dilation", 1)),
    Rule("kernel size", rf"kernel[ _]size should be greater than zero{GOT}",
         positive("kernel_size", 1)),
    Rule("dimensions of the input",
         r"Expected ((?:\dD)[^,:]{0,60}) (?:input to|tensor)[^:]{0,90},? but got:? ?(?:input of "
         rf"size: )?{LIST}", dimensions),
    Rule("bias shape",
         rf"Given (?:transposed=1, )?weight of size {LIST}, expected bias to be 1-dimensional with "
         rf"{N} elements, but got bias of size {LIST}", bias),
    Rule("filters and groups",
         rf"Given groups={number('groups')}, expected weight to be divisible by \d{{1,9}} at "
         rf"dimension 0, but got weight of size {sizes('weight')}",
         said("The {groups} groups must divide the first dimension of the weight evenly: its "
              "shape is {weight}.",
              "Give a weight whose first dimension is a multiple of {groups}",
              Remedy("Set groups to 1", {"groups": 1}))),
    Rule("empty weight",
         rf"expected weight to be at least 1 at dimension 0, but got weight of size "
         rf"{sizes('weight')}",
         said("A weight of shape {weight} has no filter.", "Give a weight of at least one filter")),
    Rule("number of strides",
         r"expected (?P<what>\w{1,20}) to be a single integer value or a list of "
         rf"{number('axes')} values to match",
         said("The {what} must be one number or {axes} of them, one for each axis of the kernel.",
              "Give one number or {axes} of them")),
    Rule("kernel of two numbers",
         rf"\b(?P<layer>\w{{1,40}}): {word('what', 20)} must (?:either )?be (?:omitted, "
         rf")?(?:either "
         rf")?a "
         r"single int,? or a (?:tuple of )?(?:two|three) ints",
         said("{layer} takes one number or (height, width) as its {what}.",
              "Give the {what} as one number or as (height, width)")),
    Rule("unfold takes two numbers",
         r"expected (?P<what>\w{1,20}) equals to 2, but got size \d{1,3}|only 2D kernel supported",
         said("unfold and fold take each of their sizes as one number or as (height, width).",
              "Give the kernel as (height, width)")),
    Rule("groups divide channels", r"(?P<name>in_channels|out_channels) must be divisible by "
                                   r"groups",
         said("The groups must divide {name} evenly.", Remedy("Set groups to 1", {"groups": 1}),
              "Choose {name} as a multiple of groups")),
    Rule("groups", r"groups must be a positive integer|expected groups to be greater than 0|"
         r"non-positive groups is not supported", positive("groups", 1)),
    Rule("unfold output too small",
         rf"input with spatial size {LIST}, kernel_size={LIST},.{{0,200}} sliding blocks "
         rf"(?:as|is) {LIST}",
         unfold_size),
    Rule("fold columns",
         rf"number of sliding blocks .{{0,60}} = {number('expected_columns')}, but got "
         rf"input\.size\(\d\)={number('columns')}",
         said("fold needs {expected_columns} columns, one for each position of the kernel, but "
              "got {columns}.",
              "Give fold the kernel, stride, padding and dilation of the unfold, and its input's "
              "size")),
    Rule("fold rows",
         rf"divisible by the product of kernel_size, but got input\.\w{{1,10}}[\[(]-?\d[\])] ?= ?"
         rf"{N} and kernel_size={LIST}", fold_rows),
    Rule("requested output size",
         rf"requested an output size of {sizes('wanted')}, but valid sizes range from "
         rf"{sizes('least')} to {sizes('most')}",
         said("A transposed layer cannot give {wanted}; output_padding reaches from {least} to "
              "{most}.", "Ask for a size from {least} to {most}")),
    Rule("requested output size of other length",
         r"output_size must have (?P<fewer>\d{1,2}) or (?P<more>\d{1,2}) elements \(got "
         rf"{number('given')}\)",
         said("The requested output size has {given} numbers; torch takes {fewer}, the size of the "
              "map, or {more}, with batch and channels.", "Give {fewer} numbers")),
    Rule("padding of a transposed layer",
         r"conv_transpose\dd\(\): argument 'padding' .{0,60} but found element of type str",
         said("A transposed convolution takes its padding as numbers, not as 'same' or 'valid'.",
              "Give the padding as one number or (height, width)")),
    Rule("arguments of a layer",
         r"\b(\w{1,40})\(\) received an invalid combination of arguments - got \(([^()]{0,200})",
         arguments),
    Rule("argument of a layer",
         r"\b(?P<layer>\w{1,40})\(\): argument '(?P<name>\w{1,30})' \(position \d{1,2}\) must be "
         r"(?P<wanted>[\w ]{1,40}), not (?P<given>[\w.]{1,40})",
         said("{layer} takes a {wanted} as its {name}, got {given}.",
              "Give {name} as {wanted}: a list of tensors is joined with torch.stack(list), an "
              "array "
              "becomes one with torch.from_numpy(array), and None comes from a forward() without "
              "return")),
    Rule("missing weight",
         r"weight should (?:not be None|have at least (?P<least>\w{1,8}) dimensions)",
         said("A convolution needs a weight of (filters, channels, kernel ...).",
              "Give the weight of a layer, such as layer.weight")),
    Rule("missing argument",
         r"(?P<layer>(?:Lazy)?(?:Conv|MaxPool|AvgPool|Linear|BatchNorm|Upsample|"
         r"GroupNorm)\w{0,20})\.__init__"
         r"\(\) missing \d required positional arguments?: (?P<name>.{1,120})",
         said("{layer} is made without {name}.", "Give {name}, as in nn.Conv2d(3, 8, 3)")),
    Rule("whole numbers", r"type must be tuple of (?:Sym)?[Ii]nts?,? ?but got (?P<kind>\w{1,20})",
         said("Sizes and channels are whole numbers; one of them is a {kind}.",
              "Give whole numbers, with // in divisions")),
    Rule("negative dimension",
         rf"negative dimension {number('size')}(?:: {sizes('shape')})?",
         said("A size of {size} came out of a calculation: no tensor has a negative size.",
              "Check the channels, the kernel and the size that the tensor is made with")),
    Rule("negative size", r"Dimension size must be non-negative|length must be non-negative",
         said("A calculation gave a size below zero: a negative padding, or a cut, takes more "
              "than there is.",
              "Take off less than the size of the map")),
)  # fmt: skip
