# SPDX-License-Identifier: MIT
"""The program at a terminal: a pseudo-terminal that types and reads."""
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from fcntl import ioctl

import cli_support

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>78]|\x1b\([A-Z]")


PROMPT = r">(\x1b\[0m)? "


class Terminal:
    """Runs the program with all three streams on a terminal."""

    def __init__(self, *arguments, env=None):
        self.text = ""
        self.seen = 0
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(cli_support.PROGRAM,
                          [cli_support.PROGRAM, *arguments],
                          env or cli_support.environment())
            finally:
                os._exit(127)
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def _read_some(self, seconds):
        """False once the other side is closed."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)

    def expect(self, pattern, seconds=20):
        """Reads until the pattern appears after what was seen before."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.compile(pattern).search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            if time.monotonic() > deadline or not self._read_some(0.1):
                raise AssertionError(f"no {pattern!r} in "
                                     f"{self.text[self.seen:]!r}")

    def quiet(self, seconds):
        """What comes within some time from now."""
        start = len(self.text)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._read_some(0.05):
            pass
        return self.text[start:]

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def leave(self):
        """Ctrl-D, which is lost if it comes while the line editor is still
        setting up the terminal, and is then typed again."""
        deadline = time.monotonic() + 20
        while True:
            self.type("\x04")
            try:
                return self.end(5)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise

    def end(self, seconds=20):
        """Waits for the program; its exit code, negative for a signal."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self._read_some(0.05):
                break
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        while not pid and time.monotonic() < deadline:
            time.sleep(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            raise AssertionError(f"still running: {self.text!r}")
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def plain(self):
        """Everything so far without escape sequences."""
        return ESCAPES.sub("", self.text)
