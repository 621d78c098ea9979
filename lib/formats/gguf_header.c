/* SPDX-License-Identifier: MIT
 * The fixed beginning of a GGUF file: magic, version and the two counts. */
#include "formats/gguf_file.h"

/* The fewest bytes that one entry and one tensor take: an empty key, a type
 * and a one-byte value; an empty name and one dimension. */
enum { HEAD = 32, LEAST_ENTRY = 8 + 4 + 1, LEAST_TENSOR = 8 + 4 + 8 + 4 + 8 };

static phial_status check_magic(ph_gguf_reader *r)
{
    const char *path = r->shard->path;
    size_t n = r->shard->size < HEAD ? (size_t)r->shard->size : HEAD;
    const char *kind;

    if (n == 0)
        return ph_fail(PHIAL_E_FORMAT, "%s is empty, expected a GGUF file",
                       ph_show_path(path).text);
    PH_TRY(ph_reader_need(r, n, "the magic"));
    if (n >= 4 && !memcmp(r->shard->meta, "GGUF", 4)) {
        r->at = 4;
        return PHIAL_OK;
    }
    kind = ph_foreign_kind(r->shard->meta, n);
    if (kind)
        return ph_fail(PHIAL_E_UNSUPPORTED, "%s is %s, expected a GGUF file",
                       ph_show_path(path).text, kind);
    return ph_fail(
        PHIAL_E_FORMAT,
        "%s: offset 0: not a GGUF file: found \"%s\", expected "
        "\"GGUF\"",
        ph_show_path(path).text,
        ph_show((ph_str){(const char *)r->shard->meta, n < 4 ? n : 4}).text);
}

static phial_status check_version(ph_gguf_reader *r)
{
    uint32_t version;

    PH_TRY(ph_reader_u32(r, "the version", &version));
    if (version == 2 || version == 3)
        return PHIAL_OK;
    if (version == 1)
        return ph_reader_fail(r, PHIAL_E_UNSUPPORTED, 4,
                              "GGUF version 1 is obsolete, expected 2 or 3; "
                              "convert the model anew");
    if (version && !(version & 0xffff))
        return ph_reader_fail(r, PHIAL_E_UNSUPPORTED, 4,
                              "the file is big-endian GGUF, expected "
                              "little-endian");
    return ph_reader_fail(r, PHIAL_E_UNSUPPORTED, 4,
                          "GGUF version %u is unknown, expected 2 or 3",
                          version);
}

static phial_status read_count(ph_gguf_reader *r, const char *what,
                               uint64_t least, uint64_t limit, uint64_t *count)
{
    uint64_t n;

    PH_TRY(ph_reader_u64(r, what, &n));
    if (n > ph_reader_left(r) / least)
        return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 8,
                              "%s is %llu, but only %llu bytes follow; the "
                              "file is truncated or damaged",
                              what, (unsigned long long)n,
                              (unsigned long long)ph_reader_left(r));
    if (n > limit)
        return ph_reader_fail(r, PHIAL_E_UNSUPPORTED, r->at - 8,
                              "%s is %llu, the limit is %llu", what,
                              (unsigned long long)n, (unsigned long long)limit);
    *count = n;
    return PHIAL_OK;
}

phial_status ph_gguf_read_header(ph_gguf_reader *r)
{
    PH_TRY(check_magic(r));
    PH_TRY(check_version(r));
    PH_TRY(read_count(r, "the number of tensors", LEAST_TENSOR,
                      PH_GGUF_MAX_TENSORS, &r->n_tensors));
    return read_count(r, "the number of metadata entries", LEAST_ENTRY,
                      PH_GGUF_MAX_ENTRIES, &r->n_entries);
}
