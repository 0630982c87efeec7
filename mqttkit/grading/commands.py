"""What `mqttkit grade`, `mqttkit check` and `mqttkit exercises` do."""

from __future__ import annotations

import contextlib
import functools
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from mqttkit.errors import GradingError
from mqttkit.grading import build, gradebook, pool
from mqttkit.grading.feedback import Feedback
from mqttkit.grading.job import Job, Report, grade_one
from mqttkit.grading.late import Late, told
from mqttkit.grading.late import read as read_rule
from mqttkit.grading.pack import pack
from mqttkit.grading.reached import progress
from mqttkit.grading.rubric import load
from mqttkit.grading.sandbox import level
from mqttkit.grading.temporary import Folder


def _usage(command: Callable[..., int]) -> Callable[..., int]:
    """Turn a GradingError into one sentence and the exit code 2."""

    @functools.wraps(command)
    def run(*args: object, **options: object) -> int:
        try:
            return command(*args, **options)
        except GradingError as error:
            print(error, file=sys.stderr)
            return 2
        except OSError as error:
            what = f"{error.filename}: " if error.filename else ""
            print(f"{what}{error.strerror or error}. Is there room, and may you write there?", file=sys.stderr)
            return 2

    return run


@_usage
def grade(
    exercise: str,
    submissions: Path,
    *,
    out: Path = Path("grades"),
    jobs: int | None = None,
    timeout: float | None = None,
    total: float | None = None,
    sandbox: str = "auto",
    names: str = "plain",
    roster: Path | None = None,
    due: str | None = None,
    late: str | None = None,
    student: str | None = None,
    regrade: bool = False,
    scheduler: str | None = None,
) -> int:
    """Grade a folder or zip file of submissions; reports and the mark list go to `out`.

    Returns:
        0 when all were graded, 1 when some were not, 2 when the call makes no sense.
    """
    plan = gradebook.Plan(
        master=build.master_path(exercise),
        source=Path(submissions),
        out=Path(out),
        sandbox=level(sandbox),
        timeout=_positive("--timeout", timeout, 30.0),
        total=_positive("--total", total, 300.0),
        names=names,
        roster=roster,
        student=student,
        regrade=regrade,
    )
    if jobs is not None and jobs < 1:
        raise GradingError(f"--jobs is a number of submissions, 1 or more, not {jobs}.")
    rule = read_rule(due, late)
    engine = _engine(scheduler)
    book = gradebook.GradeBook(plan)
    with one_interrupt(), Folder() as workspace:
        try:
            _grade_all(book, engine, jobs or _processors(), workspace.path)
        except KeyboardInterrupt:
            return _stopped(book, rule, due or "")
        book.finish(rule, due or "")
    for line in told(book.late(rule), len(book.reports)):
        print(line)
    return _conclude(book)


def _stopped(book: gradebook.GradeBook, rule: Late, due: str) -> int:
    """Write what there is, but never a list without people over one that has them."""
    if book.prepared:
        book.finish(rule, due)
        print(f"\nStopped: {book.progress()}. Call the same again to go on.", file=sys.stderr)
    else:
        print("\nStopped before the grading began. All lists are as they were.", file=sys.stderr)
    return 130  # as a shell calls it


