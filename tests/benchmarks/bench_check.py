"""The check from a terminal over many images, by hand: `python tests/benchmarks/bench_check.py`.

Makes 1,000 photographs of 480 x 640 from one of scikit-image's, each shifted and lit differently,
and checks a first layer of 16 filters of 3 x 3 on them in one process. Prints images a second, and
the resident memory after 100, 500 and 1,000 images.
"""

import io
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from rfviz.check import LayerCheck, Row, pictures_in, rows_of
from rfviz.conv.spec.spec import Conv2dSpec

N_IMAGES = 1000
REPORTED = (100, 500, 1000)


def make_images(folder: Path) -> None:
    shot = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    photograph = np.asarray(Image.fromarray(shot).resize((640, 480)))
    generator = np.random.default_rng(0)
    for number in range(N_IMAGES):
        turned = np.roll(photograph, generator.integers(0, 480, 2), (0, 1))
        lit = (turned * generator.uniform(0.3, 1.0)).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(lit).save(file, "JPEG", quality=90)
        (folder / f"{number:04}.jpg").write_bytes(file.getvalue())


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    print(f"{os.cpu_count()} cores, load averages {load}")
    torch.manual_seed(0)
    check = LayerCheck(torch.randn(16, 3, 3, 3), None, Conv2dSpec(3, padding=1))
    with tempfile.TemporaryDirectory() as name:
        make_images(Path(name))
        paths = pictures_in([name])
        print(f"before the first image: {resident_mib():.0f} MiB resident")
        start, rows = time.perf_counter(), list[Row]()
        for count, row in enumerate(rows_of(check, paths), 1):
            rows.append(row)
            if count in REPORTED:
                seconds = time.perf_counter() - start
                print(
                    f"after {count:>5,} images: {count / seconds:5.1f} images a second, "
                    f"{resident_mib():.0f} MiB resident",
                    flush=True,
                )
        print(f"{sum(row.allclose is True for row in rows):,} of {len(rows):,} agree")


if __name__ == "__main__":
    main()
