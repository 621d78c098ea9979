/* SPDX-License-Identifier: MIT
 * synth_gguf.h - the head of a GGUF file (ggml's docs/gguf.md), built in
 * memory: first every key, then every tensor. */
#ifndef SYNTH_GGUF_H
#define SYNTH_GGUF_H

#include "cli.h"

enum { GGUF_I32 = 5, GGUF_F32 = 6, GGUF_STRING = 8 }; /* types of elements */

typedef struct gguf_head {
    uint8_t *data; /* owned */
    size_t n, cap;
    uint64_t n_keys, n_tensors;
    uint64_t data_bytes; /* of the tensors so far, padding included */
} gguf_head;

void gguf_begin(gguf_head *h);
void gguf_u32(gguf_head *h, const char *key, uint32_t value);
void gguf_f32(gguf_head *h, const char *key, double value);
void gguf_bool(gguf_head *h, const char *key, bool value);
void gguf_text(gguf_head *h, const char *key, const char *value);

/* An array; its count elements follow with the functions below. */
void gguf_array(gguf_head *h, const char *key, uint32_t type, uint64_t count);
void gguf_item_i32(gguf_head *h, int32_t value);
void gguf_item_f32(gguf_head *h, float value);
void gguf_item_text(gguf_head *h, const char *value);

/* rows == 0: a vector. */
void gguf_tensor(gguf_head *h, const char *name, uint32_t type, uint64_t cols,
                 uint64_t rows, uint64_t bytes);

/* Fills in the counts and pads to where the data of tensors begins. */
void gguf_end(gguf_head *h);
void gguf_free(gguf_head *h);

/* Zeros that follow n bytes of the file. */
size_t gguf_padding(uint64_t n);

#endif /* SYNTH_GGUF_H */
