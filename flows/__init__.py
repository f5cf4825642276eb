"""WHAT happens, in order. Start with `standard_release.py`."""
