"""The terminal: a file for each command of `rfviz`, and `output`, through which all of them write.

Nothing here imports torch before a command is run, so that `--help` and Ctrl-C answer at once.
"""
