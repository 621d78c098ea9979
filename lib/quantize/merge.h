/* SPDX-License-Identifier: MIT
 * merge.h - low-rank adapters that are added to a model's weights as these are
 * read: W + factor * (B A). Private to lib/quantize. */
#ifndef PH_MERGE_H
#define PH_MERGE_H

#include "quantize/quantize.h"

/* What some rows of a tensor get. Those of a tensor are added one after the
 * other: adapters as they were given, pairs by module. */
struct ph_delta {
    const ph_delta *next; /* of the same tensor */
    const ph_gguf_tensor *tensor;
    uint64_t first_row, n_rows;
    uint32_t rank;
    float factor;   /* never 0 */
    const float *a; /* rank rows of the tensor's columns */
    const float *b; /* n_rows of rank */
};

typedef struct ph_merge {
    const ph_heap *heap;
    ph_delta *deltas; /* as they are added; next is not set */
    size_t n;
    float *data[PH_MERGE_MAX]; /* of each adapter */
} ph_merge;

/* ---- merge_open.c -------------------------------------------------------- */

/* Reads the adapters of the configuration. To be closed in any case; one that
 * was never opened is all zeros. */
phial_status ph_merge_open(const ph_gguf *base,
                           const ph_quantize_config *config, ph_merge *out);
void ph_merge_close(ph_merge *merge);

/* ---- merge_place.c ------------------------------------------------------- */

/* The shapes of a model by its hyper-parameters. */
phial_status ph_merge_model(const ph_gguf *base, ph_lora_model *out);

/* Sets the tensor and the rows of it to which a pair of an adapter adds one of
 * its outputs. */
phial_status ph_merge_place(const ph_gguf *base, const ph_lora_model *model,
                            const ph_gguf *adapter, const ph_lora_pair *pair,
                            uint32_t output, ph_delta *out);

/* ---- merge_add.c --------------------------------------------------------- */

/* Adds to n elements of the tensor, of which the first is element first.
 * Returns the bits of the largest magnitude, as ph_decode() does. In the
 * floating-point environment of ph_fp_enter(). */
uint32_t ph_merge_add(const ph_recoding *what, uint64_t first, float *x,
                      size_t n);

/* Of n elements that were written in the type that they had, gives those of
 * rows to which nothing is added their stored blocks again. */
void ph_merge_keep(const ph_recoding *what, uint64_t first, size_t n,
                   const uint8_t *stored, uint8_t *out);

#endif /* PH_MERGE_H */
