"""Which processes serve, and where they listen: the one list that the gateway and the supervisor are made from."""

from include.settings import Settings

ARMS: dict[str, tuple[str, ...]] = {"stable": ("stable-a", "stable-b"), "canary": ("canary",), "shadow": ("shadow",)}
"""Arm -> its replicas. Each replica is one process that serves every surface."""

REPLICAS: tuple[str, ...] = tuple(name for names in ARMS.values() for name in names)
"""The replicas that always run. The sandbox is started for one check and is not behind the gateway."""

PROTOCOLS = ("grpc", "rest")


def arm_of(replica: str) -> str:
    """The arm of a replica; a sandbox is an arm of its own."""
    return next((arm for arm, names in ARMS.items() if replica in names), replica)


def cluster_name(arm: str, protocol: str) -> str:
    """What the gateway calls one arm on one protocol."""
    return f"{arm}_{protocol}"


def port(settings: Settings, replica: str, protocol: str) -> int:
    """The port of a replica: `protocol` is grpc or rest."""
    return settings.port(f"{replica}.{protocol}")
