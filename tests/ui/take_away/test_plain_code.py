"""The code that needs torch and pillow alone runs where there is no rfviz, and gives nn.Conv2d."""

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest
from torch import nn

from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.export.torch_script import NamedBank, PictureFile, pixels_crc, torch_script
from rfviz.io.kernels.bank import filter_bank
from rfviz.io.kernels.catalogue import KERNELS
from rfviz.io.pictures.picture import picture_png
from rfviz.io.pictures.samples import SAMPLES, sample_file
from rfviz.io.weights.write import npy_of, safetensors_of, torch_of

ROOT = Path(__file__).parents[3]
# A None among the modules is one that cannot be imported.
WITHOUT = "import sys\nsys.modules['rfviz'] = sys.modules['numpy'] = None\n"
MOST_LETTERS = 20_000


def opened(address: str, pictures: dict[str, bytes], weights: dict[str, bytes]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in parse_qsl(address):
        app.query_params[name] = value
    app.run()
    if pictures:
        app.file_uploader("upload").set_value(
            [(name, data, "image/png") for name, data in pictures.items()]
        )
        app.run()
    for name, data in weights.items():
        app.file_uploader("weights_file").set_value((name, data, "application/octet-stream"))
        app.run()
    assert not app.exception
    return app


def plain(app: AppTest) -> str:
    """The first code of the page that is Python: it is the one that needs least."""
    code: str = next(block.value for block in app.code if block.language == "python")
    assert "import rfviz" not in code
    assert len(code) < MOST_LETTERS
    return code


def run(code: str, folder: Path, files: dict[str, bytes]) -> tuple[float, str]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT + code],
        capture_output=True, text=True, check=False, timeout=60, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = re.search(r"output: (\S+)", done.stdout)
    assert printed is not None
    return float(printed[1]), done.stdout


def on_page(app: AppTest) -> float:
    shown = next(block.value for block in app.code if "nn.Conv2d gives" in block.value)
    number = re.search(r"nn.Conv2d gives ([−\d.e]+)", shown)
    assert number is not None
    return float(number[1].replace("−", "-"))


def check(app: AppTest, folder: Path, files: dict[str, bytes], rel: float = 1e-4) -> str:
    code = plain(app)
    printed, output = run(code, folder, files)
    assert printed == pytest.approx(on_page(app), rel=rel, abs=1e-3)
    assert "as nn.Conv2d: True" in output
    return code


@pytest.mark.parametrize(
    "address",
    [
        "",
        "sample=scene&region=true&region_top=900&region_left=500&grey=true&reduce=2&kernel=5",
        "sample=scene&filters=5&kernel=7&weights=gabor&stride=3&values=0 to 1&row=2&filter=3",
        "sample=scene&region=true&region_height=200&region_width=150&reduce=3&across=per-channel",
        "sample=zone-plate&weights=random&seed=3&filters=64&kernel=9&padding_mode=circular",
        "sample=stripes&padding_kind=same&dilation=2&with_bias=true&bias=0.5&filters=3",
        "sample=address&weights=random&seed=7&padding_mode=reflect&padding=2&dtype=float64&row=3",
        "sample=address&dtype=bfloat16&padding_mode=replicate&padding=3",
        "sample=address&dtype=float16&padding_mode=reflect&values=0 to 1",
        "sample=scene&groups=3&filters=6&weights=laplacian&padding_kind=per side&pad_top=4",
        "separate=true&kernel_height=2&kernel_width=5&stride_height=2&weights=box&column=1",
    ],
)
def test_code_of_a_sample_runs_without_rfviz(address: str, tmp_path: Path) -> None:
    files = {sample.file: sample_file(sample) for sample in SAMPLES}
    low = "float16" in address or "bfloat16" in address
    check(opened(address, {}, {}), tmp_path, files, rel=2e-2 if low else 1e-4)


def test_code_of_a_small_sample_needs_no_file(tmp_path: Path) -> None:
    app = opened("sample=stripes&filters=2", {}, {})
    check(app, tmp_path, {})
    assert any("It needs no file" in caption.value for caption in app.caption)


def pictures() -> dict[str, bytes]:
    torch.manual_seed(0)
    rgb = torch.randint(0, 256, (3, 37, 50), dtype=torch.uint8)
    image = Image.open(io.BytesIO(picture_png(rgb)))
    alpha = Image.open(io.BytesIO(picture_png(torch.randint(0, 256, (1, 37, 50)).byte())))
    turned = Image.Exif()
    turned[274] = 6
    clear = image.copy()
    clear.putalpha(alpha)
    both = alpha.convert("LA")
    both.putalpha(alpha.rotate(180))
    made: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "photo one.jpg": (image, {"exif": turned}),
        "rgb.png": (image, {}),
        "rgba.png": (clear, {}),
        "grey.png": (alpha, {}),
        "grey alpha.png": (both, {}),
        "palette.gif": (image.quantize(32), {}),
        "bits.png": (alpha.convert("1"), {}),
        "cmyk.jpg": (image.convert("CMYK"), {}),
        "a 'b' {c}.webp": (image, {"lossless": True}),
        "deep.png": (alpha.convert("I;16"), {}),
        "float.tif": (alpha.convert("F"), {}),
    }
    found = {}
    for name, (each, how) in made.items():
        file = io.BytesIO()
        each.save(file, format=None if "." not in name else _format(name), **how)
        found[name] = file.getvalue()
    return found