def _grade_all(book: gradebook.GradeBook, engine: pool.Engine, jobs: int, workspace: Path) -> None:
    todo = book.prepare(workspace)
    bar = _Bar(len(todo), book.kept)
    with contextlib.closing(engine(todo, jobs)) as reports:
        for report in reports:
            book.add(report)
            bar.step(report)


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """The first Ctrl-C ends what is going on. The next ones are not heard: tidying up takes a moment, and is not cut off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def first(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _engine(scheduler: str | None) -> pool.Engine:
    if scheduler is None:
        return pool.local
    if not re.match(r"[a-z]+://.", scheduler):
        raise GradingError(f"--scheduler {scheduler!r}: write its address like tcp://host:8786.")
    from mqttkit.grading import cluster

    return functools.partial(cluster.distributed, scheduler)


def _positive(option: str, value: float | None, default: float) -> float:
    if value is not None and value <= 0:
        raise GradingError(f"{option} is a number of seconds above 0, not {value:g}.")
    return default if value is None else value


def _processors() -> int:
    import os

    return max(1, os.cpu_count() or 1)


def _conclude(book: gradebook.GradeBook) -> int:
    counts = book.counts()
    words = ", ".join(f"{number} {_words(status)}" for status, number in sorted(counts.items()))
    print(f"{words}. Marks: {book.plan.out / 'grades.csv'} (sandbox: {book.plan.sandbox})")
    for student, report in sorted(book.reports.items()):
        status = [] if report["status"] == "graded" else [f"{_words(report['status'])}. {report['note']}"]
        for told_of_it in [*status, *report["notes"]]:
            print(f"  {student}: {told_of_it}")
    return 0 if set(counts) <= {"graded"} else 1


def _words(status: str) -> str:
    return status.replace("_", " ")


def _marks(report: Report) -> str:
    """Points, and what went wrong, as far as there are any."""
    points = "" if report["score"] is None else f"{report['score']:g}/{report['max_score']:g}"
    status = "" if report["status"] == "graded" else _words(report["status"])
    return ", ".join(part for part in (points, status) if part)


class _Bar:
    """A progress bar in one line of the terminal; plain lines where there is no terminal."""

    def __init__(self, total: int, kept: int) -> None:
        self._total = total
        self._done = 0
        self._live = sys.stderr.isatty()
        if kept:
            print(f"{kept} unchanged since the last run, not graded again", file=sys.stderr)

    def step(self, report: Report) -> None:
        self._done += 1
        full = 30 * self._done // self._total
        text = (
            f"[{'#' * full}{'-' * (30 - full)}] {self._done}/{self._total}  {report['student'][:30]}: {_marks(report)}"
        )
        end = "\n" if not self._live or self._done == self._total else ""
        print(f"\r\x1b[K{text}" if self._live else text, end=end, file=sys.stderr, flush=True)


@_usage
def check(exercise: str, notebook: Path | None = None) -> int:
    """Play all checks of one notebook in a fresh kernel and print the feedback.

    Returns:
        0 when every question has full points, 1 when not, 2 when the call makes no sense or the file is no such notebook.
    """
    master = build.master_path(exercise)
    path = Path(notebook) if notebook else build.course_folder() / "exercises" / f"{master.stem}.ipynb"
    if not path.is_file():
        raise GradingError(f"There is no file {path}.")
    with Folder() as folder:
        report = grade_one(Job(master.stem, str(master), "practice", str(path), str(folder.path), level("none")))
    if report["score"] is None:
        raise GradingError(f"{path}: {report['note']}")
    for question in report["questions"]:
        print(Feedback(question))
    if report["note"]:
        print(report["note"])
    print(f"{report['exercise']}: {report['score']:g} of {report['max_score']:g} points")
    return 0 if report["score"] == report["max_score"] else 1


@_usage
def exercises(
    action: str, exercise: str = "", *, check: bool = False, source: Path | None = None, target: Path | None = None
) -> int:
    """`list`, `reset EXERCISE`, `build [--check]` or `pack FILE`."""
    if action == "list":
        print(progress())
        return 0
    if action == "reset":
        done = build.reset(_known(exercise) if source is None else exercise, source=source)
        kept = f" Yours is kept as {done.kept.name}." if done.kept else ""
        print(f"{done.fresh} is fresh.{kept}")
        return 0
    if action == "pack" and target is not None:
        print(f"{pack(target)} files are packed: the course without solutions/, tests/ and INSTRUCTORS.md.")
        return 0
    return _build(check=check)


def _known(exercise: str) -> str:
    """The name of an exercise of the kit, or of one's own in this course."""
    course = build.course_folder()
    own = any((course / part / f"{exercise}.py").is_file() for part in ("solutions", "exercises"))
    return exercise if own and re.fullmatch(r"[\w-]+", exercise) else load(exercise).name


def _build(*, check: bool) -> int:
    folder = build.course_folder()
    changed = build.build(folder / "solutions", folder / "exercises", check=check)
    for path in changed:
        print(f"{path.name}: {'not up to date' if check else 'written'}")
    if check and changed:
        print("Run `mqttkit exercises build` and commit what it writes.")
        return 1
    return 0
