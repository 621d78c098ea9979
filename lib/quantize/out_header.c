/* SPDX-License-Identifier: MIT
 * The beginning of the new file (ggml docs/gguf.md, version 3): the metadata of
 * the old one but for what is no longer true, and the table of tensors. */
#include "quantize/plan.h"

#define FILE_TYPE "general.file_type"
#define VERSION "general.quantization_version"

enum { QUANTIZATION_VERSION = 2 }; /* of ggml's blocks */

static phial_status put_u32(ph_buf *buf, uint32_t value)
{
    uint8_t bytes[4];

    ph_put_le32(bytes, value);
    return ph_buf_put(buf, bytes, sizeof bytes);
}

static phial_status put_u64(ph_buf *buf, uint64_t value)
{
    uint8_t bytes[8];

    ph_put_le64(bytes, value);
    return ph_buf_put(buf, bytes, sizeof bytes);
}

static phial_status put_string(ph_buf *buf, ph_str s)
{
    PH_TRY(put_u64(buf, s.len));
    return ph_buf_put(buf, s.data, s.len);
}

static phial_status put_number(ph_buf *buf, const char *key, uint32_t value)
{
    PH_TRY(put_string(buf, ph_str_of(key)));
    PH_TRY(put_u32(buf, PH_GGUF_U32));
    return put_u32(buf, value);
}

static phial_status put_entry(ph_buf *buf, const ph_gguf_entry *e)
{
    PH_TRY(put_string(buf, e->key));
    PH_TRY(put_u32(buf, e->type));
    if (e->type == PH_GGUF_STRING)
        return put_string(buf, e->data);
    if (e->type == PH_GGUF_ARRAY) {
        PH_TRY(put_u32(buf, e->elem));
        PH_TRY(put_u64(buf, e->count));
    }
    return ph_buf_put(buf, e->data.data, e->data.len);
}

static bool begins(ph_str key, const char *with)
{
    const size_t n = strlen(with);

    return key.len >= n && !memcmp(key.data, with, n);
}

/* What is said of the old file's parts, padding and types. */
static bool is_kept(const ph_plan *plan, ph_str key)
{
    if (begins(key, "split.") || ph_str_is(key, "general.alignment") ||
        ph_str_is(key, VERSION))
        return false;
    return !plan->mix ||
           !(ph_str_is(key, FILE_TYPE) || begins(key, "quantize.imatrix."));
}

static phial_status put_entries(const ph_plan *plan, ph_buf *buf, uint64_t *n)
{
    for (size_t i = 0; i < ph_gguf_n_entries(plan->gguf); i++) {
        const ph_gguf_entry *e = ph_gguf_entry_at(plan->gguf, i);

        if (!is_kept(plan, e->key))
            continue;
        PH_TRY(put_entry(buf, e));
        ++*n;
    }
    if (plan->mix) {
        PH_TRY(put_number(buf, FILE_TYPE, ph_mix_file_type(plan->mix)));
        ++*n;
    }
    ++*n;
    return put_number(buf, VERSION, QUANTIZATION_VERSION);
}

static phial_status put_tensors(const ph_plan *plan, ph_buf *buf)
{
    for (size_t i = 0; i < plan->n; i++) {
        const ph_target *t = &plan->targets[i];

        PH_TRY(put_string(buf, t->from->name));
        PH_TRY(put_u32(buf, t->from->n_dims));
        for (uint32_t d = 0; d < t->from->n_dims; d++)
            PH_TRY(put_u64(buf, t->from->dims[d]));
        PH_TRY(put_u32(buf, t->type));
        PH_TRY(put_u64(buf, t->offset));
    }
    return PHIAL_OK;
}

phial_status ph_plan_header(ph_plan *plan)
{
    static const uint8_t zeros[PH_OUT_ALIGNMENT];
    ph_buf *out = &plan->header;
    const size_t count_at = 16;
    uint64_t n_entries = 0;

    PH_TRY(ph_buf_put(out, "GGUF", 4));
    PH_TRY(put_u32(out, 3));
    PH_TRY(put_u64(out, plan->n));
    PH_TRY(put_u64(out, 0));
    PH_TRY(put_entries(plan, out, &n_entries));
    ph_put_le64(out->data + count_at, n_entries);
    PH_TRY(put_tensors(plan, out));
    return ph_buf_put(out, zeros, ph_padding(out->len));
}
