#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial bench --against, with a stand-in for llama.cpp: headers whose functions
only keep count, so that what is tested is the adapter and the talk with it."""
import os
import shutil
import subprocess

import cli_support
from cli_support import FAILED, TINY, Case

# A context knows how long its sequences are, and fails on a token that does not
# go on from there.
HEADER = """
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
typedef int32_t llama_token, llama_pos, llama_seq_id;
typedef int ggml_backend_reg_t, ggml_backend_dev_t;
typedef struct {
    int32_t n_tokens; llama_token *token; float *embd; llama_pos *pos;
    int32_t *n_seq_id; llama_seq_id **seq_id; int8_t *logits;
} llama_batch;
enum ggml_log_level { GGML_LOG_LEVEL_ERROR };
enum ggml_type { GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0 };
enum { GGML_BACKEND_DEVICE_TYPE_CPU };
enum { LLAMA_FLASH_ATTN_TYPE_DISABLED, LLAMA_FLASH_ATTN_TYPE_ENABLED };
struct ggml_threadpool;
struct ggml_threadpool_params { int n; };
struct llama_model { bool repacked; };
struct llama_context {
    bool slow; int n_sequences, n_context, lengths[MOST], n_outputs;
};
struct llama_vocab { int x; };
struct llama_model_params { int n_gpu_layers; bool repack_tensors; };
struct llama_context_params {
    unsigned n_ctx, n_batch, n_seq_max; int n_threads, n_threads_batch, type_k,
    type_v;
#ifdef OLD
    bool flash_attn;
#else
    int flash_attn_type; bool no_perf;
#endif
};
static struct llama_model the_models[2];
static struct llama_vocab the_vocab;
#define STUB static inline
STUB void llama_log_set(void (*f)(enum ggml_log_level, const char *, void *),
                        void *u) { (void)f; (void)u; }
STUB void ggml_backend_load_all_from_path(const char *p) { (void)p; }
STUB void llama_backend_init(void) {}
STUB struct ggml_threadpool_params ggml_threadpool_params_default(int n)
{ return (struct ggml_threadpool_params){n}; }
STUB int ggml_backend_dev_by_type(int t) { return t; }
STUB int ggml_backend_dev_backend_reg(int d) { return d; }
STUB void *ggml_backend_reg_get_proc_address(int r, const char *n)
{ (void)r; (void)n; return NULL; }
STUB void llama_attach_threadpool(struct llama_context *c,
    struct ggml_threadpool *a, struct ggml_threadpool *b)
{ (void)c; (void)a; (void)b; }
STUB struct llama_model_params llama_model_default_params(void)
{ return (struct llama_model_params){0}; }
STUB struct llama_model *llama_model_load_from_file(const char *p,
    struct llama_model_params m)
{ the_models[m.repack_tensors].repacked = m.repack_tensors;
  return access(p, R_OK) ? NULL : &the_models[m.repack_tensors]; }
STUB const struct llama_vocab *llama_model_get_vocab(struct llama_model *m)
{ (void)m; return &the_vocab; }
STUB int llama_vocab_n_tokens(const struct llama_vocab *v)
{ (void)v; return 4; }
STUB struct llama_context_params llama_context_default_params(void)
{ return (struct llama_context_params){0}; }
STUB struct llama_context *llama_init_from_model(struct llama_model *m,
    struct llama_context_params p)
{ struct llama_context *c = calloc(1, sizeof *c);
  if (p.type_k != GGML_TYPE_F16 || p.type_v != GGML_TYPE_F16) return NULL;
  if (p.n_seq_max < 1 || p.n_seq_max > MOST) return NULL;
#ifdef OLD
  if (!p.flash_attn) return NULL;
  c->slow = !m->repacked;
#else
  c->slow = p.flash_attn_type; (void)m;
#endif
  c->n_sequences = (int)p.n_seq_max;
  c->n_context = (int)(p.n_ctx / p.n_seq_max);
  return c; }
STUB llama_batch llama_batch_init(int n, int e, int s)
{ llama_batch b = {0, malloc(n * sizeof(int)), NULL, malloc(n * sizeof(int)),
                   malloc(n * sizeof(int)), malloc(n * sizeof(int *)),
                   malloc(n)};
  for (int i = 0; i < n; i++) b.seq_id[i] = malloc(s * sizeof(int));
  (void)e; return b; }
/* a millisecond a token, ten in the slow way: no pause of the machine makes
 * that seem faster */
STUB int llama_decode(struct llama_context *c, llama_batch b)
{ c->n_outputs = 0;
  for (int i = 0; i < b.n_tokens; i++) {
    int s = b.seq_id[i][0];
    if (b.n_seq_id[i] != 1 || s < 0 || s >= c->n_sequences ||
        b.token[i] < 0 || b.token[i] >= 4 || b.pos[i] != c->lengths[s] ||
        b.pos[i] >= c->n_context) return 1;
    c->lengths[s]++; c->n_outputs += b.logits[i] != 0; }
  usleep((useconds_t)(1000 * b.n_tokens * (1 + 9 * c->slow))); return FAIL; }
STUB float *llama_get_logits_ith(struct llama_context *c, int i)
{ static float logits[4];
  if (i < 0) i += c->n_outputs;
  return i >= 0 && i < c->n_outputs ? logits : NULL; }
