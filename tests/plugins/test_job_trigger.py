import asyncio
import json
import subprocess
import sys

from nightfill.triggers.job import JobTrigger


async def first_event(trigger: JobTrigger):
    async for event in trigger.run():
        return event.payload


def test_serialization():
    path, kwargs = JobTrigger(report="/x/report.json", pid=7, due=3.0, poll=0.1, least=2.0).serialize()
    assert path == "nightfill.triggers.job.JobTrigger"
    assert JobTrigger(**kwargs).serialize() == (path, kwargs)
    assert json.loads(json.dumps(kwargs)) == kwargs


async def test_a_report_fires(tmp_path):
    report = tmp_path / "report.json"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"]) as process:
        waiting = asyncio.create_task(first_event(JobTrigger(report=str(report), pid=process.pid, poll=0.02)))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        report.write_text("{}")
        assert await asyncio.wait_for(waiting, 5) == {"ended": True, "due": False}
        process.kill()


async def test_a_job_that_dies_without_a_report_fires_too(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    trigger = JobTrigger(report=str(tmp_path / "never.json"), pid=process.pid, poll=0.02)
    assert await asyncio.wait_for(first_event(trigger), 5) == {"ended": False, "due": False}
    process.wait()


async def test_a_job_that_runs_on_is_looked_at_when_it_is_due(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"]) as process:
        trigger = JobTrigger(report=str(tmp_path / "never.json"), pid=process.pid, due=0.1, poll=0.02)
        assert await asyncio.wait_for(first_event(trigger), 5) == {"ended": False, "due": True}
        process.kill()


async def test_it_never_fires_before_the_scheduler_can_have_seen_the_task_defer(tmp_path):
    (tmp_path / "report.json").write_text("{}")
    waiting = asyncio.create_task(first_event(JobTrigger(report=str(tmp_path / "report.json"), pid=1, poll=0.02, least=0.5)))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    assert await asyncio.wait_for(waiting, 5) == {"ended": True, "due": False}
