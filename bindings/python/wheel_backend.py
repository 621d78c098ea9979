# SPDX-License-Identifier: MIT
"""Builds wheels and source archives with meson-python, which wants
pyproject.toml beside the project's meson.build. Ours is at the top of the
repository, where no file of Python's belongs: so a folder is made that has
both, of links, and meson-python works there. A source archive is such a folder
of files.

meson-python takes a library in a package for an extension module of one Python.
Ours is loaded by ctypes, so the wheel is marked as good for any."""
import contextlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PARTS = ("meson.build", "meson_options.txt", "LICENSE", "include", "lib",
         "bindings/python")


def project_text():
    """pyproject.toml as it is at the top of a source archive."""
    with open(os.path.join(HERE, "pyproject.toml"), encoding="utf-8") as f:
        return re.sub(r"(?m)^backend-path = .*$",
                      'backend-path = ["bindings/python"]', f.read())


@contextlib.contextmanager
def project_folder():
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="phial-") as folder:
        for part in (*PARTS, ".git"):  # .git: the library tells its commit
            if os.path.exists(os.path.join(ROOT, part)):
                link = os.path.join(folder, part)
                os.makedirs(os.path.dirname(link), exist_ok=True)
                os.symlink(os.path.join(ROOT, part), link)
        with open(os.path.join(folder, "pyproject.toml"), "w",
                  encoding="utf-8") as f:
            f.write(project_text())
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def get_requires_for_build_wheel(config_settings=None):
    import mesonpy
    with project_folder():
        return mesonpy.get_requires_for_build_wheel(config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    import mesonpy
    target = os.path.abspath(wheel_directory)
    with project_folder():
        name = mesonpy.build_wheel(target, config_settings)
    done = subprocess.run(
        [sys.executable, "-m", "wheel", "tags", "--remove", "--python-tag=py3",
         "--abi-tag=none", os.path.join(target, name)],
        check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.split()[-1]


def get_requires_for_build_sdist(config_settings=None):
    return []


def project_version():
    with open(os.path.join(ROOT, "meson.build"), encoding="utf-8") as f:
        return re.search(r"\n  version: '([^']+)'", f.read()).group(1)


def build_sdist(sdist_directory, config_settings=None):
    name = f"phial-{project_version()}"
    info = (f"Metadata-Version: 2.1\nName: phial\n"
            f"Version: {project_version()}\n").encode()
    path = os.path.join(os.path.abspath(sdist_directory), name + ".tar.gz")
    with project_folder() as folder, tarfile.open(
            path, "w:gz", dereference=True) as archive:
        for part in (*PARTS, "pyproject.toml"):
            archive.add(os.path.join(folder, part), f"{name}/{part}",
                        filter=_kept)
        member = tarfile.TarInfo(f"{name}/PKG-INFO")
        member.size = len(info)
        archive.addfile(member, io.BytesIO(info))
    return os.path.basename(path)


def _kept(member):
    if "__pycache__" in member.name or ".mypy_cache" in member.name:
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
