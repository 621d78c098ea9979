# SPDX-License-Identifier: MIT
"""What the tests of pull share: a hub with a content network of its own, and an
environment in which nothing else can be reached."""
import os
import random
import struct
import subprocess

from cli_support import FAILED, OK, PROGRAM, Case, environment
from hub_server import Hub

REPO = "org/name"
GGUF = random.Random(1).randbytes(3 << 20)

CHECKPOINT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "fuzz", "corpus",
    "checkpoint", "phi-4.bin")
# In the order of tests/support/checkpoint_files.c.
CHECKPOINT_NAMES = (
    "config.json", "generation_config.json", "tokenizer.json",
    "tokenizer_config.json", "chat_template.jinja", "model.safetensors",
    "model.safetensors.index.json", "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors")


def checkpoint():
    """The files of a tiny model in two shards."""
    with open(CHECKPOINT, "rb") as f:
        block = f.read()
    files = {}
    while block:
        index, length = struct.unpack_from("<BI", block)
        files[CHECKPOINT_NAMES[index]] = block[5:5 + length]
        block = block[5 + length:]
    return files


class PullCase(Case):
    def setUp(self):
        super().setUp()
        self.cdn = self.start_hub()
        self.hub = self.start_hub({REPO: {"m.gguf": GGUF}}, cdn=self.cdn)

    def start_hub(self, *arguments, **options):
        hub = Hub(*arguments, **options)
        self.addCleanup(hub.close)
        return hub

    def home(self):
        return os.path.join(self.folder, "home")

    def cache(self):
        return os.path.join(self.home(), "hub")

    def env(self, **changes):
        env = {k: v for k, v in environment().items()
               if not k.startswith(("HF_", "HUGGING")) and
               not k.lower().endswith("_proxy")}
        env.pop("XDG_CACHE_HOME", None)
        env.pop("CURL_CA_BUNDLE", None)
        return {**env, "HF_HOME": self.home(), "HF_ENDPOINT": self.hub.url,
                **changes}

    def run_pull(self, *arguments, preexec_fn=None, **changes):
        return self.run_phial("pull", *arguments, env=self.env(**changes),
                              preexec_fn=preexec_fn)

    def pull(self, *arguments, **changes):
        """The path that is printed."""
        done = self.run_pull(*arguments, **changes)
        self.assertEqual(done.returncode, OK, done.stderr)
        return done.stdout.decode().removesuffix("\n")

    def refuses(self, *arguments, says=(), preexec_fn=None, **changes):
        return self.fails(FAILED, "pull", *arguments, says=says,
                          env=self.env(**changes), preexec_fn=preexec_fn)

    def start(self, *arguments, **changes):
        process = subprocess.Popen(
            [PROGRAM, "pull", *arguments], env=self.env(**changes),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process
