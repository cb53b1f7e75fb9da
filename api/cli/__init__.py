"""The command ``citypoints``: one file per group of commands, ``main.py`` puts them together.

Heavy libraries are imported inside the commands that use them, so that ``citypoints --help`` answers at once.
"""
