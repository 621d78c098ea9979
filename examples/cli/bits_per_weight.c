/* SPDX-License-Identifier: MIT
 * Bits per weight, from the head of a GGUF file (ggml's docs/gguf.md, version
 * 3): opening the model would read the weights themselves. */
#include "quantizing.h"

#include <stdio.h>
#include <sys/stat.h>

enum { STRING = 8, ARRAY = 9, ALIGNMENT = 32 };

typedef struct head {
    FILE *file;
    uint64_t at;
    bool ok;
} head;

static void skip(head *h, uint64_t n)
{
    char part[4096];

    while (n > 0 && h->ok) {
        const size_t len = n < sizeof part ? (size_t)n : sizeof part;

        h->ok = fread(part, 1, len, h->file) == len;
        h->at += len;
        n -= len;
    }
}

/* 0 if there is nothing more to read. */
static uint64_t number(head *h, size_t n_bytes)
{
    uint8_t bytes[8];
    uint64_t n = 0;

    h->ok = h->ok && fread(bytes, 1, n_bytes, h->file) == n_bytes;
    h->at += n_bytes;
    for (size_t i = n_bytes; h->ok && i-- > 0;)
        n = n << 8 | bytes[i];
    return n;
}

static void skip_string(head *h)
{
    skip(h, number(h, 8));
}

static void skip_value(head *h)
{
    static const uint8_t widths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    uint64_t type = number(h, 4), n = 1;

    if (type == ARRAY) {
        type = number(h, 4);
        n = number(h, 8);
    }
    if (type == STRING)
        for (; n > 0 && h->ok; n--)
            skip_string(h);
    else if (type < sizeof widths && widths[type])
        skip(h, n * widths[type]);
    else
        h->ok = false;
}

/* Of all tensors; h is then where their data begins. */
static uint64_t count_weights(head *h)
{
    uint64_t n_tensors, n_keys, total = 0;

    skip(h, 8); /* magic and version */
    n_tensors = number(h, 8);
    n_keys = number(h, 8);
    for (; n_keys > 0 && h->ok; n_keys--) {
        skip_string(h);
        skip_value(h);
    }
    for (; n_tensors > 0 && h->ok; n_tensors--) {
        uint64_t n_dims, n = 1;

        skip_string(h);
        for (n_dims = number(h, 4); n_dims > 0 && h->ok; n_dims--)
            n *= number(h, 8);
        skip(h, 4 + 8); /* type and offset */
        total += n;
    }
    h->at += -h->at % ALIGNMENT;
    return total;
}

bool bits_per_weight(const char *path, double *out)
{
    head h = {.file = fopen(path, "rb"), .ok = true};
    uint64_t n_weights = 0;
    struct stat info;

    if (!h.file)
        return false;
    n_weights = count_weights(&h);
    h.ok = h.ok && !fstat(fileno(h.file), &info) && n_weights > 0 &&
           (uint64_t)info.st_size > h.at;
    if (h.ok)
        *out = 8 * (double)((uint64_t)info.st_size - h.at) / (double)n_weights;
    fclose(h.file);
    return h.ok;
}