STUB struct llama_context *llama_get_memory(struct llama_context *c)
{ return c; }
#ifdef OLD
#define llama_memory_seq_rm llama_kv_cache_seq_rm
#endif
STUB bool llama_memory_seq_rm(struct llama_context *c, int s, int a, int b)
{ if (c->lengths[s] > a) c->lengths[s] = a;
  return b < 0; }
"""


class Against(Case):
    QUICK = ("-p", "8", "-n", "4", "-r", "2", "-d", "3")

    def peer(self, fail=0, old=False, most=8):
        """A folder like an installation, which takes so many sequences; an old
        one is of ik_llama.cpp's line."""
        root = os.path.join(self.folder, "peer")
        for part in ("include", "lib"):
            os.makedirs(os.path.join(root, part))
        self.file("peer/include/llama.h",
                  "#define OLD\n" * old +
                  HEADER.replace("FAIL", str(fail)).replace("MOST", str(most)))
        if not old:
            self.file("peer/include/ggml-backend.h", "")
            self.file("peer/include/ggml-cpu.h", "")
        subprocess.run(["cc", "-shared", "-o",
                        os.path.join(root, "lib/libllama.so"),
                        self.file("empty.c", "int peer_is_empty;\n")],
                       check=True)
        return root

    def setUp(self):
        super().setUp()
        if not shutil.which("cc"):
            self.skipTest("needs a C compiler")
        self.temporary = os.path.join(self.folder, "temporary")
        os.makedirs(self.temporary)
        self.env = cli_support.environment(TMPDIR=self.temporary)
        self.env.pop("CC", None)

    def tearDown(self):
        self.assertEqual(os.listdir(self.temporary), [])

    def test_the_faster_way_of_the_peer_is_taken_in_every_round(self):
        b = self.json("bench", TINY, "--against", self.peer(), *self.QUICK,
                      env=self.env)
        self.assertGreater(b["engines"][0]["peer"]["load_seconds"]["min"], 0)
        prefill, decode, generate = b["results"]
        self.assertNotIn("peer", generate)
        for result in (prefill, decode):
            peer = result["peer"]
            self.assertEqual(peer["option"], "flash attention")
            self.assertFalse(peer["with_option"])
            self.assertLess(peer["tokens_per_second"]["max"], 1001)
            self.assertGreater(peer["ratio"]["min"], 0)
        text = self.output("bench", TINY, "--against",
                           os.path.join(self.folder, "peer"), *self.QUICK,
                           env=self.env)
        self.assertRegex(text, r"(?m)^  peer .* without flash attention; ratio [\d.]+ \(")

    def test_ik_llama_cpp_without_and_with_repacked_weights(self):
        b = self.json("bench", TINY, "--against", self.peer(old=True),
                      *self.QUICK, env=self.env)
        for result in b["results"][:2]:
            peer = result["peer"]
            self.assertEqual(peer["option"], "repacking")
            self.assertTrue(peer["with_option"])
            self.assertGreater(peer["ratio"]["min"], 0)

    def test_sessions_together_beside_sequences_together(self):
        for old in (False, True):
            root = self.peer(old=old)
            b = self.json("bench", TINY, "--against", root, "-b", "2,5",
                          *self.QUICK, env=self.env)
            batches = b["results"][3:]
            self.assertEqual([r["sessions"] for r in batches], [2, 5])
            for result in batches:
                peer = result["peer"]
                self.assertEqual(peer["with_option"], old)
                self.assertLess(peer["tokens_per_second"]["max"], 1001)
                self.assertGreater(peer["tokens_per_second"]["min"], 100)
                self.assertGreater(peer["ratio"]["min"], 0)
            shutil.rmtree(root)

    def test_a_peer_that_takes_fewer_sequences(self):
        root = self.peer(most=2)
        arguments = ("bench", TINY, "--against", root, "-b", "2,3", *self.QUICK)
        two, three = self.json(*arguments, env=self.env)["results"][3:]
        self.assertGreater(two["peer"]["ratio"]["min"], 0)
        self.assertIsNone(three["peer"])
        text = self.output(*arguments, env=self.env)
        self.assertRegex(text, r"(?m)^\S+ .* batch 3 .*\n  peer +-$")

    def test_a_peer_that_fails_is_reported(self):
        self.fails(FAILED, "bench", TINY, "--against", self.peer(fail=1),
                   *self.QUICK, env=self.env, says="llama.cpp failed")

    def test_a_folder_that_is_no_installation(self):
        root = os.path.join(self.folder, "other")
        self.fails(FAILED, "bench", TINY, "--against", root, env=self.env,
                   says=[root, "No such file"])
        os.makedirs(os.path.join(root, "lib"))
        self.fails(FAILED, "bench", TINY, "--against", root, env=self.env,
                   says=[root, "libllama"])
        self.file("other/lib/libllama.so", b"")
        self.fails(FAILED, "bench", TINY, "--against", root, env=self.env,
                   says=["cannot compile", "error"])

    def test_a_compiler_that_is_not_there(self):
        self.env["CC"] = "no-such-compiler"
        self.fails(FAILED, "bench", TINY, "--against", self.peer(),
                   env=self.env, says="no-such-compiler")


if __name__ == "__main__":
    cli_support.main()
