"""The seed history of acme/lakehouse: what happened, told in data, and the tools that make it happen."""
