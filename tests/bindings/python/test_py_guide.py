# SPDX-License-Identifier: MIT
"""The guide's code runs as it stands, and so do the examples."""
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[".."] * 3))
EXAMPLES = os.path.join(ROOT, "examples", "python")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def blocks(*path):
    return re.findall(r"^```python\n(.*?)^```", read(*path), re.M | re.S)


def test_the_guide_runs(tmp_path):
    os.symlink(os.environ["PHIAL_DEMO"], tmp_path / "model.gguf")
    code = "\n".join(blocks("doc", "python.md"))
    done = subprocess.run([sys.executable, "-W", "error", "-c", code],
                          cwd=tmp_path, capture_output=True, text=True,
                          timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("17 + 25 = 42.") == 7
    assert "get_weather" in done.stdout and "nowhere.gguf" in done.stdout
    assert "1 + 2 = 3." in done.stdout


@pytest.mark.parametrize("path", [["README.md"],
                                  ["bindings", "python", "README.md"]])
def test_the_readme_s_example_runs(path, tmp_path):
    code, = blocks(*path)
    os.symlink(os.environ["PHIAL_DEMO"], tmp_path / "phi-4-mini.gguf")
    done = subprocess.run([sys.executable, "-W", "error", "-c", code],
                          cwd=tmp_path, capture_output=True, text=True,
                          timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) > 5


def run_example(name, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "error", os.path.join(EXAMPLES, name),
         os.environ["PHIAL_DEMO"], *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_complete_text():
    assert run_example("complete_text.py", "The").startswith("The ")


def test_chat_with_tools():
    text = run_example("chat_with_tools.py", "What is the weather in Paris?",
                       "What is 17 + 25?")
    assert '"name": "get_weather"' in text and "\n17 + 25 = 42.\n" in text


@pytest.mark.parametrize("seconds, ending", [("60", ".\n"), ("0.0", " ...\n")])
def test_stream_and_cancel(seconds, ending):
    text = run_example("stream_and_cancel.py", "What is 17 + 25?", seconds)
    assert text.endswith(ending)
    assert ("42" in text) == (seconds == "60")


def test_many_at_once():
    text = run_example("many_at_once.py", "What is 17 + 25?", "What is 1 + 2?")
    assert text == ("> What is 17 + 25?\n17 + 25 = 42.\n"
                    "> What is 1 + 2?\n1 + 2 = 3.\n")


def test_resume_session(tmp_path):
    arguments = (tmp_path / "s", "You are kind.", "What is 17 + 25?")
    first = run_example("resume_session.py", *arguments).splitlines()
    again = run_example("resume_session.py", *arguments).splitlines()
    assert first[0] == again[0] == "17 + 25 = 42."
    assert int(again[1].split()[0]) < int(first[1].split()[0])


def test_every_example_is_tested():
    named = set(re.findall(r'run_example\("(\w+\.py)"', read(
        "tests", "bindings", "python", "test_py_guide.py")))
    assert named == {n for n in os.listdir(EXAMPLES) if n.endswith(".py")}
    assert len(named) == 5
