"""A rule of the house: what goes to Markdown is written here, a number, or escaped.

Streamlit reads Markdown in every sentence, label, tooltip and caption. A name out of a file or an
address must not get there as it is, so every text given to such a function is followed back to
where it comes from, through variables and functions of the interface.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    [
        ROOT / "app.py",
        *(ROOT / "rfviz/ui").rglob("*.py"),
        *(ROOT / "rfviz/pages").rglob("*.py"),
    ]
)
# Functions of Streamlit, and which of their arguments are Markdown: the first, and these.
TEXTS = {"error", "warning", "info", "success", "caption", "markdown", "write", "toast", "title",
         "header", "subheader", "metric", "expander", "spinner", "popover", "latex"}  # fmt: skip
LABELLED = {"button", "toggle", "checkbox", "radio", "selectbox", "segmented_control", "slider",
            "number_input", "text_input", "text_area", "multiselect", "file_uploader", "pills",
            "download_button", "link_button", "page_link", "camera_input", "select_slider",
            "form_submit_button"}  # fmt: skip
NAMED = {"help", "label", "caption", "text", "body"}
ESCAPES = {"as_text", "as_code"}
# These return numbers, or names that are written in the program.
PLAIN = {"by", "_by", "number", "len", "str_of", "readable_bytes", "pair_text", "padding_text",
         "_both", "_span", "round", "int", "float", "sum", "max", "min", "channel_name",
         "_whole"}  # fmt: skip
NUMERIC = {"int", "float", "bool", "Pair", "range", "tuple", "Tensor", "Size", "None"}
# Fields that hold words written in the program: tables of samples, kernels, sliders, questions.
OURS = {"teaches", "shows", "about", "does", "title", "text", "labels", "dtype_name", "kind",
        "rule", "axis", "SENTENCE"}  # fmt: skip


# Judged by eye: numbers, and words that stand in tables of the program; by folder and file.
WRITTEN = {
    "run/jobs.py": {"f'{what}: {_how_far(job.fraction)}'"},
    "run/uploads.py": {"_left_out(why) if why else _lost(len(gone))"},
    "sidebar/returned.py": {"returned_sentence(given, own)"},
    "panels/output_size_line.py": {"f'Output size: {lines[0]}, {lines[1]}.'"},
    "check/choice.py": {"label", "explained"},
    "check/panels.py": {"' '.join(parts)"},
    "pages/filters.py": {"filters_view.dead_sentence(facts)"},
    "matmul/panels.py": {"f'The largest error is at filter "},
    "operators/panels.py": {"entry.formula"},
    "sidebar/convolution.py": {"label", "f'The weight from the file has {height} × {width} taps"},
    "sidebar/picture.py": {"label"},
    "practice/panels.py": {"f'Question {index + 1}", "f\"To go over again: {', '.join(missed)}.\""},
    "responses/panels.py": {"f'**{sign}{rank}** {number(response.value)}"},
    "output_shape/controls.py": {"label"},
    "output_shape/sweep.py": {"f'Two different parameters are needed: {across} is taken.'"},
    "output_shape/panels.py": {"'  \\n'.join(lines)", "rounding_sentence(layer, found)",
                      "f'**{name.capitalize()}.** {strip_sentence(placed)}'"},
    "stack/controls.py": {"label"},
    "sidebar/weight_downloads.py": {"f'.{ending}'", "f'Download the weights as .{ending}'"},
    "sidebar/weight_file.py": {"'\\n'.join(lines)",
                       "f\"The file does not say. With {guessed} groups each",
                       "f'The picture has {have} {plural}, the layer reads {reads}'"},
    "sidebar/named_weights.py": {
        "next((kernel.shows for kernel in KERNELS if kernel.name == name))"},
}  # fmt: skip


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


being_judged: set[tuple[str, str]] = set()


@cache
def functions() -> dict[str, list[ast.FunctionDef]]:
    found: dict[str, list[ast.FunctionDef]] = {}
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append(node)
    return found


class Texts:
    """Follows expressions of one function back to where their text comes from."""

    def __init__(self, scopes: list[ast.AST]) -> None:
        self.scopes = scopes
        self.seen: set[str] = set()

    def is_safe(  # noqa: PLR0911, PLR0912 - a case for each kind of expression
        self, node: ast.expr | None
    ) -> bool:
        match node:
            case None | ast.Constant() | ast.Compare():
                return True
            case ast.JoinedStr(values):
                return all(map(self.is_safe, values))
            case ast.FormattedValue(value, _, spec):
                return _is_number_format(spec) or self.is_safe(value)
            case ast.BinOp(left, op, right):
                return isinstance(op, (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow)) or (
                    self.is_safe(left) and self.is_safe(right)
                )
            case ast.IfExp(_, body, orelse):
                return self.is_safe(body) and self.is_safe(orelse)
            case ast.BoolOp(_, values) | ast.Tuple(values) | ast.List(values):
                return all(map(self.is_safe, values))
            case ast.Dict(keys, values):
                return all(map(self.is_safe, [*keys, *values]))
            case ast.Starred(value) | ast.UnaryOp(_, value) | ast.NamedExpr(_, value):
                return self.is_safe(value)
            case ast.GeneratorExp(elt) | ast.ListComp(elt):
                return self.is_safe(elt)
            case ast.Attribute(_, name):
                return name in OURS or name.isupper() or self._is_numeric_attribute(node)
            case ast.Subscript(value):
                return self.is_safe(value)
            case ast.Name(name):
                return name.isupper() or name.strip("_").isupper() or self._is_safe_name(name)
            case ast.Call():
                return self._is_safe_call(node)
        return False

    def _is_numeric_attribute(self, node: ast.Attribute) -> bool:
        return node.attr.startswith("n_") or node.attr in {
            "row", "column", "filter_index", "groups", "stride", "kernel_size", "allclose",
            "first_not_finite", "middle", "size", "shape", "position", "output_size",
        }  # fmt: skip

    def _is_safe_call(self, node: ast.Call) -> bool:  # noqa: PLR0911
        match node.func:
            case ast.Name(name):
                if name in ESCAPES | PLAIN:
                    return True
                return self._returns_safe(name)
            case ast.Attribute(inner, name):
                if name == "join":
                    return self.is_safe(inner) and all(map(self.is_safe, node.args))
                if name in {"replace", "strip", "rstrip", "lower", "upper", "capitalize",
                            "removesuffix", "format", "title"}:  # fmt: skip
                    return self.is_safe(inner) and all(map(self.is_safe, node.args))
                if name == "item":
                    return True
                return self._returns_safe(name)
        return False

    def _returns_safe(self, name: str) -> bool:
        if name in self.seen:
            return True
        self.seen.add(name)
        found = functions().get(name, [])
        return bool(found) and all(_function_is_safe(each, self.seen) for each in found)

    def _is_safe_name(self, name: str) -> bool:
        if name in self.seen:
            return True
        given = [value for scope in self.scopes for value in _assigned(scope, name)]
        if not given:
            return False
        inner = Texts(self.scopes)
        inner.seen = self.seen | {name}
        return all(each is True or (each is not False and inner.is_safe(each)) for each in given)


def _function_is_safe(function: ast.FunctionDef, seen: set[str]) -> bool:
    if function.returns is not None and ast.unparse(function.returns) in NUMERIC:
        return True
    texts = Texts([function])
    texts.seen = set(seen)
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return all(map(texts.is_safe, returned))


def _is_given_safely(function: ast.FunctionDef, name: str) -> bool:
    """Whether every call of a function of the interface gives this parameter a safe text."""
    if (function.name, name) in being_judged:
        return True
    being_judged.add((function.name, name))
    every = [*function.args.posonlyargs, *function.args.args]
    place = next((at for at, each in enumerate(every) if each.arg == name), None)
    given = []
    for call, scopes in calls_of(function.name):
        own = [each.value for each in call.keywords if each.arg == name]
        if not own and place is not None and place < len(call.args):
            own = [call.args[place]]
        given += [(each, scopes) for each in own]
    safe = bool(given) and all(Texts(scopes).is_safe(each) for each, scopes in given)
    being_judged.discard((function.name, name))
    return safe


@cache
def calls_of(name: str) -> list[tuple[ast.Call, list[ast.AST]]]:
    found = []

    def visit(node: ast.AST, scopes: list[ast.AST]) -> None:
        inside = [*scopes, node] if isinstance(node, (ast.FunctionDef, ast.Module)) else scopes
        if isinstance(node, ast.Call):
            own = node.func
            called = own.id if isinstance(own, ast.Name) else getattr(own, "attr", "")
            if called == name:
                found.append((node, inside))
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    for tree in trees().values():
        visit(tree, [])
    return found


def _is_number_format(spec: ast.expr | None) -> bool:
    """Whether a format takes numbers alone."""
    if spec is None:
        return False
    text = "".join(str(part.value) for part in ast.walk(spec) if isinstance(part, ast.Constant))
    return text.endswith((",", "d", "f", "g", "e", "%"))


def _assigned(scope: ast.AST, name: str) -> Iterator[ast.expr | bool]:
    """What a name is given in a scope; True for a parameter that is a number, False unknown."""
    if isinstance(scope, ast.FunctionDef):
        every = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
        for argument in every:
            if argument.arg == name:
                kind = ast.unparse(argument.annotation) if argument.annotation else ""
                yield kind.split("[")[0] in NUMERIC or _is_given_safely(scope, name)
    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets, value):
                for target in targets:
                    yield from _unpacked(target, value, name)
            case ast.AnnAssign(ast.Name(found), _, value) if found == name and value is not None:
                yield value
            case ast.AugAssign(ast.Name(found), _, value) if found == name:
                yield value
            case ast.For(target, value) | ast.comprehension(target, value):
                yield from _looped(target, value, name)
            case ast.Call(ast.Attribute(ast.Name(found), "append"), [value]) if found == name:
                yield value


def _unpacked(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr | bool]:
    if isinstance(target, ast.Name):
        if target.id == name:
            yield value
    elif isinstance(target, ast.Tuple):
        names = [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]
        if name not in names:
            return
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
            for part, own in zip(target.elts, value.elts, strict=True):
                yield from _unpacked(part, own, name)
        else:
            yield value


def _unpacked_each(
    target: ast.expr, values: list[ast.expr], name: str
) -> Iterator[ast.expr | bool]:
    for value in values:
        yield from _unpacked(target, value, name)


def _looped(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr | bool]:
    """What a name is given by a loop: part by part where several things are gone through."""
    names = [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]
    if name not in names:
        return
    match value:
        case ast.Call(ast.Name("range")):
            yield True
        case ast.Call(ast.Name("zip"), args) if isinstance(target, ast.Tuple):
            for part, own in zip(target.elts, args, strict=True):
                yield from _looped(part, own, name)
        case ast.Call(ast.Name("enumerate"), [own, *_]) if isinstance(target, ast.Tuple):
            if isinstance(target.elts[0], ast.Name) and target.elts[0].id == name:
                yield True
            yield from _looped(target.elts[1], own, name)
        case ast.Call(ast.Name("sorted" | "reversed" | "list"), [own, *_]):
            yield from _looped(target, own, name)
        case ast.Call(ast.Attribute(ast.Dict(keys, values), "items")) if isinstance(
            target, ast.Tuple
        ):
            yield from _unpacked_each(target.elts[0], [key for key in keys if key], name)
            yield from _unpacked_each(target.elts[1], values, name)
        case ast.Call(ast.Attribute(inner, "items" | "values" | "keys")):
            yield inner
        case _:
            yield value


def given_texts(tree: ast.Module) -> Iterator[tuple[ast.expr, list[ast.AST]]]:
    """Every argument that a function of Streamlit reads as Markdown, with the scopes around it."""

    def visit(node: ast.AST, scopes: list[ast.AST]) -> Iterator[tuple[ast.expr, list[ast.AST]]]:
        inside = [*scopes, node] if isinstance(node, (ast.FunctionDef, ast.Module)) else scopes
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            sinks = (
                isinstance(node.func, ast.IfExp)
                or (name in TEXTS | LABELLED and not isinstance(node.func.value, ast.Constant))  # type: ignore[attr-defined]
            )
            if sinks:
                yield from ((each, inside) for each in node.args[:1])
                for keyword in node.keywords:
                    if keyword.arg in NAMED:
                        yield keyword.value, inside
            if name == "progress":
                yield from ((each, inside) for each in node.args[1:2])
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(tree, [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_goes_to_markdown_is_ours_a_number_or_escaped(path: Path) -> None:
    bad = [
        f"{path.name}:{node.lineno}: {ast.unparse(node)[:100]}"
        for node, scopes in given_texts(trees()[path])
        if not Texts(scopes).is_safe(node)
        and not ast.unparse(node).startswith(
            tuple(WRITTEN.get(f"{path.parent.name}/{path.name}", ()))
        )
    ]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize(
    "line",
    [
        "st.error(str(error))",
        "st.info(f'{entry.name} is read')",
        "st.selectbox('Layer', names, help=f'{entry.bias} beside it')",
        "st.button(remedy.label)",
        "place.error(error.what)",
    ],
)
def test_the_rule_finds_what_is_not_escaped(line: str) -> None:
    """The rule itself is tried: a name as it is, an error's own words, a remedy's label."""
    found = [
        node for node, scopes in given_texts(ast.parse(line)) if not Texts(scopes).is_safe(node)
    ]
    assert len(found) == 1


def test_every_room_of_the_interface_is_read() -> None:
    """No folder is left out, and nothing is excused that is not there any more."""
    rooms = {path.parent.name for path in FILES}
    assert {path.parent.name for path in (ROOT / "rfviz/ui").rglob("*.py")} <= rooms
    assert set(WRITTEN) <= {f"{path.parent.name}/{path.name}" for path in FILES}
