"""The explorer in a notebook, without Streamlit and without a network.

`show` is the call, `worked` computes what the panels show, `page` writes the HTML.
"""
