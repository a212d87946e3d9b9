"""The files that the browser fetches from the app's own server: plotly.js and the explorer.

plotly.js is the one that the installed plotly package ships, so that the page needs no other
host and the repository no copy of it.
"""

from importlib.metadata import version
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PREFIX = "rfviz"
PLOTLY = f"{PREFIX}/plotly-{version('plotly')}.min.js"
SCRIPTS = ("explorer.js", "axes.js", "marks.js", "payload.js")
STYLES = ("explorer.css",)


def routes() -> list[Route]:
    """Routes for ``st.App``: each file by name, nothing else of the package."""
    return [
        Route(f"/{PLOTLY}", _plotly),
        *(Route(f"/{PREFIX}/{name}", _file) for name in SCRIPTS + STYLES),
    ]


def _plotly(_: Request) -> Response:
    source = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    # The version is in the name, so the browser need never ask again.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(source, media_type="text/javascript", headers=headers)


def _file(request: Request) -> Response:
    name = request.url.path.rsplit("/", 1)[-1]
    kind = "text/css" if name in STYLES else "text/javascript"
    source = files("rfviz.explorer").joinpath(name).read_bytes()
    return Response(source, media_type=kind, headers={"Cache-Control": "no-cache"})
