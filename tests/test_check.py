"""The check from a terminal: its exit codes, reports, sentences and memory."""

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from random_specs import conv2d_by_torch, random_case
from torch import nn

from rfviz.__main__ import main
from rfviz.check import LayerCheck, Row, pictures_in
from rfviz.conv.errors import InputError
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.export.report import report_json
from rfviz.io.pictures.picture import picture_png
from rfviz.io.pictures.preprocessing import Preprocessing
from rfviz.io.weights.kinds import ENDINGS
from rfviz.ui.check.panels import STRIP_BYTES

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A weights file and a folder of three pictures, one of them grey."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 5))
    torch.save(net.state_dict(), tmp_path / "net.pt")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, channels in (("a", 3), ("b", 3), ("c", 1)):
        picture = torch.randint(0, 256, (channels, 20, 30), dtype=torch.uint8)
        (pictures / f"{name}.png").write_bytes(picture_png(picture))
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    return main(["check", str(folder / "net.pt"), *arguments])


def test_all_agree(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pattern = str(folder / "pictures" / "[ab].png")
    assert run(folder, pattern, "--stride", "2", "--padding", "1,2") == 0
    out = capsys.readouterr().out
    assert "0.weight (4, 3, 3, 3), float32" in out
    assert out.count("agrees") == 2
    assert "10 x 16" in out
    assert "2 agree, 0 differ, 0 not checked, of 2 pictures" in out


def test_what_a_weights_file_had_left_out_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = nn.Conv2d(3, 4, 3)
    saved = {"state_dict": net.state_dict(), "device": torch.device("cpu"), "loss": torch.ones(())}
    torch.save(saved, folder / "last.ckpt")
    assert main(["check", str(folder / "last.ckpt"), str(folder / "pictures" / "a.png")]) == 0
    out = capsys.readouterr().out
    assert "Left out device: asks for torch.device, which was not run.\n" in out
    assert "weight (4, 3, 3, 3), float32" in out


def test_help_names_every_ending(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--help"]) == 0
    out = capsys.readouterr().out
    assert all(ending in out for ending in ENDINGS)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_every_type_with_every_preprocessing(folder: Path, dtype: str) -> None:
    arguments = ["--dtype", dtype, "--mean", ".485,.456,.406", "--std", ".229,.224,.225"]
    assert run(folder, str(folder / "pictures"), *arguments, "--channels", "repeat") == 0


def test_resize_and_crop(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = str(folder / "pictures" / "a.png")
    for dtype in ("float64", "float32", "bfloat16", "float16"):
        arguments = ("--resize", "40", "--crop", "30,50", "--dtype", dtype)
        assert run(folder, pictures, *arguments) == 0
        assert "28 x 48" in capsys.readouterr().out
    assert run(folder, pictures, "--crop", "21") == 2
    assert "A crop of 21 × 21 is larger than the picture of 20 × 30" in capsys.readouterr().out
    for wrong in ("0", "-3", "1,2,3", "x"):
        with pytest.raises(SystemExit):
            run(folder, pictures, f"--resize={wrong}")


def test_grey_picture_asks_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, str(folder / "pictures")) == 2
    out = capsys.readouterr().out
    assert "c.png" in out
    assert "The picture has 1 channels and the weight reads 3. Choose repeat" in out
    assert "2 agree, 0 differ, 1 not checked" in out


@pytest.mark.parametrize("ending", ["avif", "jp2", "j2k", "jfif", "tif", "webp", "bmp"])
def test_every_kind_of_picture_is_found_in_a_folder(
    folder: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    kinds = {"jp2": "JPEG2000", "j2k": "JPEG2000", "jfif": "JPEG", "tif": "TIFF"}
    file = folder / "pictures" / f"d.{ending}"
    Image.new("RGB", (30, 20), "red").save(file, kinds.get(ending, ending))
    run(folder, str(folder / "pictures"), "--channels", "repeat")
    out = capsys.readouterr().out
    assert file.name in out
    assert "4 agree" in out


def test_disagreement_is_exit_code_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exactly = ("--rtol", "0", "--atol", "0", "--dtype", "float16")
    assert run(folder, str(folder / "pictures" / "a.png"), *exactly) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_reports(folder: Path) -> None:
    files = folder / "report.json", folder / "report.csv"
    arguments = ["--json", str(files[0]), "--csv", str(files[1]), "--layer", "0"]
    assert run(folder, str(folder / "pictures"), *arguments) == 2
    report = json.loads(files[0].read_text())
    assert (report["complete"], report["all_agree"]) == (True, False)
    assert (report["n_checked"], report["n_errors"], report["layer"]) == (2, 1, "0.weight")
    assert report["pictures"][0]["output_size"] == [18, 28]
    assert report["pictures"][2]["max_abs_error"] is None
    rows = list(csv.DictReader(io.StringIO(files[1].read_text())))
    assert [row["allclose"] for row in rows] == ["True", "True", ""]
    assert rows[0]["size"] == "20 x 30"


def test_overflow_is_found_and_located() -> None:
    weight = torch.full((1, 1, 1, 1), 60_000.0, dtype=torch.float16)
    picture = torch.zeros(1, 4, 5, dtype=torch.uint8)
    picture[0, 2, 3] = 255
    row = LayerCheck(weight, None, Conv2dSpec(1), Preprocessing(1.0)).row("one", picture)
    assert (row.n_not_finite, row.first_not_finite) == (1, (0, 2, 3))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layer", "9"], "There is no layer '9'; the 2-D convolutions are 0.weight, 2.weight"),
        (["--stride", "0"], "stride must be a whole number from 1"),
        (["--groups", "-1"], "groups must be a whole number from 1"),
        (["--std", "0"], "must be larger than 0"),
        (["--rtol", "-1"], "rtol must be a number of at least 0"),
        (["--json", "no/such/folder/r.json"], "The report cannot be written"),
        (["--mean", "1,2"], "The mean has 2 numbers"),
    ],
)
def test_wrong_options_get_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(folder, str(folder / "pictures" / "a.png"), *arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err + captured.out


@pytest.mark.parametrize(
    "arguments", [["--stride", "x"], ["--mean", "nan"], ["--dtype", "int8"], ["--nonsense"]]
)
def test_options_that_cannot_be_read_exit_with_two(folder: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(folder, "a.png", *arguments)
    assert caught.value.code == 2


def test_files_that_are_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder / "none.pt"), "a.png"]) == 2
    assert "none.pt' cannot be read: No such file" in capsys.readouterr().err
    assert run(folder, str(folder / "*.jpg")) == 2
    assert "names no picture" in capsys.readouterr().err


