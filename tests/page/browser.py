"""Drives a headless Chromium over the DevTools protocol through two pipes: nothing but the standard library is needed."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


def executable():
    """The browser, or None."""
    asked = os.environ.get("TAPSCOPE_CHROMIUM")
    return asked or next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One browser process with its own empty profile."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="page-test-")
        arguments = [
            executable(), "--headless=new", "--remote-debugging-pipe", "--user-data-dir=" + self.profile,
            "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync",
            "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio", "--hide-scrollbars",
            "--force-color-profile=srgb", "--lang=en-US", "--host-resolver-rules=MAP * ~NOTFOUND",
        ]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        to_browser, self.to = os.pipe()
        self.back, from_browser = os.pipe()

        def wire():
            # What Chromium reads its commands from and answers on. Moved out of the way first: either may be 3 or 4 itself.
            reading, writing = os.dup(to_browser), os.dup(from_browser)
            high = [os.dup2(reading, 90), os.dup2(writing, 91)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR", "LANG")}
        self.process = subprocess.Popen(
            arguments + ["about:blank"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=wire, env=environment)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.buffer, self.events = 0, b"", []

    def call(self, method, session=None, **parameters):
        """Sends a command and waits for its answer; events that come meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        limit = time.monotonic() + 240
        while time.monotonic() < limit:
            answer = self.receive(limit - time.monotonic())
            if answer is None:
                continue
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(method + ": " + answer["error"]["message"])
                return answer["result"]
            self.events.append(answer)
        raise TimeoutError(method)

    def receive(self, seconds):
        """One message, or None when none comes in time."""
        while b"\0" not in self.buffer:
            if not select.select([self.back], [], [], max(seconds, 0))[0]:
                return None
            block = os.read(self.back, 1 << 20)
            if not block:
                raise ConnectionError("the browser has gone")
            self.buffer += block
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def cpu(self):
        """Seconds of processor time that all its processes have used."""
        return sum(process["cpuTime"] for process in self.call("SystemInfo.getProcessInfo")["processInfo"])

    def close(self):
        """Ends the process and forgets its profile."""
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except Exception:  # noqa: BLE001 (whatever went wrong: it must end)
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    """A tab that remembers everything it must not do: requests, dialogs, console messages, exceptions."""

    def __init__(self, browser, width=1280, height=900, scheme="light", scale=1, mobile=False):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(domain + ".enable")
        self.size(width, height, scale, mobile)
        self.media(scheme)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def size(self, width, height, scale=1, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)

    def media(self, scheme="light", kind=""):
        self.call("Emulation.setEmulatedMedia", media=kind, features=[
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}])

    def open(self, path):
        """Loads a file; returns the seconds until the page says that it can be used."""
        start = time.monotonic()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while time.monotonic() - start < 60:
            if self.run("document.readyState === 'complete' && (document.documentElement.dataset.ready || '')"):
                return time.monotonic() - start
            time.sleep(0.01)
        raise TimeoutError(path + " is not ready: " + "; ".join(self.complaints()))

    def run(self, script):
        """Evaluates an expression (or a promise) and gives its value."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(script[:200] + ": " + details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def key(self, name, code, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def drag(self, x, y, to_x, to_y):
        for kind, at_x, at_y, buttons in (("mouseMoved", x, y, 0), ("mousePressed", x, y, 1), ("mouseMoved", (x + to_x) / 2, to_y, 1),
                                          ("mouseMoved", to_x, to_y, 1), ("mouseReleased", to_x, to_y, 0)):
            self.call("Input.dispatchMouseEvent", type=kind, x=at_x, y=at_y, button="left" if kind != "mouseMoved" else "none",
                      buttons=buttons, clickCount=1)

    def complaints(self):
        """What a page that loads nothing and is sound must never cause."""
        self.run("0")
        while (event := self.browser.receive(0.05)) is not None:
            self.browser.events.append(event)
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            method, details = event["method"], event.get("params", {})
            if method == "Network.requestWillBeSent":
                url = details["request"]["url"]
                # Chromium's own date fields fetch their icon as data.
                if not url.startswith("data:") and not (url.startswith("file://") and details["type"] == "Document"):
                    found.append("request: " + url[:200])
            elif method == "Page.javascriptDialogOpening":
                found.append("dialog: " + details["message"])
                self.call("Page.handleJavaScriptDialog", accept=False)
            elif method == "Runtime.exceptionThrown":
                found.append("exception: " + details["exceptionDetails"].get("exception", {}).get("description", "?"))
            elif method == "Runtime.consoleAPICalled":
                found.append("console: " + json.dumps([a.get("value", a.get("description")) for a in details["args"]])[:300])
            elif method == "Log.entryAdded":
                found.append("log: " + details["entry"]["text"][:300])
        return found

    def screenshot(self, path, whole=False):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **(
            {"clip": dict(self.call("Page.getLayoutMetrics")["cssContentSize"], x=0, y=0, scale=1)} if whole else {}))
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))

    def print(self, path=None):
        """Prints to PDF and gives the bytes."""
        data = base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])
        if path:
            with open(path, "wb") as file:
                file.write(data)
        return data

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
