#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The cache that phial pull shares with the package huggingface_hub: each finds
what the other has pulled. Environment: PHIAL (program)."""
import importlib.util
import json
import os
import subprocess
import sys

if not importlib.util.find_spec("huggingface_hub"):
    print("skipped: huggingface_hub is not installed")
    sys.exit(77)

import cli_support  # noqa: E402
from hub_server import COMMIT, sha256  # noqa: E402
from pull_support import GGUF, REPO, PullCase, checkpoint  # noqa: E402


class Shared(PullCase):
    def hub_says(self, expression, **changes):
        """The package's value of an expression, in a process of its own:
        it reads the environment when it is imported."""
        done = subprocess.run(
            [sys.executable, "-c",
             "import json, huggingface_hub as h\n"
             f"print(json.dumps({expression}))"],
            env=self.env(HF_HUB_DISABLE_XET="1", **changes),
            capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def contents(self):
        return self.hub.paths("/resolve/") + self.cdn.seen

    def test_the_package_finds_what_we_pulled(self):
        self.hub.repos[REPO].update(checkpoint())
        path = self.pull(REPO)
        self.assertEqual(self.hub_says(
            f"h.snapshot_download({REPO!r}, local_files_only=True)"), path)
        for name in checkpoint():
            self.assertEqual(
                self.hub_says(f"h.try_to_load_from_cache({REPO!r}, {name!r})"),
                os.path.join(path, name))
        self.hub.seen.clear()
        self.cdn.seen.clear()
        self.assertEqual(self.hub_says(
            f"h.snapshot_download({REPO!r}, allow_patterns=['*.json', "
            "'*.safetensors'])"), path)
        self.assertEqual(self.cdn.seen, [])

    def test_the_package_sees_a_sound_cache(self):
        self.hub.repos[REPO]["a/b/c.gguf"] = GGUF[5:]
        self.pull(REPO + "/a/b/c.gguf")
        self.pull(REPO + "/m.gguf", "--revision", "refs/pr/1")
        seen = self.hub_says(
            "(lambda c: [[str(w) for w in c.warnings], [(r.repo_id, "
            "r.size_on_disk, sorted(r.refs), r.nb_files) for r in c.repos]])"
            "(h.scan_cache_dir())")
        self.assertEqual(seen, [[], [[REPO, 2 * len(GGUF) - 5,
                                      ["main", "refs/pr/1"], 2]]])

    def test_we_find_what_the_package_pulled(self):
        self.hub.repos[REPO].update(checkpoint())
        path = self.hub_says(f"h.snapshot_download({REPO!r})")
        self.assertTrue(path.endswith(COMMIT), path)
        self.hub.seen.clear()
        self.cdn.seen.clear()
        self.assertEqual(self.pull(REPO), path)
        self.assertEqual(self.pull(REPO + "/m.gguf"), path + "/m.gguf")
        self.assertEqual(self.contents(), [])
        self.assertEqual(self.pull(REPO, HF_HUB_OFFLINE="1"), path)

    def test_each_goes_on_where_the_other_stopped(self):
        blobs = os.path.join(self.cache(), "models--org--name", "blobs")
        os.makedirs(blobs)
        with open(f"{blobs}/{sha256(GGUF)}.incomplete", "wb") as f:
            f.write(GGUF[:1000])
        path = self.hub_says(f"h.hf_hub_download({REPO!r}, 'm.gguf')")
        with open(path, "rb") as f:
            self.assertEqual(f.read(), GGUF)
        self.assertEqual(os.listdir(blobs), [sha256(GGUF)])
        self.assertEqual([headers.get("Range") for _, headers in self.cdn.seen
                          if "Range" in headers], ["bytes=1000-"])


if __name__ == "__main__":
    cli_support.main()