def test_file_of_operators_is_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from rfviz.conv.operators.own import operator\n"
        "@operator(title='Double', parameters={'gain': (2.0, 0.0, 9.0)})\n"
        "def double(patches, weight, gain):\n    return gain * weight @ patches\n"
    )
    assert main(["operators", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("double: Double\n  gain from 0 to 9, by default 2\n")
    assert "it can be trained" in out
    path.write_text("1 / 0")
    assert main(["operators", str(path)]) == 2
    assert "failed at line 1 of mine.py: ZeroDivisionError" in capsys.readouterr().err


def test_pictures_come_once_and_in_order(folder: Path) -> None:
    pictures = folder / "pictures"
    given = [str(pictures / "b.png"), str(pictures), str(pictures / "*.png")]
    assert [path.name for path in pictures_in(given)] == ["b.png", "a.png", "c.png"]
    with pytest.raises(InputError, match="names no picture"):
        pictures_in([str(folder / "nothing")])


def test_damaged_picture_does_not_end_the_check(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (folder / "pictures" / "a.png").read_bytes()
    (folder / "pictures" / "aa.png").write_bytes(whole[:200])
    assert run(folder, str(folder / "pictures" / "a*.png")) == 2
    assert "1 agree, 0 differ, 1 not checked" in capsys.readouterr().out


def test_report_of_numbers_that_are_none_is_json() -> None:
    row = Row("a", max_abs_error=float("inf"), allclose=False)
    report = json.loads(report_json([row], {}, complete=True))
    assert report["pictures"][0]["max_abs_error"] is None


def subprocess_of(code: str, *arguments: str) -> "subprocess.Popen[str]":
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *code.split(), *arguments], cwd=ROOT, **options)


def test_ctrl_c_leaves_a_readable_partial_report(folder: Path) -> None:
    report = folder / "report.json"
    picture = str(folder / "pictures" / "a.png")
    links = [folder / f"{n}.png" for n in range(20_000)]
    for link in links:
        link.symlink_to(picture)
    arguments = ["check", str(folder / "net.pt"), str(folder), "--json", str(report)]
    process = subprocess_of("-u -m rfviz", *arguments)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(5)]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "agrees" in lines[-1]
    assert "Stopped after" in errors
    assert "Traceback" not in errors
    written = json.loads(report.read_text())
    assert not written["complete"]
    assert not written["all_agree"]
    assert 1 <= len(written["pictures"]) < 20_000
    assert written["n_pictures"] == 20_003


