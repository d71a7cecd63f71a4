"""Who does the trials of a search: this process, or workers that Ray starts and watches."""

import contextlib
import dataclasses
import io
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from ...checks import check_count
from ...data import Examples
from ...errors import UserError
from ..files import replacing
from ..quiet import unheard
from .task import attempt, limit_threads, ready, setting
from .trial import Job, NoRoom, Outcome, in_one_line, run, too_long

# Called with a slot, an epoch's number, the name of a figure and its value.
Heard = Callable[[str, int, str, float], None]
# Trials after which a worker's process is a new one, as it grows by some megabytes with each.
TRIALS_A_PROCESS = 20
# The first Ray that starts with a token by default, and reads it anew.
LEAST_RAY = (2, 60)
GO_ON = "go on by --resume"
# The variable that says in how many seconds Ray is to have joined a cluster.
PATIENCE = "RAY_gcs_server_port_wait_time_s"
# Seconds for a node to say that it can do trials: it imports Keras and reads the data.
CHECK = 900


class Workers(Protocol):
    """Who does the trials of a search.

    Attributes:
        slots: Names for the trials that can be under way together.
    """

    slots: Sequence[str]

    def check(self) -> None:
        """Raise `UserError` if trials cannot be done; before that none is to begin."""

    def begin(self, slot: str, job: Job, folder: Path, parent: Path | None) -> None:
        """Have a trial done, whose weights come into `folder`, going on from those of `parent`."""

    def wait(self, heard: Heard) -> list[tuple[str, Outcome]]:
        """The trials that have ended, once any has; says meanwhile how far they are."""


@dataclasses.dataclass(frozen=True)
class Execution:
    """By whom and how trials are done, which no score depends on but by the number of threads.

    Attributes:
        workers: Processes that do trials, on this machine; 0 for this process itself.
        cluster: Address of a Ray cluster whose nodes do them instead.
        cpus_per_trial: Threads of a trial, and processors that it occupies; 1 for workers, and all
            there are for this process, if not given.
        gpus_per_trial: GPUs of a trial, or the part of one.
        trial_limit: Seconds after which a trial has failed.
        retries: How often a trial is done again whose process has died.
    """

    workers: int = 0
    cluster: str | None = None
    cpus_per_trial: int | None = None
    gpus_per_trial: float = 0
    trial_limit: float | None = None
    retries: int = 2

    def prepare(self) -> None:
        """Let this process have the threads of a trial, if it is to do them, or else no GPU.

        Raises:
            UserError: If a value cannot be used.
        """
        check_count("workers", self.workers, least=0)
        check_count("retries", self.retries, least=0)
        if self.cpus_per_trial is not None:
            check_count("cpus_per_trial", self.cpus_per_trial)
        if self.trial_limit is not None and not self.trial_limit > 0:
            raise UserError(f"trial_limit must be above 0 seconds, got {self.trial_limit!r}")
        gpus = self.gpus_per_trial
        if not gpus >= 0 or (gpus > 1 and gpus != int(gpus)):
            raise UserError(f"gpus_per_trial must be a part of one, or whole, got {gpus!r}")
        if self.workers and self.cluster:
            raise UserError(
                f"a search has workers here or on a cluster, got {self.workers} and {self.cluster}"
            )
        if self.remote:
            _check_ray()
            _leave_gpus()
        elif gpus:
            raise UserError("gpus_per_trial is of workers: give workers, or a cluster, with it")
        elif self.cpus_per_trial:
            try:
                limit_threads(self.cpus_per_trial)
            except RuntimeError:
                raise UserError(
                    "cpus_per_trial cannot change in a process that has computed already: give it "
                    "with workers, or in a new process"
                ) from None

    @property
    def remote(self) -> bool:
        """Whether other processes do the trials."""
        return bool(self.workers or self.cluster)


class Here:
    """This process, in which one trial is done after the other.

    Args:
        sets: The examples, as `prepared` gives them.
        execution: The threads and the limit of a trial, which a hang is beyond.
        callbacks: Callbacks of `fit`.
        metrics: Metrics beside those of the recipe.
    """

    slots = ("0",)

    def __init__(self, sets: Mapping[str, Examples], execution: Execution, callbacks, metrics):
        self._sets = sets
        self._options = {"callbacks": callbacks, "metrics": metrics, "limit": execution.trial_limit}
        self._next: tuple | None = None

    def check(self):
        pass

    def begin(self, slot, job, folder, parent):
        self._next = slot, job, folder, parent

    def wait(self, heard):
        slot, job, folder, parent = self._next

        def report(*news):
            heard(slot, *news)

        outcome = run(job, self._sets, folder, parent=parent, report=report, **self._options)
        return [(slot, outcome)]


