"""The report of a check, for programs: JSON with its schema, CSV, and JUnit XML for CI servers."""

import csv
import io
import json
import math
import platform
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import torch

from rfviz.check import LayerCheck, Row
from rfviz.version import __version__

SCHEMA = "rfviz.check/1"


def head() -> dict[str, Any]:
    """What the report is written by: its schema and the versions, as data.

    >>> head()["schema"]
    'rfviz.check/1'
    """
    return {
        "schema": SCHEMA,
        "versions": {
            "rfviz": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def about_check(check: LayerCheck, weights: str, layer: str, n_pictures: int) -> dict[str, Any]:
    """What was checked, and by which versions: the head of the report, as data.

    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> check = LayerCheck(torch.ones(1, 1, 3, 3), None, Conv2dSpec(3, stride=2))
    >>> about_check(check, "w.npy", "weight", 1)["spec"]["stride"]
    (2, 2)
    """
    return {
        **head(),
        "weights": weights,
        "layer": layer,
        "weight_shape": list(check.weight.shape),
        "dtype": str(check.weight.dtype).removeprefix("torch."),
        "spec": asdict(check.spec),
        "n_pictures": n_pictures,
    }


def report_json(rows: list[Row], about: Mapping[str, Any], *, complete: bool) -> str:
    """Report as JSON: what was checked, the verdict and the rows; numbers that are none are null.

    >>> json.loads(report_json([], {"layer": "conv"}, complete=False))["complete"]
    False
    """
    document = {
        **about,
        "complete": complete,
        "all_agree": complete and all(row.allclose for row in rows),
        "n_checked": sum(row.allclose is not None for row in rows),
        "n_disagree": sum(row.allclose is False for row in rows),
        "n_errors": sum(bool(row.error) for row in rows),
        "pictures": [{name: _plain(value) for name, value in asdict(row).items()} for row in rows],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def is_complete(rows: list[Row], about: Mapping[str, Any]) -> bool:
    """Whether there is a row for every picture that was to be checked.

    >>> is_complete([], {"n_pictures": 1})
    False
    """
    return len(rows) == int(about.get("n_pictures", len(rows)))


def report_csv(rows: list[Row]) -> str:
    """Report as CSV with one line a picture, sizes as height x width.

    >>> report_csv([Row("a.png")]).splitlines()[1][:6]
    'a.png,'
    """
    text = io.StringIO()
    written = csv.writer(text)
    written.writerow([field.name for field in fields(Row)])
    for row in rows:
        values = (getattr(row, field.name) for field in fields(Row))
        written.writerow([_cell(value) for value in values])
    return text.getvalue()


def report_junit(rows: list[Row], about: Mapping[str, Any]) -> str:
    """Report as JUnit XML: a test case a picture, failed where it disagrees, else in error.

    A check that was stopped is in error too, so that no server takes it for a whole one.

    >>> report_junit([Row("a.png", error="It is no picture.")], {"layer": "conv"})[:38]
    "<?xml version='1.0' encoding='utf-8'?>"
    """
    failed = sum(row.allclose is False for row in rows)
    if not is_complete(rows, about):
        stopped = f"Stopped after {len(rows):,} of {about['n_pictures']:,} pictures."
        rows = [*rows, Row("the other pictures", error=stopped)]
    errors = sum(bool(row.error) for row in rows)
    counts = {"tests": str(len(rows)), "failures": str(failed), "errors": str(errors)}
    suite = ET.Element(
        "testsuite", {"name": f"rfviz check {_xml(about.get('layer', ''))}", **counts}
    )
    for row in rows:
        case = ET.SubElement(suite, "testcase", name=_xml(row.picture), classname="rfviz.check")
        if row.error:
            ET.SubElement(case, "error", message=_xml(row.error))
        elif row.allclose is False:
            said = (
                f"largest error {row.max_abs_error:.3g}, rtol {row.rtol:.3g}, atol {row.atol:.3g}"
            )
            ET.SubElement(case, "failure", message=said)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _xml(value: object) -> str:
    """Text without the characters that XML cannot hold."""
    return "".join(char if char.isprintable() else "?" for char in str(value))


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return " x ".join(map(str, value))
    # A spreadsheet would take text that begins so for a formula.
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        return "'" + value
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value
