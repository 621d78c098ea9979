# SPDX-License-Identifier: MIT
"""The wheel: what is in it, and that it works by itself in a clean
environment. Building takes what compiling the library takes."""
import glob
import os
import re
import subprocess
import sys
import venv
import zipfile

import pytest

from test_py_guide import ROOT, blocks

ALONE = {"libc", "libm", "libpthread", "ld-linux-x86-64", "ld-linux-aarch64"}


def run(*command, **options):
    return subprocess.run([*map(str, command)], capture_output=True, text=True,
                          check=False, **options)


def build(source, folder):
    done = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder,
               source)
    if re.search("No matching distribution|Could not find a version",
                 done.stderr):
        pytest.skip("no package registry can be reached")
    assert done.returncode == 0, done.stdout + done.stderr
    wheel, = glob.glob(os.path.join(folder, "*.whl"))
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(os.path.join(ROOT, "bindings", "python"),
                 tmp_path_factory.mktemp("wheel"))


def test_what_is_in_the_wheel(wheel, tmp_path):
    assert re.fullmatch(r"phial-[\d.]+-py3-none-(linux|macosx)_\w+\.whl",
                        os.path.basename(wheel))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        info, = [n for n in names if n.endswith("/METADATA")]
        assert b"Requires-Dist" not in archive.read(info)
        archive.extract("phial/libphial.so", tmp_path)
    package = os.path.join(ROOT, "bindings", "python", "phial")
    assert {n for n in names if not re.match(r"phial-[\d.]+\.dist-info/", n)
            } == {"phial/libphial.so"} | {
        "phial/" + n for n in os.listdir(package)
        if n.endswith((".py", ".typed"))}
    library = tmp_path / "phial" / "libphial.so"
    needed = re.findall(r"NEEDED.*\[([\w-]+)\.so", run("readelf", "-d",
                                                     library).stdout)
    assert needed and set(needed) <= ALONE
    assert ".debug_" not in run("readelf", "-SW", library).stdout
    defined = run("nm", "-D", "--defined-only", library).stdout
    assert not [line for line in defined.splitlines()
                if not re.search(r" (phial_\w+@@|A )PHIAL_|^\w+ \w phial_",
                                 line)]
    print("wheel:", os.path.getsize(wheel), "bytes")


def test_the_guide_runs_in_a_clean_environment(wheel, tmp_path):
    """Which has no numpy either."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith(("PHIAL", "PYTHON", "LD_"))}
    done = run(python, "-m", "pip", "install", "--no-index", wheel, env=clean)
    assert done.returncode == 0, done.stderr
    os.symlink(os.environ["PHIAL_DEMO"], tmp_path / "model.gguf")
    code = "\n".join(blocks("doc", "python.md"))
    code += "\nfrom phial._library import lib\nprint(lib._name)\n"
    done = run(python, "-W", "error", "-c", code, cwd=tmp_path, env=clean)
    assert (done.returncode, done.stderr) == (0, "")
    assert "17 + 25 = 42." in done.stdout
    assert done.stdout.splitlines()[-1].startswith(str(tmp_path / "venv"))


def test_a_source_archive_makes_the_same_wheel(wheel, tmp_path):
    sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))
    try:
        import wheel_backend
        name = wheel_backend.build_sdist(tmp_path)
    finally:
        sys.path.pop(0)
    again = build(tmp_path / name, tmp_path / "again")
    assert os.path.basename(again) == os.path.basename(wheel)
    with zipfile.ZipFile(wheel) as a, zipfile.ZipFile(again) as b:
        assert a.namelist() == b.namelist()
