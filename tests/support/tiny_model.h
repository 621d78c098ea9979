/* SPDX-License-Identifier: MIT
 * tiny_model.h - small random models of every family as GGUF files: the same
 * bytes on every machine, for tests. They speak nonsense, but compute all that
 * a real model computes.
 *
 *     tiny_model_write("tiny.gguf", TINY_PHI4_MINI, PH_F32, 1);
 *
 * or, to change something first:
 *
 *     tiny_model   m = tiny_model_of(TINY_PHI4, PH_Q4_K, 1);
 *     gguf_writer *w;
 *
 *     m.n_layers = 1;
 *     w = tiny_model_build(&m);
 *     tiny_model_set_type(w, &m, "output.weight", PH_Q6_K);
 *     gguf_put_str(w, "tokenizer.chat_template", "...");
 *     gguf_write(w, "tiny.gguf");
 *     gguf_writer_free(w);
 */
#ifndef PH_TEST_TINY_MODEL_H
#define PH_TEST_TINY_MODEL_H

#include "base/dtype.h"
#include "gguf_writer.h"

typedef enum tiny_family {
    TINY_PHI4,      /* plain rotary, base 250000, untied, 8 : 2 heads */
    TINY_PHI4_MINI, /* LongRoPE from 64 tokens on, partial rotary, tied, 6 : 2
                     */
    TINY_PHI35,     /* LongRoPE from 64 tokens on, full rotary, untied, 4 : 4 */
    TINY_PHI3_4K,   /* sliding window of 33, untied, 4 : 4 heads */
    TINY_FAMILIES
} tiny_family;

typedef struct tiny_model {
    tiny_family family;
    ph_dtype type; /* of matrices; as llama-quantize does, rows that are no
                      whole blocks of it get a type with smaller blocks */
    uint64_t seed;
    uint32_t n_layers, n_embd, n_ff, n_heads, n_kv_heads;
    uint32_t head_dim; /* if not n_embd / n_heads, the file states it */
    uint32_t n_rot, n_context, n_context_original, window;
    uint32_t n_extra; /* unused rows at the end of the vocabulary */
    float rope_theta;
    bool longrope, tied;
} tiny_model;

/* The family's own shape. */
tiny_model tiny_model_of(tiny_family family, ph_dtype type, uint64_t seed);

gguf_writer *tiny_model_build(const tiny_model *m);
void tiny_model_write(const char *path, tiny_family family, ph_dtype type,
                      uint64_t seed);

/* Makes a matrix of the model again in another type. */
void tiny_model_set_type(gguf_writer *w, const tiny_model *m, const char *name,
                         ph_dtype type);

/* "phi-4", "phi-4-mini", "phi-3.5", "phi-3-4k"; TINY_FAMILIES if unknown. */
tiny_family tiny_family_by_name(const char *name);
const char *tiny_family_name(tiny_family family);

/* ---- Vocabulary -------------------------------------------------------- */

/* The tokenizer's metadata, as the family's files have it: a small byte-level
 * BPE, or a small SentencePiece model, then the family's control tokens under
 * their own spellings, then n_extra unused rows. Returns the rows. */
uint32_t tiny_vocab_put(gguf_writer *w, tiny_family family, uint32_t n_extra);

/* ---- Numbers ----------------------------------------------------------- */

/* Element i of the random stream key: splitmix64 as a counter-based
 * generator. */
uint64_t tiny_random(uint64_t key, uint64_t i);

/* The same in [-1, 1), a multiple of 2^-23. */
float tiny_uniform(uint64_t key, uint64_t i);

/* rows x cols random weights of standard deviation std in the blocks of type;
 * the caller frees them. Blocks of quantised types are random bytes with such
 * scales that the deviation comes out; nothing is quantised. */
uint8_t *tiny_weights(ph_dtype type, uint32_t rows, uint32_t cols, float std,
                      uint64_t key);

#endif /* PH_TEST_TINY_MODEL_H */
