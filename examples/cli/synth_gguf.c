/* SPDX-License-Identifier: MIT
 * Serialises keys and tensor descriptions, little-endian on any machine. */
#include "synth_gguf.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 32, TYPE_U32 = 4, TYPE_BOOL = 7, TYPE_ARRAY = 9 };

static void put_bytes(gguf_head *h, const void *bytes, size_t n)
{
    if (h->cap - h->n < n) {
        size_t cap = 2 * (h->cap + n);
        uint8_t *grown = must_alloc(cap, 1);

        if (h->n)
            memcpy(grown, h->data, h->n);
        free(h->data);
        h->data = grown;
        h->cap = cap;
    }
    if (n)
        memcpy(h->data + h->n, bytes, n);
    h->n += n;
}

static void put_number(gguf_head *h, uint64_t value, size_t n_bytes)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < n_bytes; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    put_bytes(h, bytes, n_bytes);
}

static void put_text(gguf_head *h, const char *text)
{
    size_t len = strlen(text);

    put_number(h, len, 8);
    put_bytes(h, text, len);
}

static void put_key(gguf_head *h, const char *key, uint32_t type)
{
    put_text(h, key);
    put_number(h, type, 4);
    h->n_keys++;
}

size_t gguf_padding(uint64_t n)
{
    return (size_t)((ALIGNMENT - n % ALIGNMENT) % ALIGNMENT);
}

void gguf_begin(gguf_head *h)
{
    *h = (gguf_head){.data = NULL};
    put_bytes(h, "GGUF", 4);
    put_number(h, 3, 4); /* version */
    put_number(h, 0, 8); /* the counts, known at the end */
    put_number(h, 0, 8);
}

void gguf_u32(gguf_head *h, const char *key, uint32_t value)
{
    put_key(h, key, TYPE_U32);
    put_number(h, value, 4);
}

void gguf_f32(gguf_head *h, const char *key, double value)
{
    put_key(h, key, GGUF_F32);
    gguf_item_f32(h, (float)value);
}

void gguf_bool(gguf_head *h, const char *key, bool value)
{
    put_key(h, key, TYPE_BOOL);
    put_number(h, value, 1);
}

void gguf_text(gguf_head *h, const char *key, const char *value)
{
    put_key(h, key, GGUF_STRING);
    put_text(h, value);
}

void gguf_array(gguf_head *h, const char *key, uint32_t type, uint64_t count)
{
    put_key(h, key, TYPE_ARRAY);
    put_number(h, type, 4);
    put_number(h, count, 8);
}

void gguf_item_i32(gguf_head *h, int32_t value)
{
    put_number(h, (uint32_t)value, 4);
}

void gguf_item_f32(gguf_head *h, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_number(h, bits, 4);
}

void gguf_item_text(gguf_head *h, const char *value)
{
    put_text(h, value);
}

void gguf_tensor(gguf_head *h, const char *name, uint32_t type, uint64_t cols,
                 uint64_t rows, uint64_t bytes)
{
    put_text(h, name);
    put_number(h, rows ? 2 : 1, 4);
    put_number(h, cols, 8);
    if (rows)
        put_number(h, rows, 8);
    put_number(h, type, 4);
    put_number(h, h->data_bytes, 8);
    h->data_bytes += bytes + gguf_padding(bytes);
    h->n_tensors++;
}

void gguf_end(gguf_head *h)
{
    static const uint8_t zeros[ALIGNMENT];
    size_t n;

    put_bytes(h, zeros, gguf_padding(h->n));
    n = h->n;
    h->n = 8;
    put_number(h, h->n_tensors, 8);
    put_number(h, h->n_keys, 8);
    h->n = n;
}

void gguf_free(gguf_head *h)
{
    free(h->data);
    h->data = NULL;
}