def _format(name: str) -> str:
    endings = {"jpg": "JPEG", "tif": "TIFF"}
    ending = name.rsplit(".", 1)[1]
    return endings.get(ending, ending.upper())


@pytest.mark.parametrize("name", pictures())
def test_code_reads_an_uploaded_file_by_its_name(name: str, tmp_path: Path) -> None:
    data = pictures()[name]
    app = opened("source=Upload&kernel=5&row=3&column=2&filters=2&filter=1", {name: data}, {})
    files = {name: data}
    if name in {"deep.png", "float.tif"}:
        # Pillow alone would read other numbers: the code asks for the PNG of the button.
        stem = name.rsplit(".", 1)[0]
        files = {f"{stem}.png": picture_png(_whole(app))}
    code = check(app, tmp_path, files)
    said = next(iter(files))
    assert said in code.splitlines()[0] or repr(said) in code.splitlines()[0]


def _whole(app: AppTest) -> torch.Tensor:
    source = app.session_state["source_before"]
    pixels: torch.Tensor = source.pixels
    return pixels


def test_another_file_of_the_same_name_ends_in_a_sentence(tmp_path: Path) -> None:
    data = pictures()["rgb.png"]
    code = plain(opened("source=Upload", {"rgb.png": data}, {}))
    (tmp_path / "rgb.png").write_bytes(pictures()["grey.png"])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, check=False,
        timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "other pixels than on the page" in done.stderr
    assert "Traceback" not in done.stderr


def weights() -> dict[str, bytes]:
    torch.manual_seed(1)
    layer = nn.Conv2d(3, 16, 5)
    state = {f"features.0.{name}": value.detach() for name, value in layer.state_dict().items()}
    found = {}
    for name, kept in {
        "net.pth": state,
        "net.ckpt": {"epoch": 3, "state_dict": state, "best": torch.tensor(0.5)},
        "ema.pt": {"model": state, "ema": {k: v + 1 for k, v in state.items()}},
    }.items():
        file = io.BytesIO()
        torch.save(kept, file)
        found[name] = file.getvalue()
    found["one.safetensors"] = safetensors_of(state["features.0.weight"], "features.0.weight")
    found["half.safetensors"] = safetensors_of(layer.weight.detach().bfloat16(), "w")
    found["kernel.npy"] = npy_of(layer.weight.detach())
    found["hwio.npy"] = npy_of(layer.weight.detach().permute(2, 3, 1, 0).contiguous())
    found["small.npy"] = npy_of(torch.randn(2, 3, 3, 3))
    return found


@pytest.mark.parametrize("name", weights())
def test_code_reads_the_layer_of_an_uploaded_file(name: str, tmp_path: Path) -> None:
    data = weights()[name]
    sample = "glyph" if name.startswith(("net", "small")) else "scene"
    address = f"sample={sample}&weights_source=File&filter=1&region=true&region_height=20"
    address += "&region_width=20"
    app = opened(address, {}, {name: data})
    files = {name: data}
    code = plain(app)
    if "weight.pt" in code:
        inputs = app.session_state["controls"]
        layer = inputs.choices
        tensors = {"weight": layer.values}
        tensors |= {} if layer.bias is None else {"bias": layer.bias}
        files = {"weight.pt": torch_of(tensors)}
        assert name.endswith(".npy")
        assert any(name in caption.value.replace("\\", "") for caption in app.caption)
    if name == "small.npy":
        files = {}
    check(app, tmp_path, files)


@pytest.mark.parametrize("name", [kernel.name for kernel in KERNELS])
@pytest.mark.parametrize("across", ["mean", "per-channel"])
def test_the_formula_written_out_gives_the_bank(name: str, across: str) -> None:
    kernel = next(kernel for kernel in KERNELS if kernel.name == name)
    height, width = kernel.usual_size
    for n_filters, groups in ((12, 1), (60, 3), (45, 1)):
        for dtype in (torch.float32, torch.float64):
            bank = filter_bank(
                name, (height, width), 3, n_filters, groups, across=across, seed=5, dtype=dtype,  # type: ignore[arg-type]
            )  # fmt: skip
            picture = torch.randint(0, 256, (3, 12, 12), dtype=torch.uint8)
            code = torch_script(
                picture=PictureFile("a.png", 3, pixels_crc(picture), text="x"),
                spec=Conv2dSpec((height, width), groups=groups),
                weight=bank.repeat(1, 1, 1, 1),
                bias=None,
                weights=NamedBank(name, across, 5),  # type: ignore[arg-type]
                chosen=(0, 0, 0),
            )
            head, made = code[: code.index("image =")], code[code.index("picture = picture.to") :]
            made = made[: made.index("padded =")].split("\n", 1)[1]
            found: dict[str, object] = {}
            exec(head + made, found)  # noqa: S102 - the code under test
            weight = found["weight"]
            assert isinstance(weight, torch.Tensor)
            torch.testing.assert_close(weight, bank, rtol=0, atol=0)
