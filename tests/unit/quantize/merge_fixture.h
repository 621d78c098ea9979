/* SPDX-License-Identifier: MIT
 * merge_fixture.h - what the tests of merging share: a folder with a model, two
 * adapters, and what becomes of them. */
#ifndef PH_TEST_MERGE_FIXTURE_H
#define PH_TEST_MERGE_FIXTURE_H

#include "gguf_bytes.h"
#include "quantize_cases.h"
#include "tiny_adapter.h"

/* Paths in the folder. */
extern char merge_in[64], merge_out[64], merge_lora[2][64];

/* The folder must be empty but for them when a test ends. */
void merge_setup(void);
void merge_teardown(void);

/* Merges the first n adapters; the rest of config is as given. */
phial_status merge_on(const ph_heap *heap, uint32_t n_threads,
                      const float *scales, size_t n, ph_quantize_config config);

/* The same; quantised matrices may keep their type. */
phial_status merge(uint32_t n_threads, const float *scales, size_t n,
                   int32_t weights);

void write_and_free(gguf_writer *w, const char *path);

/* Of Phi-4's shape. */
tiny_adapter adapter_of(uint32_t modules, uint32_t rank, uint64_t seed);
gguf_writer *base_of(ph_dtype type);

/* What is fused in a layer, in F32, becomes tensors for each projection. */
void split_layer(gguf_writer *w, const tiny_model *m, uint32_t layer);

#endif /* PH_TEST_MERGE_FIXTURE_H */
