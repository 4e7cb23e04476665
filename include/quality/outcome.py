"""What a validation found, as a file in the run's folder and as a few lines for its report."""

import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from include.canonical import digest_file
from include.errors import Refused


class Finding(BaseModel):
    """One check that did not hold: never a value from the data, only counts and nights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    severity: str
    """`critical` refuses the nights, `warning` is reported."""
    nights: list[str]
    rows: int
    what: str
    todo: str


class Outcome(BaseModel):
    """All findings about one stage. `subject` is the digest of what was looked at, where it is one file's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    checks: int
    findings: list[Finding]
    subject: str = ""

    @property
    def critical(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "critical"]

    def write(self, work: Path) -> Path:
        """To <work>/validate_<stage>.json, by rename."""
        work.mkdir(parents=True, exist_ok=True)
        path = _path(work, self.stage)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(json.dumps(self.model_dump(), indent=1))
        return beside.replace(path)

    def refuse(self) -> None:
        """Raise the first critical finding, with the number of the others.

        Raises:
            Refused: a critical check did not hold.
        """
        if self.critical:
            worst, others = self.critical[0], len(self.critical) - 1
            more = f", and {others} more checks did not hold (validate_{self.stage}.json)" if others else ""
            raise Refused(f"{worst.what}{more}", worst.todo)


def require_passed(work: Path, stage: str, build: Path) -> None:
    """See that this very build was validated and passed: no evidence is no pass.

    Raises:
        Refused: it was not.
    """
    path = _path(work, stage)
    outcome = Outcome.model_validate_json(path.read_bytes()) if path.is_file() else None
    if outcome is None or outcome.subject != subject_of(build):
        raise Refused(f"The {stage} of this run have not been validated", f"Run validate_{stage} of this run first")
    outcome.refuse()


def subject_of(build: Path) -> str:
    """Names a build by its own record; "" when there is none."""
    record = build / "build.json"
    return digest_file(record) if record.is_file() else ""


def _path(work: Path, stage: str) -> Path:
    return work / f"validate_{stage}.json"
