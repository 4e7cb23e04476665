"""`nightfill logs`: the newest log of a task, or of one of the stack's processes."""

from pathlib import Path

from include.cli import task_log
from include.errors import Refused
from include.settings import Settings


def find(settings: Settings, name: str) -> list[str]:
    """Lines of the newest run of task `name` or `dag.task`, or of process `name`.

    Raises:
        Refused: nothing of that name has a log.
    """
    process = settings.var / "logs" / f"{name}.log"
    if process.is_file():
        return process.read_text(errors="replace").splitlines()
    dag, _, task = name.rpartition(".")
    folders = _folders(settings, dag, task) or _folders(settings, "", name)
    if not folders:
        raise Refused(
            f"There is no log of '{name}'",
            "Give a task (train_model, train_home.train_model) or a process of `nightfill status`",
        )
    dag_id, run_id, task_id = (part.split("=", 1)[1] for part in folders[-1].parts[-3:])
    return [f"# {dag_id} {run_id} {task_id}", *task_log.lines(settings, dag_id, run_id, task_id)]


def _folders(settings: Settings, dag: str, task: str) -> list[Path]:
    found = (settings.airflow_home / "logs").glob(f"dag_id={dag or '*'}/run_id=*/task_id={task}")
    return sorted((f for f in found if any(f.iterdir())), key=lambda f: max(x.stat().st_mtime for x in f.iterdir()))
