"""Two writers of one SQLite file: the second must wait, and the first must not be failed by the second."""

import sqlite3
import threading
import time

import pytest
from airflow_local_settings import create_metadata_engine
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

HELD = 0.5


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "airflow.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table runs (night text primary key)")
    return path


def read_then_write(engine, path):
    """What Airflow does for each run of a backfill, while another process holds the write lock for HELD seconds."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    other.execute("insert into runs values ('other')")

    def let_go():
        time.sleep(HELD)
        other.execute("commit")

    release = threading.Thread(target=let_go)
    release.start()
    try:
        with Session(engine) as session:
            with session.begin_nested():
                session.execute(text("select * from runs")).all()
                session.execute(text("insert into runs values ('ours')"))
            session.commit()
    finally:
        release.join()
        other.close()


def nights(path):
    with sqlite3.connect(path) as connection:
        return {night for (night,) in connection.execute("select night from runs")}


def test_a_savepoint_that_reads_first_waits_for_the_other_writer(database):
    engine = create_metadata_engine(f"sqlite:///{database}", engine_args={}, connect_args={"check_same_thread": False})
    read_then_write(engine, database)
    assert nights(database) == {"other", "ours"}


def test_without_it_sqlite_refuses_at_once(database):
    engine = create_engine(f"sqlite:///{database}", connect_args={"timeout": 60})
    began = time.monotonic()
    with pytest.raises(OperationalError, match="locked"):
        read_then_write(engine, database)
    assert time.monotonic() - began < 30


def test_a_savepoint_that_fails_leaves_the_transaction_usable(database):
    engine = create_metadata_engine(f"sqlite:///{database}", engine_args={}, connect_args={})
    with Session(engine) as session:
        session.execute(text("insert into runs values ('kept')"))
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            session.execute(text("insert into runs values ('undone')"))
            raise ZeroDivisionError
        session.commit()
    assert nights(database) == {"kept"}
