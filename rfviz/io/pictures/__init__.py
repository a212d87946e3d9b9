"""Bytes to pictures, uint8 (channel, height, width): files of strangers, samples, preprocessing.

Read `picture` first; `reading` does it in a process of its own, of which `decoder` is the
program; `files` and `foreign_files` say what a file is.
"""
