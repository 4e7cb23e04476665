"""Make the folders and config files that the model servers start with: python -m include.serving.run_prepare

The supervisor does the same when the local stack starts; where each server is a container, a job does it before them.
"""

from include.serving.replica import Replica
from include.serving.topology import REPLICAS
from include.settings import Settings


def main() -> None:
    """Prepare every replica and the sandbox, and the folders that others write to."""
    settings = Settings.load()
    for name in (*REPLICAS, "sandbox"):
        Replica(name, settings).prepare()
    made = ("answers", "logs", "reports", "run", "serving/gateway", "tmp", "work")
    for folder in (settings.var / name for name in made):
        folder.mkdir(parents=True, exist_ok=True)


if __name__ == "__main__":
    main()
