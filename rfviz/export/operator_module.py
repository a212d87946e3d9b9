"""An operator as an `nn.Module` in a file of its own, which needs torch and nothing of ours."""

import ast
import inspect
import linecache
import textwrap
from collections.abc import Mapping
from types import FunctionType, ModuleType

from rfviz.conv.errors import InputError
from rfviz.conv.operators.catalogue import operator_named
from rfviz.conv.operators.operator import Operator
from rfviz.conv.spec.padding_modes import torch_mode
from rfviz.conv.spec.spec import Conv2dSpec

_CLASS = '''
class {name}(nn.Module):
    """{title}: (N, {channels}, H, W) in, (N, {filters}, H_out, W_out) out."""

    def __init__(self) -> None:
        super().__init__()
        first = nn.Conv2d({channels}, {filters}, {kernel}, groups={groups}, bias={bias})
        self.weight, self.bias = first.weight, first.bias

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        padded = self.padded(image)
        fields = F.unfold(padded, {kernel}, {dilation}, 0, {stride})
        height = (padded.shape[2] - {span[0]}) // {stride[0]} + 1
        {mask}outputs = []
        for picture in fields:
            parts = zip(picture.chunk({groups}), self.weight.flatten(1).chunk({groups}){known})
            outputs.append(torch.cat([{call} for {unpacked} in parts]))
        out = torch.stack(outputs)
        if self.bias is not None:
            out = out + self.bias[:, None]
        return out.unflatten(2, (height, -1))

    def padded(self, image: torch.Tensor) -> torch.Tensor:
        return F.pad(image, {pads}, mode={mode!r})
'''
_SCALARS = (bool, int, float, str, tuple, type(None))


def module_code(
    operator: Operator | str,
    spec: Conv2dSpec,
    in_channels: int,
    out_channels: int,
    *,
    bias: bool = True,
    parameters: Mapping[str, object] | None = None,
) -> str:
    """Python code of an `nn.Module`, (N, C, H, W) to (N, F, H_out, W_out), that needs torch alone.

    It holds the operator's function with what that needs of its own file. Its state dict has the
    names of `OperatorConv2d`: weight, and bias. Raises `InputError` where the function's source
    cannot be found, or needs something that cannot be written down, and for an operator that reads
    more than receptive fields and a weight.

    >>> print(module_code("adder", Conv2dSpec(3), 3, 8).splitlines()[0])
    from __future__ import annotations
    """
    entry = operator if isinstance(operator, Operator) else operator_named(operator)
    if not entry.reads.is_plain:
        raise InputError(
            f"Operator '{entry.name}' reads more than receptive fields and a weight, which a file "
            f"of its own does not give it.",
            remedy=f"Use rfviz.OperatorConv2d({entry.name!r}, ...)",
        )
    spec.check_channels(in_channels, out_channels)
    values = ", ".join(f"{name}={value!r}" for name, value in entry.values(parameters).items())
    arguments = ", ".join(
        ["x", "w", *(["m"] if entry.reads_mask else []), *([values] if values else [])]
    )
    (top, bottom), (left, right) = spec.pads
    known = f"known = F.unfold(self.padded(torch.ones_like(image[:1])), {spec.kernel_size}, "
    known += f"{spec.dilation}, 0, {spec.stride})[0]\n        "
    function = _function_of(entry)
    body = _CLASS.format(
        name="".join(part.capitalize() for part in entry.name.split("_")) + "2d",
        title=" ".join(entry.title.replace("\\", "").replace('"', "'").split()),
        channels=in_channels,
        filters=out_channels,
        kernel=spec.kernel_size,
        groups=spec.groups,
        bias=bool(bias),
        dilation=spec.dilation,
        stride=spec.stride,
        span=spec.effective_kernel_size,
        mask=known if entry.reads_mask else "",
        known=f", known.chunk({spec.groups})" if entry.reads_mask else "",
        call=f"{function.__name__}({arguments})",
        unpacked="x, w, m" if entry.reads_mask else "x, w",
        pads=(left, right, top, bottom),
        mode=torch_mode(spec.padding_mode),
    )
    imports = {"import torch", "import torch.nn.functional as F", "from torch import nn"}
    definitions: dict[str, str] = {}
    collect(function, imports, definitions)
    head = ["from __future__ import annotations", "", *sorted(imports), "", ""]
    return "\n".join(head) + "\n\n".join(definitions.values()) + "\n" + body


def _function_of(operator: Operator) -> FunctionType:
    function = operator.function
    if not isinstance(function, FunctionType) or function.__name__ == "<lambda>":
        raise InputError(
            f"Operator '{operator.name}' is no function written with def, so it cannot be written "
            f"into a file."
        )
    return function


def collect(function: FunctionType, imports: set[str], definitions: dict[str, str]) -> None:
    """Add the source of a function after that of all that it names, each once.

    Raises `InputError` for what cannot be written into a file.
    """
    if function.__name__ in definitions:
        return
    definitions[function.__name__] = ""
    if function.__code__.co_freevars:
        names = ", ".join(function.__code__.co_freevars)
        raise InputError(
            f"Function '{function.__name__}' uses {names} of the function around it, which cannot "
            f"be written into a file.",
            remedy="Move them to the top of the file",
        )
    code, names_used = _source(function)
    for name in sorted(names_used & function.__globals__.keys()):
        _add(name, function.__globals__[name], function, imports, definitions)
    # Last, so that what it uses comes before it.
    definitions.pop(function.__name__)
    definitions[function.__name__] = code


def _add(
    name: str,
    value: object,
    function: FunctionType,
    imports: set[str],
    definitions: dict[str, str],
) -> None:
    """Add what a function means by a name: an import, another function, or a constant."""
    meant = value.function if isinstance(value, Operator) else value
    if isinstance(meant, ModuleType):
        imports.add(_import_of(name, meant))
    elif isinstance(meant, FunctionType) and meant.__module__ == function.__module__:
        collect(meant, imports, definitions)
    elif isinstance(meant, _SCALARS):
        definitions.setdefault(name, f"{name} = {meant!r}\n")
    elif hasattr(meant, "__module__") and hasattr(meant, "__name__"):
        imports.add(f"from {meant.__module__} import {meant.__name__} as {name}")
    else:
        raise InputError(
            f"Function '{function.__name__}' uses {name!r}, a {type(meant).__name__}, which "
            f"cannot be written into a file.",
            remedy="Make it inside the function",
        )


def _source(function: FunctionType) -> tuple[str, set[str]]:
    """Return a function's own lines, without its decorators, and the names that they use."""
    linecache.checkcache(function.__code__.co_filename)
    try:
        code = textwrap.dedent(inspect.getsource(function))
        first = ast.parse(code).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as error:
        what = f"The source of function '{function.__name__}' cannot be found."
        raise InputError(what, remedy="Write it in a file of its own") from error
    assert isinstance(first, ast.FunctionDef)
    # Annotations are left out: the file postpones them, so they may name what it lacks.
    parts = [*first.body, *first.args.defaults, *filter(None, first.args.kw_defaults)]
    nodes = [node for part in parts for node in ast.walk(part)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return "\n".join(code.splitlines()[first.lineno - 1 :]) + "\n", names


def _import_of(name: str, module: ModuleType) -> str:
    if module.__name__ == name:
        return f"import {name}"
    return f"import {module.__name__} as {name}"
