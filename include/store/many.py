"""Many small calls of one store: one after the other in a folder, several at once where each is a round trip."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from include.store.objects import Store

A = TypeVar("A")
B = TypeVar("B")


def each(store: Store, function: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """function(item) of every item, in their order. The first error is raised, and what has not begun is not begun."""
    wanted = list(items)
    if store.parallel < 2 or len(wanted) < 2:
        return [function(item) for item in wanted]
    with ThreadPoolExecutor(min(store.parallel, len(wanted))) as pool:
        pending = [pool.submit(function, item) for item in wanted]
        try:
            return [one.result() for one in pending]
        finally:
            for one in pending:
                one.cancel()
