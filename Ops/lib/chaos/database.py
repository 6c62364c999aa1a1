"""A PostgreSQL of one's own, to be treated badly, and a session of it."""

import os
import select
import shutil
import signal
import subprocess
import time

from program import Fault, eventually, need

LIBRARY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "postgres.sh")


def shell(command, *arguments):
    """Calls a function of Ops/lib/postgres.sh."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'. "$0"; {command}', LIBRARY, *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Fault(f"{command} ended with {done.returncode}: {done.stderr[-400:]}")
    return done.stdout.strip()


def parent_of(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def children_of(process):
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and parent_of(name) == process]


class SessionEnded(Fault):
    """The server, or the way to it, is gone."""


class Server:
    """The cluster in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = shell("postgres_find_bin")
        shell('postgres_start "$1" --fast', folder)

    def url(self, database, user="postgres"):
        return f"postgresql:///{database}?host={self.folder}&user={user}"

    def session(self, database="postgres"):
        return Session(self, database)

    def postmaster(self):
        try:
            with open(f"{self.folder}/data/postmaster.pid", encoding="ascii") as file:
                return int(file.readline())
        except (OSError, ValueError):
            return 0

    def backends(self):
        """Its processes that serve a session of the program."""
        found = []
        for child in children_of(self.postmaster()):
            try:
                with open(f"/proc/{child}/cmdline", "rb") as file:
                    title = file.read().decode(errors="replace")
            except OSError:
                continue
            if "[local]" in title and "postgres postgres [" not in title:
                found.append(child)
        return found

    def kill(self):
        """Everything at once, as when the machine's memory ran out."""
        postmaster = self.postmaster()
        need(postmaster > 1, "the server does not run")
        everyone = [postmaster, *children_of(postmaster)]
        for process in everyone:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        eventually(
            "the server's processes are gone",
            lambda: not any(os.path.exists(f"/proc/{process}/exe") for process in everyone))

    def pause(self, mode="immediate"):
        shell('postgres_pause "$1" "$2"', self.folder, mode)

    def resume(self):
        # What is left of a server that was killed may take a moment to notice.
        eventually("PostgreSQL starts again", self.starts, 60, 0.5)

    def starts(self):
        try:
            shell('postgres_resume "$1"', self.folder)
            return True
        except Fault:
            return False

    def answers(self):
        """Whether it takes connections (it recovers after one of its processes was killed)."""
        try:
            session = self.session()
            session.ask("select 1", seconds=5)
            session.close()
            return True
        except (Fault, OSError):
            return False

    def remove(self):
        if not os.path.exists(f"/proc/{self.postmaster()}/exe"):
            # Nothing runs that could be asked to stop.
            shutil.rmtree(self.folder, ignore_errors=True)
        shell('postgres_stop "$1"', self.folder)


class Session:
    """psql, kept open: starting one for each question takes longer than the question."""

    MARK = "-- end of the answer --"

    def __init__(self, server, database):
        self.server = server
        self.database = database
        self.open()

    def open(self):
        self.process = subprocess.Popen(
            [f"{self.server.programs}/psql", "-qXAt", "-F", "\t", "-h", self.server.folder, "-U", "postgres",
             "-d", self.database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)

    def ask(self, sql, seconds=60):
        """The rows of an answer, each a list of texts. Asked again where the server had gone."""
        for _ in range(3):
            try:
                return self.ask_once(sql, seconds)
            except SessionEnded:
                time.sleep(0.2)
        return self.ask_once(sql, seconds)

    def ask_once(self, sql, seconds):
        if self.process.poll() is not None:
            self.close()
            self.open()
        try:
            self.process.stdin.write(f"{sql};\n\\echo {self.MARK}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise SessionEnded(f"psql ended: {self.rest()}") from None
        read = b""
        deadline = time.monotonic() + seconds
        while self.MARK.encode() not in read:
            need(time.monotonic() < deadline, f"no answer to: {sql[:200]}")
            select.select([self.process.stdout], [], [], 1)
            some = self.process.stdout.read()
            if some:
                read += some
            elif some == b"":
                self.process.wait()
                raise SessionEnded(f"psql ended: {read.decode(errors='replace')[-300:]}")
        text = read.decode(errors="replace").split(self.MARK)[0].strip("\n")
        need("ERROR:" not in text and "FATAL:" not in text, f"{sql[:200]}: {text[:300]}")
        return [line.split("\t") for line in text.split("\n")] if text else []

    def number(self, sql):
        return int(self.ask(sql)[0][0])

    def rest(self):
        return (self.process.stdout.read() or b"").decode(errors="replace")[-300:]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
