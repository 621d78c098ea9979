#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an installation consists of."""
import os
import re
import shutil
import subprocess
import sys
import unittest

from install_support import BUILD, SOURCE, Case, run

sys.path.insert(0, os.path.join(SOURCE, "tests/abi"))
import exports  # noqa: E402


class Files(Case):
    def wanted(self):
        o = self.installed.option
        lib, data = o["libdir"], o["datadir"]
        version = self.installed.version
        return {
            f"{o['bindir']}/phial",
            f"{o['includedir']}/phial/phial.h",
            f"{lib}/libphial.a",
            f"{lib}/libphial.so",
            f"{lib}/libphial.so.{version.split('.')[0]}",
            f"{lib}/libphial.so.{version}",
            f"{lib}/pkgconfig/phial.pc",
            f"{lib}/cmake/phial/phial-config.cmake",
            f"{lib}/cmake/phial/phial-config-version.cmake",
            f"{o['mandir']}/man1/phial.1",
            f"{o['mandir']}/man3/libphial.3",
            f"{data}/bash-completion/completions/phial",
            f"{data}/fish/vendor_completions.d/phial.fish",
            f"{data}/zsh/site-functions/_phial",
        }

    def test_these_files_and_no_others(self):
        found = set()
        for folder, _, names in os.walk(self.installed.root):
            found |= {os.path.relpath(os.path.join(folder, name),
                                      self.installed.path())
                      for name in names}
        self.assertEqual(found, self.wanted())

    def test_links_lead_from_name_to_soname_to_version(self):
        lib, version = self.installed.lib, self.installed.version
        soname = "libphial.so." + version.split(".")[0]
        self.assertEqual(os.readlink(lib("libphial.so")), soname)
        self.assertEqual(os.readlink(lib(soname)), f"libphial.so.{version}")
        self.assertIn(f"Library soname: [{soname}]",
                      run("readelf", "-d", lib("libphial.so")))

    def test_nothing_looks_for_libraries_in_folders_of_its_own(self):
        for path in (self.installed.lib("libphial.so"), self.program()):
            self.assertNotRegex(run("readelf", "-d", path), "RPATH|RUNPATH")

    def test_the_library_shows_what_the_version_script_lists(self):
        with open(os.path.join(SOURCE, "lib/api/phial.map"),
                  encoding="utf-8") as f:
            text = f.read()
        found = exports.exported(self.installed.lib("libphial.so"))
        self.assertEqual(sorted(set(re.findall(r"\bphial_\w+", text))),
                         [name for name in found
                          if not name.startswith("PHIAL_")])

    def test_texts_know_nothing_of_the_build(self):
        # A prefix within the build folder would be there rightly.
        if os.path.commonpath([BUILD, self.installed.option["prefix"]]) \
                == BUILD:
            self.skipTest("the prefix is in the build folder")
        for name in sorted(self.wanted()):
            path = self.installed.path(name)
            if re.search(r"\.(a|so.*)$|bin/phial$", name):
                continue
            with open(path, encoding="utf-8") as f:
                text = f.read()
            for folder in (BUILD, SOURCE, self.installed.root):
                self.assertNotIn(folder, text, name)

    def program(self):
        return self.installed.path(self.installed.option["bindir"], "phial")

    def test_the_program_runs_with_the_installed_library(self):
        env = dict(os.environ, LD_LIBRARY_PATH=self.installed.lib())
        self.assertIn(self.installed.version,
                      run(self.program(), "version", env=env))

    @unittest.skipUnless(shutil.which("groff"), "groff is not here")
    def test_the_pages_are_shown_without_warnings(self):
        for page in ("man1/phial.1", "man3/libphial.3"):
            path = self.installed.path(self.installed.option["mandir"], page)
            done = subprocess.run(
                ["groff", "-man", "-ww", "-Tutf8", "-z", path],
                capture_output=True, text=True, check=True)
            self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main(verbosity=1)
