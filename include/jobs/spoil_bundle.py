"""Make candidates that are spoilt on purpose from the stable model, and put them on the drills' list."""

import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from include import recipes
from include.errors import Refused
from include.jobs.frame import Job, main
from include.nights import span
from include.rollout import registry
from include.rollout.bundle import Bundle, Pointer
from include.rollout.drill import DAYS, FEWEST, HOUSEHOLDS, Drill, chosen
from include.words import counted

log = logging.getLogger("nightfill")

ROOM = 25
"""Requests beyond the shadow's after which a delayed fault begins: warm-ups, the check's, questions asked twice."""
CHECKED = 150
"""More than the check asks for, so that a small shop's delayed fault does not begin in the sandbox."""


class SpoilBundle(Job):
    """Spoil the surface's stable model in some ways. Each is registered with the card of the good one, as if the gates had
    let it through.

    Result: {surface, night, days, households, after, drills: [{fault, form, name, version}]}.

    Args:
        drills: [{"fault", "form"}].
    """

    work: Path
    surface: str
    drills: list[dict[str, str]]

    def run(self) -> dict[str, Any]:
        from include.drills import damage, make

        wanted = [chosen(one.get("fault", ""), one.get("form", ""))[0] for one in self.drills]
        pointer, bundle = self._stable()
        store = self.open_store()
        days, households = self._shoppers(pointer)
        after = max(CHECKED, households + ROOM)
        made = []
        with tempfile.TemporaryDirectory(prefix="spoil-") as scratch:
            good = registry.materialise(store, bundle, Path(scratch) / bundle.name)
            for drill in wanted:
                folder = Path(scratch) / drill.mark.replace(" ", "-")
                name = make.spoil(drill, good, folder, after)
                version = registry.register(store, self.surface, folder, name, self._meta(bundle, drill, days), bundle.card)
                if drill.fault == "corrupt":
                    damage.corrupt(store, registry.find(store, self.surface, name))
                log.info("%s: model %s, version %d", drill.mark, name, version)
                made.append({"fault": drill.fault, "form": drill.form, "name": name, "version": version})
        return {
            "surface": self.surface,
            "night": pointer.night.isoformat(),
            "days": days,
            "households": households,
            "after": after,
            "drills": made,
        }

    def _stable(self) -> tuple[Pointer, Bundle]:
        recipes.require(self.surface)
        pointer = registry.stable(self.open_store(), self.surface)
        if pointer is None:
            raise Refused(f"Nothing is stable on {self.surface}", "Run `make run` first")
        bundle = registry.find(self.open_store(), self.surface, pointer.version)
        if bundle.version == 0:
            raise Refused(f"Popularity still answers {self.surface}; a drill spoils a trained model", "Run `make run` first")
        return pointer, bundle

    def _shoppers(self, pointer: Pointer) -> tuple[int, int]:
        """How many days are replayed, and how many households they bring."""
        from datetime import timedelta

        from include.sources.opening import open_source
        from include.sources.replay import ReplayClock

        clock, seen, days = ReplayClock(open_source(self.source)), set[str](), 0
        for day in span(pointer.night + timedelta(days=1), pointer.night + timedelta(days=DAYS)):
            seen |= set(clock.households_of(day))
            days += 1
            if len(seen) >= HOUSEHOLDS:
                break
        if len(seen) < FEWEST:
            raise Refused(
                f"Only {counted(len(seen), 'household')} came to the shop in the {days} days after {pointer.night}",
                f"A drill needs {FEWEST}; take a larger sample of the shop",
            )
        return days, len(seen)

    @staticmethod
    def _meta(bundle: Bundle, drill: Drill, days: int) -> dict[str, Any]:
        kept = {name: value for name, value in bundle.manifest.meta.items() if name != "surface"}
        return kept | {"drill": drill.mark, "days": days}


if __name__ == "__main__":
    sys.exit(main(SpoilBundle))
