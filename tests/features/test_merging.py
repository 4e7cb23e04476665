"""Sorted files become one, a range of keys at a time."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include import parquet
from include.errors import TryAgain
from include.features import merging
from include.features.merging import merge

SCHEMA = pa.schema([("key", pa.string()), ("value", pa.int64())])


def files(folder: Path, chance: random.Random, number: int = 4) -> list[Path]:
    """Files sorted by key, with a column that nobody asks for."""
    for at in range(number):
        keys = sorted(chance.choice("abcdefgé") for _ in range(chance.randrange(12)))
        rows = {"other": list(range(len(keys))), "key": keys, "value": [100 * at + i for i in range(len(keys))]}
        pq.write_table(pa.table(rows, pa.schema([("other", pa.int64()), *SCHEMA])), folder / f"{at}.parquet")
    return [folder / f"{at}.parquet" for at in range(number)]


def by_key(rows: pa.Table) -> pa.Table:
    return rows.take(pa.array(sorted(range(rows.num_rows), key=lambda row: rows["key"][row].as_py()), pa.int64()))


@pytest.mark.parametrize("seed", range(8))
def test_any_width_of_a_range_gives_the_bytes_of_the_whole(tmp_path, monkeypatch, seed):
    paths = files(tmp_path, random.Random(seed))
    monkeypatch.setattr(parquet, "GROUP", 5)
    found = set()
    for width in (1, 3, 7, 10**6):
        monkeypatch.setattr(merging, "RANGE", width)
        merge(paths, SCHEMA, by_key, tmp_path / "merged" / "out.parquet")
        found.add((tmp_path / "merged" / "out.parquet").read_bytes())
    whole = by_key(pa.concat_tables([pq.read_table(path, columns=["key", "value"]) for path in paths]))
    assert len(found) == 1
    assert pq.read_table(tmp_path / "merged" / "out.parquet").equals(whole)


def test_only_the_target_is_left(tmp_path):
    merge(files(tmp_path, random.Random(1)), SCHEMA, by_key, tmp_path / "merged" / "out.parquet")
    assert [path.name for path in (tmp_path / "merged").iterdir()] == ["out.parquet"]


@pytest.mark.parametrize("number", [0, 1])
def test_no_file_or_no_row_gives_an_empty_file(tmp_path, number):
    for at in range(number):
        pq.write_table(SCHEMA.empty_table(), tmp_path / f"{at}.parquet")
    merge([tmp_path / f"{at}.parquet" for at in range(number)], SCHEMA, by_key, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").equals(SCHEMA.empty_table())


def test_a_disk_that_refuses_says_so_and_leaves_no_half_of_a_file(tmp_path):
    def refused(rows: pa.Table) -> pa.Table:
        raise OSError("No space left on device")

    with pytest.raises(TryAgain, match="No space left"):
        merge(files(tmp_path, random.Random(2)), SCHEMA, refused, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
