#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial bench --against, with a stand-in for llama.cpp: headers whose functions
do nothing, so that what is tested is the adapter and the talk with it."""
import os
import shutil
import subprocess

import cli_support
from cli_support import FAILED, TINY, Case

HEADER = """
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
typedef int32_t llama_token, llama_pos;
typedef int ggml_backend_reg_t, ggml_backend_dev_t;
typedef struct { llama_token *tokens; int n; } llama_batch;
enum ggml_log_level { GGML_LOG_LEVEL_ERROR };
enum ggml_type { GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0 };
enum { GGML_BACKEND_DEVICE_TYPE_CPU };
enum { LLAMA_FLASH_ATTN_TYPE_DISABLED, LLAMA_FLASH_ATTN_TYPE_ENABLED };
struct ggml_threadpool;
struct ggml_threadpool_params { int n; };
struct llama_model { int x; };
struct llama_context { int flash; };
struct llama_vocab { int x; };
struct llama_model_params { int n_gpu_layers; };
struct llama_context_params {
    unsigned n_ctx, n_batch; int n_threads, n_threads_batch, type_k, type_v,
    flash_attn_type; bool no_perf;
};
static struct llama_model the_model;
static struct llama_context contexts[2];
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
{ (void)m; return access(p, R_OK) ? NULL : &the_model; }
STUB const struct llama_vocab *llama_model_get_vocab(struct llama_model *m)
{ (void)m; return &the_vocab; }
STUB int llama_vocab_n_tokens(const struct llama_vocab *v)
{ (void)v; return 4; }
STUB struct llama_context_params llama_context_default_params(void)
{ return (struct llama_context_params){0}; }
STUB struct llama_context *llama_init_from_model(struct llama_model *m,
    struct llama_context_params p)
{ (void)m; if (p.type_k != GGML_TYPE_F16 || p.type_v != GGML_TYPE_F16) return NULL;
  contexts[p.flash_attn_type].flash = p.flash_attn_type;
  return &contexts[p.flash_attn_type]; }
STUB llama_batch llama_batch_get_one(llama_token *t, int n)
{ return (llama_batch){t, n}; }
/* a millisecond a token, ten with flash attention: no pause of the machine
 * makes the slower way seem faster */
STUB int llama_decode(struct llama_context *c, llama_batch b)
{ usleep((useconds_t)(1000 * b.n * (1 + 9 * c->flash))); return FAIL; }
STUB float *llama_get_logits_ith(struct llama_context *c, int i)
{ static float logits[4]; (void)c; (void)i; return logits; }
STUB int *llama_get_memory(struct llama_context *c) { return &c->flash; }
STUB bool llama_memory_seq_rm(int *m, int s, int a, int b)
{ (void)m; (void)s; (void)a; (void)b; return true; }
"""

# What ik_llama.cpp, of an older line, has otherwise.
OLD_HEADER = (
    HEADER.replace("struct llama_model_params { int n_gpu_layers; };",
                   "struct llama_model_params { int n_gpu_layers;"
                   " bool repack_tensors; };")
    .replace("type_v,\n    flash_attn_type; bool no_perf;",
             "type_v; bool flash_attn;")
    .replace("struct llama_model { int x; };", "struct llama_model { bool r; };")
    .replace("llama_model the_model;", "llama_model the_models[2];")
    .replace("(void)m; return access(p, R_OK) ? NULL : &the_model;",
             "the_models[m.repack_tensors].r = m.repack_tensors;"
             " return access(p, R_OK) ? NULL : &the_models[m.repack_tensors];")
    .replace("(void)m; if", "if")
    .replace("contexts[p.flash_attn_type].flash = p.flash_attn_type;",
             "if (!p.flash_attn) return NULL; contexts[m->r].flash = !m->r;")
    .replace("&contexts[p.flash_attn_type]", "&contexts[m->r]")
    .replace("llama_batch_get_one(llama_token *t, int n)",
             "llama_batch_get_one(llama_token *t, int n, int p, int s)")
    .replace("return (llama_batch){t, n};",
             "(void)p; (void)s; return (llama_batch){t, n};")
    .replace("llama_memory_seq_rm(int *m,",
             "llama_kv_cache_seq_rm(struct llama_context *m,"))


class Against(Case):
    QUICK = ("-p", "8", "-n", "4", "-r", "2", "-d", "3")

    def peer(self, fail=0, old=False):
        """A folder like an installation."""
        root = os.path.join(self.folder, "peer")
        for part in ("include", "lib"):
            os.makedirs(os.path.join(root, part))
        self.file("peer/include/llama.h",
                  (OLD_HEADER if old else HEADER).replace("FAIL", str(fail)))
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
