"""The explorer's own files, by their names: the app serves them, a page that stands alone holds them."""

from pathlib import Path

HERE = Path(__file__).parent
# Each script that there is, at the address that its imports of others are relative to.
SCRIPTS = tuple(sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*.js")))
