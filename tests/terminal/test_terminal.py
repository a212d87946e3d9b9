"""The commands as a person starts them: what they write, where they cannot, and how they end."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rfviz.conv.operators import catalogue
from rfviz.io.pictures.picture import picture_png

ROOT = Path(__file__).parents[2]
OPERATORS = """
from rfviz.conv.operators.own import operator

@operator(title="Double")
def double(patches, weight):
    return 2 * weight @ patches
"""
CANNOT_BE_TRAINED = OPERATORS.replace("2 * weight @ patches", "(weight @ patches).detach()")
NETWORKS = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(4, 2, 3))

class Asks(nn.Module):
    def __init__(self, n):
        super().__init__()

number = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Weights, three pictures, operators and networks, to stand in."""
    torch.manual_seed(0)
    torch.save(nn.Conv2d(3, 4, 3).state_dict(), tmp_path / "net.pt")
    for name in "abc":
        picture = torch.randint(0, 256, (3, 20, 30), dtype=torch.uint8)
        (tmp_path / f"{name}.png").write_bytes(picture_png(picture))
    (tmp_path / "mine.py").write_text(OPERATORS)
    (tmp_path / "my_networks.py").write_text(NETWORKS)
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def run(folder: Path, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rfviz", *arguments]
    options = {"stdout": subprocess.PIPE, "env": environment(), **options}
    done = subprocess.run(
        command, stderr=subprocess.PIPE, text=True, check=False, cwd=folder, **options
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


def check(folder: Path, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return run(folder, "check", "net.pt", "a.png", "b.png", "c.png", *arguments, **options)


@pytest.mark.parametrize("command", [["check", "net.pt", "a.png"], ["operators", "mine.py"],
                                     ["trace", "my_networks:Net", "--input-size", "64"],
                                     ["--help"], ["check", "--help"], ["--version"]])  # fmt: skip
def test_a_full_disk_is_a_sentence(folder: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(folder, *command, stdout=full)
    assert (done.returncode, "No space left" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", [["check", "net.pt", "a.png"], ["operators", "mine.py"],
                                     ["trace", "my_networks:Net", "--input-size", "64"],
                                     ["--help"], ["check", "--help"], ["--version"]])  # fmt: skip
def test_a_reader_that_left_ends_it_in_silence(folder: Path, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(folder, *command, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_check_into_head_keeps_its_report(folder: Path) -> None:
    command = f"{sys.executable} -m rfviz check net.pt *.png --json r.json | head -1"
    done = subprocess.run(
        ["bash", "-c", f'{command}; echo "${{PIPESTATUS[0]}}"'],
        capture_output=True, text=True, check=True, cwd=folder, env=environment(),
    )  # fmt: skip
    line, code = done.stdout.splitlines()
    assert line.startswith("weight (4, 3, 3, 3)")
    assert (code in {"0", "141"}, done.stderr) == (True, "")
    report = json.loads((folder / "r.json").read_text())
    assert report["complete"] == (len(report["pictures"]) == 3)


def test_a_reader_that_left_leaves_a_partial_report(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = check(folder, "--json", "r.json", "--junit", "r.xml", stdout=writer)
    os.close(writer)
    assert done.returncode == 141
    assert json.loads((folder / "r.json").read_text())["complete"] is False
    (error,) = ET.parse(folder / "r.xml").getroot().iter("error")
    assert "Stopped after" in error.attrib["message"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_stream_changes_no_verdict(folder: Path, stream: str) -> None:
    number = {"stdout": 1, "stderr": 2}[stream]
    line = f"{sys.executable} -m rfviz check net.pt a.png --json r.json {number}>&-"
    done = subprocess.run(["bash", "-c", line], check=False, cwd=folder, env=environment())
    assert done.returncode == 0
    assert json.loads((folder / "r.json").read_text())["all_agree"]


def test_an_ascii_terminal_gets_question_marks(folder: Path) -> None:
    ascii_only = environment(PYTHONIOENCODING="ascii")
    (folder / "a.png").rename(folder / "ä×.png")
    done = run(folder, "check", "net.pt", "ä×.png", env=ascii_only)
    assert (done.returncode, "??.png" in done.stdout) == (0, True)
    refused = run(folder, "check", "net.pt", "ä×.png", "--crop", "21,22", env=ascii_only)
    assert (refused.returncode, "A crop of 21 ? 22" in refused.stdout) == (2, True)
    for command in (["operators", "mine.py"], ["trace", "my_networks:Net", "--input-size", "64"]):
        assert run(folder, *command, env=ascii_only).returncode == 0


@pytest.mark.parametrize("option", ["--json", "--junit", "--csv"])
def test_a_report_on_standard_output_is_whole_whatever_the_terminal(
    folder: Path, option: str
) -> None:
    (folder / "a.png").rename(folder / "ä×.png")
    for encoding in ("ascii", "utf-8"):
        done = run(
            folder, "check", "net.pt", "ä×.png", option, "-",
            env=environment(PYTHONIOENCODING=encoding, PYTHONUTF8="0"), encoding="utf-8",
        )  # fmt: skip
        assert done.returncode == 0
        found = json.loads(done.stdout)["pictures"][0]["picture"] if option == "--json" else ""
        assert "ä×.png" in (found or done.stdout)


@pytest.mark.parametrize("option", ["--json", "--csv", "--junit"])
@pytest.mark.parametrize("place", ["no/such/folder/r", ".", "/proc/version"])
def test_an_unwritable_report_is_noticed_before_the_run(
    folder: Path, option: str, place: str
) -> None:
    # The weights are not there either: the report is the first to be looked at.
    done = run(folder, "check", "none.pt", "a.png", option, place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "The report cannot be written to" in done.stderr


def test_two_reports_in_one_place_are_refused(folder: Path) -> None:
    done = check(folder, "--json", "r", "--csv", "./r")
    assert (done.returncode, "Two reports" in done.stderr) == (2, True)
    assert check(folder, "--json", "-", "--csv", "-").returncode == 2


def test_a_report_of_before_is_kept_until_the_new_one(folder: Path) -> None:
    (folder / "r.json").write_text("before")
    assert run(folder, "check", "none.pt", "a.png", "--json", "r.json").returncode == 2
    assert (folder / "r.json").read_text() == "before"


def test_a_report_into_a_process(folder: Path) -> None:
    command = f"{sys.executable} -m rfviz check net.pt a.png --quiet --json >(cat > copy)"
    subprocess.run(["bash", "-c", f"{command}; wait $!"], check=True, cwd=folder, env=environment())
    assert json.loads((folder / "copy").read_text())["all_agree"]


def test_quiet_leaves_the_last_line(folder: Path) -> None:
    (line,) = check(folder, "--quiet").stdout.splitlines()
    assert line.startswith("3 agree, 0 differ, 0 not checked, of 3 pictures")


@pytest.mark.parametrize(
    ("more", "tests", "failures", "errors"),
    [
        ([], "3", "0", "0"),
        (["--rtol", "0", "--atol", "0", "--dtype", "float16"], "3", "3", "0"),
        (["--crop", "21,22"], "3", "0", "3"),
    ],
)
def test_junit_counts_what_it_holds(
    folder: Path, more: list[str], tests: str, failures: str, errors: str
) -> None:
    check(folder, "--junit", "r.xml", *more)
    suite = ET.parse(folder / "r.xml").getroot()
    assert suite.tag == "testsuite"
    counts = [suite.attrib[name] for name in ("tests", "failures", "errors")]
    assert counts == [tests, failures, errors]
    found = [len(list(suite.iter(tag))) for tag in ("testcase", "failure", "error")]
    assert found == [int(count) for count in counts]
    assert [case.attrib["name"] for case in suite] == ["a.png", "b.png", "c.png"]


def test_junit_holds_a_name_that_xml_cannot(folder: Path) -> None:
    (folder / "a.png").rename(folder / 'x\x01<&"\n.png')
    assert run(folder, "check", "net.pt", 'x\x01<&"\n.png', "--junit", "r.xml").returncode == 0
    (case,) = ET.parse(folder / "r.xml").getroot()
    assert case.attrib["name"] == 'x?<&"?.png'


def test_json_has_schema_versions_and_the_spec_as_data(folder: Path) -> None:
    arguments = ["--stride", "2,1", "--padding", "1", "--padding-mode", "reflect"]
    report = json.loads(check(folder, *arguments, "--json", "-").stdout)
    assert report["schema"] == "rfviz.check/1"
    assert report["versions"]["torch"] == torch.__version__
    assert {"rfviz", "python"} <= report["versions"].keys()
    assert report["spec"] == {
        "kernel_size": [3, 3], "stride": [2, 1], "padding": [[1, 1], [1, 1]],
        "dilation": [1, 1], "groups": 1, "padding_mode": "reflect",
    }  # fmt: skip


@pytest.mark.parametrize("layout", ["XYZ", "OI", "oihw?", "IOHW"])
def test_a_wrong_layout_gets_a_sentence(folder: Path, layout: str) -> None:
    done = check(folder, "--layout", layout)
    assert "Traceback" not in done.stderr
    if layout == "IOHW":
        # An order that there is: the layer then reads other channels, which each line says.
        assert "(8, 3, 3, 3)" in done.stdout or "channels" in done.stdout
        return
    assert done.returncode == 2
    assert done.stderr.startswith("rfviz: ")


def test_an_operators_file_by_a_relative_path_keeps_its_line(folder: Path) -> None:
    (folder / "mine.py").write_text("\n\n1 / 0\n")
    (folder / "below").mkdir()
    for place, path in (
        (folder, "mine.py"),
        (folder, "./mine.py"),
        (folder / "below", "../mine.py"),
    ):
        done = run(place, "operators", path)
        assert done.returncode == 2
        assert "failed at line 3 of mine.py: ZeroDivisionError" in done.stderr


def test_operators_without_a_file_lists_those_there_are(folder: Path) -> None:
    done = run(folder, "operators")
    assert done.returncode == 0, done.stderr
    named = [line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert named == [entry.name for entry in catalogue.OPERATORS]
    of_deformable = done.stdout.split("\ndeformable: ")[1].split("\nmodulated")[0]
    assert "reads pixels between pixels, the map offsets" in of_deformable
    assert "arXiv:1703.06211" in of_deformable


def test_an_operator_that_cannot_be_trained_exits_with_one(folder: Path) -> None:
    assert run(folder, "operators", "mine.py").returncode == 0
    (folder / "mine.py").write_text(CANNOT_BE_TRAINED)
    assert run(folder, "operators", "mine.py").returncode == 1


@pytest.mark.parametrize("code", [0, 1])
def test_code_that_ends_the_program_is_no_verdict(folder: Path, code: int) -> None:
    (folder / "ends.py").write_text(f"raise SystemExit({code})")
    for command in (["operators", "ends.py"], ["trace", "ends:Net", "--input-size", "64"]):
        done = run(folder, *command)
        assert (done.returncode, f"with exit code {code}" in done.stderr) == (2, True)


def test_trace_lists_what_the_library_finds(folder: Path) -> None:
    done = run(folder, "trace", "my_networks:Net", "--input-size", "3,64,64", "--json", "-")
    report = json.loads(done.stdout)
    assert report["schema"] == "rfviz.trace/1"
    assert [row["output_size"] for row in report["layers"]] == [[31, 31], [29, 29]]
    assert [row["receptive_field"] for row in report["layers"]] == [[3, 3], [7, 7]]
    table = run(folder, "trace", "my_networks:Net", "--input-size", "64").stdout.splitlines()
    assert "29 x 29" in table[2]


@pytest.mark.parametrize(
    ("network", "size", "words"),
    [
        ("my_networks", "64", "names no network"),
        ("my_networks:", "64", "names no network"),
        ("my_networks:None_", "64", "has no 'None_'"),
        ("my_networks:number", "64", "is no torch module, but int"),
        ("my_networks:Asks", "64", "TypeError"),
        ("nowhere:Net", "64", "There is no module 'nowhere'"),
        ("a.b.c:Net", "64", "There is no module 'a.b.c'"),
        ("broken:Net", "64", "failed at line 2 of broken.py: SyntaxError"),
        ("my_networks:Net", "x", "--input-size 'x' is no size"),
        ("my_networks:Net", "0", "0"),
        ("my_networks:Net", "1,2,3,4", "1, 2, 3, 4"),
        ("my_networks:Net", "3,2,2", "2"),
    ],
)
def test_trace_refuses_in_a_sentence(folder: Path, network: str, size: str, words: str) -> None:
    (folder / "broken.py").write_text("\ndef (")
    done = run(folder, "trace", network, "--input-size", size, "--json", "t.json")
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert not (folder / "t.json").exists()


def test_trace_notices_an_unwritable_report_first(folder: Path) -> None:
    done = run(folder, "trace", "nowhere:Net", "--input-size", "64", "--json", "no/folder/t")
    assert (done.returncode, "The report cannot be written" in done.stderr) == (2, True)


def installed_command(folder: Path) -> str:
    """What pip writes for the entry point, as its metadata has it."""
    path = folder / "rfviz"
    path.write_text(f"#!{sys.executable}\nimport sys\nfrom rfviz.__main__ import main\n"
                    "sys.exit(main())\n")  # fmt: skip
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3, 0.7, 1.2])
@pytest.mark.parametrize("installed", [False, True])
def test_ctrl_c_during_the_import_ends_with_130(
    folder: Path, seconds: float, installed: bool
) -> None:
    begin = [installed_command(folder)] if installed else [sys.executable, "-m", "rfviz"]
    process = subprocess.Popen(
        [*begin, "operators", "waits.py"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment(),
    )  # fmt: skip
    (folder / "waits.py").write_text("import time\ntime.sleep(60)\n")
    # Until then it is Python itself that starts, which no program of Python can answer for.
    while not imports_torch(process.pid):
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "\nrfviz: stopped.\n")


def imports_torch(pid: int) -> bool:
    """Whether a process has loaded something of torch already."""
    return "/torch/" in Path(f"/proc/{pid}/maps").read_text()


def test_app_help_and_version(folder: Path) -> None:
    told = run(folder, "app", "--help")
    assert (told.returncode, "--server.port" in told.stdout) == (0, True)
    version = run(folder, "--version").stdout
    assert version.split()[0] == "rfviz"
    command = [installed_command(folder), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout == version


def test_app_passes_options_on_to_streamlit(folder: Path) -> None:
    # An option that Streamlit does not have is refused by Streamlit, with its own words and code.
    done = run(folder, "app", "--server.nonsense", "1")
    assert (done.returncode, "No such option" in done.stderr) == (2, True)
    assert run(folder, "check", "net.pt", "a.png", "--server.port", "1").returncode == 2
