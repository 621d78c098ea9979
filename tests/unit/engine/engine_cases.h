/* SPDX-License-Identifier: MIT
 * engine_cases.h - what the engine's test files share: small models opened
 * from temporary files, and runs of tokens. */
#ifndef PH_TEST_ENGINE_CASES_H
#define PH_TEST_ENGINE_CASES_H

#include "check_main.h"
#include "engine/engine.h"
#include "goldens.h"
#include "tiny_adapter.h"
#include "tiny_model.h"

/* Writes the model to a temporary file, opens it and removes the file. */
ph_model *open_writer(gguf_writer *w); /* frees w */
ph_model *open_tiny(tiny_family family, ph_dtype type);

ph_adapter *open_adapter(const ph_model *model, const tiny_adapter *a,
                         uint64_t id);

ph_pool *new_pool(uint32_t n_threads);
ph_sequence *new_sequence(const ph_model *model, ph_pool *pool, uint32_t batch,
                          int32_t cache_format);

/* n tokens in batches of chunk; logits after each (n * n_vocab). */
void run_all(const ph_model *model, ph_sequence *seq, const phial_token *tokens,
             uint32_t n, uint32_t chunk, int rope, float *logits);

/* The same on a new sequence; the caller frees the logits. */
float *logits_of(const ph_model *model, uint32_t n_threads, uint32_t chunk,
                 int32_t cache_format, const phial_token *tokens, uint32_t n,
                 int rope);

/* Which factors the reference reads a sequence of n tokens with. */
int rope_for(const ph_model *model, uint32_t n);

/* n tokens that any tiny model knows. */
void make_tokens(phial_token *tokens, uint32_t n, uint64_t seed);

TCase *golden_cases(void);
TCase *embed_cases(void);
TCase *invariance_cases(void);
TCase *sequence_cases(void);
TCase *failure_cases(void);
TCase *any_bits_cases(void);
TCase *parts_cases(void);
TCase *pages_cases(void);
TCase *importance_cases(void);
TCase *lora_cases(void);
TCase *lora_set_cases(void);

#endif /* PH_TEST_ENGINE_CASES_H */
