"""How much of uploaded files the server keeps: of one visitor, and of all together.

Streamlit bounds a file and nothing else: whoever sends one after the other fills the machine with
files that no picture is ever made of. What goes beyond is read and forgotten while it comes; the
page, which then misses the file, says why.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from rfviz.conv.memory import readable_bytes
from rfviz.ui.run.budget import BUDGET

PATH = "/_stcore/upload_file/"
# Two files of the largest size.
MOST_OF_ONE = 400_000_000
# Of the budget for pictures, which are weighed apart from the files that they come from.
SHARE_OF_BUDGET = 2
MOST_REMEMBERED = 1000
# Of the names that Streamlit gives to files, with some to spare.
LONGEST_NAME = 64


class UploadBound:
    """What is kept and what is on its way, in bytes; and which files were left out."""

    def __init__(self, most_of_one: int, most_of_all: int, kept: Callable[[], dict[str, int]]):
        """``kept`` says how many bytes of files each session has, by the session's name."""
        self.most_of_one = most_of_one
        self.most_of_all = most_of_all
        self._kept = kept
        self._coming: dict[object, tuple[str, int]] = {}
        self._left_out: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def room(self, session: str, file: str, n_bytes: int) -> Iterator[bool]:
        """Whether there is room for a file that comes while the block runs; else it is remembered.

        >>> bound = UploadBound(100, 150, lambda: {"one": 60, "two": 60})
        >>> with bound.room("one", "a", 20) as fits, bound.room("one", "b", 30) as fits_too:
        ...     fits, fits_too
        (True, False)
        >>> bound.why_left_out("b")
        'one visitor keeps at most 100 bytes of files here'
        """
        ticket = object()
        with self._lock:
            why = self._why_not(session, n_bytes)
            if why:
                self._left_out[file[:LONGEST_NAME]] = why
                while len(self._left_out) > MOST_REMEMBERED:
                    self._left_out.popitem(last=False)
            else:
                self._coming[ticket] = (session, n_bytes)
        try:
            yield not why
        finally:
            with self._lock:
                self._coming.pop(ticket, None)

    def why_left_out(self, file: str) -> str:
        """Why a file was not kept; nothing for another."""
        with self._lock:
            return self._left_out.get(file, "")

    def _why_not(self, session: str, n_bytes: int) -> str:
        kept = self._kept()
        coming = sum(size for _, size in self._coming.values())
        own = sum(size for name, size in self._coming.values() if name == session)
        if kept.get(session, 0) + own + n_bytes > self.most_of_one:
            return f"one visitor keeps at most {readable_bytes(self.most_of_one)} of files here"
        if sum(kept.values()) + coming + n_bytes > self.most_of_all:
            most = readable_bytes(self.most_of_all)
            return f"all visitors together keep at most {most} of files here, which are in use"
        return ""


class BoundedUploads:
    """ASGI middleware: lets a file through where there is room for it."""

    def __init__(self, app: ASGIApp, bound: UploadBound) -> None:
        """Wrap the app."""
        self.app = app
        self.bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what is no upload, and the uploads that fit."""
        if scope["type"] != "http" or scope["method"] != "PUT" or PATH not in scope["path"]:
            await self.app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "")
        if not (said.isascii() and said.isdigit() and len(said) <= 12):
            answer = PlainTextResponse("Say how long the file is: Content-Length.", 411)
            await answer(scope, receive, send)
            return
        session, _, file = scope["path"].split(PATH, 1)[1].partition("/")
        if not Runtime.instance().is_active_session(session):
            # Streamlit refuses it unread: it must not stand in the way of others meanwhile.
            await self.app(scope, receive, send)
            return
        with self.bound.room(session, file, int(said)) as fits:
            if fits:
                await self.app(scope, receive, send)
                return
        await _forgotten(receive)
        # As for one that is kept: the page is drawn anew, and says what is missing and why.
        await PlainTextResponse("", 204)(scope, receive, send)


async def _forgotten(receive: Receive) -> None:
    """Read the body to its end, and keep nothing: a browser waits for an answer until then."""
    message: Message = {"more_body": True}
    while message.get("more_body", False):
        message = await receive()


def _kept_by_streamlit() -> dict[str, int]:
    manager = Runtime.instance()._uploaded_file_mgr if Runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    with manager._lock:
        return {
            session: sum(len(file.data) for file in files.values())
            for session, files in manager.file_storage.items()
        }


UPLOADS = UploadBound(MOST_OF_ONE, BUDGET.n_bytes // SHARE_OF_BUDGET, _kept_by_streamlit)
