"""`nightfill env`: random secrets, mode 600, never overwritten."""

import base64
import os
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from include.cli import env_file
from include.errors import Refused, TryAgain


def test_the_file_is_private_whatever_the_umask_says(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        env_file.write(tmp_path / ".env")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_no_two_installations_share_a_secret(tmp_path: Path) -> None:
    for name in ("one", "two"):
        env_file.write(tmp_path / name)
    one, two = (dotenv_values(tmp_path / name) for name in ("one", "two"))
    secrets = {*env_file.TOKENS, "AIRFLOW_FERNET_KEY", "S3_ACCESS_KEY"}
    assert not [name for name in secrets if one[name] == two[name]]
    assert len({one[name] for name in secrets}) == len(secrets)
    assert set(one) == env_file.names()


def test_a_secret_is_long_and_safe_in_an_address_and_in_json(tmp_path: Path) -> None:
    env_file.write(tmp_path / ".env")
    values = dotenv_values(tmp_path / ".env")
    for name in env_file.TOKENS:
        value = str(values[name])
        assert len(value) >= 40 and value.replace("-", "").replace("_", "").isalnum(), name
    assert len(base64.urlsafe_b64decode(str(values["AIRFLOW_FERNET_KEY"]))) == 32


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    env_file.write(tmp_path / ".env")
    before = (tmp_path / ".env").read_bytes()
    with pytest.raises(Refused, match="in use"):
        env_file.write(tmp_path / ".env")
    assert (tmp_path / ".env").read_bytes() == before


def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused):
        env_file.write(tmp_path / ".env")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match="Could not write"):
        env_file.write(tmp_path / "nowhere" / ".env")


def test_without_a_gpu_the_worker_takes_the_gpu_queue_too() -> None:
    assert "WORKER_QUEUES=default,gpu\n" in env_file.text() and "COMPOSE_PROFILES=serving-cpu\n" in env_file.text()
    assert "WORKER_QUEUES=default\n" in env_file.text(gpu=True) and "JOBS_FLAVOUR=gpu\n" in env_file.text(gpu=True)
