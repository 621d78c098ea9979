#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the two scripts do on a machine that lacks something. The machine is a
folder of stand-ins that is all there is in PATH."""
import os
import shutil
import stat
import subprocess

import cli_support
from cli_support import Case

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SCRIPTS = ("examples/quickstart.sh", "tests/run.sh")
NEEDED = ("sh", "dirname", "tr", "sed", "env")


class Machine(Case):
    def setUp(self):
        super().setUp()
        for name in NEEDED:
            os.symlink(shutil.which(name), os.path.join(self.folder, name))
        self.stand_in("id", "echo 1000")

    def stand_in(self, name, body):
        path = self.file(name, f"#!/bin/sh\n{body}\n")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def run_script(self, script):
        return subprocess.run(
            [shutil.which("sh"), os.path.join(ROOT, script)],
            env={"PATH": self.folder}, capture_output=True, text=True,
            timeout=60, check=False)

    def explains(self, *commands):
        for script in SCRIPTS:
            done = self.run_script(script)
            self.assertEqual((done.returncode, done.stderr), (1, ""))
            self.assertIn("Missing: cc meson ninja pkg-config", done.stdout)
            for command in commands:
                self.assertRegex(done.stdout, rf"(?m)^{command} .*meson")
            self.assertEqual("check" in done.stdout, script == "tests/run.sh")
        return done.stdout

    def test_an_unknown_system_is_told_every_command(self):
        text = self.explains("apt-get install", "dnf install",
                             "pacman -S --needed", "brew install")
        self.assertIn("export PKG_CONFIG_PATH=", text)

    def test_a_known_system_is_told_its_own_command(self):
        self.stand_in("dnf", "exit 9")
        self.assertNotIn("pacman", self.explains("dnf install"))

    def test_apt_without_root_or_sudo_is_only_explained(self):
        self.stand_in("apt-get", "exit 9")
        self.assertNotIn("dnf", self.explains("apt-get install"))

    def test_apt_is_used_by_root_and_with_sudo(self):
        log = os.path.join(self.folder, "log")
        self.stand_in("apt-get", f'echo "$@" >>{log}; test "$1" = update')
        self.stand_in("sudo", f'echo sudo >>{log}; "$@"')
        for user, prefix in (("1000", ["sudo"]), ("0", [])):
            self.stand_in("id", f"echo {user}")
            for script in SCRIPTS:
                open(log, "w", encoding="utf-8").close()
                done = self.run_script(script)
                self.assertNotEqual(done.returncode, 0)
                with open(log, encoding="utf-8") as f:
                    lines = f.read().splitlines()
                self.assertEqual(lines[:-1], prefix + ["update -q"] + prefix)
                self.assertRegex(lines[-1], "^install -y .* meson")
                self.assertEqual("check" in lines[-1].split(),
                                 script == "tests/run.sh")


class Posix(Case):
    def test_the_scripts_are_plain_posix_shell(self):
        dash = shutil.which("dash")
        if not dash:
            self.skipTest("dash is not here")
        for script in (*SCRIPTS, "examples/packages.sh",
                       "examples/debian/build.sh"):
            subprocess.run([dash, "-n", os.path.join(ROOT, script)],
                           check=True)


if __name__ == "__main__":
    cli_support.main()
