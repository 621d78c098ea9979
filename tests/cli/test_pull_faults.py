#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial pull and what goes wrong: connections that break, servers that lie or
refuse, other programs, a full disk. What is at its place is right, always."""
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
import unittest

import cli_support
import hub_server as hub
from hub_server import COMMIT
from pseudo_terminal import Terminal
from pull_support import GGUF, REPO, PullCase

FILE = REPO + "/m.gguf"
BLOB = hub.sha256(GGUF)
MIB = 1 << 20


class FaultCase(PullCase):
    def blobs(self):
        return os.path.join(self.cache(), "models--org--name", "blobs")

    def part(self):
        return os.path.join(self.blobs(), BLOB + ".incomplete")

    def leave(self, content):
        os.makedirs(self.blobs())
        with open(self.part(), "wb") as f:
            f.write(content)

    def pull_right(self, *arguments, **changes):
        with open(self.pull(FILE, *arguments, **changes), "rb") as f:
            self.assertEqual(f.read(), GGUF)
        self.assertEqual(os.listdir(self.blobs()), [BLOB])

    def ranges(self):
        return [headers.get("Range") for _, headers in self.cdn.seen]

    def nothing_is_left(self):
        for _, _, files in os.walk(os.path.join(self.cache(),
                                                "models--org--name")):
            self.assertEqual(files, [])


class Breaks(FaultCase):
    def test_a_dropped_connection_is_taken_up_where_it_broke(self):
        self.cdn.on("/cdn/", hub.drop(MIB), hub.drop(MIB + 5))
        report = self.json("pull", FILE, "-q", env=self.env())
        self.assertEqual(self.ranges(), [None, f"bytes={MIB}-",
                                         f"bytes={2 * MIB + 5}-"])
        self.assertEqual(report["received"], len(GGUF))
        self.pull_right()

    def test_what_an_earlier_run_left_is_taken_up(self):
        self.leave(GGUF[:1000])
        self.pull_right()
        self.assertEqual(self.ranges(), ["bytes=1000-"])

    def test_what_an_earlier_run_left_may_be_all(self):
        self.leave(GGUF)
        self.pull_right()
        self.assertEqual(self.ranges(), [])

    def test_what_is_too_long_to_be_a_part_is_dropped(self):
        self.leave(GGUF + b"x")
        self.pull_right()
        self.assertEqual(self.ranges(), [None])

    def test_a_wrong_beginning_is_found_and_removed(self):
        self.leave(b"x" + GGUF[1:1000])
        self.refuses(FILE, says=["damaged", BLOB, "removed"])
        self.nothing_is_left()
        self.pull_right()

    def test_a_server_without_ranges_begins_anew(self):
        self.leave(GGUF[:1000])
        self.cdn.on("/cdn/", hub.whole_drop(2 * MIB), hub.whole)
        self.pull_right()
        self.assertEqual(self.ranges(), ["bytes=1000-", f"bytes={2 * MIB}-"])

    def test_a_server_that_always_drops_is_given_up(self):
        self.cdn.on("/cdn/", *[hub.drop(7)] * 3)
        self.refuses(FILE, "--retries", "2", says=["m.gguf", "3 tries"])
        self.assertEqual(self.ranges(), [None, "bytes=7-", "bytes=14-"])
        with open(self.part(), "rb") as f:
            self.assertEqual(f.read(), GGUF[:21])
        self.pull_right()

    def test_a_server_that_brings_something_is_not_given_up(self):
        self.cdn.on("/cdn/", hub.drop(MIB), hub.drop(MIB))
        self.pull_right("--retries", "1")

    def test_a_connection_that_stalls_counts_as_lost(self):
        self.cdn.on("/cdn/", hub.stall(1000))
        self.pull_right("--stall", "1")
        self.assertEqual(self.ranges(), [None, "bytes=1000-"])

    def test_a_server_that_is_never_there_is_not_waited_for(self):
        self.refuses(FILE, HF_ENDPOINT="http://127.0.0.1:1",
                     says="127.0.0.1")

    def test_errors_that_pass_are_waited_for(self):
        self.hub.on("/api/", hub.status(500), hub.drop(5))
        self.hub.on("/resolve/", hub.status(503))
        self.cdn.on("/cdn/", hub.status(502), hub.drop(MIB), hub.status(429))
        self.pull_right()
        self.assertEqual(len(self.hub.paths("/api/")), 3)

    def test_a_server_says_how_long_to_wait(self):
        self.hub.on("/resolve/", hub.status(429, Retry_After="2"))
        began = time.monotonic()
        self.pull_right()
        self.assertGreaterEqual(time.monotonic() - began, 2)

    def test_nobody_waits_for_an_hour(self):
        self.hub.on("/resolve/", hub.status(429, Retry_After="3600"))
        self.refuses(FILE, says=["429", "3600"])
        self.nothing_is_left()

    def test_errors_that_stay_are_reported(self):
        self.hub.on("/api/", *[hub.status(503)] * 9)
        self.refuses(FILE, "--retries", "1", says=["503", "2 tries"])
        self.assertEqual(len(self.hub.seen), 2)

    def test_a_terminal_is_told_how_far_it_is(self):
        name = "a-name-that-is-too-long-for-a-line-of-a-terminal.gguf"
        self.hub.repos[REPO][name] = GGUF
        self.hub.on("/resolve/", hub.status(503, Retry_After="1"))
        self.cdn.on("/cdn/", hub.stall(len(GGUF) // 2))
        with Terminal("pull", f"{REPO}/{name}", "--stall", "3",
                      env=self.env()) as terminal:
            terminal.expect(r"503.*again in 1 s")
            terminal.expect(r"a-name-that-is-too \[########--------\] 50% of "
                            r"3\.0 MiB, [0-9.]+ [A-Za-z]+/s, \d+ (s|min)")
            terminal.expect(r"files: 1 \(0 were there\), 3\.0 MiB")
            terminal.expect(r"snapshots/\S+\.gguf")
        for line in re.findall(r"\r(a-name[^\r\x1b]*)", terminal.text):
            self.assertLess(len(line), 80, line)


class Lies(FaultCase):
    def refuses_content(self, *behaviours, says, left=b""):
        """The parts that are kept are parts of the file."""
        shutil.rmtree(self.home(), ignore_errors=True)
        if left:
            self.leave(left)
        self.cdn.on("/cdn/", *behaviours)
        self.refuses(FILE, "--retries", "0", says=says)
        self.assertFalse(os.path.exists(os.path.join(self.blobs(), BLOB)))
        if os.path.exists(self.part()):
            with open(self.part(), "rb") as f:
                self.assertTrue(GGUF.startswith(f.read()))

    def test_other_contents_are_removed(self):
        self.refuses_content(hub.instead(GGUF[:-1] + b"?"),
                             says=["damaged", BLOB])
        self.nothing_is_left()
        self.hub.repos[REPO]["config.json"] = b"{}"
        self.hub.on("/resolve/", hub.instead(b"[]"))
        self.refuses(REPO + "/config.json",
                     says=["damaged", hub.blob_sha1(b"{}")])
        self.nothing_is_left()

    def test_a_length_that_is_not_the_lists_is_refused(self):
        for length in (len(GGUF) + 1, len(GGUF) - 1, 0, 10 ** 17):
            with self.subTest(length=length):
                self.refuses_content(hub.announce(length),
                                     says=["announces", str(length)])

    def test_more_bytes_than_announced_are_refused(self):
        self.refuses_content(hub.unannounced(5), says="more than")

    def test_fewer_bytes_than_announced_are_a_break(self):
        self.refuses_content(hub.unannounced(-5),
                             says=[str(len(GGUF) - 5), str(len(GGUF))])
        self.refuses_content(hub.drop(1000), says="m.gguf")

    def test_a_range_that_was_not_asked_for_is_refused(self):
        n = len(GGUF)
        for text in (f"bytes 999-{n - 1}/{n}", f"bytes 0-{n - 1}/{n}",
                     f"bytes 1001-{n - 1}/{n}", f"bytes 1000-{n - 2}/{n}",
                     f"bytes 1000-{n}/{n}", f"bytes 1000-{n - 1}/{n + 1}",
                     f"bytes */{n}", "bytes", "pages 1-2/3", "bytes -1-2/3",
                     "bytes 99999999999999999999-5/6", None):
            with self.subTest(range=text):
                self.refuses_content(hub.part(text), left=GGUF[:1000],
                                     says=["sends bytes", "1000"])
        self.refuses_content(hub.part(f"bytes 5-{n - 1}/{n}"),
                             says="sends bytes")

    def test_a_part_that_is_beyond_the_end_is_refused(self):
        self.refuses_content(
            hub.status(416, Content_Range="bytes */500"), left=GGUF[:1000],
            says=["only 500 bytes"])

    def test_headers_of_the_hub_must_agree_with_its_list(self):
        to = f"{self.cdn.url}/cdn/{BLOB}"
        self.hub.cdn_of(GGUF)
        for headers, says in (({"X_Linked_Size": "5"}, "announces 5 bytes"),
                              ({"X_Linked_Etag": '"' + "0" * 64 + '"'},
                               "announces checksum 000")):
            with self.subTest(headers=headers):
                self.hub.on("/resolve/", hub.redirect(to, **headers))
                self.refuses(FILE, says=says)

    def test_no_content_for_a_file_is_refused(self):
        self.refuses_content(hub.status(204), says="204")


class Lists(FaultCase):
    def refuses_list(self, content, says, name=REPO):
        self.hub.lists[REPO] = (content if isinstance(content, bytes)
                                else json.dumps(content).encode())
        self.refuses(name, "--retries", "0", says=says)
        self.assertEqual(self.hub.paths("/resolve/"), [])
        self.nothing_is_left()

    def list_of(self, *siblings, sha=COMMIT):
        return {"sha": sha, "siblings": list(siblings)}

    def test_names_that_lead_elsewhere_are_refused(self):
        for name in ("../evil", "/etc/evil", "a/../../evil", "a//b", "a/./b",
                     ".", "..", "", "a/", "\x1b]0;evil", "a\nb", "\x7f",
                     "\x9b2J", "x" * 300, "a/" * 600 + "b"):
            with self.subTest(name=name):
                self.refuses_list(self.list_of(hub.entry(name, b"x")),
                                  says="not a name")
        self.refuses_list(self.list_of({"rfilename": 5}), says="no name")
        self.refuses_list(self.list_of(5), says="no name")

    def test_a_name_that_is_there_twice_is_refused(self):
        self.refuses_list(self.list_of(hub.entry("config.json", b"x"),
                                       hub.entry("config.json", b"y")),
                          says=["config.json", "twice"])

    def test_a_list_that_is_no_list_is_refused(self):
        good = json.dumps(self.list_of(hub.entry("m.gguf", GGUF))).encode()
        for content in (b"", good[:-9], b"[]", b"{}", b"null", b"\xff",
                        b"[" * 100000, b'{"sha": "a\\u0000b"}',
                        self.list_of(sha="../../evil"), self.list_of(sha=5),
                        self.list_of(sha=COMMIT.upper()), {"sha": COMMIT}):
            with self.subTest(content=content):
                self.refuses_list(content, says="the hub's list of files")

    def test_a_huge_list_is_not_read(self):
        self.hub.on("/api/", hub.announce(10 ** 12))
        self.refuses(FILE, says="longer than 16 MiB")
        self.hub.on("/api/", lambda handler, _: handler.answer(
            200, b" " * (17 * MIB), {"Content-Length": None}))
        self.refuses(FILE, says="longer than 16 MiB")

    def test_a_file_without_size_or_checksum_is_refused(self):
        whole = hub.entry("m.gguf", GGUF)
        for lfs in ({}, {"size": 5}, {"sha256": BLOB},
                    {"size": -1, "sha256": BLOB},
                    {"size": 2 ** 62, "sha256": BLOB},
                    {"size": "5", "sha256": BLOB},
                    {"size": 5, "sha256": BLOB[:-1]},
                    {"size": 5, "sha256": "../" * 21 + "a"},
                    {"size": 5, "sha256": BLOB.upper()}):
            with self.subTest(lfs=lfs):
                self.refuses_list(self.list_of({**whole, "lfs": lfs}),
                                  name=FILE, says=["m.gguf", "checksum"])
        self.refuses_list(self.list_of({"rfilename": "m.gguf"}), name=FILE,
                          says=["m.gguf", "checksum"])


class Refusals(FaultCase):
    def refuses_once(self, path, behaviour, says, **env):
        self.hub.seen.clear()
        self.hub.on(path, behaviour)
        error = self.refuses(FILE, says=says, **env)
        self.assertEqual(len(self.hub.paths(path)), 1, "not tried again")
        return error

    def test_a_gated_model_is_explained(self):
        page = f"{self.hub.url}/{REPO}"
        for code in (401, 403):
            gated = hub.status(code, X_Error_Code="GatedRepo")
            self.refuses_once("/resolve/", gated,
                              says=["gated", "licence", page, "HF_TOKEN"])
            self.refuses_once("/resolve/", gated, HF_TOKEN="hf_x",
                              says=["gated", "not the present one"])
        self.nothing_is_left()

    def test_an_unknown_asker_is_explained(self):
        self.refuses_once("/api/", hub.status(401), says=["401", "HF_TOKEN"])
        error = self.refuses_once("/api/", hub.status(401), HF_TOKEN="hf_x",
                                  says=["does not accept the token"])
        self.assertNotIn("hf_x", error)

    def test_what_is_not_there_is_not_asked_for_again(self):
        self.refuses_once("/api/", hub.status(404), says=["404", REPO])
        self.refuses_once("/resolve/", hub.status(404), says=["404", "m.gguf"])
        self.refuses_once("/api/", hub.status(400), says=["400"])

    def test_a_refusal_of_the_content_network_is_not_the_hubs(self):
        self.cdn.on("/cdn/", hub.status(403))
        error = self.refuses(FILE, says=["403", "m.gguf"])
        self.assertNotIn("gated", error)


class Redirects(FaultCase):
    def test_loops_end(self):
        self.hub.on("/resolve/", *[hub.redirect("?again")] * 99)
        self.refuses(FILE, says=["more than 10 redirects"])
        self.assertEqual(len(self.hub.paths("/resolve/")), 11)

    def test_other_protocols_are_not_followed(self):
        path = self.file("secret", b"secret")
        for to in ("file://" + path, "ftp://127.0.0.1/x", "gopher://x/",
                   "http://", "http://[::1"):
            with self.subTest(to=to):
                self.hub.on("/resolve/", hub.redirect(to))
                self.refuses(FILE, "--retries", "0", says="m.gguf")
        self.nothing_is_left()

    def test_the_same_host_with_another_port_gets_no_token(self):
        other = self.start_hub({REPO: {"m.gguf": GGUF}})
        self.hub.on("/api/", hub.redirect(
            f"{other.url}/api/models/{REPO}/revision/main?blobs=true"))
        self.pull_right(HF_TOKEN="hf_x")
        self.assertEqual(len(other.seen), 1)
        self.assertNotIn("Authorization", other.seen[0][1])

    def test_a_redirect_back_to_the_hub_may_have_the_token(self):
        self.hub.on("/resolve/", hub.redirect(
            f"{self.hub.url}/{REPO}/resolve/main/m.gguf"))
        self.pull_right(HF_TOKEN="hf_x")
        self.assertEqual([headers.get("Authorization")
                          for _, headers in self.hub.seen],
                         ["Bearer hf_x"] * 3)


@unittest.skipUnless(shutil.which("openssl"), "no openssl to make certificates")
class Encryption(FaultCase):
    def setUp(self):
        super().setUp()
        pem = os.path.join(self.folder, "server.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", pem, "-out",
             pem + ".crt"], check=True, capture_output=True)
        with open(pem + ".crt", "rb") as f, open(pem, "ab") as out:
            out.write(f.read())
        self.trust = {"CURL_CA_BUNDLE": pem + ".crt"}
        self.certificate = pem
        self.secure = self.start_hub(self.hub.repos, certificate=pem)
        self.trust["HF_ENDPOINT"] = self.secure.url

    def test_a_known_certificate_is_accepted(self):
        self.pull_right(**self.trust)

    def test_an_unknown_certificate_is_refused(self):
        self.refuses(FILE, HF_ENDPOINT=self.secure.url, says="certificate")
        self.assertEqual(self.secure.seen, [])

    def test_encryption_is_not_given_up_on_the_way(self):
        self.secure.on("/resolve/", hub.redirect(self.hub.url + "/x"))
        self.refuses(FILE, **self.trust, says="not followed")
        self.assertEqual(self.hub.seen, [])

    def test_encryption_may_be_taken_up_on_the_way(self):
        self.hub.on("/resolve/", hub.redirect(
            f"{self.secure.url}/{REPO}/resolve/main/m.gguf"))
        self.pull_right(CURL_CA_BUNDLE=self.certificate + ".crt",
                        HF_TOKEN="hf_x")
        self.assertNotIn("Authorization", self.secure.seen[0][1])


class Machine(FaultCase):
    def test_a_disk_that_is_too_small_is_told_before(self):
        entry = hub.entry("m.gguf", GGUF)
        entry["lfs"]["size"] = 2 ** 49
        self.hub.lists[REPO] = json.dumps(
            {"sha": COMMIT, "siblings": [entry]}).encode()
        self.refuses(FILE, says=["space", "512 TiB", self.blobs()])
        self.assertEqual(self.hub.paths("/resolve/"), [])

    def test_a_disk_that_fills_up_keeps_what_came(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
        self.refuses(FILE, says=["incomplete", "too large"],
                     preexec_fn=limit)
        self.assertEqual(os.path.getsize(self.part()), MIB)
        self.pull_right()
        self.assertEqual(self.ranges()[1:], [f"bytes={MIB}-"])

    def test_a_folder_that_cannot_be_is_named(self):
        path = self.file("file", b"x")
        self.refuses(FILE, HF_HOME=path + "/x", says=[path])

    def test_two_pulls_do_not_share_a_file(self):
        lock = os.path.join(self.cache(), ".locks", "models--org--name",
                            BLOB + ".lock")
        os.makedirs(os.path.dirname(lock))
        with open(lock, "w", encoding="utf-8") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            self.refuses(FILE, says=["another program", lock])
        self.pull_right()

    def test_two_pulls_to_a_place_do_not_share_it(self):
        self.cdn.on("/cdn/", hub.stall(1000))
        out = os.path.join(self.folder, "out.gguf")
        first = self.start(FILE, "-o", out)
        self.wait_for(out + ".incomplete", 1000)
        self.refuses(FILE, "-o", out, says=["another program", out])
        first.kill()
        first.wait(60)
        self.assertEqual(self.pull(FILE, "-o", out), out)
        self.assertEqual(self.ranges(), [None, "bytes=1000-"])
        self.assertFalse(os.path.exists(out + ".incomplete"))

    def wait_for(self, path, size):
        end = time.monotonic() + 60
        while not os.path.exists(path) or os.path.getsize(path) < size:
            self.assertLess(time.monotonic(), end, "it never came")
            time.sleep(0.01)

    def test_ctrl_c_leaves_what_came(self):
        self.cdn.on("/cdn/", hub.stall(MIB))
        process = self.start(FILE)
        self.wait_for(self.part(), MIB)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertIn(b"goes on from here", error)
        self.assertEqual(os.path.getsize(self.part()), MIB)
        self.pull_right()
        self.assertEqual(self.ranges(), [None, f"bytes={MIB}-"])

    def test_ctrl_c_ends_a_pause(self):
        self.hub.on("/resolve/", hub.status(503, Retry_After="60"))
        process = self.start(FILE, "-q")
        while not self.hub.paths("/resolve/"):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), -signal.SIGINT)

    def test_a_link_in_the_way_is_not_followed(self):
        victim = self.file("victim", b"dear")
        out = os.path.join(self.folder, "out.gguf")
        os.symlink(victim, out + ".incomplete")
        self.refuses(FILE, "-o", out, says="out.gguf.incomplete")
        with open(victim, "rb") as f:
            self.assertEqual(f.read(), b"dear")


if __name__ == "__main__":
    cli_support.main()
