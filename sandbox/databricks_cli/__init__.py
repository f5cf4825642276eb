"""A stand-in for the `databricks` command: enough of bundles to release jobs and pipelines.

It speaks HTTP to a workspace as the real command does, keeps the same state files, prints the same texts
and fails the same ways. What it does not support it refuses by name. tests/contract/ holds it and the real
command to the same recordings. Only the standard library and PyYAML, so that it starts quickly.
"""

VERSION = "1.14.0-sandbox"
