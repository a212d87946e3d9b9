"""What the library does not bring: libraries that come with an extra, each missing one a sentence.

Nothing here imports torch or any of those libraries: whether one is there is looked up only.
"""

from importlib.util import find_spec
from types import MappingProxyType

# Which libraries `pip install 'rfviz[NAME]'` brings, beyond torch, pillow and numpy.
EXTRAS = MappingProxyType(
    {
        "weights": ("safetensors",),
        "figures": ("plotly",),
        "app": ("streamlit", "plotly", "pandas", "starlette", "safetensors"),
    }
)


class MissingExtraError(ImportError):
    """A library that is not installed, with the extra that brings it."""


def require(extra: str, what: str) -> None:
    """Raise `MissingExtraError` that says how to get what `what` needs, unless it is there.

    >>> EXTRAS["figures"]
    ('plotly',)
    """
    if missing := [name for name in EXTRAS[extra] if find_spec(name) is None]:
        raise MissingExtraError(
            f"{what} needs {', '.join(missing)}, which the library alone does not bring. "
            f"Run: pip install 'rfviz[{extra}]'",
            name=missing[0],
        )
