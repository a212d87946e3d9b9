"""What the numbers in a message of torch mean, in a sentence, with remedies: one function each."""

import re
from collections.abc import Callable

from rfviz.conv.errors import Remedy

Numbers = dict[str, int]
Told = tuple[str, Numbers, tuple[Remedy, ...]]


def _told(what: str, numbers: Numbers, *remedies: str | Remedy) -> Told:
    made = tuple(r if isinstance(r, Remedy) else Remedy(r) for r in remedies)
    return what, numbers, made


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"-?\d{1,18}", text)]


def kernel_too_large(match: re.Match[str]) -> Told:
    """Explain a kernel that spans more than the padded picture."""
    height, width, kernel_height, kernel_width = map(int, match.groups())
    short = {"rows": kernel_height - height, "columns": kernel_width - width}
    short = {axis: n for axis, n in short.items() if n > 0}
    where = " and ".join(short)
    most = max(short.values(), default=0)
    return _told(
        f"The kernel spans {kernel_height} × {kernel_width} pixels (dilation counted), more than "
        f"the padded picture of {height} × {width}"
        + "".join(f"; {n} too many on the {axis}" for axis, n in short.items())
        + ".",
        {**{f"{axis} short": n for axis, n in short.items()}},
        f"Add at least {-(-most // 2)} pixel{'s' * (most > 2)} of padding to each side of {where}",
        f"Use a kernel that spans at most {min(height, kernel_height)} × "
        f"{min(width, kernel_width)} pixels",
        f"Use a picture that is at least {most} pixel{'s' * (most > 1)} larger on {where}",
    )


def channels(match: re.Match[str]) -> Told:
    """Explain an input whose channels are not those of the weight."""
    weight, shape, expected, got = match.groups()
    expected_n, got_n = int(expected), int(got)
    sizes = _numbers(weight)
    transposed = "transposed=1" in match.group(0)
    found = re.search(r"groups=(\d{1,9})", match.group(0))
    groups = int(found.group(1)) if found else 1
    changes = {} if transposed else {"in_channels": got_n}
    label = f"Set in_channels to {got_n}"
    if groups > 1 and got_n % groups:
        # Torch refuses channels that the groups do not divide.
        changes, label = {**changes, "groups": 1}, f"{label} and groups to 1"
    return _told(
        f"The layer's weight of shape {tuple(sizes)} expects a map of {expected_n} channels, but "
        f"the input of shape {tuple(_numbers(shape))} has {got_n}.",
        {
            "expected channels": expected_n,
            "channels": got_n,
            "groups": groups,
        },
        Remedy(label, changes),
        f"Give the layer an input of {expected_n} channels: (batch, {expected_n}, height, width)",
    )


def conv_transposed_size(match: re.Match[str]) -> Told:
    """Explain a transposed layer whose padding takes all of its output."""
    before, after = _numbers(match.group(1)), _numbers(match.group(2))
    short = max(1 - n for n in after[-2:]) if after else 1
    return _told(
        f"From an input of {' × '.join(map(str, before))} the output would have "
        f"{' × '.join(map(str, after))} pixels, {short} short of one.",
        {"pixels short": short},
        f"Take at least {-(-short // 2)} from the padding of each side",
        "Use a larger input, kernel or stride",
    )


def pool_size(match: re.Match[str]) -> Told:
    """Explain a pooling kernel that does not fit."""
    before, after = _numbers(match.group(1)), _numbers(match.group(2))
    axes = [a for a, n in zip(("rows", "columns"), after[-2:], strict=False) if n < 1]
    return _told(
        f"The pooling kernel does not fit: a map of {' × '.join(map(str, before))} (channels, "
        f"rows, columns) would give {' × '.join(map(str, after))}.",
        {"output rows": after[-2], "output columns": after[-1]} if len(after) > 1 else {},
        f"Use a smaller kernel, or a larger map, on the {' and '.join(axes) or 'smaller axis'}",
        "Leave out a pooling layer or a stride before this one",
    )


def unfold_size(match: re.Match[str]) -> Told:
    """Explain an unfold whose kernel does not fit."""
    size, kernel, blocks = (_numbers(part) for part in match.groups())
    return _told(
        f"unfold's kernel of {' × '.join(map(str, kernel))} fits {' × '.join(map(str, blocks))} "
        f"times in a picture of {' × '.join(map(str, size))} pixels.",
        {"block rows": blocks[0], "block columns": blocks[1]} if len(blocks) == 2 else {},
        "Use a smaller kernel or dilation, more padding, or a larger picture",
    )


