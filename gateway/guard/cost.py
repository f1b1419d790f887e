"""What an operation costs: at most, by its document and variables, and really, by its answer."""

from collections.abc import Mapping, Sequence

from gateway.guard.formula import Formula, add, most, times
from gateway.guard.prices import Price, Prices


def estimate(prices: Prices) -> Formula:
    """What every object has, and the most that one type has beside that."""
    shared: list[Formula] = []
    special: dict[str, list[Formula]] = {}
    for price in prices.values():
        cost = _most_of(price)
        for name in price.only:
            special.setdefault(name, []).append(cost)
        shared += [] if price.only else [cost]
    return add([*shared, most([add(costs) for costs in special.values()])])


def _most_of(price: Price) -> Formula:
    item = add([estimate(price.inner)], price.each)
    return add([times(price.size, item) if price.size else item], price.asking)


def actual(prices: Prices, data: Mapping[str, object]) -> float:
    """What the answer cost that holds the data."""
    return sum(prices[name].asking + _of_answer(prices[name], value) for name, value in data.items())


def _of_answer(price: Price, value: object) -> float:
    if isinstance(value, Mapping):
        return price.each + actual(price.inner, value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sum(_of_answer(price, item) for item in value)
    return 0
