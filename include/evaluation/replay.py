"""Send shoppers through the gateway, log every answer, and let the shadow listen without making anybody wait.

The shopper is answered first. Then, in shadow mode, the same question waits in a bounded queue for the shadow; when the
queue is full the question is dropped and counted, for a shadow may never slow down a shopper.
"""

import datetime as dt
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Any, Protocol

from include.evaluation.shoppers import Shopper
from include.jobs.frame import progress
from include.rollout.traffic import Traffic
from include.serving.answer_log import Answer, AnswerLog
from include.serving.predict import Reply
from include.serving.routes import ARM_HEADER

PROGRESS_SECONDS = 2.0
SHADOW_TRIES = 3
"""A shadow has no retries at the gateway, and a pause of a busy machine is not the candidate's fault."""

log = logging.getLogger("nightfill")

Question = tuple[Shopper, dict[str, Any]]


class Asker(Protocol):
    """What is used of include.serving.predict.Client."""

    def predict(self, surface: str, inputs: Any, *, household: str, request_id: str, arm: str = "") -> Reply: ...


@dataclass(frozen=True)
class Plan:
    """How a replay goes. `queue` is the shadow's waiting room.

    `rate` is requests a second, as shoppers would come; 0 is as fast as they are answered and the shadow keeps up: nobody
    has to come at a given moment then, and the comparison misses nothing.
    """

    surface: str
    night: dt.date
    run: str
    shadow: bool = False
    workers: int = 8
    shadow_workers: int = 4
    rate: float = 0.0
    queue: int = 512


class Replay:
    """One replay: `run` it once, then read `traffic`, `dropped` and `retried` (by the shadow)."""

    def __init__(self, plan: Plan, client: Asker, out: AnswerLog, stop: Callable[[], bool] = lambda: False) -> None:
        self.plan, self.client, self.out, self.stop = plan, client, out, stop
        self.traffic = Traffic()
        self.dropped = 0
        self.asked = 0
        self.retried = 0
        self._lock = threading.Lock()
        self._waiting: Queue[tuple[Question, str]] = Queue(plan.queue)
        self._over = threading.Event()
        self._listening: list[Future[None]] = []

    def run(self, questions: Iterable[Question], total: int) -> None:
        """Ask everything, wait until the shadow has caught up, and return. Errors of a worker are raised here."""
        began = time.time()
        shadows = ThreadPoolExecutor(self.plan.shadow_workers if self.plan.shadow else 1, "shadow")
        self._listening = [shadows.submit(self._listen) for _ in range(self.plan.shadow_workers if self.plan.shadow else 0)]
        try:
            self._ask_all(questions, total, began)
        finally:
            self._over.set()
            shadows.shutdown()
        for done in self._listening:
            done.result()
        progress(self.asked, total, "asked", began)

    def _ask_all(self, questions: Iterable[Question], total: int, began: float) -> None:
        said, room = began, threading.Semaphore(2 * self.plan.workers)
        with ThreadPoolExecutor(self.plan.workers, "shopper") as pool:
            running: list[Future[None]] = []
            for question in questions:
                if self.stop():
                    log.info("The replay was told to stop after %d of %d", self.asked, total)
                    break
                room.acquire()
                running = [one for one in running if not one.done() or one.result()]
                running.append(pool.submit(self._shop, question, room))
                self.asked += 1
                self._pace(began)
                if time.time() - said > PROGRESS_SECONDS:
                    said = time.time()
                    progress(self.asked, total, "asked", began)
            for one in running:
                one.result()

    def _pace(self, began: float) -> None:
        if self.plan.rate:
            time.sleep(max(0.0, began + self.asked / self.plan.rate - time.time()))
        while not self.plan.rate and self._waiting.qsize() > self.plan.queue // 2 and self._listeners_live():
            time.sleep(0.01)

    def _listeners_live(self) -> bool:
        return not self.stop() and not any(one.done() for one in self._listening)

    def _shop(self, question: Question, room: threading.Semaphore) -> None:
        try:
            request = uuid.uuid4().hex
            self._ask(question, request)
            if self.plan.shadow:
                self._offer(question, request)
        finally:
            room.release()

    def _offer(self, question: Question, request: str) -> None:
        try:
            self._waiting.put_nowait((question, request))
        except Full:
            with self._lock:
                self.dropped += 1

    def _listen(self) -> None:
        while True:
            try:
                question, request = self._waiting.get(timeout=0.05)
            except Empty:
                if self._over.is_set():
                    return
                continue
            self._ask(question, f"{request}-s", "shadow", SHADOW_TRIES)

    def _ask(self, question: Question, request: str, arm: str = "", tries: int = 1) -> None:
        shopper, inputs = question
        for left in range(tries - 1, -1, -1):
            began = time.perf_counter()
            reply = self.client.predict(self.plan.surface, inputs, household=shopper.household, request_id=request, arm=arm)
            ms = 1000 * (time.perf_counter() - began)
            if reply.code not in ("UNAVAILABLE", "DEADLINE_EXCEEDED") or not left:
                break
            self.retried += 1
            time.sleep(0.3)
        answered = arm or reply.headers.get(ARM_HEADER, "") or "nobody"
        products, scores, model = ranked(reply)
        with self._lock:
            self.traffic.add(answered, reply.code, ms)
            self.out.write(
                Answer(
                    request=request,
                    night=self.plan.night.isoformat(),
                    surface=self.plan.surface,
                    household=shopper.household,
                    arm=answered,
                    model=model,
                    products=products,
                    scores=scores,
                    ms=round(ms, 3),
                    code=reply.code,
                    day=shopper.day.isoformat(),
                    run=self.plan.run,
                    query=shopper.query,
                    meant=shopper.meant,
                )
            )


def ranked(reply: Reply) -> tuple[list[str], list[float], str]:
    """Products in order, their scores and the model's name of a reply to a batch of one; empty places are left out."""
    if reply.code != "OK" or not {"product", "score", "model"} <= reply.outputs.keys():
        return [], [], ""
    pairs = zip(reply.outputs["product"][0].tolist(), reply.outputs["score"][0].tolist(), strict=True)
    real = [(str(product), round(float(score), 6)) for product, score in pairs if product]
    return [product for product, _ in real], [score for _, score in real], str(reply.outputs["model"][0])
