"""A whole world on a laptop: GitHub, three Databricks workspaces, Prefect and a `databricks` command.

Nothing in here knows dabflow: the same servers would serve any tool that speaks to GitHub and Databricks.
"""
