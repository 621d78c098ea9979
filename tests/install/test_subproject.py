#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tree inside another Meson project. With PHIAL_BUILD_SUBPROJECT=1 that is
also built, all of the library once for each kind, which takes a minute each."""
import json
import os
import shutil
import tempfile
import unittest

from install_support import (ANSWER, DEMO, QUESTION, SOURCE, documented,
                             libraries, run)

FULL = os.environ.get("PHIAL_BUILD_SUBPROJECT", "") not in ("", "0")


class Subproject(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(os.path.join(self.folder, "subprojects"))
        os.symlink(SOURCE, os.path.join(self.folder, "subprojects", "phial"))
        with open(os.path.join(self.folder, "meson.build"), "w",
                  encoding="utf-8") as f:
            f.write(documented("meson"))
        shutil.copy(os.path.join(SOURCE, "examples/hello.c"),
                    os.path.join(self.folder, "hello.c"))

    def configure(self, *options):
        """The folder of the build; names of targets that are made unasked."""
        build = os.path.join(self.folder, "build")
        run("meson", "setup", build, self.folder,
            "--force-fallback-for=phial", *options)
        listed = json.loads(run("meson", "introspect", build, "--targets"))
        return build, {(t["name"], t["type"]) for t in listed
                       if t["build_by_default"]
                       and not t["name"].startswith("kernels_")}

    def options(self, build):
        listed = json.loads(run("meson", "introspect", build,
                                "--buildoptions"))
        return {o["name"]: o["value"] for o in listed}

    def works(self, build):
        run("ninja", "-C", build)
        program = os.path.join(build, "hello")
        self.assertEqual(run(program, DEMO, QUESTION), ANSWER)
        return libraries(program)

    def test_the_shared_library_alone_is_built_by_default(self):
        build, targets = self.configure()
        self.assertEqual(targets, {
            ("hello", "executable"), ("phial", "shared library"),
            ("commit.h", "custom")})
        tests = json.loads(run("meson", "introspect", build, "--tests"))
        self.assertEqual(tests, [])
        if FULL:
            self.assertIn("libphial.so.0", self.works(build))

    def test_the_static_library_is_built_where_the_project_says_so(self):
        build, targets = self.configure("-Ddefault_library=static")
        self.assertEqual(targets, {
            ("hello", "executable"), ("phial", "static library"),
            ("commit.h", "custom")})
        if FULL:
            self.assertNotIn("libphial.so.0", self.works(build))

    def test_options_of_the_project_stay_as_they_are(self):
        build, _ = self.configure()
        options = self.options(build)
        self.assertEqual(
            {name: options[name] for name in
             ("buildtype", "c_std", "warning_level", "default_library",
              "b_ndebug")},
            {"buildtype": "debug", "c_std": "none", "warning_level": "1",
             "default_library": "shared", "b_ndebug": "false"})
        self.assertEqual(options["phial:c_std"], "c11")

    def test_programs_are_built_where_they_are_asked_for(self):
        _, targets = self.configure("-Dphial:programs=true")
        self.assertIn(("phial", "executable"), targets)


if __name__ == "__main__":
    unittest.main(verbosity=1)
