/* SPDX-License-Identifier: MIT
 * The beginning of the new file (ggml docs/gguf.md, version 3): the metadata of
 * the old one but for what is no longer true, and the table of tensors. */
#include "quantize/plan.h"

#define FILE_TYPE "general.file_type"
#define VERSION "general.quantization_version"

enum { QUANTIZATION_VERSION = 2 }; /* of ggml's blocks */

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
    if (begins(key, "quantize.imatrix."))
        return !plan->mix && !plan->imatrix;
    return !plan->mix || !ph_str_is(key, FILE_TYPE);
}

/* Checkpoints do not say: only of one whose matrices have one type it is known.
 */
static bool file_type_of(const ph_plan *plan, uint32_t *out)
{
    const ph_target *first = NULL;

    if (ph_gguf_find(plan->gguf, FILE_TYPE))
        return false;
    for (size_t i = 0; i < plan->n; i++) {
        const ph_target *t = &plan->targets[i];

        if (t->from->n_dims < 2)
            continue;
        first = first ? first : t;
        if (t->type != first->type)
            return false;
    }
    return first && ph_mix_of_one(first->type, out);
}

/* The keys that llama-quantize writes. */
static phial_status put_imatrix(const ph_plan *plan, ph_gguf_builder *b)
{
    const ph_imatrix *m = plan->imatrix;

    if (!m)
        return PHIAL_OK;
    PH_TRY(ph_builder_str(b, "quantize.imatrix.file",
                          ph_str_of(plan->config->imatrix)));
    if (ph_imatrix_dataset(m).len)
        PH_TRY(ph_builder_str(b, "quantize.imatrix.dataset",
                              ph_imatrix_dataset(m)));
    PH_TRY(ph_builder_u32(b, "quantize.imatrix.entries_count",
                          ph_imatrix_n_entries(m)));
    return ph_builder_u32(b, "quantize.imatrix.chunks_count",
                          ph_imatrix_n_chunks(m));
}

static phial_status put_entries(const ph_plan *plan, ph_gguf_builder *b)
{
    uint32_t file_type;

    for (size_t i = 0; i < ph_gguf_n_entries(plan->gguf); i++) {
        const ph_gguf_entry *e = ph_gguf_entry_at(plan->gguf, i);

        if (is_kept(plan, e->key))
            PH_TRY(ph_builder_entry(b, e));
    }
    PH_TRY(put_imatrix(plan, b));
    if (plan->mix)
        PH_TRY(ph_builder_u32(b, FILE_TYPE, ph_mix_file_type(plan->mix)));
    else if (file_type_of(plan, &file_type))
        PH_TRY(ph_builder_u32(b, FILE_TYPE, file_type));
    return ph_builder_u32(b, VERSION, QUANTIZATION_VERSION);
}

static phial_status put_tensors(const ph_plan *plan, ph_gguf_builder *b)
{
    for (size_t i = 0; i < plan->n; i++) {
        const ph_target *t = &plan->targets[i];

        PH_TRY(ph_builder_tensor(b, t->from->name, t->type, t->from->n_dims,
                                 t->from->dims, t->offset));
    }
    return PHIAL_OK;
}

phial_status ph_plan_header(ph_plan *plan)
{
    static const uint8_t zeros[PH_OUT_ALIGNMENT];
    ph_buf *out = &plan->header;
    ph_gguf_builder b;
    phial_status status;

    ph_builder_init(&b, plan->config->heap);
    status = put_entries(plan, &b);
    if (status >= 0)
        status = put_tensors(plan, &b);
    if (status >= 0)
        status = ph_builder_finish(&b, out);
    ph_builder_free(&b);
    return status < 0 ? status : ph_buf_put(out, zeros, ph_padding(out->len));
}
