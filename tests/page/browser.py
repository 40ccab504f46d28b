# SPDX-License-Identifier: Apache-2.0
"""A real Chromium without a window, driven by its DevTools protocol through
two pipes: no driver, no port, and every request and message is seen."""
import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

from cases import until

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--headless", "--remote-debugging-pipe", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-default-apps", "--disable-sync", "--disable-extensions",
         "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio",
         "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1",
         "--disable-features=Translate,OptimizationHints,MediaRouter")


class Browser:
    """One process; pages are its tabs."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="smxpage-")
        to_it, ours_out = os.pipe()
        ours_in, from_it = os.pipe()
        # it reads 3 and writes 4
        self.proc = subprocess.Popen(
            ["bash", "-c", 'exec "$@" 3<&"$0" 4>&"$FROM"', str(to_it), PROGRAM,
             *FLAGS, f"--user-data-dir={self.home}", "about:blank"],
            pass_fds=(to_it, from_it), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "FROM": str(from_it), "HOME": self.home})
        os.close(to_it)
        os.close(from_it)
        self.out = os.fdopen(ours_out, "wb")
        self.inn = os.fdopen(ours_in, "rb")
        self.ids = itertools.count(1)
        self.answers, self.pages = {}, {}
        self.arrived = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def close(self):
        os.killpg(self.proc.pid, signal.SIGKILL)    # it and its helpers
        self.proc.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def read(self):
        text = b""
        while chunk := os.read(self.inn.fileno(), 1 << 20):
            *whole, text = (text + chunk).split(b"\0")
            for message in map(json.loads, whole):
                self.take(message)

    def take(self, message):
        with self.arrived:
            if "id" in message:
                self.answers[message["id"]] = message
            elif message.get("sessionId") in self.pages:
                self.pages[message["sessionId"]].events.append(message)
            self.arrived.notify_all()

    def call(self, method, session=None, **params):
        number = next(self.ids)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self.out.write(json.dumps(message).encode() + b"\0")
        self.out.flush()
        with self.arrived:
            assert self.arrived.wait_for(
                lambda: number in self.answers, 60), f"no answer: {method}"
            answer = self.answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, url, width=1280, height=900, dark=False, window=True):
        """A page in a window of its own, or before the others of one."""
        return Page(self, url, width, height, dark, window)


class Page:
    """One tab, and all that happened in it."""

    def __init__(self, browser, url, width, height, dark, window):
        self.browser, self.events = browser, []
        self.target = browser.call("Target.createTarget", url="about:blank",
                                   newWindow=window)["targetId"]
        self.session = browser.call("Target.attachToTarget", flatten=True,
                                    targetId=self.target)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")
        self.size(width, height)
        self.scheme(dark)
        self.call("Page.navigate", url=url)
        self.until("loaded", "document.readyState === 'complete' && "
                   "location.href !== 'about:blank'")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0]:
            print("#", self.eval("document.body.innerText")[:2000])
            print("#", self.complaints())
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def eval(self, code):
        done = self.call("Runtime.evaluate", expression=code,
                         returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, what, code, seconds=60):
        return until(f"{what}: {code}", lambda: self.eval(code), seconds)

    def text(self, selector):
        return self.eval(
            f"document.querySelector({json.dumps(selector)})?.innerText")

    def size(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=mobile)

    def scheme(self, dark):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])

    def key(self, key):
        """One key as a hand presses it: "/", "Enter", "ArrowDown"."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38,
                "End": 35, "Home": 36, "PageDown": 34, "Tab": 9}.get(key, 0)
        self.call("Input.dispatchKeyEvent", key=key, text=text,
                  type="keyDown" if text else "rawKeyDown",
                  windowsVirtualKeyCode=code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key,
                  windowsVirtualKeyCode=code)

    def type(self, text):
        for key in text:
            self.key(key)

    def requests(self):
        return [e["params"]["request"]["url"] for e in list(self.events)
                if e["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """What the console would show in red or yellow."""
        found = []
        for e in list(self.events):
            p = e["params"]
            if e["method"] == "Runtime.exceptionThrown":
                found.append(p["exceptionDetails"])
            elif e["method"] == "Log.entryAdded" and \
                    p["entry"]["level"] in ("error", "warning"):
                found.append(p["entry"])
            elif e["method"] == "Runtime.consoleAPICalled" and \
                    p["type"] in ("error", "warning", "assert"):
                found.append(p)
        return found

    def picture(self, path, height=None):
        clip = {}
        if height:
            clip = {"clip": {"x": 0, "y": 0, "scale": 1, "height": height,
                             "width": self.eval("innerWidth")}}
        data = self.call("Page.captureScreenshot", format="png", **clip)
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))
