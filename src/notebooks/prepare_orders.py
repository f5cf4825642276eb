# Databricks notebook source
# MAGIC %md
# MAGIC # Prepare the day's orders
# MAGIC What came in since yesterday, counted by status, before the pipeline takes it.

# COMMAND ----------

# ruff: noqa: ERA001 - a cell of text is a comment to Python, and imports may follow other cells
import sys
from collections import Counter
from pathlib import Path

# A notebook's working directory is its own folder; the package is the folder beside it.
sys.path.insert(0, str(Path.cwd().parent))

from lakehouse.orders import clean, read_orders

# COMMAND ----------

incoming = read_orders()
print(f"{len(incoming)} rows came in")
for status, count in sorted(Counter(order.status for order in incoming).items()):
    print(f"  {status:<10} {count}")

# COMMAND ----------

print(f"{len(clean(incoming))} orders are left for the pipeline")
