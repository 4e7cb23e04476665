"""The serving side of one site as operators see it: deploy, route, retire."""

from airflow.sdk import BaseHook

from include.rollout import registry
from include.rollout.bundle import Bundle, Pointer
from include.serving.gateway import Gateway
from include.serving.replica import Replica
from include.serving.routes import SurfaceRoute
from include.serving.topology import ARMS
from include.settings import Settings
from include.store.objects import open_store


class ServingHook(BaseHook):
    """Store, replicas and gateway of the configured site, for one surface."""

    def __init__(self, *, surface: str) -> None:
        super().__init__()
        self.surface = surface
        self.settings = Settings.load()
        self.store = open_store(self.settings.store_uri)
        self.gateway = Gateway(self.settings)

    def bundle(self, which: int | str) -> Bundle:
        """A registered bundle by version or name."""
        return registry.find(self.store, self.surface, which)

    def stable(self) -> Pointer | None:
        """The pointer to what answers."""
        return registry.stable(self.store, self.surface)

    def deploy(self, arm: str, bundle: Bundle) -> None:
        """Bring a version up on every replica of an arm, one after the other, so that the others go on answering."""
        for name in ARMS[arm]:
            self.log.info("Deploying %s version %s (%s) on %s", self.surface, bundle.version, bundle.name, name)
            Replica(name, self.settings).deploy(self.store, bundle)

    def retire(self, arm: str) -> None:
        """Take the surface off an arm. Nothing happens where it is not."""
        for name in ARMS[arm]:
            Replica(name, self.settings).retire(self.surface)

    def route(self, weight: float, salt: str) -> None:
        """Send `weight` percent of households to the canary, the rest to stable."""
        self.gateway.push({self.surface: SurfaceRoute(weight=weight, salt=salt)})
        self.log.info("%s: %g %% of households go to the canary", self.surface, weight)
