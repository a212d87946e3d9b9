"""The explorer's own files, by their names: served by the app, held by a page that stands alone."""

from pathlib import Path

HERE = Path(__file__).parent
# Each script that there is, at the address that its imports of others are relative to.
SCRIPTS = tuple(sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*.js")))
