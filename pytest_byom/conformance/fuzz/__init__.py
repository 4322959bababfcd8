"""Fuzzing: requests that hypothesis makes, valid and broken, and the smallest that goes wrong.

Only `drawing` and `searching` import hypothesis, and they are imported when a check fuzzes.
"""
