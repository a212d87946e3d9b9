"""Reading a stranger's picture in a process of its own: it can be stopped, and it cannot harm.

A few bytes can ask for a minute of decoding, and a decoder written in C can break. The process has
no torch, a limit of memory and of time, and gives way to the server; its pixels come back in memory
that both share, so that a large picture is never copied.
"""

from __future__ import annotations

import base64
import json
import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rfviz.conv.errors import InputError, Remedy
from rfviz.io.pictures.decoder import MOST_SECONDS
from rfviz.io.pictures.files import MAX_PIXELS, format_name

Reserve = Callable[[int], AbstractContextManager[object]]

# Nothing that is imported here imports torch: a second, and 200 MB.
_START = """
import sys
source, target, *sys.path[:] = sys.argv[1:]
from rfviz.io.pictures.decoder import main
main(int(source), int(target))
"""
_MOST_SAID = 2**20
_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "LANG")
_REDUCE = "Reduce it in an image editor first, or save it anew as PNG."


class ReadPicture(NamedTuple):
    """A picture, uint8 (C, H, W), and in a sentence what was changed to make it so, if anything."""

    pixels: Tensor
    note: str


class Reading:
    """A picture file on its way to pixels; `fraction` done, and a `draft` (JPEG) once there is one.

    `needed` are the bytes that the work takes, 0 until that is known.

    Nothing happens in the background but decoding: call :meth:`poll` now and then. ``reserve`` is
    asked with the bytes that the work will take, before it does; where it raises `InputError` the
    reading has ended and was `refused`, which it need not be the next time. The
    process ends with the reading, when it is stopped, or when nobody holds it any more. InputError
    at once for what is no picture.
    """

    def __init__(self, data: bytes, reserve: Reserve | None = None) -> None:
        """Begin."""
        format_name(data)
        self.fraction = 0.0
        self.draft: bytes | None = None
        self.refused = False
        self.needed = 0
        self._reserve: Reserve = reserve or (lambda n_bytes: nullcontext())
        self._picture: ReadPicture | None = None
        self._error: InputError | None = None
        self._heard = b""
        with ExitStack() as held:
            source, self._target = (held.enter_context(_nameless_file()) for _ in range(2))
            source.write(data)
            source.seek(0)
            self._process = _started(source.fileno(), self._target.fileno())
            source.close()
            self._held = held.pop_all()
        self._end = weakref.finalize(self, _ended, self._process, self._held)

    @property
    def ended(self) -> bool:
        """Whether there is a picture, or a reason why there is none."""
        return self._picture is not None or self._error is not None

    def poll(self, seconds: float = 0.0) -> bool:
        """Hear what the process says for at most so long; whether it has ended."""
        while not self.ended:
            pipe = self._process.stdout
            assert pipe is not None
            if not select.select([pipe], [], [], seconds)[0]:
                break
            said = os.read(pipe.fileno(), 2**16)
            *lines, self._heard = (self._heard + said).split(b"\n")
            if len(self._heard) > _MOST_SAID:
                self._fail(InputError("The picture's decoder went wrong.", remedy=_REDUCE))
            for line in lines:
                self._hear(json.loads(line))
            if not said and not self.ended:
                self._fail(self._death())
            seconds = 0.0
        return self.ended

    def stop(self) -> None:
        """End the process; nothing more is heard of it."""
        self._end()
        if not self.ended:
            self._error = InputError("Reading the picture was stopped.", remedy="Choose it again")

    def result(self) -> ReadPicture:
        """The picture, waited for; `InputError` says why there is none."""
        while not self.poll(seconds=1.0):
            pass
        if self._error is not None:
            raise self._error
        assert self._picture is not None
        return self._picture

    def _hear(self, said: dict[str, Any]) -> None:
        if "fraction" in said:
            self.fraction = min(1.0, float(said["fraction"]))
        elif "draft" in said:
            self.draft = base64.b64decode(said["draft"])
        elif "needs" in said:
            self._go_on(int(said["needs"]))
        elif "shape" in said:
            self._take(said["shape"], str(said["note"]))
        else:
            remedies = [Remedy(str(label)) for label in said["remedies"]]
            self._fail(InputError(str(said["error"]), remedies))

    def _go_on(self, n_bytes: int) -> None:
        """Reserve what the work takes, and let it begin."""
        self.needed = n_bytes
        try:
            self._held.enter_context(self._reserve(n_bytes))
        except InputError as error:
            self.refused = True
            self._fail(error)
            return
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()

    def _take(self, shape: list[int], note: str) -> None:
        n_channels, height, width = shape
        # Once it has ended nobody can shorten the file under the tensor's feet.
        self._process.wait()
        size = n_channels * height * width
        found = os.fstat(self._target.fileno()).st_size
        if n_channels not in (1, 3) or not 0 < height * width <= MAX_PIXELS or found != size:
            self._fail(InputError("The picture's decoder went wrong.", remedy=_REDUCE))
            return
        memory = mmap.mmap(self._target.fileno(), size)
        self._picture = ReadPicture(torch.frombuffer(memory, dtype=torch.uint8).view(*shape), note)
        self.fraction = 1.0
        self._end()

    def _fail(self, error: InputError) -> None:
        self._error = error
        self._end()

    def _death(self) -> InputError:
        """Why the process ended without a word."""
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            what = f"Decoding the picture took longer than {MOST_SECONDS} s and was ended."
        elif code == -signal.SIGKILL:
            what = "Decoding the picture took more memory than there is and was ended."
        else:
            what = "The picture is damaged: its decoder broke on it, and nothing else did."
        return InputError(what, remedy=_REDUCE)


def read_apart(data: bytes, reserve: Reserve | None = None) -> ReadPicture:
    """The picture in a file, as `rfviz.load_picture` reads it, in a process of its own.

    InputError as there, and where the server has no room or the decoder breaks.
    """
    return Reading(data, reserve).result()


def _nameless_file() -> Any:
    """A file in memory, where the system has such, else one without a name."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("picture"), "w+b")
    return tempfile.TemporaryFile()


def _started(source: int, target: int) -> subprocess.Popen[bytes]:
    """The process, which inherits the two files and nothing else of ours."""
    home = Path(__file__).parents[3]
    known = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # One thread: a pool of OpenBLAS takes addresses for nothing.
    known |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    files = [str(source), str(target), str(home)]
    return subprocess.Popen(  # noqa: S603 - this Python and a text of ours
        [sys.executable, "-I", "-c", _START, *files, *filter(None, sys.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        pass_fds=(source, target), env=known,
    )  # fmt: skip


def _ended(process: subprocess.Popen[bytes], held: ExitStack) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    held.close()
