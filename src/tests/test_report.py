# ruff: noqa: PT009 - these checks run where there is nothing but Python
import unittest
from datetime import date
from decimal import Decimal

from lakehouse.orders import Order
from lakehouse.report import daily_totals, lines

MONDAY, TUESDAY = date(2026, 10, 5), date(2026, 10, 6)


def order(day: date, amount: str) -> Order:
    return Order("1", day, "DE", "paid", Decimal(amount))


class DailyTotalsTest(unittest.TestCase):
    def test_orders_of_one_day_are_added_up(self) -> None:
        orders = [order(TUESDAY, "1.00"), order(MONDAY, "2.00"), order(MONDAY, "3.00")]
        self.assertEqual(list(daily_totals(orders).items()), [(MONDAY, Decimal(5)), (TUESDAY, Decimal(1))])

    def test_cents_are_kept(self) -> None:
        self.assertEqual(
            daily_totals([order(MONDAY, "0.10"), order(MONDAY, "0.25")])[MONDAY], Decimal("0.35")
        )


class LinesTest(unittest.TestCase):
    def test_the_last_line_is_the_sum(self) -> None:
        text = lines({MONDAY: Decimal("2.50"), TUESDAY: Decimal(1)}, "shop")
        self.assertEqual(text[0], "daily report of shop")
        self.assertEqual(text[-1].split(), ["all", "days", "3.50"])


if __name__ == "__main__":
    unittest.main()
