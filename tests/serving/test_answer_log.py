import threading

import pytest

from include.errors import Refused
from include.serving.answer_log import Answer, AnswerLog, file_name, read_answers


def answer(request: str, run: str = "r1", **changes) -> Answer:
    values = {
        "request": request,
        "night": "2017-10-29",
        "surface": "home",
        "household": "h1",
        "arm": "stable",
        "model": "00ff",
        "products": ["p1", "é"],
        "scores": [0.5, 0.25],
        "ms": 1.5,
        "code": "OK",
        "day": "2017-10-30",
        "run": run,
    }
    return Answer(**(values | changes))


def read(tmp_path, run=None) -> list[str]:
    return [one.request for one in read_answers(tmp_path, "home", ["2017-10-29"], run)]


def test_what_was_written_is_read_in_order(tmp_path):
    with AnswerLog(tmp_path, "home", "2017-10-29", "r1") as log:
        for number in range(5):
            log.write(answer(str(number)))
    assert read(tmp_path) == ["0", "1", "2", "3", "4"]
    assert next(read_answers(tmp_path, "home", ["2017-10-28", "2017-10-29"])) == answer("0")


def test_a_log_is_rotated_and_read_as_one(tmp_path):
    with AnswerLog(tmp_path, "home", "2017-10-29", "r1", limit=1000) as log:
        for number in range(60):
            log.write(answer(str(number)))
    names = sorted(path.name for path in (tmp_path / "home" / "2017-10-29").iterdir())
    assert "r1.jsonl" in names and "r1-1.jsonl" in names and len(names) > 10
    assert read(tmp_path) == read(tmp_path, "r1") == [str(number) for number in range(60)]


def test_a_repeated_run_counts_no_answer_twice(tmp_path):
    for _ in range(2):
        with AnswerLog(tmp_path, "home", "2017-10-29", "r1", limit=500) as log:
            for number in range(5):
                log.write(answer(str(number)))
    assert len(read(tmp_path)) == 5


def test_runs_whose_names_end_in_numbers_keep_apart(tmp_path):
    for run in ("x", "x-1", "x-2"):
        with AnswerLog(tmp_path, "home", "2017-10-29", run, limit=500) as log:
            for number in range(4):
                log.write(answer(f"{run}:{number}"))
    for run in ("x", "x-1", "x-2"):
        assert read(tmp_path, run) == [f"{run}:{number}" for number in range(4)]


def test_a_torn_line_is_left_out_and_hurts_no_other(tmp_path):
    with AnswerLog(tmp_path, "home", "2017-10-29", "r1") as log:
        log.write(answer("0"))
    path = tmp_path / "home" / "2017-10-29" / "r1.jsonl"
    path.write_bytes(path.read_bytes() + b'{"request":"torn')
    with AnswerLog(tmp_path, "home", "2017-10-29", "r1", fresh=False) as log:
        log.write(answer("2"))
    assert read(tmp_path) == ["0", "2"]


def test_threads_never_mix_their_lines(tmp_path):
    with AnswerLog(tmp_path, "home", "2017-10-29", "r1", limit=20_000) as log:
        work = lambda name: [log.write(answer(f"{name}-{number}")) for number in range(200)]
        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        [one.start() for one in threads]
        [one.join() for one in threads]
    assert len(set(read(tmp_path))) == 800


def test_a_run_id_cannot_leave_the_folder():
    assert "/" not in file_name("../../etc/passwd") and not file_name("../x").startswith(".")
    with pytest.raises(Refused):
        file_name("")
