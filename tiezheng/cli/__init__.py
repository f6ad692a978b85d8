"""The command line `tiezheng`: one command a file; `output` speaks to people and to programs.

Guaranteed: an error of this product is shown as its code and a sentence, never as a traceback, and what one command
prints with `--json` keeps its members. Not guaranteed: the wording and layout of what people read.
"""
