"""Make sure that what serves is what was approved."""

import logging
import sys
import time
from pathlib import Path
from typing import Any

from include import recipes
from include.errors import Refused, TryAgain
from include.jobs.frame import Job, main
from include.rollout import contract, registry, verify
from include.rollout.bundle import Bundle
from include.serving.gateway import Gateway
from include.serving.predict import Client
from include.serving.replica import Replica
from include.serving.topology import ARMS
from include.settings import Settings

log = logging.getLogger("nightfill")


class VerifyServing(Job):
    """Ask every stable replica, its files and the gateway about the surface's approved version.

    Args:
        seconds: how long a replica may take to let its old version go.
    """

    work: Path = Path()
    surface: str
    seconds: float = 20.0

    def run(self) -> dict[str, Any]:
        recipes.require(self.surface)
        store, settings = self.open_store(), Settings.load()
        pointer = registry.stable(store, self.surface)
        if pointer is None:
            raise Refused(f"Nothing is stable on {self.surface}", f"Run start_{self.surface} first")
        bundle = registry.find(store, self.surface, pointer.name)
        faults = verify.pointer_faults(pointer, bundle)
        faults += verify.until_true(lambda: self._serving(settings, bundle), self.seconds, time.sleep)
        if faults:
            raise TryAgain(
                f"What serves {self.surface} is not what was approved: {verify.in_words(faults)}",
                f"Look at `nightfill status`; start_{self.surface} deploys the approved version again",
            )
        log.info("Version %d (%s) serves %s, as approved", bundle.version, bundle.name, self.surface)
        return {"surface": self.surface, "version": bundle.version, "model": bundle.name, "replicas": list(ARMS["stable"])}

    def _serving(self, settings: Settings, bundle: Bundle) -> list[str]:
        gateway = Gateway(settings)
        replicas = [Replica(name, settings) for name in ARMS["stable"]]
        faults = [fault for replica in replicas for fault in verify.replica_faults(replica, bundle)]
        faults += verify.route_faults(gateway.current(), self.surface)
        if faults:
            return faults
        questions = contract.golden_questions(replicas[0].models / self.surface / str(bundle.version))
        with Client(gateway.address) as client:
            return verify.golden_faults(client, bundle, questions)


if __name__ == "__main__":
    sys.exit(main(VerifyServing))