def half_padding(match: re.Match[str]) -> Told:
    """Explain pooling padding above half of the kernel."""
    pad, kernel = int(match.group(1)), int(match.group(2))
    return _told(
        f"A pooling layer may pad by at most half of its kernel: {kernel // 2} for a kernel of "
        f"{kernel}, got {pad}.",
        {"padding": pad, "kernel": kernel, "largest padding": kernel // 2},
        Remedy(f"Set padding to {kernel // 2}", {"padding": kernel // 2}),
        f"Use a kernel of at least {2 * pad}",
    )


def half_padding_each(match: re.Match[str]) -> Told:
    """Explain pooling padding above half of the kernel, axis by axis."""
    pad_width, pad_height, kernel_width, kernel_height = map(int, match.groups())
    return _told(
        f"A pooling layer may pad by at most half of its kernel: kernel {kernel_height} × "
        f"{kernel_width}, padding {pad_height} × {pad_width}.",
        {"padding rows": pad_height, "padding columns": pad_width},
        Remedy(
            f"Set padding to ({min(pad_height, kernel_height // 2)}, "
            f"{min(pad_width, kernel_width // 2)})",
            {"padding": (min(pad_height, kernel_height // 2), min(pad_width, kernel_width // 2))},
        ),
    )


def positive(field: str, value: int) -> Callable[[re.Match[str]], Told]:
    """Explain a parameter below its least value."""

    def explain(match: re.Match[str]) -> Told:
        got = _numbers(match.group(0))
        words = f", got {' and '.join(map(str, got))}" if got else ""
        return _told(
            f"The {field.replace('_', ' ')} must be at least {value}{words}.",
            {"least": value},
            Remedy(f"Set {field} to {value}", {field: value}),
        )

    return explain


def output_padding(match: re.Match[str]) -> Told:
    """Explain an output padding that is not below the stride or the dilation."""
    height, width, down, across, dilation_down, dilation_across = map(int, match.groups())
    most = (max(down, dilation_down) - 1, max(across, dilation_across) - 1)
    return _told(
        f"The output padding ({height}, {width}) must be smaller than the stride or the dilation: "
        f"at most {most}.",
        {"largest rows": most[0], "largest columns": most[1]},
        Remedy(
            f"Set output_padding to {(min(height, most[0]), min(width, most[1]))}",
            {"output_padding": (min(height, most[0]), min(width, most[1]))},
        ),
        f"Use a stride of at least {max(height, width) + 1}",
    )


def reflect(match: re.Match[str]) -> Told:
    """Explain more reflection than the picture has pixels to give."""
    pads, dimension, shape = match.groups()
    sizes, most = _numbers(shape), 0
    if 0 <= int(dimension) < len(sizes):
        most = sizes[int(dimension)] - 1
    return _told(
        f"Reflection can give at most {most} pixels on a side of dimension {dimension} of an input "
        f"of shape {tuple(sizes)}, got padding {tuple(_numbers(pads))}.",
        {"largest padding": most},
        f"Pad by at most {most} pixels",
        Remedy("Set padding mode to zeros", {"padding_mode": "zeros"}),
    )


def dimensions(match: re.Match[str]) -> Told:
    """Explain an input of too few or too many dimensions."""
    sizes = _numbers(match.group(1))
    if "Expected 2D or 3D" in match.group(0):
        return _told(
            f"The input has {len(sizes)} dimensions, {tuple(sizes)}; fold takes a column matrix of "
            "2 or 3.",
            {"dimensions": len(sizes)},
            "Give the column matrix as (batch, rows, columns) or (rows, columns)",
        )
    remedies = ["Give the input as (batch, channels, height, width) or (channels, height, width)"]
    if len(sizes) == 2:
        remedies.insert(0, "Add the channel dimension with picture[None] or unsqueeze(0)")
    return _told(
        f"The input has {len(sizes)} dimensions, {tuple(sizes)}; a layer for pictures takes 3 or "
        "4, none of them empty.",
        {"dimensions": len(sizes)},
        *remedies,
    )


def bias(match: re.Match[str]) -> Told:
    """Explain a bias of another length than there are filters."""
    weight, expected, got = match.groups()
    return _told(
        f"A weight of shape {tuple(_numbers(weight))} has {expected} filters and needs as many "
        f"biases, got {tuple(_numbers(got))}.",
        {"filters": int(expected)},
        f"Give a bias of shape ({expected},), or none",
    )


def kinds(match: re.Match[str]) -> Told:
    """Explain numbers of two types in one operation."""
    found = [part for part in match.groups() if part]
    return _told(
        f"The input and the weights have different types: {' and '.join(found)}.",
        {},
        "Convert the picture to the weights' type, such as picture.float()",
        "Convert the layer to the picture's type, such as layer.double()",
    )


def not_implemented(match: re.Match[str]) -> Told:
    """Explain an operation that a type of number does not have."""
    operation, kind = match.groups()
    return _told(
        f"{operation} does not work on numbers of type {kind}; a picture of bytes must be "
        "converted first.",
        {},
        "Convert the picture with picture.float() / 255",
    )


def divisible(match: re.Match[str]) -> Told:
    """Explain groups that do not divide the channels."""
    name = match.group(1)
    return _told(
        f"The groups must divide {name} evenly.",
        {},
        Remedy("Set groups to 1", {"groups": 1}),
        f"Choose {name} as a multiple of groups",
    )


def fold_columns(match: re.Match[str]) -> Told:
    """Explain a fold that is given another number of columns than positions."""
    expected, got = (int(part) for part in match.groups())
    return _told(
        f"fold needs {expected} columns, one for each position of the kernel, but got {got}.",
        {"expected columns": expected, "columns": got},
        "Give fold the kernel, stride, padding and dilation of the unfold, and its input's size",
    )


def fold_rows(match: re.Match[str]) -> Told:
    """Explain a fold whose rows are no multiple of the taps."""
    rows, kernel = int(match.group(1)), _numbers(match.group(2))
    taps = 1
    for length in kernel:
        taps *= length
    return _told(
        f"fold reads channels × {taps} rows for a kernel of {' × '.join(map(str, kernel))}; "
        f"{rows} is no multiple of {taps}.",
        {"rows": rows, "taps": taps},
        "Give fold the kernel of the unfold",
    )


def matmul(match: re.Match[str]) -> Told:
    """Explain a product whose inner sizes differ, as behind a flattened map."""
    rows, inner, expected, columns = map(int, match.groups())
    return _told(
        f"A product of {rows} × {inner} and {expected} × {columns} needs {inner} = {expected}: the "
        f"flattened map has {inner} entries, and the linear layer expects {expected}.",
        {"entries": inner, "expected": expected},
        f"Set in_features of the linear layer to {inner}",
        "Check the picture's size, or pool to a fixed size before flattening",
    )


def branch_sizes(match: re.Match[str]) -> Told:
    """Explain maps of different sizes that are added."""
    first, second, dimension = (int(part) for part in match.groups())
    axis = {2: "rows", 3: "columns", 1: "channels"}.get(dimension, f"dimension {dimension}")
    return _told(
        f"Two maps that are added differ in dimension {dimension} ({axis}): {first} and {second}.",
        {"first": first, "second": second, "dimension": dimension},
        "Give both branches the same stride, and padding that keeps the size",
    )


def cat_sizes(match: re.Match[str]) -> Told:
    """Explain maps of different sizes that are concatenated."""
    first, second = (int(part) for part in match.groups())
    return _told(
        f"Two maps that are concatenated differ in size: {first} and {second}.",
        {"first": first, "second": second},
        "Give both branches the same stride and padding, or crop or pad the larger one",
    )


def said(what: str, *remedies: str | Remedy) -> Callable[[re.Match[str]], Told]:
    """Return an explanation that has no numbers to read."""
    return lambda _: _told(what, {}, *remedies)


def counted(what: str, remedy: str) -> Callable[[re.Match[str]], Told]:
    """An explanation whose sentence and remedy take the numbers of the match in order."""

    def explain(match: re.Match[str]) -> Told:
        found = [part or "" for part in match.groups()]
        values = [_numbers(part) for part in found]
        numbers = {f"number {i}": v[0] for i, v in enumerate(values, start=1) if len(v) == 1}
        return _told(what.format(*found), numbers, remedy.format(*found))

    return explain
