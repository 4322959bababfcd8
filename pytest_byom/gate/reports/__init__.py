"""What people read of a run: a page, a summary for pull requests, annotations and a badge.

All are made from results as plain data, of one run or of several.
"""
