"""Let go of what nothing needs any more: the job behind the DAG tidy_store, as `nightfill tidy --yes` does it by hand."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from include import recipes
from include.jobs.frame import Job, main
from include.rollout import retention
from include.rollout.retention import Machine
from include.settings import Settings

OWN = "tidy_store"


class TidyStore(Job):
    """Result: counts and bytes of what went, bytes of objects by dataset, and why partitions and models had to stay, if so.

    Args:
        dry_run: only say what would go.
    """

    work: Path = Path()
    dry_run: bool = False

    def run(self) -> dict[str, Any]:
        settings, store = Settings.load(), self.open_store()
        machine = Machine(answers=settings.answers, work=settings.var / "work", jobs=settings.run / "jobs")
        keep = {"nights": settings.keep_nights, "days": settings.keep_days}
        going = retention.plan(store, machine, recipes.surfaces(), **keep, own=OWN)
        if not self.dry_run:
            retention.apply(store, machine, going)
        by_dataset = Counter[str]()
        for one in going.objects.values():
            by_dataset[one.of or "no manifest"] += one.bytes
        return {
            "deleted": not self.dry_run,
            "partitions": len(going.parts),
            "models": len(going.versions),
            "objects": len(going.objects),
            "answers": len(going.answers),
            "runs": len(going.runs),
            "bytes": going.bytes,
            "bytes_by_dataset": dict(sorted(by_dataset.items())),
            "young_bytes": going.young,
            "busy": going.busy,
        }


if __name__ == "__main__":
    sys.exit(main(TidyStore))
