"""Checks on named exchanges, one module an area."""
