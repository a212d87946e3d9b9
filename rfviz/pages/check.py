"""Check: the sidebar's weights on one or many pictures, in several types."""

import streamlit as st

from rfviz.conv.errors import InputError
from rfviz.ui.check import panels as check_view
from rfviz.ui.check.choice import check_widgets
from rfviz.ui.panels.output_size_line import output_size_line
from rfviz.ui.run import jobs
from rfviz.ui.sidebar.explain import explain
from rfviz.ui.sidebar.inputs import inputs_or_stop

st.title("Check")
st.markdown(
    "Does a layer do to real pictures what it should? The **weights of the sidebar** are applied "
    "to its picture, and to as many more as you add: every output as a matmul and by `nn.Conv2d`, "
    "in every type you choose."
)
inputs = inputs_or_stop(["Verdict", "Table"])
output_size_line(inputs)
try:
    choice = check_widgets(inputs)
except InputError as error:
    explain(error, {}, ["Verdict", "Table"])
    st.stop()

job, rows = check_view.check_job(inputs, choice)
result = jobs.result_of(job, check_view.WHAT)
complete, rows = result is not None, result or rows
if rows:
    check_view.verdict(rows, complete=complete)
    check_view.show_table(rows)
    check_view.download_buttons(inputs, choice, rows, complete=complete)
st.markdown("The same in a terminal, with the weights as a file (page Filters has one):")
st.code(check_view.terminal_command(inputs.spec, choice), language="sh", wrap_lines=True)
