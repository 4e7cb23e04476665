"""Where things are and which ports they use: one frozen value, read from the environment once.

Every setting has a default that works on a laptop. `NIGHTFILL_<NAME>` overrides one, for example
`NIGHTFILL_PORT_BASE=19500` or `NIGHTFILL_STORE=/mnt/shelves`.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from include.errors import Refused
from include.ports import DEFAULT_BASE, PORTS
from include.topology import Topology, read_topology

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"


class SourceSpec(BaseModel):
    """Which shop the night runs on.

    `households` keeps only that many households (a stable sample by digest of the id); None keeps all.
    `first` and `last` are ISO dates that narrow the calendar; empty means the data's own ends.
    `folder` holds the source's files, or is their s3:// prefix; empty means where the source is installed.
    `mapping` is the mapping file of a shop of one's own (name "shop").
    `country` (ISO code) is whose holidays count; empty means the country of the source's time zone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "complete_journey"
    households: int | None = Field(default=None, ge=1)
    first: str = ""
    last: str = ""
    folder: str = ""
    mapping: str = ""
    country: str = Field(default="", pattern="^([A-Z]{2})?$")


class Settings(BaseModel):
    """All that differs between a laptop, CI and a data centre."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    var: Path = ROOT / "var"
    store: str = ""
    source: SourceSpec = SourceSpec()
    port_base: int = Field(default=DEFAULT_BASE, ge=1024, le=65000)
    spark_master: str = ""
    spark_memory: str = "4g"
    spark_host: str = LOOPBACK
    examples_engine: Literal["numpy", "spark"] = "numpy"
    train_devices: int = Field(default=1, ge=1, le=64)
    train_xla: bool = False
    train_mixed: bool = False
    topology: str = ""
    webhook: str = ""
    email_to: str = ""
    smtp_host: str = LOOPBACK
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_from: str = ""
    smtp_user: str = ""
    smtp_password_file: str = ""
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    keep_days: int = Field(default=90, ge=14)
    keep_nights: int = Field(default=90, ge=35)
    cache: str = ""
    cache_gb: int = Field(default=20, ge=1)
    late_share: float = Field(default=0.01, gt=0, lt=1)

    @classmethod
    def load(cls, environ: dict[str, str] | None = None) -> "Settings":
        """Read `NIGHTFILL_*` variables.

        Raises:
            Refused: a variable has a value that cannot be used.
        """
        env = dict(os.environ if environ is None else environ)
        values: dict[str, object] = {name: env[key] for name in cls.model_fields if env.get(key := f"NIGHTFILL_{name.upper()}")}
        try:
            if "source" in values:
                values["source"] = SourceSpec.model_validate_json(str(values["source"]))
            return cls.model_validate(values)
        except ValueError as error:
            raise Refused(f"A NIGHTFILL_ setting is wrong: {error}", "Correct the variable and start again") from error

    def environ(self) -> dict[str, str]:
        """The same settings as variables for a child process."""
        out = {f"NIGHTFILL_{name.upper()}": str(getattr(self, name)) for name in type(self).model_fields if name != "source"}
        return out | {"NIGHTFILL_SOURCE": self.source.model_dump_json()}

    @property
    def store_uri(self) -> str:
        return self.store or str(self.var / "store")

    @property
    def cache_folder(self) -> Path:
        """Objects fetched from a store that is not a folder; up to `cache_gb` GiB, what was used today not counted."""
        return Path(self.cache) if self.cache else self.var / "cache" / "objects"

    @property
    def run(self) -> Path:
        """Pids, job reports, summary: what belongs to this machine, not to the shop."""
        return self.var / "run"

    @property
    def airflow_home(self) -> Path:
        return self.var / "airflow"

    @property
    def answers(self) -> Path:
        return self.var / "answers"

    @property
    def reports(self) -> Path:
        return self.var / "reports"

    @property
    def serving(self) -> Path:
        """Version directories and model config files of the replicas, and the gateway's files."""
        return self.var / "serving"

    @cached_property
    def places(self) -> Topology | None:
        """What the file `topology` says; None when everything is on this machine's loopback.

        Raises:
            Refused: the file cannot be used.
        """
        return read_topology(ROOT / self.topology) if self.topology else None

    def report_address(self, night: object) -> str:
        """Where a browser finds the report of a night."""
        home = self.places.reports if self.places else f"http://{LOOPBACK}:{self.port('airflow')}/nightfill/reports"
        return f"{home}/{night}"

    def port(self, name: str) -> int:
        """The port of a named endpoint: as the topology says, or an offset from `port_base`."""
        return self.places.ports[name] if self.places else self.port_base + PORTS[name]

    def host(self, name: str) -> str:
        """Where clients reach a replica, the sandbox, the gateway or its admin page."""
        return self.places.hosts[name] if self.places else LOOPBACK

    def listen(self, name: str) -> str:
        """The address that a process of ours binds to: loopback, unless the topology says otherwise."""
        return self.places.listen.get(name, LOOPBACK) if self.places else LOOPBACK
