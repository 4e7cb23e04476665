"""Where processes are, when they are not all on this machine's loopback: one YAML file of config/topology.

Without a file everything is at 127.0.0.1, on a port counted from `port_base`.
"""

import ipaddress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from include.errors import Refused
from include.ports import PORTS

ENDPOINTS = tuple(name for name in PORTS if name not in ("airflow", "spark"))
"""What jobs and tasks talk to. Airflow's address is Airflow's own setting, Spark's is NIGHTFILL_SPARK_MASTER."""

HOSTS = tuple(dict.fromkeys(name.split(".")[0] for name in ENDPOINTS))
REACHED_BY_ADDRESS = tuple(dict.fromkeys(name.split(".")[0] for name in ENDPOINTS if "." in name))
"""The model servers. The gateway reaches them by address: a name that no longer resolves would empty a cluster, and an
empty cluster answers 503 without a retry, where a dead address is a refused connection and is retried at stable."""


class Topology(BaseModel):
    """Hosts and ports by the names of `include.ports`.

    Args:
        hosts: name -> where clients reach it; an IP address for a model server.
        ports: name -> port, for every one of ENDPOINTS.
        listen: name -> the address that the gateway and its admin page bind to; loopback when it is not said.
        reports: under which address a browser finds the morning reports.
        sandbox: "process" starts a model server for each check, "server" uses one that always runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hosts: dict[str, str]
    ports: dict[str, int]
    listen: dict[str, str] = Field(default_factory=dict)
    reports: str = Field(pattern="^https?://")
    sandbox: str = Field(default="process", pattern="^(process|server)$")

    @field_validator("hosts")
    @classmethod
    def _all_hosts(cls, value: dict[str, str]) -> dict[str, str]:
        _same("hosts", value, HOSTS)
        for name in REACHED_BY_ADDRESS:
            ipaddress.ip_address(value[name])
        return value

    @field_validator("ports")
    @classmethod
    def _all_ports(cls, value: dict[str, int]) -> dict[str, int]:
        _same("ports", value, ENDPOINTS)
        if wrong := [name for name, port in value.items() if not 1 <= port <= 65535]:
            raise ValueError(f"no port numbers: {', '.join(wrong)}")
        return value

    @field_validator("listen")
    @classmethod
    def _addresses(cls, value: dict[str, str]) -> dict[str, str]:
        for address in value.values():
            ipaddress.ip_address(address)
        return value


def read_topology(path: Path) -> Topology:
    """The file as a value.

    Raises:
        Refused: there is no such file, or it is not a topology.
    """
    import yaml  # only where there is a file

    try:
        said: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Topology.model_validate(said)
    except (OSError, ValueError, yaml.YAMLError) as error:
        text = " ".join(str(error).split())[:400]
        raise Refused(f"The topology {path} cannot be used: {text}", "See config/topology for one that can") from error


def _same(what: str, value: dict[str, Any], wanted: tuple[str, ...]) -> None:
    missing, unknown = sorted(set(wanted) - set(value)), sorted(set(value) - set(wanted))
    if missing or unknown:
        raise ValueError(f"{what} lack {missing or 'nothing'} and have {unknown or 'nothing'} too many")
