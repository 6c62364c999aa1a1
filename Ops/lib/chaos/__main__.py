"""Does harm to permanode on purpose, series after series, and looks what became of it.

usage: chaos WORK PROGRAM [--minutes N] [--seed S] [--series N] [--kills N] [--only KIND[,KIND]…] [--report FILE]
"""

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import databases  # noqa: E402
import faults  # noqa: E402
import kills  # noqa: E402
from archive import Tangle  # noqa: E402
from database import Server  # noqa: E402
from program import Fault, Program  # noqa: E402

KINDS = {
    "crawl": kills.kill_crawl, "forget": kills.kill_forget, "import": kills.kill_import,
    "query": kills.kill_query, "publish": kills.kill_publish, "crawlers": kills.two_crawlers,
    "database": databases.database_killed, "sessions": databases.sessions_ended,
    "connections": databases.connections_gone, "serialization": databases.serialization,
    "disk": faults.disk_full, "nodes": faults.hostile_nodes, "clock": faults.clock_jumps,
    "streams": faults.full_streams,
}

# A command takes a second; beyond this it hangs.
HANGS_AFTER = 120

# A tangle in memory holds 100,000 transactions.
SERIES_A_TANGLE = 60


class Context:
    """What a series is given."""

    def __init__(self, work, path, environment, kills):
        self.work = work
        self.path = path
        self.environment = environment
        self.kills_a_series = kills
        self.server = Server(f"{work}/server")
        self.own = {}
        self.tangle = None
        self.other = None
        self.series = 0
        self.counts = collections.Counter()
        self.skipped = set()
        self.random = None

    def begin(self, seed):
        if self.tangle is None or self.series % SERIES_A_TANGLE == 0:
            if self.tangle is not None:
                self.tangle.close()
            self.tangle = Tangle(self)
        self.tangle.node.hide([])
        self.tangle.node.choose = None
        self.series += 1
        self.random = random.Random(seed)
        random.seed(seed)

    def program(self):
        return Program(self.path, self.environment, self.work)

    def fresh_name(self):
        return f"s{self.series}"

    def count(self, what, by=1):
        self.counts[what] += by

    def is_late(self, process):
        return time.monotonic() - process.started > HANGS_AFTER

    def own_server(self, name):
        """One that may be harmed without others noticing."""
        if name not in self.own:
            self.own[name] = Server(f"{self.work}/{name}")
        return self.own[name]

    def other_tangle(self):
        if self.other is None:
            self.other = Tangle(self)
        return self.other

    def remove(self, folder):
        shutil.rmtree(folder, ignore_errors=True)

    def skip(self, why):
        if why not in self.skipped:
            self.skipped.add(why)
            say(f"NOT DONE: {why}")

    def can_mount(self):
        if os.environ.get("CHAOS_MAY_MOUNT") == "yes":
            return True
        self.skip("file systems cannot be mounted here: no full disks")
        return False

    def clock_library(self):
        """What makes a program's clock wrong; None where it cannot be made."""
        library = f"{self.work}/clock.so"
        if not os.path.exists(library):
            source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
            compiler = shutil.which(os.environ.get("CC", "clang")) or shutil.which("cc")
            if compiler is None or subprocess.run(
                    [compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=False).returncode:
                self.skip("there is no C compiler: no jumps of the clock")
                return None
        return library

    def close(self):
        for tangle in (self.tangle, self.other):
            if tangle is not None:
                tangle.close()
        for server in (self.server, *self.own.values()):
            server.remove()


def say(text):
    print(f"Ops/chaos: {text}", file=sys.stderr, flush=True)


def run(options, context):
    """The number of series that found a fault."""
    kinds = options.only.split(",") if options.only else list(KINDS)
    started = time.monotonic()
    done, failed = collections.Counter(), []
    number = 0
    while True:
        minutes = (time.monotonic() - started) / 60
        if minutes >= options.minutes or options.series and number >= options.series:
            break
        seed, kind = options.seed + number, kinds[number % len(kinds)]
        before = time.monotonic()
        try:
            context.begin(seed)
            KINDS[kind](context)
            outcome = "well"
        except Exception as error:  # noqa: BLE001 - a fault is told, and the next series begun
            failed.append((kind, seed))
            outcome = f"FAULT: {error}"
            if not isinstance(error, Fault):
                traceback.print_exc()
            context.tangle = None
        done[kind] += 1
        say(f"series {number + 1} --only {kind} --seed {seed}: {time.monotonic() - before:.1f} s, {outcome}")
        number += 1
    report(options, context, done, failed, time.monotonic() - started)
    return len(failed)


def report(options, context, done, failed, seconds):
    lines = [f"seeds {options.seed} to {options.seed + sum(done.values()) - 1}, {seconds / 60:.1f} minutes", ""]
    lines += ["| kind | series | with a fault |", "| --- | ---: | ---: |"]
    for kind, count in done.items():
        lines.append(f"| {kind} | {count} | {sum(each == kind for each, _ in failed)} |")
    lines += ["", "| what was done | how often |", "| --- | ---: |"]
    lines += [f"| {what} | {count} |" for what, count in sorted(context.counts.items())]
    total = sum(count for what, count in context.counts.items() if what.startswith("kill -9"))
    lines += [f"| **kills in all** | {total} |", ""]
    lines += [f"fault: --only {kind} --seed {seed}" for kind, seed in failed]
    lines += [f"not done: {why}" for why in sorted(context.skipped)]
    text = "\n".join(lines) + "\n"
    print(text, end="", flush=True)
    if options.report:
        with open(options.report, "w", encoding="utf-8") as file:
            file.write(text)


def parse():
    parser = argparse.ArgumentParser(prog="Ops/chaos", add_help=False)
    parser.add_argument("work")
    parser.add_argument("program")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--series", type=int, default=0)
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--only", default="")
    parser.add_argument("--report", default="")
    options = parser.parse_args()
    unknown = [kind for kind in options.only.split(",") if kind and kind not in KINDS]
    if unknown:
        parser.error(f"no such kind: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4), "big")
    return options


def main():
    options = parse()
    # So that what is started is ended, too, when a terminal is closed or somebody has enough.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    environment = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("PERMANODE_", "PG", "LD_"))}
    context = Context(options.work, options.program, environment, options.kills)
    say(f"seed {options.seed}")
    try:
        status = 1 if run(options, context) else 0
    finally:
        context.close()
    sys.exit(status)


if __name__ == "__main__":
    main()
