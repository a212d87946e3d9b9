"""How the documentation is built: `python -m sphinx -W docs docs/_build`, warnings as errors."""

project = "rfviz"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode", "myst_parser"]
# Docstrings name code in single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# The types of the signatures are those of the code; long ones stand below each other.
maximum_signature_line_length = 88
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist"]
html_theme = "furo"
html_title = "rfviz"
# Nothing is fetched from another host, by whoever reads the pages.
html_theme_options = {"source_edit_link": ""}
html_show_sphinx = False
