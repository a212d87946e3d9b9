"""The app as Streamlit starts it, `app.py`, with its configuration beside it.

`app.py` and `.streamlit/config.toml` at the top of the repository are links to these.
"""
