"""A Databricks workspace on a laptop: files, jobs, pipelines, permissions, and runs that really run.

Answers what the `databricks` command and databricks-sdk ask for when they deploy and run a bundle of jobs
and pipelines; every other request is answered 501, so that a gap shows.
"""
