"""Orders as they come in, and what is kept of them."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import resources


@dataclass(frozen=True)
class Order:
    number: str
    day: date
    country: str
    status: str
    amount: Decimal


def parse(row: dict[str, str]) -> Order:
    """Return the order of one CSV row.

    Raises:
        ValueError: the day or the amount cannot be read.
    """
    try:
        amount = Decimal(row["amount"])
    except ArithmeticError as error:
        raise ValueError(f"order {row['number']}: {row['amount']!r} is not an amount") from error
    return Order(row["number"], date.fromisoformat(row["day"]), row["country"], row["status"], amount)


def read_orders() -> list[Order]:
    """Return the orders that the package brings along, as they came in."""
    text = resources.files(__package__).joinpath("data/orders.csv").read_text(encoding="utf-8")
    return [parse(row) for row in csv.DictReader(text.splitlines())]


def clean(orders: Iterable[Order]) -> list[Order]:
    """Return each order once, as last told, without the cancelled ones; by number."""
    latest = {order.number: order for order in orders}
    kept = [order for order in latest.values() if order.status != "cancelled"]
    return sorted(kept, key=lambda order: order.number)
