"""Practice: a series of questions, the same for a whole class, with the slip behind each answer."""

import streamlit as st

from rfviz.ui.practice import panels as practice_view

st.title("Practice")
st.markdown(
    "Questions on output sizes, receptive fields and the column matrix. A **wrong answer is "
    "explained by the slip that gives it**. The address holds the series: whoever opens it is "
    "asked the same questions."
)
questions, progress = practice_view.series_widgets()
progress.at = min(progress.at, len(questions) - 1)
bar = st.container()
practice_view.ask(questions, progress)
practice_view.move_buttons(questions, progress)
practice_view.summary(questions, progress)
with bar:
    practice_view.score_line(questions, progress)