class Remote:
    """Workers of Ray, on this machine or on a cluster; used as a context.

    Ray watches them: of a process that dies, whyever, this one hears at once. All files are written
    here, and nothing but plain values and weights go to and fro.

    Args:
        execution: How many, and what a trial may take.
        wanted: The recipe, how its data are read, and their fingerprint.
        sets: The examples, as `prepared` gives them, where they have no name to be read by.
        callbacks: Callbacks of `fit`.
        metrics: Metrics beside those of the recipe.

    Raises:
        UserError: If Ray is not to be reached, or no node has what a trial is to have.
    """

    def __init__(
        self,
        execution: Execution,
        wanted: Mapping[str, Any],
        sets: Mapping[str, Examples] | None,
        callbacks,
        metrics,
    ):
        self._execution = execution
        self._cpus = execution.cpus_per_trial or 1
        self._wanted = wanted
        self._given = sets
        self._extra = (list(callbacks), list(metrics))
        self._under_way: dict[Any, _Task] = {}
        self._room = f"amalthea-{secrets.token_hex(8)}"
        self._exit = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as exit_:
            # It says to the standard output which processes have died.
            nowhere = exit_.enter_context(open(os.devnull, "w"))
            exit_.enter_context(contextlib.redirect_stdout(nowhere))
            self._interrupted = exit_.enter_context(_noticed())
            self._ray = exit_.enter_context(_started(self._execution, self._cpus))
            exit_.callback(self._end)
            self._prepare()
            self._exit = exit_.pop_all()
        return self

    def __exit__(self, *error):
        return self._exit.__exit__(*error)

    def _prepare(self) -> None:
        ray, execution = self._ray, self._execution
        options = {
            "num_cpus": self._cpus,
            "num_gpus": execution.gpus_per_trial,
            # TensorFlow keeps the GPU that it has first got.
            "max_calls": 1 if execution.gpus_per_trial else TRIALS_A_PROCESS,
            "max_retries": 0,
        }
        self._attempt = ray.remote(num_returns="streaming", **options)(attempt)
        self._common = (setting(), dict(self._wanted), self._cpus)
        counts = {}
        for node in ray.nodes():
            if node["Alive"]:
                has = node["Resources"]
                count = int(has.get("CPU", 0) // self._cpus)
                if execution.gpus_per_trial:
                    count = min(count, int(has.get("GPU", 0) / execution.gpus_per_trial))
                counts[node["NodeID"]] = count
        self.slots = tuple(str(slot) for slot in range(sum(counts.values())))
        if not self.slots:
            raise UserError(f"no node has {self._asked()}, which a trial is to have")
        if len(self.slots) < execution.workers:
            raise UserError(
                f"this machine has room for {len(self.slots)} trials of {self._asked()}: workers "
                f"must be so many at the most, got {execution.workers}"
            )
        check = ray.remote(**options | {"num_cpus": 0, "num_gpus": 0})(ready)
        on = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        self._checks = [
            check.options(scheduling_strategy=on(node, soft=False)).remote(*self._common)
            for node, count in counts.items()
            # Here each process that a trial will have imports Keras for it now.
            for _ in range(min(count, execution.workers or 1))
        ]
        self._sets = ray.put(self._given)
        try:
            self._pickled = ray.cloudpickle.dumps(self._extra)
        except Exception as error:
            raise UserError(
                f"callbacks and metrics go to workers, and one cannot: {in_one_line(error)}"
            ) from error

    def check(self):
        try:
            reasons = [why for why in self._ray.get(self._checks, timeout=CHECK) if why]
        except self._ray.exceptions.RayError as error:
            reasons = [f"a node cannot do trials: {in_one_line(_cause(error))}"]
        if reasons:
            raise UserError(reasons[0])

    def _asked(self) -> str:
        gpus = self._execution.gpus_per_trial
        return f"{self._cpus} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")

    def begin(self, slot, job, folder, parent):
        weights = parent.read_bytes() if parent else None
        news = self._attempt.remote(
            *(*self._common, self._room, dataclasses.asdict(job)),
            *(self._sets, self._pickled, weights),
        )
        self._under_way[news] = _Task(slot, folder)

    def wait(self, heard):
        ended: list[tuple[str, Outcome]] = []
        while not ended:
            spoken, _ = self._ray.wait(list(self._under_way), timeout=0.5, fetch_local=False)
            if self._interrupted:
                raise KeyboardInterrupt
            for news in spoken:
                if outcome := self._next(news, heard):
                    ended.append((self._under_way.pop(news).slot, outcome))
            self._end_late_ones()
            if not spoken:
                self._check_nodes()
        return ended

    def _next(self, news: Any, heard: Heard) -> Outcome | None:
        """The outcome of a task, or what else it says."""
        ray, task = self._ray, self._under_way[news]
        errors = ray.exceptions
        try:
            said = ray.get(next(news))
        except (errors.RayError, StopIteration) as error:
            if task.cancelled:
                return Outcome(reason=too_long(self._execution.trial_limit or 0))
            if isinstance(error, errors.LocalRayletDiedError | errors.RaySystemError):
                raise UserError(f"Ray has died ({in_one_line(error)}): {GO_ON}") from error
            if isinstance(cause := _cause(error), NoRoom):
                raise UserError(f"a worker's temporary folder: {cause}; {GO_ON}") from error
            if isinstance(error, errors.RayTaskError):
                return Outcome(reason=in_one_line(cause))
            return Outcome(reason=_death(ray, error), died=True)
        if isinstance(said, str):
            raise UserError(f"{said}; {GO_ON}")
        if said is None:
            task.started = time.monotonic()
        elif len(said) == 3:
            heard(task.slot, *said)
        else:
            outcome, files = said
            for name, content in files.items():
                with replacing(task.folder / name) as aside:
                    aside.write_bytes(content)
            return Outcome(**outcome)
        return None

    def _end_late_ones(self) -> None:
        limit = self._execution.trial_limit
        for news, task in self._under_way.items():
            late = limit and task.started and time.monotonic() - task.started > limit
            if late and not task.cancelled:
                task.cancelled = True
                self._ray.cancel(news, force=True)

    def _check_nodes(self) -> None:
        """Raise `UserError` if no node is left that a trial could ever begin on."""
        if any(task.started for task in self._under_way.values()):
            return
        has = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        wants = {"CPU": self._cpus, "GPU": self._execution.gpus_per_trial}
        if not any(all(of.get(kind, 0) >= least for kind, least in wants.items()) for of in has):
            raise UserError(f"no node is left that has {self._asked()}: {GO_ON}")

    def _end(self) -> None:
        for news in self._under_way:
            self._ray.cancel(news, force=True)
        # Of those that were killed; on other machines it stays.
        shutil.rmtree(Path(tempfile.gettempdir()) / self._room, ignore_errors=True)


