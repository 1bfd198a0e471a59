"""Hand-ins per minute beside stock `nbgrader autograde`, seconds of one, memory, and kills.

Honest hand-ins, made by code: everything solved, nothing, or some of the tasks. Ours are graded by
the command on two processes, stock nbgrader takes the first of them in one batch (nothing trains
there); the time of both counts from start to end. Then the same class once more, killed three
times at random moments and resumed.

Usage: python benchmarks/grading.py [--hand-ins N] [--stock N] [--json FILE]
"""

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests" / "support")]

import psutil  # noqa: E402
from course_copy import FIRST_LAB, nbgrader  # noqa: E402
from grading_course import (  # noqa: E402
    command,
    environment,
    kill,
    n_results,
    release,
    solved_by_students,
    wait_for_results,
    write_zips,
)
from hand_in_builder import HandInBuilder  # noqa: E402

from crystalgraph.grading.intake.hand_ins import read  # noqa: E402
from crystalgraph.grading.intake.sources import find_sources  # noqa: E402
from crystalgraph.grading.marking import grade_hand_in, sandbox_pool  # noqa: E402
from crystalgraph.grading.secret import grader_secret  # noqa: E402

WORKERS = 2
ALONE = 6
KILLS = 3
SANDBOXED = "crystalgraph.sandbox.worker"
MEGABYTE = 2**20


class Clock:
    """Seconds that passed, and seconds that the computer's cores were busy in between.

    With anything, so nothing else may run: a sandbox that is killed tells nobody what it used.
    """

    def __enter__(self) -> "Clock":
        self.begun, self.used = time.monotonic(), self._cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self.begun
        self.cpu_seconds = self._cpu() - self.used

    def _cpu(self) -> float:
        used = psutil.cpu_times()
        return used.user + used.system


def start(course: Path, out: str, *options: str) -> subprocess.Popen:
    """`crystalgraph grade`, running; its results are in the course's folder."""
    return subprocess.Popen(
        command("zips", "--out", out, "--workers", str(WORKERS), *options),
        cwd=course,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process: subprocess.Popen) -> None:
    """Wait for its end, which has to be a good one."""
    output = process.communicate()[0].decode()
    if process.returncode != 0:
        sys.exit(output)


def watch_memory(course: Path, process: subprocess.Popen, seen: dict[int, float]) -> None:
    """Note the megabytes of the grader's own processes at each number of results."""
    while process.poll() is None:
        try:
            ours = [psutil.Process(process.pid)]
            ours += ours[0].children(recursive=True)
            trusted = [one for one in ours if SANDBOXED not in one.cmdline()]
            trusted = [one for one in trusted if one.name() != "bwrap"]
            used = sum(one.memory_info().rss for one in trusted) / MEGABYTE
            seen[n_results(course)] = used
        except psutil.Error:
            pass
        time.sleep(0.5)


def grade_calmly(course: Path) -> tuple[Clock, dict[int, float]]:
    """Grade the class without disturbance."""
    memory: dict[int, float] = {}
    with Clock() as clock:
        process = start(course, "results")
        watcher = threading.Thread(target=watch_memory, args=(course, process, memory))
        watcher.start()
        finish(process)
        watcher.join()
    return clock, memory


def grade_with_kills(course: Path, number: int) -> list[int]:
    """Grade the class, killed at random moments and resumed.

    Returns:
        How many results there were at each of them.
    """
    moments = sorted(random.sample(range(1, number - 5), KILLS))
    for turn, moment in enumerate(moments):
        process = start(course, "results", *["--resume"] * (turn > 0))
        wait_for_results(course, moment, process, seconds=36000)
        kill(process)
    finish(start(course, "results", "--resume"))
    return moments


def grade_by_stock(course: Path, solved: dict[str, set[str]]) -> Clock:
    """The same hand-ins by stock nbgrader, in one batch."""
    for student, tasks in solved.items():
        HandInBuilder(tasks).put_submitted(course, student)
    with Clock() as clock:
        done = nbgrader(course, "autograde", FIRST_LAB.id, timeout=36000)
    if done.returncode != 0:
        sys.exit(done.stdout)
    return clock


