"""Two of Airflow's own hooks: SQLite is made to wait for a lock where it would give up at once, and backfills queue apart.

Airflow imports this module when it starts (docs: "Configuring local settings").
"""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

LOCK_SECONDS = 60.0
"""How long a writer waits for SQLite's one write lock."""


def create_metadata_engine(sql_alchemy_conn: str, *, engine_args: dict[str, Any], connect_args: dict[str, Any]) -> Engine:
    """The engine of the metadata database; any database but SQLite is opened as Airflow would."""
    sqlite = sql_alchemy_conn.startswith("sqlite")
    waits = {"timeout": LOCK_SECONDS} if sqlite else {}
    engine = create_engine(sql_alchemy_conn, connect_args=waits | connect_args, **engine_args)
    if sqlite:
        event.listen(engine, "savepoint", _lock_before_reading)
    return engine


def _lock_before_reading(connection: Connection, name: str) -> None:
    """Take the write lock before a savepoint, not in the middle of it.

    Python's sqlite3 opens no transaction for SAVEPOINT, so what Airflow reads after it holds a read lock only. To make
    that one a write lock while another process writes is refused at once, whatever the timeout (sqlite.org/rescode.html,
    SQLITE_BUSY): a backfill, which reads and writes each run within a savepoint, then ended half-made.
    """
    if not getattr(connection.connection, "in_transaction", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def task_instance_mutation_hook(task_instance: Any, dag_run: Any = None) -> None:
    """Spark work of a backfill, or of a range of nights, queues in a pool of its own, and so never before tonight's."""
    if task_instance.pool == "spark" and (
        str(task_instance.run_id).startswith("backfill__") or (dag_run is not None and (dag_run.conf or {}).get("end"))
    ):
        task_instance.pool = "spark_backfill"
