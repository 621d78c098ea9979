/* SPDX-License-Identifier: MIT
 * An importance matrix as the GGUF file that llama-imatrix writes since 2025:
 * for each matrix NAME.in_sum2, the sums, and NAME.counts, the number of
 * tokens. */
#include "quantize/quantize.h"

#include "os/os.h"

#include <float.h>
#include <stdio.h>

enum { ALIGNMENT = 32, MAX_NAME = 80 };

static phial_status put_metadata(const ph_imatrix_content *c,
                                 ph_gguf_builder *b)
{
    PH_TRY(ph_builder_str(b, "general.type", PH_STR("imatrix")));
    PH_TRY(ph_builder_array(b, "imatrix.datasets", PH_GGUF_STRING,
                            c->dataset.len > 0));
    if (c->dataset.len)
        PH_TRY(ph_builder_element(b, c->dataset));
    PH_TRY(ph_builder_u32(b, "imatrix.chunk_count", c->n_chunks));
    return ph_builder_u32(b, "imatrix.chunk_size", c->chunk_size);
}

static uint64_t padded(uint64_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* One of the two tensors of an entry; *at is where its data begin. */
static phial_status put_tensor(ph_gguf_builder *b, const char *name,
                               const char *suffix, uint64_t n, uint64_t *at)
{
    char full[MAX_NAME];

    snprintf(full, sizeof full, "%s.%s", name, suffix);
    PH_TRY(ph_builder_tensor(b, ph_str_of(full), PH_F32, 1, &n, *at));
    *at += padded(n * sizeof(float));
    return PHIAL_OK;
}

static phial_status put_tensors(const ph_imatrix_content *c, ph_gguf_builder *b)
{
    uint64_t at = 0;

    for (size_t i = 0; i < c->n; i++) {
        const ph_imatrix_entry *e = &c->entries[i];

        PH_TRY(put_tensor(b, e->name, "in_sum2", e->cols, &at));
        PH_TRY(put_tensor(b, e->name, "counts", 1, &at));
    }
    return PHIAL_OK;
}

static phial_status put_float(ph_buf *out, double value)
{
    const float f = (float)value;
    uint8_t bytes[4];
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    ph_put_le32(bytes, bits);
    return ph_buf_put(out, bytes, sizeof bytes);
}

static phial_status pad(ph_buf *out)
{
    static const uint8_t zeros[ALIGNMENT];

    return ph_buf_put(out, zeros, (size_t)(padded(out->len) - out->len));
}

static phial_status put_entry(const ph_imatrix_content *c,
                              const ph_imatrix_entry *e, ph_buf *out)
{
    for (uint32_t i = 0; i < e->cols; i++) {
        if (!(e->sums[i] <= (double)FLT_MAX))
            return ph_fail(PHIAL_E_NUMERIC,
                           "what column %u of %s is multiplied with is not "
                           "finite, or beyond what F32 holds",
                           i, e->name);
        PH_TRY(put_float(out, e->sums[i]));
    }
    PH_TRY(pad(out));
    PH_TRY(put_float(out, (double)c->n_tokens));
    return pad(out);
}

static phial_status put_all(const ph_imatrix_content *c, ph_gguf_builder *b,
                            ph_buf *out)
{
    PH_TRY(put_metadata(c, b));
    PH_TRY(put_tensors(c, b));
    PH_TRY(ph_builder_finish(b, out));
    PH_TRY(pad(out));
    for (size_t i = 0; i < c->n; i++)
        PH_TRY(put_entry(c, &c->entries[i], out));
    return PHIAL_OK;
}

static phial_status write_file(const ph_heap *heap, const char *path,
                               const ph_buf *data)
{
    ph_new_file file;
    phial_status status;

    PH_TRY(ph_new_file_open(&file, heap, path));
    status = ph_new_file_write(&file, data->data, data->len);
    if (status >= 0)
        return ph_new_file_finish(&file);
    ph_new_file_discard(&file);
    return status;
}

phial_status ph_imatrix_write(const ph_heap *heap, const char *path,
                              const ph_imatrix_content *content)
{
    ph_buf out = {.heap = heap};
    ph_gguf_builder b;
    phial_status status;

    ph_builder_init(&b, heap);
    status = put_all(content, &b, &out);
    if (status >= 0)
        status = write_file(heap, path, &out);
    ph_builder_free(&b);
    ph_buf_free(&out);
    return status;
}
