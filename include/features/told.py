"""Feature rows as they became known: which of them are in force as of a night.

A key's history begins with the row whose counters hold nothing but its own sums (cents_total == cents, since every line
that counts has money). Where lines of earlier days came late or were corrected, the partition of that night restates the key
whole, so a later row begins it again, and takes the place of all that was known before. A key of which nothing is left has
one row of zeros.
"""

import numpy as np
import pyarrow as pa

from include.features.counters import Counters, days


class Told:
    """The rows of one dataset by (entity, day, known), as all nights that were read have told them.

    Args:
        entity: int64 [N], any numbers; equal ones are one key.
        names: which counters to keep.
        empty: whether keys of which nothing is left stay, with their zeros.
    """

    def __init__(self, table: pa.Table, entity: np.ndarray, names: tuple[str, ...], empty: bool = False) -> None:
        day, known = days(table["day"]), days(table["known"])
        order = np.lexsort((known, day, entity))
        self.entity, self.day, self.known = entity[order], day[order], known[order]
        self.columns = {name: table[name].to_numpy().astype(np.int64)[order] for name in names}
        total = table["cents_total"].to_numpy()[order]
        begins = total == table["cents"].to_numpy()[order]
        new = np.append(True, np.diff(self.entity) != 0)[: len(self.entity)]
        self._place = np.cumsum(new) - 1
        self._keys = np.flatnonzero(new)
        self._begins = np.flatnonzero(begins)
        self._counts = (total > 0) | empty
        self.changes = self._nights_of_change()

    def _nights_of_change(self) -> frozenset[int]:
        """The nights, as day numbers, on which an earlier day looked otherwise than before."""
        first = np.minimum.reduceat(self.known, self._keys) if len(self._keys) else np.zeros(0, np.int32)
        again = self._begins[self.known[self._begins] > first[self._place[self._begins]]]
        late = self.known[self.day < self.known]
        return frozenset(np.unique(np.append(late, self.known[again])).tolist())

    def in_force(self, until: int) -> np.ndarray:
        """bool [N]: rows that count as known at the end of a night."""
        told = self.known <= until
        since = np.full(len(self._keys), np.iinfo(np.int32).min, np.int64)
        begins = self._begins[told[self._begins]]
        np.maximum.at(since, self._place[begins], self.known[begins])
        return told & (self.known >= since[self._place]) & self._counts

    def counters(self, until: int) -> tuple[np.ndarray, Counters]:
        """int64 [size] the entities that have rows, ascending; and their counters as known at the end of a night."""
        here = self.in_force(until)
        entity, day, columns = self.entity, self.day, self.columns
        if not here.all():
            entity, day = entity[here], day[here]
            columns = {name: values[here] for name, values in columns.items()}
        new = np.append(True, np.diff(entity) != 0)[: len(entity)]
        keys = entity[new]
        return keys, Counters(np.cumsum(new) - 1, day, columns, len(keys))
