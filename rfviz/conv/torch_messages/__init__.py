"""What torch says of a size, explained: the numbers it compared, the cause, the remedy.

Read `explain` first; `rules` recognise a message, `explanations` say what it means.
"""
