"""Starts rfviz: ``streamlit run app.py``.

Streamlit runs this file twice over. Imported by the server it is the app with its routes; run for a
browser, once an interaction, it is the frame of every page: navigation and the shared controls.
"""

import gc
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from rfviz.explorer.routes import middleware, routes
from rfviz.ui.places import links_beside, navigation_pages
from rfviz.ui.run.upload_bound import UPLOADS, BoundedUploads
from rfviz.ui.sidebar.first_visit import begin_with_the_first_example
from rfviz.ui.sidebar.held import hold_settings
from rfviz.ui.sidebar.inputs import draw_controls

# The file may be reached by a link to it.
PACKAGE = Path(__file__).resolve().parents[1]
# A picture of ours: a named icon would be fetched from another host.
ICON = PACKAGE / "assets" / "glyph.png"
# Pages that read the sidebar's picture, but neither its convolution nor its weights.
OWN_LAYERS = ("output_shape", "stack", "practice")

if __name__ == "__main__":
    st.set_page_config(
        "rfviz: receptive fields and im2col", ICON, layout="wide", initial_sidebar_state="collapsed"
    )
    page = st.navigation(list(navigation_pages()), position="top")
    begin_with_the_first_example()
    hold_settings(page.url_path)
    draw_controls(own_layers=page.url_path in OWN_LAYERS)
    # The stage has them below it.
    if page.url_path:
        links_beside(page.url_path)
    page.run()
else:
    # Streamlit and plotly both import pandas when a page first needs it; two pages at once would
    # meet it half imported. The server imports it before the first page.
    import pandas  # noqa: F401

    # What is imported by now stays. Looking through it for garbage again and again would stop
    # everybody for a fifth of a second, whenever a visitor's file brings many objects.
    gc.freeze()

    app = st.App(
        __file__,
        routes=routes(),
        middleware=[*middleware(), Middleware(BoundedUploads, bound=UPLOADS)],
    )
