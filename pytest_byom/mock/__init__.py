"""Scripted replies and the embedded server: everything that answers as a server would."""
