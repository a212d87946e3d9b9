"""What a notebook shows of a value in a few lines: a title and a table, everything escaped."""

from collections.abc import Iterable
from html import escape


def html_table(title: str, rows: Iterable[tuple[object, ...]]) -> str:
    """Return a title and rows of cells as HTML; the first cell of a row is its heading.

    >>> html_table("a < b", [("stride", 2)])
    '<p><b>a &lt; b</b></p><table><tr><th>stride</th><td>2</td></tr></table>'
    """
    lines = [f"<tr>{_cell('th', head)}{_cells(cells)}</tr>" for head, *cells in rows]
    return f"<p><b>{escape(title)}</b></p><table>{''.join(lines)}</table>"


def _cells(values: Iterable[object]) -> str:
    return "".join(_cell("td", value) for value in values)


def _cell(tag: str, value: object) -> str:
    return f"<{tag}>{escape(str(value))}</{tag}>"
