"""Faults, one at a time, done to real processes under load: what their clients notice, and whether
that is within bounds.

`make chaos` runs all of it, `python -m chaos --help` tells how to run a part.
"""
