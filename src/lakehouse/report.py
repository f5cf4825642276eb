"""The daily report: how much was sold on which day."""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from lakehouse.orders import Order, clean, read_orders


def daily_totals(orders: Iterable[Order]) -> dict[date, Decimal]:
    """Return the sum of all orders of each day, to the cent, in the order of the days."""
    totals: dict[date, Decimal] = defaultdict(Decimal)
    for order in orders:
        totals[order.day] += order.amount
    return dict(sorted(totals.items()))


def lines(totals: dict[date, Decimal], catalog: str) -> list[str]:
    """Return the report as text, one line a day and one for all of them."""
    days = [f"{day}  {total:>10}" for day, total in totals.items()]
    return [f"daily report of {catalog}", *days, f"{'all days':<10}  {sum(totals.values()):>10}"]


def main() -> None:
    """Print the report: the entry point of the job's last task."""
    parser = argparse.ArgumentParser(prog="daily_report")
    parser.add_argument("--catalog", required=True)
    arguments = parser.parse_args()
    print("\n".join(lines(daily_totals(clean(read_orders())), arguments.catalog)))
