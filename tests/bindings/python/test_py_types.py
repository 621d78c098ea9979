# SPDX-License-Identifier: MIT
"""The package is typed: by mypy's strictest rules, from inside and out."""
import os
import re
import subprocess
import sys

import phial

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[".."] * 3))
PACKAGE = os.path.join(ROOT, "bindings", "python", "phial")

USER = """
import phial

def use(model: phial.Model) -> list[str]:
    with model.session(context=5, adapters=[(model.adapter("x"), 0.5)]) as s:
        pieces: list[str] = [p for p in s.generate("x", temperature=0.5)]
        event: phial.Event = next(s.events([{"role": "user", "content": "x"}]))
        with s.generate(phial.Chat(), stop=["x"]) as stream:
            pieces += stream
        return pieces + [event.text, str(phial.step([s]))]
"""
WRONG = {
    "s.generate('x', temprature=1)": 'argument "temprature"',
    "s.generate('x', temperature='hot')": 'expected "float"',
    "s.generate(5)": "Argument 1",
    "s.tokens.upper()": 'no attribute "upper"',
    "model.session(context='8k')": 'expected "int"',
}


def mypy(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir",
         os.path.join(os.environ.get("MYPY_CACHE", tmp_path), "mypy"),
         *arguments],
        env=dict(os.environ, MYPYPATH=os.path.dirname(PACKAGE)),
        capture_output=True, text=True, check=False)


def test_the_package_and_its_users_are_typed(tmp_path):
    user, wrong = tmp_path / "user.py", tmp_path / "wrong.py"
    user.write_text(USER)
    wrong.write_text("import phial\n\n"
                     "def f(model: phial.Model, s: phial.Session) -> None:\n"
                     + "".join(f"    {line}\n" for line in WRONG))
    done = mypy(tmp_path, PACKAGE, user)
    assert done.returncode == 0, done.stdout + done.stderr
    done = mypy(tmp_path, wrong)
    for number, (line, says) in enumerate(WRONG.items(), 4):
        assert re.search(rf"wrong.py:{number}: error: .*{re.escape(says)}",
                         done.stdout), (line, done.stdout)


def test_the_package_says_that_it_is_typed():
    assert os.path.exists(os.path.join(PACKAGE, "py.typed"))


def test_every_public_name_is_documented():
    for name in phial.__all__:
        thing = getattr(phial, name)
        assert thing.__doc__, name
        if isinstance(thing, type):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (callable(value) or
                                                   isinstance(value, property)):
                    assert value.__doc__, f"{name}.{member}"


def test_versions_agree():
    with open(os.path.join(ROOT, "meson.build"), encoding="utf-8") as f:
        assert f"version: '{phial.__version__}'" in f.read()
    assert phial.library_version() == phial.__version__
    from phial import _library
    assert phial.__version__.startswith("%d.%d." % _library.REQUIRED)


def test_meson_installs_every_module():
    with open(os.path.join(ROOT, "bindings", "python", "meson.build"),
              encoding="utf-8") as f:
        listed = re.findall(r"'phial/(\S+)'", f.read())
    there = [n for n in os.listdir(PACKAGE) if n.endswith((".py", ".typed"))]
    assert sorted(listed) == sorted(there)
