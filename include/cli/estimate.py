"""How far a plan has come, and how long the rest may take."""

from dataclasses import dataclass

from include.cli.plan import Step
from include.cli.terminal import clock


@dataclass
class Estimate:
    """Guesses of the plan, corrected by what the finished steps really took.

    `tasks` counts the tasks of each DAG; `took` holds seconds of finished steps, by position.
    """

    steps: list[Step]
    tasks: dict[str, int]
    took: dict[int, float]

    def tasks_total(self) -> int:
        return sum(self.tasks.get(step.dag_id, 0) for step in self.steps)

    def tasks_before(self, position: int) -> int:
        return sum(self.tasks.get(step.dag_id, 0) for step in self.steps[:position])

    def seconds_left(self, position: int, since: float) -> float:
        """Seconds from now to the end: `position` runs for `since` seconds already."""
        pace = self._pace()
        running = max(self.steps[position].guess * pace - since, 0.0)
        return running + sum(step.guess for step in self.steps[position + 1 :]) * pace

    def _pace(self) -> float:
        """How much slower this machine is than the guesses; a few seconds of evidence do not move it far."""
        guessed = sum(self.steps[i].guess for i in self.took)
        return (60.0 + sum(self.took.values())) / (60.0 + guessed)

    def line(self, position: int, since: float, doing: str, done_tasks: int) -> str:
        """The progress line of one moment."""
        step = self.steps[position]
        done = self.tasks_before(position) + done_tasks
        return (
            f"[{position + 1}/{len(self.steps)}] {step.stage}: {step.title} > {doing} | {done} of {self.tasks_total()} tasks, "
            f"about {clock(self.seconds_left(position, since))} left"
        )
