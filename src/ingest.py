"""The pipeline `ingest`: one table of clean orders.

`root_path` of the pipeline puts the package on the path and `spark` is there without an import.
"""

from dataclasses import asdict
from typing import Any

from lakehouse.orders import clean, read_orders


def clean_rows() -> list[dict[str, Any]]:
    """Return the rows of the table `clean_orders`."""
    return [asdict(order) for order in clean(read_orders())]


try:
    from pyspark import pipelines as dp
except ImportError:  # a laptop or a test, without Spark
    print(f"no Spark here: clean_orders would hold {len(clean_rows())} rows")
else:

    @dp.materialized_view(comment="Each order once, without the cancelled ones")
    def clean_orders() -> Any:  # noqa: ANN401 - a DataFrame, whose package is only on Databricks
        return spark.createDataFrame(clean_rows())  # type: ignore[name-defined]  # noqa: F821
