"""The pages: each one a script that Streamlit runs, read from top to bottom."""
