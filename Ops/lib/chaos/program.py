"""Running the program, and what is to be seen of how it ended."""

import os
import signal
import subprocess
import tempfile
import time


class Fault(Exception):
    """Something that must not be, whatever was done to the program."""


def need(condition, text):
    if not condition:
        raise Fault(text)


def eventually(what, condition, seconds=60, pause=0.05):
    """Waits until a condition holds, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        need(time.monotonic() < deadline, f"never: {what}")
        time.sleep(pause)


class Result:
    def __init__(self, arguments, status, output, errors):
        self.arguments = arguments
        self.status = status
        self.output = output
        self.errors = errors

    def __str__(self):
        return f"'{' '.join(self.arguments)}' ended with {self.status}: {self.errors[-600:].strip()}"


class Process:
    """The program as it runs; its streams are files, so that no pipe of it can be full by accident."""

    def __init__(self, path, arguments, environment, text="", output=None, errors=None, folder=None):
        self.arguments = arguments
        self.started = time.monotonic()
        # Below the run's own folder, so that nothing of a test with many kills is left.
        self.files = [tempfile.TemporaryFile(dir=folder) for _ in range(3)]
        self.files[0].write(text.encode())
        self.files[0].seek(0)
        self.popen = subprocess.Popen(
            [path, *arguments], env=environment, stdin=self.files[0],
            stdout=output if output is not None else self.files[1],
            stderr=errors if errors is not None else self.files[2])

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.is_running():
            self.popen.send_signal(number)

    def text(self, which):
        length = os.fstat(self.files[which].fileno()).st_size
        return os.pread(self.files[which].fileno(), length, 0).decode(errors="replace")

    def end(self, seconds=120):
        """Waits for the end. A negative status is the signal that ended it."""
        try:
            status = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            told = self.text(2)[-800:]
            raise Fault(f"'{' '.join(self.arguments)}' hung for {seconds} s: {told}") from None
        result = Result(self.arguments, status, self.text(1), self.text(2))
        for file in self.files:
            file.close()
        return result


class Program:
    def __init__(self, path, environment, folder):
        self.path = path
        self.environment = dict(environment)
        self.folder = folder

    def start(self, *arguments, text="", output=None, errors=None, environment=None):
        return Process(
            self.path, arguments, {**self.environment, **(environment or {})}, text, output, errors,
            self.folder)

    def run(self, *arguments, text="", allowed=(0,), seconds=120, environment=None):
        result = self.start(*arguments, text=text, environment=environment).end(seconds)
        check_end(result, allowed)
        return result


def check_end(result, allowed=(0,), killed=()):
    """Whether it ended in a way that is allowed, and said why where that was not 0.

    allowed: exit codes; killed: signals that the test itself sent.
    """
    if -result.status in killed:
        return
    need(result.status >= 0, f"ended by signal {-result.status}, which nobody sent: {result}")
    need(result.status in allowed, str(result))
    need(result.status == 0 or "permanode" in result.errors, f"ended without a reason: {result}")


class Window:
    """How long a run takes here and now, so that kills come at every instant of it."""

    def __init__(self, seconds):
        self.seconds = seconds

    def kill(self, process, random, number=signal.SIGKILL, on_request=None):
        """Kills at some instant. True if it had not ended by itself before.

        on_request: the node in front of it. Half of the kills come right when the program asks it
        for something, because much of a run is its start.
        """
        if on_request is not None and random.random() < 0.5:
            arrived = on_request.wait_for_request(random.randint(1, 12), 3 * self.seconds, process)
            if arrived:
                time.sleep(random.random() * 0.03)
        else:
            deadline = process.started + self.seconds * random.random()
            while process.is_running() and time.monotonic() < deadline:
                time.sleep(min(0.005, max(0, deadline - time.monotonic())))
        was_running = process.is_running()
        process.signal(number)
        if was_running:
            # A window that only shrank would leave the ends of runs untried.
            self.seconds *= 1.05
        else:
            self.seconds = 0.7 * self.seconds + 0.3 * (time.monotonic() - process.started)
        return was_running
