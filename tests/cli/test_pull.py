#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial pull from a good hub: what is fetched, where it goes, who is told the
token. test_pull_faults.py has the bad ones. Nothing leaves this machine."""
import os
import unittest

import cli_support
import hub_server
from cli_support import FAILED, OK, TINY, USAGE
from hub_server import COMMIT
from pull_support import GGUF, REPO, PullCase, checkpoint


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Files(PullCase):
    def test_a_checkpoint_is_pulled_and_runs(self):
        files = checkpoint()
        others = ("README.md", "pytorch_model.bin", "image.png", "LICENSE",
                  "onnx/model.onnx", "sub/model.safetensors", "vocab.json")
        self.hub.repos[REPO] = {**files, **{name: b"no" for name in others}}
        path = self.pull(REPO)
        self.assertEqual(sorted(os.listdir(path)), sorted(files))
        for name, content in files.items():
            self.assertEqual(read(os.path.join(path, name)), content)
        answer = self.json("run", path, "a", "--raw", "-n", "3",
                           "--ignore-eos")
        self.assertEqual(answer["tokens"], 3)

    def test_a_gguf_file_is_pulled_and_runs(self):
        self.hub.repos[REPO] = {"a.gguf": read(TINY), "b.gguf": b"no"}
        path = self.pull(REPO + "/a.gguf")
        self.assertEqual(read(path), read(TINY))
        answer = self.json("run", path, "hi", "-n", "3", "--ignore-eos")
        self.assertEqual(answer["tokens"], 3)

    def test_the_cache_has_the_shared_layout(self):
        name = "deep/er/model.gguf"
        self.hub.repos[REPO] = {name: GGUF, "config.json": b"{}"}
        path = self.pull(REPO + "/" + name)
        base = os.path.join(self.cache(), "models--org--name")
        self.assertEqual(path, f"{base}/snapshots/{COMMIT}/{name}")
        self.assertEqual(os.readlink(path),
                         "../../../../blobs/" + hub_server.sha256(GGUF))
        self.assertEqual(read(base + "/refs/main"), COMMIT.encode())
        self.assertEqual(os.listdir(base + "/blobs"),
                         [hub_server.sha256(GGUF)])
        path = self.pull(REPO + "/config.json")
        self.assertEqual(os.readlink(path),
                         "../../blobs/" + hub_server.blob_sha1(b"{}"))

    def test_what_is_there_is_not_fetched_again(self):
        self.hub.repos[REPO] = checkpoint()
        first = self.pull(REPO)
        n = len(self.hub.paths("/resolve/"))
        self.assertEqual(n, len(checkpoint()))
        self.assertEqual(self.pull(REPO), first)
        self.assertEqual(len(self.hub.paths("/resolve/")), n)

    def test_a_blob_of_a_wrong_size_is_fetched_again(self):
        path = self.pull(REPO + "/m.gguf")
        with open(path, "wb") as f:
            f.write(b"short")
        self.assertEqual(read(self.pull(REPO + "/m.gguf")), GGUF)

    def test_all_parts_of_a_split_file_come(self):
        parts = {f"q/m-0000{i}-of-00003.gguf": GGUF[i:] for i in (1, 2, 3)}
        self.hub.repos[REPO] = parts
        for name in parts:
            path = self.pull(f"{REPO}/{name}")
            self.assertTrue(path.endswith("q/m-00001-of-00003.gguf"), path)
            for other in parts:
                self.assertEqual(
                    read(path.replace("q/m-00001-of-00003.gguf", other)),
                    parts[other])
        del parts["q/m-00002-of-00003.gguf"]
        self.refuses(REPO + "/q/m-00001-of-00003.gguf",
                     says=["no file", "q/m-00002-of-00003.gguf"])

    def test_ggufs_are_listed_if_none_is_named(self):
        self.hub.repos[REPO] = {
            "b-Q8_0.gguf": GGUF, "a-Q4_K_M.gguf": GGUF[:5],
            "s-00001-of-00002.gguf": GGUF, "s-00002-of-00002.gguf": GGUF}
        done = self.run_pull(REPO)
        self.assertEqual((done.returncode, done.stdout), (FAILED, b""))
        lines = done.stderr.decode().splitlines()
        self.assertEqual([line.split() for line in lines[:3]],
                         [["3.0", "MiB", "b-Q8_0.gguf"],
                          ["5", "bytes", "a-Q4_K_M.gguf"],
                          ["6.0", "MiB", "s-00001-of-00002.gguf"]])
        self.assertIn(f"phial pull {REPO}/b-Q8_0.gguf", lines[3])
        self.assertEqual(self.hub.paths("/resolve/"), [])

    def test_a_repository_of_neither_is_refused(self):
        self.hub.repos[REPO] = {"pytorch_model.bin": b"x", "config.json": b"x"}
        self.refuses(REPO, says=["neither", "safetensors", "GGUF"])

    def test_a_file_that_is_not_there_is_named(self):
        self.refuses(REPO + "/no.gguf", says=["no.gguf", REPO, "main"])


class Names(PullCase):
    def test_a_repository_is_named_in_many_ways(self):
        want = self.pull(REPO + "/m.gguf")
        for name in (f"hf:{REPO}/m.gguf", f"hf://{REPO}/m.gguf",
                     f"https://huggingface.co/{REPO}/resolve/main/m.gguf",
                     f"https://huggingface.co/{REPO}/blob/main/%6d.gguf?a=1",
                     f"https://hf.co/{REPO}/m.gguf/",
                     f"{self.hub.url}/{REPO}/resolve/{COMMIT}/m.gguf"):
            with self.subTest(name=name):
                self.assertEqual(self.pull(name), want)

    def test_what_is_no_name_is_refused_before_anything(self):
        for name in ("", "phi", "/org/name", "org//name", "../name/x.gguf",
                     "org/../x.gguf", "org/name/../x.gguf", "org/name//x",
                     "org/name/./x", "or g/name", "org/na--me", "org/name\n",
                     "org/.name", "org/name/\x1b[2J", "https://example.org/a/b",
                     "o" * 97 + "/name", "org/name/" + "x" * 1001):
            with self.subTest(name=name):
                self.fails(USAGE, "pull", name, env=self.env())
        self.fails(USAGE, "pull", REPO, "--revision", "../..",
                   env=self.env())
        self.fails(USAGE, "pull", REPO, "--endpoint", "ftp://a",
                   env=self.env(), says="http")
        self.assertEqual(self.hub.seen, [])

    def test_a_revision_is_asked_for_and_remembered(self):
        path = self.pull(REPO + "/m.gguf", "--revision", "refs/pr/1")
        self.assertIn(f"/api/models/{REPO}/revision/refs/pr/1",
                      self.hub.paths())
        self.assertEqual(read(os.path.join(
            self.cache(), "models--org--name/refs/refs/pr/1")),
            COMMIT.encode())
        self.assertEqual(
            self.pull(REPO + "/m.gguf", "--revision", COMMIT), path)
        self.refuses(REPO + "/m.gguf", "--revision", "v9",
                     says=["v9", "404"])

    def test_a_repository_that_moved_is_followed(self):
        self.hub.on("/api/models/old/name/", hub_server.redirect(
            f"/api/models/{REPO}/revision/main?blobs=true", 307))
        self.hub.on("/old/name/resolve/", hub_server.redirect(
            f"/{REPO}/resolve/{COMMIT}/m.gguf", 307))
        self.assertEqual(read(self.pull("old/name/m.gguf")), GGUF)

    def test_odd_but_honest_names_are_escaped(self):
        name = "a b/ü#?%41&+.gguf"
        self.hub.repos[REPO][name] = GGUF
        self.assertEqual(read(self.pull(f"{REPO}/{name}")), GGUF)


class Output(PullCase):
    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.folder, "out")

    def test_a_checkpoint_goes_to_a_folder_without_links(self):
        self.hub.repos[REPO] = checkpoint()
        self.assertEqual(self.pull(REPO, "-o", self.out + "/new"),
                         self.out + "/new")
        for name, content in checkpoint().items():
            path = os.path.join(self.out, "new", name)
            self.assertFalse(os.path.islink(path))
            self.assertEqual(read(path), content)
        self.assertEqual(len(os.listdir(self.out + "/new")),
                         len(checkpoint()))
        self.assertFalse(os.path.exists(self.cache()))

    def test_one_file_goes_to_a_file_or_into_a_folder(self):
        self.hub.repos[REPO]["q/m.gguf"] = GGUF
        self.assertEqual(self.pull(REPO + "/q/m.gguf", "-o", self.out),
                         self.out)
        self.assertEqual(read(self.out), GGUF)
        for folder in (self.folder, self.folder + "/x/"):
            path = self.pull(REPO + "/q/m.gguf", "-o", folder)
            self.assertEqual(path, folder.rstrip("/") + "/m.gguf")
            self.assertEqual(read(path), GGUF)

    def test_several_files_do_not_go_to_one(self):
        self.hub.repos[REPO] = {"m-00001-of-00002.gguf": b"a",
                                "m-00002-of-00002.gguf": b"b"}
        path = self.file("out", b"dear")
        self.refuses(REPO + "/m-00001-of-00002.gguf", "-o", path,
                     says=[path, "not a folder"])
        self.assertEqual(read(path), b"dear")

    def test_another_file_is_not_overwritten_unasked(self):
        path = self.file("m.gguf", b"dear")
        self.refuses(REPO + "/m.gguf", "-o", path, says=[path, "--force"])
        self.assertEqual(read(path), b"dear")
        self.assertEqual(self.hub.paths("/resolve/"), [])
        self.pull(REPO + "/m.gguf", "-o", path, "--force")
        self.assertEqual(read(path), GGUF)
        n = len(self.hub.paths("/resolve/"))
        self.pull(REPO + "/m.gguf", "-o", path)
        self.assertEqual(len(self.hub.paths("/resolve/")), n)

    def test_totals_and_json(self):
        done = self.run_pull(REPO + "/m.gguf")
        self.assertRegex(done.stderr.decode(),
                         r"\Afiles: 1 \(0 were there\), 3.0 MiB; received: "
                         r"3.0 MiB in [0-9.]+ s\n\Z")
        done = self.run_pull(REPO + "/m.gguf", "-q")
        self.assertEqual((done.returncode, done.stderr), (OK, b""))
        report = self.json("pull", REPO + "/m.gguf", "-q", env=self.env())
        self.assertEqual(read(report["path"]), GGUF)
        self.assertEqual((report["commit"], report["files"], report["bytes"],
                          report["received"]), (COMMIT, 1, len(GGUF), 0))


class Environment(PullCase):
    def tokens(self, server):
        return {headers.get("Authorization") for _, headers in server.seen}

    def test_the_token_is_for_the_endpoint_alone(self):
        self.pull(REPO + "/m.gguf", HF_TOKEN=" hf_secret\n")
        self.assertEqual(self.tokens(self.hub), {"Bearer hf_secret"})
        self.assertEqual(len(self.cdn.seen), 1)
        self.assertEqual(self.tokens(self.cdn), {None})

    def test_the_token_may_be_in_a_file(self):
        os.mkdir(self.home())
        with open(self.home() + "/token", "w", encoding="utf-8") as f:
            f.write("hf_of_home\n")
        other = self.file("token", "hf_of_path")
        for want, env in (("hf_of_home", {}),
                          ("hf_of_path", {"HF_TOKEN_PATH": other}),
                          ("hf_given", {"HF_TOKEN": "hf_given",
                                        "HF_TOKEN_PATH": other})):
            with self.subTest(token=want):
                self.hub.seen.clear()
                self.pull(REPO + "/m.gguf", **env)
                self.assertEqual(self.tokens(self.hub), {"Bearer " + want})

    def test_without_a_token_none_is_sent(self):
        self.pull(REPO + "/m.gguf")
        self.assertEqual(self.tokens(self.hub), {None})

    def test_what_is_no_token_is_not_sent(self):
        error = self.refuses(REPO + "/m.gguf", HF_TOKEN="a\r\nX-Header: b",
                             says="HF_TOKEN")
        self.assertNotIn("X-Header", error)
        self.assertEqual(self.hub.seen, [])

    def test_the_cache_is_where_the_environment_says(self):
        place = os.path.join(self.folder, "place")
        for folder, env in (
                (place + "/1/hub", {"HF_HOME": place + "/1"}),
                (place + "/2", {"HF_HUB_CACHE": place + "/2"}),
                (place + "/3/huggingface/hub",
                 {"HF_HOME": "", "XDG_CACHE_HOME": place + "/3"}),
                (place + "/4/.cache/huggingface/hub",
                 {"HF_HOME": "", "HOME": place + "/4"}),
                (place + "/5/x",
                 {"HF_HUB_CACHE": "~/x", "HOME": place + "/5"})):
            with self.subTest(folder=folder):
                path = self.pull(REPO + "/m.gguf", **env)
                self.assertTrue(path.startswith(folder + "/models--"), path)
        self.refuses(REPO, HF_HOME="", HOME="", says=["HF_HOME", "--output"])

    def test_the_option_goes_before_the_variable(self):
        self.assertEqual(read(self.pull(
            REPO + "/m.gguf", "--endpoint", self.hub.url + "/",
            HF_ENDPOINT="http://127.0.0.1:1")), GGUF)

    def test_offline_takes_what_the_cache_has(self):
        self.hub.repos[REPO].update(checkpoint())
        want = self.pull(REPO), self.pull(REPO + "/m.gguf")
        self.hub.seen.clear()
        offline = {"HF_HUB_OFFLINE": "1"}
        self.assertEqual((self.pull(REPO, **offline),
                          self.pull(REPO + "/m.gguf", **offline)), want)
        self.refuses(REPO + "/other.gguf", **offline,
                     says=["HF_HUB_OFFLINE", "other.gguf"])
        self.refuses(REPO, "--revision", "v2", **offline, says="v2")
        self.refuses(REPO, "-o", self.folder, **offline, says="--output")
        self.assertEqual(self.hub.seen, [])


if __name__ == "__main__":
    cli_support.main()
