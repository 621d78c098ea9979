#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A checkpoint's folder gives the same bits as the GGUF file of the same
model, and the ids of Hugging Face's tokenizers. Environment: PHIAL (program),
MODEL_LOGITS, TINY_MODEL (tools of tests/support), VOCABULARIES (folder of
tests/tokenizer/fetch_vocab.py; what is not there is skipped)."""
import importlib.util
import itertools
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

if not all(importlib.util.find_spec(m) for m in ("gguf", "numpy")):
    print("skipped: numpy and gguf are not installed")
    sys.exit(77)

import numpy as np  # noqa: E402

import make_checkpoint  # noqa: E402

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../examples/demo/phial-demo.gguf")
FAMILIES = ["phi-4", "phi-4-mini", "phi-3.5", "phi-3-4k"]
TYPES = ["F32", "F16", "BF16"]
TEXTS = ["", "Hello world", " the <|end|> \n and <|user|>\n\n hi",
         "12345 He'll won't 日本語 \u00e9\u0301 \U0001f642\t\r\n  x",
         "<|im_start|>system<|im_sep|> of <|im_end|> \n", "</s> a<|tool|> b"]


def run(*command, stdin=b""):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def tiny(self, family, kind, *fields):
        path = self.path(f"{family}-{kind}.gguf")
        done = run(os.environ["TINY_MODEL"], path, family, kind, "1", *fields)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path

    def output(self, *command, stdin=b""):
        done = run(*command, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, path, *phrases):
        done = run(os.environ["PHIAL"], "inspect", path)
        self.assertNotEqual(done.returncode, 0)
        for phrase in phrases:
            self.assertIn(phrase, done.stderr.decode())


    def logits(self, path, rope):
        rng = random.Random(1)
        tokens = [rng.randrange(300) for _ in range(70)]
        return self.output(os.environ["MODEL_LOGITS"], path, rope, "f16", "1",
                           "64", stdin=struct.pack("<70i", *tokens))

    def quantized(self, source, kind):
        file = self.path(f"{kind}.gguf")
        self.output(os.environ["PHIAL"], "quantize", "--force", "--type", kind,
                    source, file)
        return file


class SameModel(Case):
    def test_logits_are_those_of_the_file(self):
        for family, kind in itertools.product(FAMILIES, TYPES):
            source = self.tiny(family, kind)
            for shards, new in ((1, False), (3, True)):
                with self.subTest(family=family, kind=kind, shards=shards):
                    folder = self.path(f"{family}-{kind}-{shards}")
                    make_checkpoint.write(source, folder, shards, new)
                    for rope in ("short", "long"):
                        self.assertEqual(self.logits(folder, rope),
                                         self.logits(source, rope))

    def test_written_as_a_file_of_floats_it_keeps_its_bits(self):
        for family, kind in itertools.product(FAMILIES, TYPES):
            with self.subTest(family=family, kind=kind):
                folder = self.path("folder")
                make_checkpoint.write(self.tiny(family, kind), folder, 2)
                for target in ("same", "f32"):
                    file = self.quantized(folder, target)
                    self.assertEqual(self.logits(file, "long"),
                                     self.logits(folder, "long"))
                shutil.rmtree(folder)

    def test_answers_are_those_of_the_file(self):
        for family in FAMILIES:
            source = self.tiny(family, "BF16")
            folder = self.path(family)
            make_checkpoint.write(source, folder, 2, True)
            for mode in (["--raw"], []):
                command = [os.environ["PHIAL"], "run", "--json", "-n", "40",
                           *mode]
                answers = [json.loads(self.output(*command, path, "Hello"))
                           for path in (source, folder)]
                for answer in answers:
                    for key in list(answer):
                        if key not in ("text", "stop", "prompt_tokens"):
                            del answer[key]
                self.assertEqual(answers[0], answers[1])


class Demo(Case):
    """The demo model, saved in floats: what it says is what it says."""

    def test_it_gives_the_same_text(self):
        folder = self.path("demo")
        make_checkpoint.write(DEMO, folder, 2, True, f32=True)
        for prompt in ("What is 17 + 25?", "Tell me a story about a fox.",
                       "Write a JSON object with a name and an age."):
            with self.subTest(prompt=prompt):
                said = [self.output(os.environ["PHIAL"], "run", path, prompt)
                        for path in (DEMO, folder)]
                self.assertGreater(len(said[0]), 5)
                self.assertEqual(said[0], said[1])


class Llama(Case):
    """A Phi whose checkpoint says that it is a Llama."""

    def checkpoint(self, kind="F32", shards=1, new=False):
        folder = self.path("llama")
        source = self.tiny("phi-4", kind)
        make_checkpoint.write(source, folder, shards, new, llama=True)
        return source, folder

    def test_logits_are_those_of_the_file(self):
        for kind, (shards, new) in itertools.product(
                TYPES, ((1, False), (3, True))):
            with self.subTest(kind=kind, new=new):
                source, folder = self.checkpoint(kind, shards, new)
                self.assertEqual(self.logits(folder, "short"),
                                 self.logits(source, "short"))
                shutil.rmtree(folder)

    def test_it_can_be_quantised(self):
        source, folder = self.checkpoint()
        self.assertEqual(self.logits(self.quantized(folder, "f32"), "short"),
                         self.logits(source, "short"))
        file = self.quantized(folder, "q4_k_m")
        said = [self.output(os.environ["PHIAL"], "run", "--raw", "-n", "20",
                            "--ignore-eos", *rest, "Hello")
                for rest in ([file], [folder, "--weights", "q4_k_m"])]
        self.assertEqual(said[0], said[1])

    def test_gate_and_up_may_be_of_different_types(self):
        source, folder = self.checkpoint()
        want = np.frombuffer(self.logits(source, "short"), np.float32)
        for name in ("ffn_up", "ffn_gate"):
            file = self.path("mixed.gguf")
            self.output(os.environ["PHIAL"], "quantize", "--force", "--type",
                        "f32", "--tensor", f"*.{name}.weight=Q8_0", folder,
                        file)
            got = np.frombuffer(self.logits(file, "short"), np.float32)
            error = ((got - want) ** 2).mean() / (want ** 2).mean()
            self.assertGreater(error, 1e-9)
            self.assertLess(error, 1e-3)

    def refuse_config(self, folder, changes, phrase):
        path = os.path.join(folder, "config.json")
        with open(path, encoding="utf-8") as f:
            good = f.read()
        make_checkpoint.write_json(folder, "config.json",
                                   {**json.loads(good), **changes})
        self.refused(folder, phrase)
        with open(path, "w", encoding="utf-8") as f:
            f.write(good)

    def test_what_computes_something_else_is_refused(self):
        _, folder = self.checkpoint()
        scaled = {"rope_type": "llama3", "factor": 8.0}
        long = {"rope_type": "yarn", "factor": 4.0,
                "short_factor": [1.0], "long_factor": [1.0]}
        for changes, phrase in (
                ({"hidden_act": "gelu"}, "hidden_act"),
                ({"attention_bias": True}, "attention_bias"),
                ({"mlp_bias": True}, "mlp_bias"),
                ({"rope_scaling": scaled}, "rope_type"),
                ({"rope_scaling": long}, "rope_type"),
                ({"rope_parameters": scaled}, "rope_type"),
                ({"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
                ({"sliding_window": 64}, "sliding_window")):
            with self.subTest(changes=changes):
                self.refuse_config(folder, changes, phrase)

    def test_other_vocabularies_are_refused(self):
        _, folder = self.checkpoint()
        path = os.path.join(folder, "tokenizer.json")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace("<|im_sep|>", "<|eot_id|>"))
        self.refused(folder, "tokenizer.json", "im_sep")

    def test_tensors_of_both_layouts_are_refused(self):
        _, folder = self.checkpoint()
        path = os.path.join(folder, "model.safetensors")
        with open(path, "rb") as f:
            whole = f.read()
        for old, new, phrase in (
                (b"layers.0.mlp.gate_proj", b"layers.0.mlp.gate_prox",
                 "gate_prox"),
                (b"layers.0.mlp.gate_proj", b"layers.7.mlp.gate_proj",
                 "ffn_up"),
                (b"layers.0.self_attn.k_proj", b"layers.7.self_attn.k_proj",
                 "attn_k")):
            with self.subTest(new=new), open(path, "wb") as f:
                f.write(whole.replace(old, new))
                f.flush()
                self.refused(folder, phrase)


class SameIds(Case):
    """Of the tiny vocabularies, and of the real ones."""

    def sources(self):
        yield from (self.tiny(family, "F32") for family in FAMILIES)
        folder = os.environ.get("VOCABULARIES", "")
        for name in ("phi-3", "phi-4", "phi-4-mini"):
            path = os.path.join(folder, name + ".gguf")
            if os.path.exists(path):
                yield path

    def texts(self):
        rng = random.Random(2)
        yield from TEXTS
        pieces = ["the ", "<|end|>", " ", "\n", "<|user|>", "Hello", "'ll",
                  "12", "é", "日", "\U0001f642", "<|tool|>", "A", "z", "</s>"]
        for n in (3, 10, 30, 1000):
            yield "".join(rng.choices(pieces, k=n))

    @unittest.skipUnless(importlib.util.find_spec("tokenizers"),
                         "tokenizers is not installed")
    def test_ids_are_those_of_the_reference(self):
        from tokenizers import Tokenizer

        for n, source in enumerate(self.sources()):
            folder = self.path(f"checkpoint-{n}")
            make_checkpoint.write(source, folder, new=bool(n % 2))
            theirs = Tokenizer.from_file(folder + "/tokenizer.json")
            for text in self.texts():
                ours = self.output(os.environ["PHIAL"], "tokenize", "--special",
                                   "--json", folder, stdin=text.encode())
                self.assertEqual(
                    [t["id"] for t in json.loads(ours)["tokens"]],
                    theirs.encode(text, add_special_tokens=False).ids,
                    (source, text))


class Refusals(Case):
    """What a damaged or hostile folder is told."""

    def setUp(self):
        super().setUp()
        self.model = self.path("model")
        make_checkpoint.write(self.tiny("phi-4-mini", "F32", "n_layers=1"),
                              self.model, 2)

    def change(self, name, edit):
        path = os.path.join(self.model, name)
        with open(path, encoding="utf-8") as f:
            value = json.load(f)
        edit(value)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(value, f)

    def test_configurations(self):
        cases = [
            ({"model_type": "qwen2"}, "model_type"),
            ({"model_type": "llama"}, "sliding_window"),
            ({"model_type": "llama", "sliding_window": None},
             "partial_rotary_factor"),
            ({"model_type": "llama", "sliding_window": None,
              "partial_rotary_factor": 1}, "rope_type"),
            ({"mlp_bias": True}, "mlp_bias"),
            ({"model_type": 7}, "model_type"),
            ({"hidden_act": "gelu"}, "hidden_act"),
            ({"attention_bias": True}, "attention_bias"),
            ({"vocab_size": 0}, "vocab_size"),
            ({"vocab_size": 1e3}, "vocab_size"),
            ({"vocab_size": 5}, "vocab_size"),
            ({"num_hidden_layers": 0}, "block_count"),
            ({"num_hidden_layers": 2}, "missing"),
            ({"hidden_size": -1}, "hidden_size"),
            ({"num_attention_heads": 5}, "head"),
            ({"rope_scaling": []}, "rope_scaling"),
            ({"rope_scaling": {"type": "dynamic"}}, "rope_type"),
            ({"rope_scaling": {"type": "longrope"}}, "short_factor"),
            ({"partial_rotary_factor": 0}, "partial_rotary_factor"),
            ({"tie_word_embeddings": 1}, "tie_word_embeddings"),
            ({"eos_token_id": [[1]]}, "eos_token_id"),
        ]
        with open(os.path.join(self.model, "config.json"),
                  encoding="utf-8") as f:
            good = json.load(f)
        for wrong, phrase in cases:
            with self.subTest(wrong=wrong):
                make_checkpoint.write_json(self.model, "config.json",
                                           {**good, **wrong})
                self.refused(self.model, phrase)

    def test_names_of_files(self):
        index = "model.safetensors.index.json"
        for name in ("../x.safetensors", "/etc/passwd", "", ".", "..",
                     "a/b.safetensors", "a\\b", "x\0.safetensors", ".hidden"):
            with self.subTest(name=name):
                self.change(index, lambda v: v["weight_map"].update(
                    {"model.norm.weight": name}))
                self.refused(self.model, "weight_map")
        self.change(index, lambda v: v["weight_map"].update(
            {"model.norm.weight": "model-00003-of-00002.safetensors"}))
        self.refused(self.model, "00003", "cannot open")

    def test_index_and_files_disagree(self):
        index = "model.safetensors.index.json"
        self.change(index, lambda v: v["weight_map"].pop("model.norm.weight"))
        self.refused(self.model, "weight_map")
        self.change(index, lambda v: v.pop("weight_map"))
        self.refused(self.model, "weight_map")

    def test_missing_files(self):
        for name in ("config.json", "tokenizer.json",
                     "model-00001-of-00002.safetensors"):
            os.rename(os.path.join(self.model, name), self.path("away"))
            self.refused(self.model, name)
            os.rename(self.path("away"), os.path.join(self.model, name))
        os.mkdir(self.path("empty"))
        self.refused(self.path("empty"), "config.json")
        os.remove(os.path.join(self.model, "model.safetensors.index.json"))
        self.refused(self.model, "no weights")

    def test_tokenizers(self):
        def added(v):
            return v["added_tokens"][0]

        cases = [
            (lambda v: v.pop("model"), "model"),
            (lambda v: v["model"].update(type="Unigram"), "BPE"),
            (lambda v: v["model"].update(vocab=[]), "vocab"),
            (lambda v: v["model"]["vocab"].update(x=10 ** 9), "vocab_size"),
            (lambda v: v["model"]["vocab"].update(x=-1), "vocab_size"),
            (lambda v: v["model"]["vocab"].update(xyz=5), "another"),
            (lambda v: v["model"].update(merges=7), "merges"),
            (lambda v: v["model"].update(merges=["ab"]), "two tokens"),
            (lambda v: v["model"].update(merges=[["a"]]), "two tokens"),
            (lambda v: v["model"].update(merges=["a zzzz"]), "not exist"),
            (lambda v: v["model"]["vocab"].pop("a"), "byte 0x61"),
            (lambda v: v.update(pre_tokenizer=None), "pre_tokenizer"),
            (lambda v: v.update(normalizer={"type": "NFC"}), "normalizer"),
            (lambda v: added(v).update(single_word=True), "single_word"),
            (lambda v: added(v).update(content=1), "added_tokens"),
            (lambda v: v.update(added_tokens={}), "added_tokens"),
        ]
        path = os.path.join(self.model, "tokenizer.json")
        with open(path, encoding="utf-8") as f:
            good = f.read()
        for edit, phrase in cases:
            with open(path, "w", encoding="utf-8") as f:
                f.write(good)
            self.change("tokenizer.json", edit)
            self.refused(self.model, phrase)


class Safetensors(Case):
    """Headers that lie."""

    def setUp(self):
        super().setUp()
        self.model = self.path("model")
        make_checkpoint.write(self.tiny("phi-4-mini", "F32", "n_layers=1"),
                              self.model)
        self.file = os.path.join(self.model, "model.safetensors")
        with open(self.file, "rb") as f:
            whole = f.read()
        n = struct.unpack("<Q", whole[:8])[0]
        self.header, self.data = json.loads(whole[8:8 + n]), whole[8 + n:]

    def put(self, header, data=None, length=None):
        text = header if isinstance(header, bytes) else json.dumps(
            header).encode()
        with open(self.file, "wb") as f:
            f.write(struct.pack("<Q", len(text) if length is None else length))
            f.write(text + (self.data if data is None else data))

    def changed(self, name, **fields):
        header = json.loads(json.dumps(self.header))
        header[name].update(fields)
        return header

    def test_headers(self):
        norm = "model.norm.weight"
        begin, end = self.header[norm]["data_offsets"]
        cases = [
            (self.changed(norm, dtype="I64"), "dtype"),
            (self.changed(norm, dtype=None), "dtype"),
            (self.changed(norm, shape=[]), "dimensions"),
            (self.changed(norm, shape=[1] * 5), "dimensions"),
            (self.changed(norm, shape=[0]), "whole number"),
            (self.changed(norm, shape=[-1]), "whole number"),
            (self.changed(norm, shape=[1e2]), "whole number"),
            (self.changed(norm, shape=[2 ** 63, 4]), "overflows"),
            (self.changed(norm, shape=[3]), "data_offsets"),
            (self.changed(norm, data_offsets=[begin]), "data_offsets"),
            (self.changed(norm, data_offsets=[end, begin]), "data_offsets"),
            (self.changed(norm, data_offsets=[begin + 4, end + 4]), "data"),
            (self.changed(norm, data_offsets=[0, end - begin]), "overlap"),
            (self.changed(norm, data_offsets=[2 ** 63, 2 ** 64 - 1]), "file"),
            ({**self.header, "surprise": self.header[norm]}, "overlap"),
            ([], "no object"),
            ({k: v for k, v in self.header.items() if k != norm}, "no tensor"),
            (b"{", "JSON"),
            (b"", "JSON"),
        ]
        for header, phrase in cases:
            with self.subTest(header=str(header)[:60], phrase=phrase):
                self.put(header)
                self.refused(self.model, phrase)

    def test_lengths(self):
        for length in (2 ** 64 - 1, 2 ** 63, len(self.data) * 2 + 10 ** 6):
            self.put(self.header, length=length)
            self.refused(self.model, "truncated")
        self.put(self.header, data=self.data[:-1])
        self.refused(self.model, "truncated")
        self.put(self.header, data=self.data + b"\0")
        self.refused(self.model, "belong to no tensor")
        with open(self.file, "wb") as f:
            f.write(b"1234567")
        self.refused(self.model, "too short")

    def test_names(self):
        extra = dict(self.header)
        extra["model.layers.0.self_attn.qkv_proj.bias"] = extra.pop(
            "model.norm.weight")
        self.put(extra)
        self.refused(self.model, "qkv_proj.bias")
        text = json.dumps(self.header).replace(
            "model.layers.0.input_layernorm.weight", "model.norm.weight")
        self.put(text.encode())
        self.refused(self.model, "twice")


if __name__ == "__main__":
    unittest.main()