_STEADY = """
import resource, sys
from rfviz.__main__ import main
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
sys.stdout = open(sys.argv[3], "w")
assert main(["check", sys.argv[1], sys.argv[2] + "/1?.png"]) == 0
before = peak()
assert main(["check", sys.argv[1], sys.argv[2]]) == 0
sys.stderr.write(f"{peak() - before} {'streamlit' in sys.modules}")
"""


def test_a_thousand_pictures_in_steady_memory(folder: Path) -> None:
    pictures = folder / "many"
    pictures.mkdir()
    whole = (folder / "pictures" / "a.png").read_bytes()
    for n in range(1000):
        (pictures / f"{n}.png").write_bytes(whole)
    command = [str(folder / "net.pt"), str(pictures), str(folder / "out.txt")]
    done = subprocess.run(
        [sys.executable, "-c", _STEADY, *command],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    growth, has_streamlit = done.stderr.split()
    assert float(growth) < 20
    assert has_streamlit == "False"
    assert "1,000 agree" in (folder / "out.txt").read_text()
    assert "pictures a second" in (folder / "out.txt").read_text()


# What a check takes beside the picture, in a process of its own that has done a small one before.
PEAK = """
import sys, torch
from pathlib import Path
from rfviz.check import LayerCheck
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.io.pictures.preprocessing import Preprocessing

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

channels, height, width, reads, dtype, resize, how, n_strips = eval(sys.argv[1])
weight = torch.ones(2, reads, 3, 3, dtype=getattr(torch, dtype))
picture = torch.zeros(channels, height, width, dtype=torch.uint8)
picture[:, ::3] = 7
check = LayerCheck(weight, None, Conv2dSpec(3), Preprocessing(resize=resize), how)
small = LayerCheck(weight, None, Conv2dSpec(3), Preprocessing(resize=99 if resize else None), how)
small.row("small", picture[:, :50, :50])
before = peak()
for _ in zip(range(n_strips), check.row_steps("large", picture)):
    pass
print(peak() - before)
"""


@pytest.mark.parametrize(
    "case",
    [(3, 300, 300, 3, "float64", (10_000, 10_000), None, 20),
     (1, 28, 28, 1, "float32", (5_000, 20_000), None, 20),
     (1, 90, 28, 3, "float16", 5_500, "repeat", 20),
     (3, 9_000, 9_000, 3, "float64", (9_000, 9_000), None, 5),
     (3, 9_000, 9_000, 3, "float64", 7, None, 5),
     (3, 9_000, 9_000, 1, "float64", None, "grey", 5),
     (3, 9_000, 9_000, 1, "float32", 8_000, "grey", 5)],
)  # fmt: skip
def test_what_a_check_makes_of_a_picture_is_never_held_whole(case: tuple[Any, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PEAK, repr(case)], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert int(ended.stdout) < STRIP_BYTES


@pytest.mark.parametrize("seed", range(20))
def test_a_picture_of_floats_gives_what_it_gives_whole(seed: int) -> None:
    case = random_case(seed)
    channels, height, width = case.image.shape[-3:]
    picture = torch.randint(0, 256, (channels, height + 3, width + 2), dtype=torch.uint8)
    preprocessing = Preprocessing(255.0, (0.5,), (0.25,), resize=(height, width))
    check = LayerCheck(case.weight, case.bias, case.spec, preprocessing)
    values = preprocessing.values(channels, torch.float64)
    expected = conv2d_by_torch(case._replace(image=values(preprocessing.part(picture).double())))
    strips = list(check._strips(preprocessing.rows_of(picture), values))
    assert [row for strip in strips for row in strip.rows] == list(range(expected.shape[1]))
    for found in (
        torch.cat([strip.by_conv2d for strip in strips], 1),
        torch.cat([strip.by_matmul for strip in strips], 1),
    ):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)
    row = check.row("resized", picture)
    assert row.allclose
    assert row.n_outputs == expected.numel()
