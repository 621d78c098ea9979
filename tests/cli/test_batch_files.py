#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial batch and its files: whatever ends it, and however often, every request
gets exactly one result in the end."""
import json
import os
import random
import signal
import subprocess
import time

import cli_support
from cli_support import FAILED, NO_MODEL, OK, PROGRAM, TINY, Case, environment

KILLS = 25


def requests(n):
    """Some of them wrong, some of them twice."""
    for i in range(n):
        body = {"messages": [{"role": "user", "content": f"Hello {i}"}],
                "max_tokens": 20 + i % 50, "ignore_eos": True,
                "temperature": i % 2, "seed": i}
        if i % 11 == 2:
            body["n"] = 3
        name = f"r{i - 3 if i % 13 == 8 else i}"
        yield json.dumps({"custom_id": name, "body": body})
        if i % 17 == 4:
            yield "{"


class Files(Case):
    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.folder, "out.jsonl")

    def input(self, n):
        return self.file("in.jsonl", "\n".join(requests(n)))

    def batch(self, path, *options, code=FAILED, model=TINY):
        done = self.run_phial("batch", model, path, "-o", self.out, *options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.decode()

    def written(self):
        with open(self.out, "rb") as f:
            return f.read()

    def write(self, content):
        with open(self.out, "wb") as f:
            f.write(content)

    def refused(self, path, *options, says):
        before = self.written()
        error = self.fails(FAILED, "batch", TINY, path, "-o", self.out,
                           *options, says=says)
        self.assertEqual(self.written(), before)
        return error


class Output(Files):
    def test_a_file_that_exists_is_left_alone(self):
        self.write(b"mine")
        self.refused(self.input(1), says=["out.jsonl", "--resume"])

    def test_no_file_is_left_where_nothing_was_done(self):
        path = self.input(3)
        self.batch(path, model="/nowhere.gguf", code=NO_MODEL)
        self.assertFalse(os.path.exists(self.out))
        self.fails(FAILED, "batch", TINY, "/nowhere.jsonl", "-o", self.out,
                   says="/nowhere.jsonl")
        self.assertFalse(os.path.exists(self.out))
        self.fails(FAILED, "batch", TINY, self.folder, "-o", "-",
                   says="directory")
        self.fails(FAILED, "batch", TINY, path, "-o", "/nowhere/out",
                   says="/nowhere/out")

    def test_no_requests_give_an_empty_file(self):
        self.batch(self.file("in.jsonl", ""), code=OK)
        self.assertEqual(self.written(), b"")

    def test_a_full_disk_is_reported(self):
        self.fails(FAILED, "batch", TINY, self.input(3), "-o", "/dev/full",
                   "-q", says=["/dev/full", "No space left"])
        with open("/dev/full", "wb") as full:
            done = self.run_phial("batch", TINY, self.input(3), "-q", "-o",
                                  "-", stdout=full)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"No space left", done.stderr)

    def test_a_limit_on_the_file_leaves_whole_lines(self):
        """The part of a line that went out before the disk was full is taken
        back."""
        path = self.input(20)
        self.batch(path, "--in-order")
        whole = self.written()
        os.remove(self.out)
        command = ('trap "" XFSZ; ulimit -f 4; '
                   'exec "$0" batch "$1" "$2" -o "$3" --in-order -q')
        done = subprocess.run(
            ["bash", "-c", command, PROGRAM, TINY, path, self.out],
            capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"File too large", done.stderr)
        part = self.written()
        self.assertTrue(part.endswith(b"\n") and whole.startswith(part))
        self.assertLess(len(part), 4096)
        self.batch(path, "--in-order", "--resume")
        self.assertEqual(self.written(), whole)


class Resume(Files):
    def test_only_what_is_missing_is_done(self):
        path = self.input(20)
        self.batch(path, "--in-order", "--resume")  # nothing to go on with
        whole = self.written()
        lines = whole.splitlines(keepends=True)
        self.batch(path, "--resume")
        self.assertEqual(self.written(), whole)
        for kept in (lines[5:], lines[::2], lines[::-3], []):
            self.write(b"".join(kept))
            totals = self.batch(path, "--resume", "-p", "3")
            self.assertIn(f"requests: {len(lines)} (", totals)
            self.assertIn(f" {len(kept)} done before", totals)
            now = self.written().splitlines(keepends=True)
            self.assertEqual(now[:len(kept)], kept)
            self.assertEqual(sorted(now), sorted(lines))

    def test_a_torn_last_line_is_done_again(self):
        path = self.input(4)
        self.batch(path, "--in-order")
        whole = self.written()
        last = whole.rindex(b"\n", 0, -1) + 1
        for cut in {1, last, last + 1, last + 12, last + 40, len(whole) - 2,
                    len(whole) - 1}:
            self.write(whole[:cut])
            self.batch(path, "--in-order", "--resume")
            self.assertEqual(self.written(), whole, cut)

    def test_a_request_that_was_added_is_done(self):
        self.batch(self.input(4), "--in-order")
        before = self.written()
        self.batch(self.input(6), "--in-order", "--resume")
        now = self.written()
        self.assertTrue(now.startswith(before))
        self.assertEqual(now.count(b"\n"), before.count(b"\n") + 3)

    def test_a_file_of_something_else_is_refused(self):
        path = self.input(3)
        self.batch(path)
        good = self.written()
        for content in (b"notes\n", b"notes", b"{}\n", good + b"\0\0",
                        b"\n" + good + b'{"custom_id": "x"}\n',
                        b'{"id":"batch_req_1"}\n', b'{"id":"batch_req_1"\n',
                        b'{"id":"batch_req_1","custom_id":5,"error":null}\n'):
            self.write(content)
            self.refused(path, "--resume",
                         says=["out.jsonl", "line ", "not a result"])
        self.fails(FAILED, "batch", TINY, path, "-o", path, "--resume",
                   says="not a result")
        self.fails(FAILED, "batch", TINY, path, "-o", "/dev/null", "--resume",
                   says="regular")

    def test_two_runs_do_not_share_a_file(self):
        first = subprocess.Popen(
            [PROGRAM, "batch", TINY, "-", "-o", self.out, "-q"],
            stdin=subprocess.PIPE)
        first.stdin.write(b'{"prompt": "a", "max_tokens": 1}\n')
        first.stdin.flush()
        while not os.path.exists(self.out) or not self.written():
            time.sleep(0.01)
        self.refused(self.input(3), "--resume", says="another program")
        first.stdin.close()
        self.assertEqual(first.wait(60), OK)

    def test_the_exit_code_speaks_of_the_whole_file(self):
        path = self.file("in.jsonl", '{"prompt": "a", "max_tokens": 2}\n')
        self.batch(path, code=OK)
        self.batch(path, "--resume", code=OK)
        self.batch(self.file("in.jsonl", '{"prompt": "a"}\n{\n'), "--resume")
        self.batch(self.file("in.jsonl", '{"prompt": "a"}\n{\n'), "--resume")


class Stopped(Files):
    def start(self, path, *options):
        """A run that goes on with the file, and its size before."""
        size = os.path.getsize(self.out) if os.path.exists(self.out) else 0
        process = subprocess.Popen(
            [PROGRAM, "batch", TINY, path, "-o", self.out, "--resume", "-q",
             *options], stderr=subprocess.PIPE, env=environment())
        self.addCleanup(process.stderr.close)
        return process, size

    def wait_for(self, process, size):
        """Until the file is larger than size, or the run is over."""
        while process.poll() is None and (
                not os.path.exists(self.out) or
                os.path.getsize(self.out) <= size):
            time.sleep(0.001)

    def test_killed_runs_add_up_to_one(self):
        path = self.input(400)
        self.batch(path, "-q")
        whole = sorted(self.written().splitlines())
        chance = random.Random(1)
        kills = 0
        while kills < KILLS:
            os.remove(self.out)
            code = None
            while code is None:
                process, size = self.start(path, "-p", chance.choice("1358"))
                if chance.random() < 0.8:
                    self.wait_for(process, size + chance.randrange(4000))
                time.sleep(chance.random() * 0.01)
                if kills < KILLS:
                    process.kill()
                code = process.wait(60)
                if code == -signal.SIGKILL:
                    kills += 1
                    code = None
            self.assertEqual(code, FAILED)  # some requests are wrong
            self.assertEqual(sorted(self.written().splitlines()), whole)

    def test_ctrl_c_leaves_whole_lines_and_the_signals_code(self):
        path = self.input(2000)
        process, size = self.start(path, "--in-order")
        self.wait_for(process, size)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), -signal.SIGINT)
        part = self.written()
        self.assertTrue(part.endswith(b"\n"))
        names = [json.loads(line)["id"] for line in part.splitlines()]
        self.assertEqual(names, [f"batch_req_{i + 1}"
                                 for i in range(len(names))])

    def test_ctrl_c_ends_the_wait_for_input(self):
        with subprocess.Popen(
                [PROGRAM, "batch", TINY, "-", "-o", "-", "-q"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
            p.stdin.write(b'{"prompt": "a", "max_tokens": 1}\n')
            p.stdin.flush()
            self.assertIn(b"text_completion", p.stdout.readline())
            p.send_signal(signal.SIGINT)
            self.assertEqual(p.wait(20), -signal.SIGINT)


if __name__ == "__main__":
    cli_support.main()
