"""What a validation found, as a file in the run's folder and as a few lines for its report."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from include.canonical import digest_file
from include.errors import Refused
from include.quality.check import BLOCK, QUARANTINE, WARN, Severity
from include.words import counted


class Finding(BaseModel):
    """One check that did not hold: only counts and nights, and at most the name of a store or department."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    severity: Severity
    nights: list[str]
    rows: int
    what: str
    todo: str


class Outcome(BaseModel):
    """All findings about one stage, the gravest first. `unjudged` names checks for which there was too little to compare;
    `subject` is the digest of what was looked at, where it is one file's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    checks: int
    unjudged: list[str] = []
    findings: list[Finding]
    subject: str = ""

    def of(self, severity: Severity) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == severity]

    def quarantined(self) -> dict[str, list[str]]:
        """What is wrong with each night that must be set aside."""
        found: dict[str, list[str]] = {}
        for finding in self.of(QUARANTINE):
            for night in finding.nights:
                found.setdefault(night, []).append(finding.what)
        return dict(sorted(found.items()))

    def accepting(self, accepted: Mapping[str, str]) -> "Outcome":
        """The same, where what a person has accepted (reason by night) is only reported."""
        findings = []
        for finding in self.findings:
            mine = [night for night in finding.nights if finding.severity == QUARANTINE and accepted.get(night)]
            if rest := [night for night in finding.nights if night not in mine]:
                findings.append(finding.model_copy(update={"nights": rest}))
            if mine:
                said = f"{finding.what}; accepted for {', '.join(mine)}: {accepted[mine[0]]}"
                findings.append(finding.model_copy(update={"nights": mine, "severity": WARN, "what": said}))
        return self.model_copy(update={"findings": findings})

    def write(self, work: Path) -> Path:
        """To <work>/validate_<stage>.json, by rename."""
        work.mkdir(parents=True, exist_ok=True)
        path = _path(work, self.stage)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(json.dumps(self.model_dump(), indent=1))
        return beside.replace(path)

    def refuse(self) -> None:
        """Raise the first finding that blocks, with the number of the others.

        Raises:
            Refused: a check that blocks did not hold.
        """
        if grave := self.of(BLOCK):
            first, *others = grave
            more = f", and {counted(len(others), 'more check')} did not hold (validate_{self.stage}.json)" if others else ""
            raise Refused(f"{first.what}{more}", first.todo)


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
