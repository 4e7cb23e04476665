"""Follow a backfill of build_features to its end. `airflow backfill create` only asks for its runs."""

import time

from include.cli.airflow_api import DONE, AirflowApi
from include.cli.terminal import Screen
from include.words import counted

DAG = "build_features"


def follow(api: AirflowApi, screen: Screen, first: str, last: str, poll: float = 2.0) -> int:
    """Wait until every backfill run of the nights first to last has ended, with progress; returns the exit code.

    Airflow closes a backfill up to half a minute after its last run, and refuses the next one until then: that is waited for.
    """
    began = time.monotonic()
    while True:
        states = api.backfill_states(DAG, first, last)
        ended = sum(state in DONE for state in states.values())
        if ended == len(states) and not api.open_backfills(DAG):
            break
        since = time.monotonic() - began
        left = f", about {since / ended * (len(states) - ended):.0f} s left" if ended else ""
        screen.progress(f"{ended} of {counted(len(states), 'night')}, {since:.0f} s{left}")
        time.sleep(poll)
    failed = sorted(night for night, state in states.items() if state == "failed")
    if failed:
        screen.say(f"Failed: {', '.join(failed)}. Read `nightfill logs build_features`, then clear them on the web page.")
        return 1
    screen.say(f"Built {counted(len(states), 'night')} from {first} to {last}")
    return 0
