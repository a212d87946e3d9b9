"""Questions about sizes, fields and columns, with the slips that give each wrong answer.

Read `series` first; `question` is one of them.
"""
