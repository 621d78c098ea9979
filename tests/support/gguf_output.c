/* SPDX-License-Identifier: MIT
 * From the writer's metadata and tensors to the bytes of files. */
#include "gguf_bytes.h"

#include <stdio.h>
#include <stdlib.h>

/* Header, metadata and table of the tensors [first, end). */
static void put_metadata(const gguf_writer *w, size_t first, size_t end,
                         bytes *out)
{
    uint64_t offset = 0;

    bytes_put(out, "GGUF", 4);
    bytes_put_u32(out, w->version);
    bytes_put_u64(out, end - first);
    bytes_put_u64(out, w->n_kvs);
    for (size_t i = 0; i < w->n_kvs; i++) {
        bytes_put_string(out, w->kvs[i].key.data, w->kvs[i].key.len);
        bytes_put_u32(out, w->kvs[i].type);
        bytes_put(out, w->kvs[i].value.data, w->kvs[i].value.len);
    }
    for (size_t i = first; i < end; i++) {
        const tensor *t = &w->tensors[i];
        uint64_t rest = t->data.len % w->alignment;

        bytes_put_string(out, t->name.data, t->name.len);
        bytes_put_u32(out, t->n_dims);
        for (uint32_t d = 0; d < t->n_dims && d < 8; d++)
            bytes_put_u64(out, t->dims[d]);
        bytes_put_u32(out, t->type);
        bytes_put_u64(out, offset);
        offset += t->data.len + (rest ? w->alignment - rest : 0);
    }
}

static uint8_t *range_to_memory(const gguf_writer *w, size_t first, size_t end,
                                size_t *n)
{
    bytes out = {0};

    put_metadata(w, first, end, &out);
    bytes_pad(&out, w->alignment);
    for (size_t i = first; i < end; i++) {
        bytes_put(&out, w->tensors[i].data.data, w->tensors[i].data.len);
        bytes_pad(&out, w->alignment);
    }
    *n = out.len;
    return out.data;
}

uint8_t *gguf_to_memory(const gguf_writer *w, size_t *n)
{
    return range_to_memory(w, 0, w->n_tensors, n);
}

size_t gguf_metadata_size(const gguf_writer *w)
{
    bytes out = {0};

    put_metadata(w, 0, w->n_tensors, &out);
    free(out.data);
    return out.len;
}

uint8_t *gguf_part_to_memory(const gguf_writer *w, uint32_t part,
                             uint32_t n_parts, size_t *n)
{
    gguf_writer *copy = gguf_writer_new();
    size_t first = w->n_tensors * part / n_parts;
    size_t end = w->n_tensors * (part + 1) / n_parts;
    uint8_t *data;

    gguf_set_version(copy, w->version);
    gguf_set_alignment(copy, w->alignment);
    for (size_t i = 0; part == 0 && i < w->n_kvs; i++) {
        if (bytes_are(&w->kvs[i].key, "general.alignment"))
            continue;
        gguf_append_raw(
            copy, (ph_str){(char *)w->kvs[i].key.data, w->kvs[i].key.len},
            w->kvs[i].type, w->kvs[i].value.data, w->kvs[i].value.len);
    }
    gguf_put_u16(copy, "split.no", (uint16_t)part);
    gguf_put_u16(copy, "split.count", (uint16_t)n_parts);
    gguf_put_i32(copy, "split.tensors.count", (int32_t)w->n_tensors);
    copy->tensors = w->tensors;
    data = range_to_memory(copy, first, end, n);
    copy->tensors = NULL;
    gguf_writer_free(copy);
    return data;
}

void gguf_write_bytes(const char *path, const void *data, size_t n)
{
    FILE *f = support_must(fopen(path, "wb"));

    if (fwrite(data, 1, n, f) != n || fclose(f)) {
        perror(path);
        exit(2);
    }
}

void gguf_write(const gguf_writer *w, const char *path)
{
    size_t n;
    uint8_t *data = gguf_to_memory(w, &n);

    gguf_write_bytes(path, data, n);
    free(data);
}

void gguf_write_split(const gguf_writer *w, const char *prefix,
                      uint32_t n_parts)
{
    for (uint32_t i = 0; i < n_parts; i++) {
        char path[4096];
        size_t n;
        uint8_t *data = gguf_part_to_memory(w, i, n_parts, &n);

        snprintf(path, sizeof path, "%s-%05u-of-%05u.gguf", prefix, i + 1,
                 n_parts);
        gguf_write_bytes(path, data, n);
        free(data);
    }
}
