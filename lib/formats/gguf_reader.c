/* SPDX-License-Identifier: MIT
 * The bounded reader of metadata. Memory grows with what has been read and
 * never beyond the file, so a false length costs nothing: it is compared with
 * the bytes that are left before anything is allocated for it. */
#include "formats/gguf_file.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST_STEP = 65536, STEP = 1 << 20 };

phial_status ph_reader_fail(const ph_gguf_reader *r, phial_status status,
                            size_t at, const char *format, ...)
{
    char sentence[256], item[192] = "";
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (r->kind && r->name_len)
        snprintf(item, sizeof item, "%s \"%s\": ", r->kind,
                 ph_show((ph_str){(const char *)r->shard->meta + r->name_at,
                                  r->name_len})
                     .text);
    else if (r->kind)
        snprintf(item, sizeof item, "%s %llu: ", r->kind,
                 (unsigned long long)r->index);
    return ph_fail(status, "%s: offset %zu: %s%s",
                   ph_show_path(r->shard->path).text, at, item, sentence);
}

void ph_reader_item(ph_gguf_reader *r, const char *kind, uint64_t index)
{
    r->kind = kind;
    r->index = index;
    r->name_len = 0;
}

void ph_reader_named(ph_gguf_reader *r, size_t start, size_t len)
{
    r->name_at = start;
    r->name_len = len;
}

uint64_t ph_reader_left(const ph_gguf_reader *r)
{
    return r->shard->size - r->at;
}

static phial_status read_at(const ph_shard *shard, uint64_t offset, void *buf,
                            size_t n)
{
    if (!shard->memory)
        return ph_file_read(&shard->file, shard->path, offset, buf, n);
    memcpy(buf, shard->memory + offset, n);
    return PHIAL_OK;
}

static phial_status grow(ph_gguf_reader *r, size_t end, size_t most)
{
    size_t cap = r->cap ? 2 * r->cap : FIRST_STEP;
    uint8_t *meta;

    if (end <= r->cap)
        return PHIAL_OK;
    if (cap < end)
        cap = end;
    if (cap > most)
        cap = most;
    meta = ph_realloc(r->heap, r->shard->meta, cap, 1);
    if (!meta)
        return ph_no_memory("the metadata of a GGUF file", cap);
    r->shard->meta = meta;
    r->cap = cap;
    return PHIAL_OK;
}

phial_status ph_reader_need(ph_gguf_reader *r, uint64_t n, const char *what)
{
    size_t most = PH_GGUF_MAX_METADATA, end, ahead;

    if (n > ph_reader_left(r))
        return ph_reader_fail(r, PHIAL_E_FORMAT, r->at,
                              "%s needs %llu bytes, but the file ends after "
                              "%llu more, at %llu; it is truncated or damaged",
                              what, (unsigned long long)n,
                              (unsigned long long)ph_reader_left(r),
                              (unsigned long long)r->shard->size);
    if (n > most - r->at)
        return ph_reader_fail(r, PHIAL_E_UNSUPPORTED, r->at,
                              "with %s the metadata exceeds the limit of %zu "
                              "bytes",
                              what, most);
    end = r->at + (size_t)n;
    if (end <= r->have)
        return PHIAL_OK;
    if (r->shard->size < most)
        most = (size_t)r->shard->size;
    PH_TRY(grow(r, end, most));
    ahead = r->cap - r->have < STEP ? r->cap : r->have + STEP;
    if (ahead > end)
        end = ahead;
    PH_TRY(read_at(r->shard, r->have, r->shard->meta + r->have, end - r->have));
    r->have = end;
    return PHIAL_OK;
}

phial_status ph_reader_u32(ph_gguf_reader *r, const char *what, uint32_t *out)
{
    PH_TRY(ph_reader_need(r, 4, what));
    *out = ph_le32(r->shard->meta + r->at);
    r->at += 4;
    return PHIAL_OK;
}

phial_status ph_reader_u64(ph_gguf_reader *r, const char *what, uint64_t *out)
{
    PH_TRY(ph_reader_need(r, 8, what));
    *out = ph_le64(r->shard->meta + r->at);
    r->at += 8;
    return PHIAL_OK;
}

phial_status ph_reader_string(ph_gguf_reader *r, const char *what,
                              uint64_t limit, size_t *start, size_t *len)
{
    uint64_t n;

    PH_TRY(ph_reader_u64(r, what, &n));
    if (n <= ph_reader_left(r) && n > limit)
        return ph_reader_fail(r, PHIAL_E_UNSUPPORTED, r->at - 8,
                              "%s is %llu bytes long, the limit is %llu", what,
                              (unsigned long long)n, (unsigned long long)limit);
    PH_TRY(ph_reader_need(r, n, what));
    *start = r->at;
    *len = (size_t)n;
    r->at += (size_t)n;
    return PHIAL_OK;
}

phial_status ph_reader_finish(ph_gguf_reader *r)
{
    uint8_t *meta = ph_realloc(r->heap, r->shard->meta, r->at, 1);

    if (!meta)
        return ph_no_memory("the metadata of a GGUF file", r->at);
    r->shard->meta = meta;
    r->shard->meta_len = r->at;
    r->have = r->cap = r->at;
    return PHIAL_OK;
}
