"""Compute the features of a range of nights in Spark, into the run's own folder."""

import datetime as dt
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import Field

from include.jobs.frame import main
from include.jobs.night_range import NightRangeJob
from include.settings import Settings
from include.spark_server import LOCAL
from include.store.objects import Store
from include.words import counted


class BuildFeatures(NightRangeJob):
    """Compute the nights first to last; nights whose inputs have not changed are left alone.

    `rebuild` computes them nevertheless: the bytes must come out the same. `patience` is how many seconds the job waits for
    the night before, which another run is about to publish; if nobody has even landed it, a tenth of that.
    """

    spark_master: str = Field(default_factory=lambda: Settings.load().spark_master or LOCAL)
    spark_memory: str = Field(default_factory=lambda: Settings.load().spark_memory)
    spark_host: str = Field(default_factory=lambda: Settings.load().spark_host)
    rebuild: bool = False
    patience: float = Field(default=0, ge=0, le=3600)

    @property
    def out(self) -> Path:
        return self.work / "features"

    def run(self, spark: Any = None) -> dict[str, Any]:
        """Build; a test may bring its own session."""
        from include.features.build import Build, stale_nights
        from include.features.chain import stands_on
        from include.features.stale import why_stale

        store, asked = self.open_store(), self.nights()
        self._await_night_before(store, asked[0])
        stale = stale_nights(store, asked, self.rebuild)
        skipped = [night for night in asked if night not in set(stale)]
        why = "; ".join(why_stale(store, stale[0], stands_on(store, stale[0]))) if stale else ""
        if stale:
            build = self._build(store, stale, skipped, spark)
        else:
            shutil.rmtree(self.out, ignore_errors=True)
            self.out.mkdir(parents=True)
            build = Build([], skipped)
            build.write(self.out)
        return {
            "first": str(asked[0]),
            "last": str(asked[-1]),
            "built": len(build.nights),
            "skipped": len(skipped),
            "reason": self._reason(stale, skipped, why),
            "rows": build.rows,
        }

    def _await_night_before(self, store: Store, night: dt.date) -> None:
        from include.features.chain import ONE_DAY
        from include.features.tables import COMPLETE
        from include.store.partitions import find_manifest, read_manifest

        began, before = time.monotonic(), night - ONE_DAY
        opens = self.patience and read_manifest(store, "events", night).meta.get("opens")
        while not opens and find_manifest(store, COMPLETE, before) is None:
            patience = self.patience if find_manifest(store, "events", before) else self.patience / 10
            if time.monotonic() - began >= patience:
                return
            time.sleep(0.3)

    def _build(self, store: Store, stale: list[dt.date], skipped: list[dt.date], spark: Any) -> Any:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        from include.features.build import Builder
        from include.features.spark_session import explain_failure, open_session

        work = self.work / "spark"
        session = spark or open_session(self.spark_master, self.spark_memory, work, host=self.spark_host)
        try:
            return Builder(session, store, self.out).build(stale, skipped)
        except (Py4JError, PySparkException) as error:
            raise explain_failure(error) from error
        finally:
            if spark is None:
                session.stop()
                shutil.rmtree(work, ignore_errors=True)

    @staticmethod
    def _reason(stale: list[dt.date], skipped: list[dt.date], why: str) -> str:
        if not stale:
            return f"nothing to build: the inputs, spec and transform of {counted(len(skipped), 'night')} are unchanged"
        left = f"; {counted(len(skipped), 'night before is', 'nights before are')} unchanged" if skipped else ""
        return f"built from {stale[0]}: {why or 'asked for again'}; later nights stand on it{left}"


if __name__ == "__main__":
    sys.exit(main(BuildFeatures))
