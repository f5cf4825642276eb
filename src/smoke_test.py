"""Does what was just deployed hang together? Prints each check; exit code 1 if one fails.

Run by the job `smoke_test` after each deployment, from the files that were deployed.
"""

import argparse
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

HERE = Path((lambda: None).__code__.co_filename).resolve().parent
REFERRED = ("notebooks/prepare_orders", "ingest.py")


class Broken(Exception):
    """A check failed; the text says what is so."""


def require(condition: object, otherwise: str) -> None:
    if not condition:
        raise Broken(otherwise)


def wheel_is_built_from_these_sources() -> str:
    """The installed wheel and the uploaded sources hold the same code."""
    wheel = distribution("lakehouse")
    modules = [file for file in wheel.files or [] if file.suffix == ".py"]
    require(modules, "the wheel holds no module")
    for module in modules:
        installed = wheel.locate_file(module).read_bytes()  # type: ignore[attr-defined]
        source = (HERE / module).read_bytes()
        require(installed == source, f"{module} differs between wheel and sources")
    return f"lakehouse {wheel.version}, {len(modules)} modules"


def referred_files_are_there() -> str:
    """What jobs and pipelines refer to was uploaded; a notebook loses its extension on the way."""
    for name in REFERRED:
        require((HERE / name).exists() or (HERE / f"{name}.py").exists(), f"{name} is missing")
    return ", ".join(REFERRED)


def report_adds_up() -> str:
    """The days of the report add up to the sum of the clean orders."""
    from lakehouse.orders import clean, read_orders  # noqa: PLC0415 - a missing package is a failed check
    from lakehouse.report import daily_totals  # noqa: PLC0415

    orders = clean(read_orders())
    total = sum(daily_totals(orders).values())
    expected = sum(order.amount for order in orders)
    require(total == expected, f"the report says {total}, the orders say {expected}")
    return f"{len(orders)} orders, {total} in all"


CHECKS: tuple[Callable[[], str], ...] = (
    wheel_is_built_from_these_sources,
    referred_files_are_there,
    report_adds_up,
)


def passed(check: Callable[[], str]) -> bool:
    """Run one check and print how it went."""
    title = check.__name__.replace("_", " ")
    try:
        print(f"ok      {title}: {check()}")
    except (Broken, ImportError, OSError, PackageNotFoundError) as error:
        print(f"FAILED  {title}: {error}")
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(prog="smoke_test")
    parser.add_argument("--target", required=True)
    target = parser.parse_args().target
    results = [passed(check) for check in CHECKS]
    print(f"smoke test of {target}: {sum(results)} of {len(results)} checks passed")
    if not all(results):
        sys.exit(1)


if __name__ == "__main__":
    main()