def warm_seconds(course: Path) -> list[float]:
    """Seconds of each hand-in, as the grader says, without the first of each process."""
    results = course / "results" / FIRST_LAB.id
    texts = [path.read_text() for path in results.glob("*/result.json")]
    by_log = sorted(results.glob("*/log.txt"), key=lambda path: path.stat().st_mtime)
    first = {path.parent.name for path in by_log[: 2 * WORKERS]}
    known = map(json.loads, texts)
    return [one["seconds"] for one in known if one["student"] not in first]


def alone_seconds(course: Path) -> list[float]:
    """Seconds of single hand-ins in this process, a warm sandbox waiting and nothing beside it."""
    sources = find_sources(course / "zips", FIRST_LAB)[: ALONE + 1]
    seconds = []
    for source in sources:
        result, _ = grade_hand_in(read(source, FIRST_LAB), FIRST_LAB, grader_secret())
        seconds.append(result.seconds)
    return seconds[1:]  # the first one loads the grader's own libraries


def measure(number: int, n_stock: int, folder: Path) -> dict:
    """Everything in one run."""
    ours = release(folder / "ours")
    solved = solved_by_students(number)
    write_zips(ours / "zips", solved)
    stock, killed = (shutil.copytree(ours, folder / name) for name in ("stock", "killed"))
    alone = alone_seconds(ours)
    sandbox_pool(FIRST_LAB).close()
    clock, memory = grade_calmly(ours)
    warm = warm_seconds(ours)
    stock_clock = grade_by_stock(stock, dict([*solved.items()][:n_stock]))
    moments = grade_with_kills(killed, number)
    tables = [
        (one / "results" / FIRST_LAB.id / "grades.csv").read_bytes() for one in (ours, killed)
    ]
    return {
        "hand_ins": number,
        "per_minute": 60 * number / clock.seconds,
        "cpu_seconds": clock.cpu_seconds / number,
        "stock_hand_ins": n_stock,
        "stock_per_minute": 60 * n_stock / stock_clock.seconds,
        "stock_cpu_seconds": stock_clock.cpu_seconds / n_stock,
        "alone_median": statistics.median(alone),
        "alone_slowest": max(alone),
        "warm_median": statistics.median(warm),
        "warm_slowest": max(warm),
        "megabytes": {str(results): round(used) for results, used in sorted(memory.items())},
        "killed_after": moments,
        "same_grades": tables[0] == tables[1],
    }


def report(found: dict) -> str:
    """The table that is printed."""
    ratio = found["per_minute"] / found["stock_per_minute"]
    cpu_ratio = found["stock_cpu_seconds"] / found["cpu_seconds"]
    memory = {int(results): used for results, used in found["megabytes"].items()}
    marks = [min(memory, key=lambda n: abs(n - part * max(memory) / 6)) for part in range(1, 7)]
    lines = [
        f"{'':28s} {'hand-ins':>8s} {'per minute':>11s} {'cpu s each':>11s}",
        f"{'crystalgraph grade':28s} {found['hand_ins']:8d} {found['per_minute']:11.1f} "
        f"{found['cpu_seconds']:11.2f}",
        f"{'nbgrader autograde':28s} {found['stock_hand_ins']:8d} "
        f"{found['stock_per_minute']:11.1f} {found['stock_cpu_seconds']:11.2f}",
        f"times as many per minute: {ratio:.1f}; times less of the cores: {cpu_ratio:.1f}",
        f"one hand-in alone, warm: {found['alone_median']:.2f} s (median), "
        f"{found['alone_slowest']:.2f} s (slowest)",
        f"one of several at a time: {found['warm_median']:.2f} s (median), "
        f"{found['warm_slowest']:.2f} s (slowest)",
        "megabytes of the grader after n results: "
        + ", ".join(f"{mark}: {memory[mark]}" for mark in dict.fromkeys(marks)),
        f"killed after {', '.join(map(str, found['killed_after']))} results and resumed: "
        + ("the same grades.csv" if found["same_grades"] else "OTHER GRADES"),
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure and print; 1 when a killed run ends with other grades."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hand-ins", type=int, default=300, metavar="N", help="default: 300")
    parser.add_argument("--stock", type=int, default=12, metavar="N", help="default: 12")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crystalgraph-grading-") as name:
        found = measure(args.hand_ins, args.stock, Path(name))
    print(report(found))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if found["same_grades"] else 1


if __name__ == "__main__":
    sys.exit(main())