@dataclasses.dataclass
class _Task:
    """A trial under way."""

    slot: str
    folder: Path
    started: float | None = None
    cancelled: bool = False


def _cause(error: Exception) -> BaseException:
    """What a task raised."""
    return getattr(error, "cause", None) or error


def _death(ray: Any, error: Exception) -> str:
    """What a process died of, in words."""
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return "its process ran out of memory"
    if isinstance(error, ray.exceptions.NodeDiedError):
        return "its node was lost"
    return "its process died"


def _check_ray() -> None:
    """Raise `UserError` unless Ray is installed, with the tokens that keep strangers out."""
    try:
        installed = version("ray")
    except PackageNotFoundError:
        raise UserError(
            "workers need Ray, which is not installed: pip install 'amalthea[ray]'"
        ) from None
    if tuple(map(int, installed.split(".")[:2])) < LEAST_RAY:
        raise UserError(
            f"workers need Ray {'.'.join(map(str, LEAST_RAY))} or newer, got {installed}: pip "
            "install 'amalthea[ray]'"
        )


def _leave_gpus() -> None:
    """Have TensorFlow take no GPU in this process, as workers of this machine need them."""
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # it has one already
        tf.config.set_visible_devices([], "GPU")


@contextlib.contextmanager
def _noticed() -> Iterator[list]:
    """Within, an interruption is noted in a list, too.

    Python drops the exception where it is raised within a destructor, or what C calls back.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted  # no other thread is interrupted
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number, frame):
        noted.append(number)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _started(execution: Execution, cpus: int) -> Iterator[Any]:
    """Ray, running on this machine for this search alone, or joined on its cluster."""
    environment = {"RAY_USAGE_STATS_ENABLED": "0"}
    address: dict[str, Any] = {"address": execution.cluster}
    if execution.cluster:
        _check_reachable(execution.cluster)
        environment[PATIENCE] = os.environ.get(PATIENCE, "3")  # else for a quarter of an hour
    else:
        # Whoever reaches the ports of Ray may run programs, but not without the token.
        environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        address = {
            "address": "local",  # else it joins a cluster that runs here, or has once
            "num_cpus": execution.workers * cpus,
            "include_dashboard": False,
        }
    with _environment(environment):
        # In a notebook the standard error is not the process's own.
        with unheard(), contextlib.redirect_stderr(io.StringIO()):
            import ray
            import ray.util.scheduling_strategies

        _look_at_environment_again()
        if ray.is_initialized():
            raise UserError("Ray is in use in this process already: end that by ray.shutdown()")
        try:
            try:
                with unheard(), contextlib.redirect_stderr(io.StringIO()):
                    ray.init(**address, log_to_driver=False, logging_level="ERROR")
            except Exception as error:  # of whatever kind Ray raises
                where = (
                    f"the cluster at {execution.cluster}" if execution.cluster else "this machine"
                )
                raise UserError(
                    f"Ray on {where} is not to be used: {in_one_line(error)}"
                ) from error
            yield ray
        finally:
            ray.shutdown()


def _check_reachable(cluster: str) -> None:
    """Raise `UserError` if nobody answers at an address."""
    if cluster == "auto":
        return
    host, colon, port = cluster.rpartition(":")
    if not (colon and port.isdecimal()) or "/" in host:
        raise UserError(
            f"cluster must be HOST:PORT of the head of a Ray cluster, or auto, got {cluster!r}"
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"nobody answers at {cluster}, the cluster: {error}") from None


def _look_at_environment_again() -> None:
    """Have Ray read its variables anew: it keeps those of its import and of an earlier start."""
    with contextlib.suppress(ImportError, AttributeError):
        from ray._raylet import AuthenticationTokenLoader, Config

        Config.initialize("")
        AuthenticationTokenLoader.instance().reset_cache()


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Within, these variables of the environment have these values."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
