/* SPDX-License-Identifier: MIT
 * gguf_bytes.h - the insides of the GGUF writer; for its own files only. */
#ifndef PH_TEST_GGUF_BYTES_H
#define PH_TEST_GGUF_BYTES_H

#include "gguf_writer.h"

typedef struct bytes {
    uint8_t *data;
    size_t len, cap;
} bytes;

typedef struct kv {
    bytes key, value;
    uint32_t type;
} kv;

typedef struct tensor {
    bytes name, data;
    uint32_t type, n_dims;
    uint64_t dims[8];
} tensor;

struct gguf_writer {
    kv *kvs;
    tensor *tensors;
    size_t n_kvs, n_tensors;
    uint32_t version, alignment;
};

/* ptr, or the end of the program if it is NULL. */
void *support_must(void *ptr);

/* data NULL: n zeros. */
void bytes_put(bytes *b, const void *data, size_t n);
void bytes_put_u32(bytes *b, uint32_t v);
void bytes_put_u64(bytes *b, uint64_t v);
void bytes_put_string(bytes *b, const void *data, size_t n);

/* Zeros up to a multiple of alignment. */
void bytes_pad(bytes *b, size_t alignment);
bool bytes_are(const bytes *b, const char *c_string);

#endif /* PH_TEST_GGUF_BYTES_H */
