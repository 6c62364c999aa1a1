"""Drives headless Chromium through chromedriver (W3C WebDriver), with the standard library alone."""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Left": "\ue012", "Right": "\ue014", "Tab": "\ue004",
        "PageUp": "\ue00e", "PageDown": "\ue00f", "Home": "\ue011", "End": "\ue010"}


class Browser:
    """One browser with a profile of its own; everything is gone at its end."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="page-test.")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, start_new_session=True)
        self.session = None
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        port = None
        for line in self.driver.stdout:
            if "successfully on port " in line:
                port = int("".join(c for c in line.rsplit("on port ", 1)[1] if c.isdigit()))
                break
        if port is None:
            raise RuntimeError("chromedriver did not start")
        self.base = f"http://127.0.0.1:{port}"
        arguments = ["--headless=new", "--disable-gpu", "--hide-scrollbars", "--lang=en-GB",
                     "--disable-dev-shm-usage", "--disable-background-networking",
                     f"--user-data-dir={self.folder}/profile"]
        if os.geteuid() == 0:
            # Chromium's sandbox does not run as root. It sees only the demo's pages here.
            arguments.append("--no-sandbox")
        made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = f"/session/{made['sessionId']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self.ask("DELETE", self.session)
        except Exception:  # it is ended below, whatever is wrong with it
            pass
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.driver.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, method, path, body=None):
        data = None if method in ("GET", "DELETE") else json.dumps(body or {}).encode()
        request = urllib.request.Request(
            self.base + path, data, {"Content-Type": "application/json"}, method=method)
        # Not through a proxy that the environment names.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"].split("\n")[0]) from None

    def command(self, name, **parameters):
        """A command of the DevTools protocol."""
        return self.ask("POST", f"{self.session}/goog/cdp/execute",
                        {"cmd": name, "params": parameters})

    def look_as(self, width, scheme):
        height = 844 if width < 600 else 900
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=width < 600)
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def go(self, address):
        self.ask("POST", f"{self.session}/url", {"url": address})

    def run(self, script, *arguments):
        return self.ask("POST", f"{self.session}/execute/sync",
                        {"script": script, "args": list(arguments)})

    def find(self, selector):
        return self.ask("POST", f"{self.session}/element",
                        {"using": "css selector", "value": selector})[ELEMENT]

    def count(self, selector):
        return len(self.ask("POST", f"{self.session}/elements",
                            {"using": "css selector", "value": selector}))

    def click(self, selector):
        self.ask("POST", f"{self.session}/element/{self.find(selector)}/click")

    def write(self, selector, text):
        self.ask("POST", f"{self.session}/element/{self.find(selector)}/value", {"text": text})

    def press(self, *names):
        """Presses keys, wherever the focus is."""
        actions = []
        for name in names:
            value = KEYS.get(name, name)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self.ask("POST", f"{self.session}/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def path(self):
        return "/" + self.ask("GET", f"{self.session}/url").split("/", 3)[3]

    def cookies(self):
        return self.ask("GET", f"{self.session}/cookie")

    def wait(self, what, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.1)
        raise RuntimeError(f"did not happen within {seconds} s: {what}")

    def complaints(self):
        """What the console says since it was last asked: scripts' errors, and what the policy forbids."""
        return [f"{entry['level']}: {entry['message']}" for entry in
                self.ask("POST", f"{self.session}/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, file):
        """Of the whole page, however long."""
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.command(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000),
                  "scale": 1})
        with open(file, "wb") as out:
            out.write(base64.b64decode(shot["data"]))
