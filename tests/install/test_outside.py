#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program in the man page, built outside the tree against an
installation: with pkg-config and with CMake."""
import os
import shutil
import subprocess
import unittest

from install_support import CC, Case, documented, libraries, run

WITH_STATIC = """\
add_executable(hello-static hello.c)
target_link_libraries(hello-static PRIVATE phial::static)
"""

# Asks the version file as find_package() does.
CMAKE_ASK = """\
foreach(part IN ITEMS FIND_VERSION FIND_VERSION_MIN FIND_VERSION_MAX)
  set(text "${PACKAGE_${part}}")
  string(REPLACE "." ";" numbers "${text}")
  list(LENGTH numbers PACKAGE_${part}_COUNT)
  list(APPEND numbers 0 0)
  list(GET numbers 0 PACKAGE_${part}_MAJOR)
  list(GET numbers 1 PACKAGE_${part}_MINOR)
endforeach()
include("${FILE}")
if(PACKAGE_VERSION_UNSUITABLE)
  message("unsuitable")
elseif(PACKAGE_VERSION_EXACT)
  message("exact")
elseif(PACKAGE_VERSION_COMPATIBLE)
  message("compatible")
else()
  message("refused")
endif()
"""


class PkgConfig(Case):
    def flags(self, *options):
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=self.installed.root,
                   PKG_CONFIG_PATH=self.installed.lib("pkgconfig"),
                   PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1",
                   PKG_CONFIG_ALLOW_SYSTEM_LIBS="1")
        return run("pkg-config", *options, "phial", env=env).split()

    def build(self, *flags):
        program = os.path.join(self.folder, "program")
        run(*CC, self.write_example(), "-o", program, *flags)
        return program

    def test_the_version_is_the_projects(self):
        self.assertEqual(self.flags("--modversion"), [self.installed.version])

    def test_a_program_links_the_shared_library_and_nothing_of_its_own(self):
        flags = self.flags("--cflags", "--libs")
        self.assertIn("-lphial", flags)
        self.assertNotIn("-ljansson", flags)
        program = self.build(*flags)
        self.assertIn("libphial.so.0", libraries(program))
        self.answers(program, self.installed.lib())

    def test_a_program_without_shared_libraries(self):
        flags = self.flags("--static", "--cflags", "--libs")
        for needed in ("-lphial", "-lm", "-ljansson"):
            self.assertIn(needed, flags)
        probe = self.write("probe.c", "int main(void) { return 0; }\n")
        if subprocess.run([*CC, "-static", probe, "-ljansson", "-o",
                           os.path.join(self.folder, "probe")],
                          capture_output=True, check=False).returncode:
            self.skipTest("there is no static jansson or C library")
        program = self.build("-static", *flags)
        self.assertEqual(libraries(program), [])
        self.answers(program)


@unittest.skipUnless(shutil.which("cmake"), "cmake is not here")
class CMake(Case):
    def setUp(self):
        super().setUp()
        self.write_example()
        self.write("CMakeLists.txt", documented("cmake") + WITH_STATIC)

    def test_a_program_with_either_library(self):
        build = os.path.join(self.folder, "build")
        run("cmake", "-G", "Ninja", "-S", self.folder, "-B", build,
            "-DCMAKE_PREFIX_PATH=" + self.installed.path(),
            "-DCMAKE_C_COMPILER=" + CC[-1])
        run("cmake", "--build", build)
        shared, static = (os.path.join(build, name)
                          for name in ("hello", "hello-static"))
        self.assertIn("libphial.so.0", libraries(shared))
        self.assertNotIn("libphial.so.0", libraries(static))
        self.answers(shared, self.installed.lib())
        self.answers(static)

    def test_an_installation_without_what_is_asked_for_is_refused(self):
        self.write("CMakeLists.txt", documented("cmake").replace(
            "REQUIRED", "REQUIRED COMPONENTS shared static"))
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(self.installed.path(), copy, symlinks=True)
        os.remove(os.path.join(copy, self.installed.option["libdir"],
                               "libphial.a"))
        done = subprocess.run(
            ["cmake", "-S", self.folder, "-B", self.folder + "/build",
             "-DCMAKE_PREFIX_PATH=" + copy], capture_output=True, text=True,
            check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("There is no static library of phial", done.stderr)

    def verdict(self, version, **more):
        ask = self.write("ask.cmake", CMAKE_ASK)
        values = {"PACKAGE_FIND_VERSION": version, **more}
        done = subprocess.run(
            ["cmake", *[f"-D{k}={v}" for k, v in values.items()],
             "-DFILE=" + self.installed.lib("cmake", "phial",
                                            "phial-config-version.cmake"),
             "-P", ask], capture_output=True, text=True, check=True)
        return done.stderr.strip()

    def test_versions_are_served_within_a_minor_version(self):
        major, minor, patch = map(int, self.installed.version.split("."))
        self.assertEqual(major, 0, "from 1.0 on, within a major version")
        for version, verdict in (
                ("0", "compatible"), (f"0.{minor}.{patch}", "exact"),
                (f"0.{minor}.{patch + 1}", "refused"),
                (f"0.{minor + 1}", "refused"), ("1", "refused"),
                (f"0.{minor - 1}", "refused")):
            self.assertEqual(self.verdict(version), verdict, version)
        self.assertIn(self.verdict(f"0.{minor}"), ("compatible", "exact"))
        self.assertEqual(self.verdict("", CMAKE_SIZEOF_VOID_P="3"),
                         "unsuitable")

    def test_a_range_is_taken_at_its_word(self):
        version = self.installed.version
        for first, last, how, verdict in (
                ("0", "1", "EXCLUDE", "compatible"),
                ("0", version, "INCLUDE", "compatible"),
                ("0", version, "EXCLUDE", "refused"),
                ("0.99", "1", "EXCLUDE", "refused")):
            self.assertEqual(
                self.verdict(first, PACKAGE_FIND_VERSION_RANGE="yes",
                             PACKAGE_FIND_VERSION_MIN=first,
                             PACKAGE_FIND_VERSION_MAX=last,
                             PACKAGE_FIND_VERSION_RANGE_MAX=how),
                verdict, f"{first}...{last}")


if __name__ == "__main__":
    unittest.main(verbosity=1)
