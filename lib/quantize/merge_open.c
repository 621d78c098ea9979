/* SPDX-License-Identifier: MIT
 * Reading adapters that are to be merged: their matrices as floats, once, since
 * each row of a weight needs all of A. */
#include "quantize/merge.h"

#include "os/os.h"

#include <math.h>

enum { PART = 64 << 10 /* elements that are read at once */ };

typedef struct merger {
    const ph_gguf *base;
    ph_lora_model model;
    ph_merge *out;
    const ph_gguf *adapter; /* the one that is being read */
    size_t index;           /* of it */
    float scale;            /* of it */
    uint8_t *raw;           /* room for a part */
    float *to;              /* where the next matrix goes */
} merger;

static phial_status read_matrix(merger *m, const ph_gguf_tensor *t)
{
    const ph_encoders *encoders = ph_encoders_get(PHIAL_ISA_BEST);
    const float infinity = INFINITY;
    uint64_t left = t->dims[0] * t->dims[1], from = 0, bytes;
    uint32_t limit;

    memcpy(&limit, &infinity, sizeof limit);
    for (size_t n; left > 0; left -= n) {
        n = left < PART ? (size_t)left : PART;
        if (!ph_dtype_bytes((ph_dtype)t->type, n, &bytes))
            return ph_fail(PHIAL_E_INTERNAL, "a tensor is no whole blocks");
        PH_TRY(ph_gguf_read(m->adapter, t, from, m->raw, (size_t)bytes));
        if (ph_decode(encoders, (ph_dtype)t->type, m->raw, m->to, n) >= limit)
            return ph_fail(PHIAL_E_NUMERIC,
                           "%s: tensor %s holds NaN or infinity",
                           ph_show_path(ph_gguf_path(m->adapter)).text,
                           ph_show(t->name).text);
        m->to += n;
        from += bytes;
    }
    return PHIAL_OK;
}

/* Its outputs lie in B one behind the other, and may be tensors of their own in
 * the model. A factor of 0 adds nothing, and leaves what is stored. */
static phial_status add_pair(merger *m, const ph_lora_pair *pair)
{
    ph_delta d = {.rank = (uint32_t)pair->a->dims[1],
                  .factor = pair->scale * m->scale};

    if (!isfinite(d.factor))
        return ph_fail(PHIAL_E_ARGUMENT,
                       "adapter_scales[%zu] is %g, too large for the factor %g "
                       "of %s in %s",
                       m->index, (double)m->scale, (double)pair->scale,
                       ph_show(pair->a->name).text,
                       ph_show_path(ph_gguf_path(m->adapter)).text);
    d.a = m->to;
    PH_TRY(read_matrix(m, pair->a));
    d.b = m->to;
    PH_TRY(read_matrix(m, pair->b));
    for (uint32_t i = 0; i < pair->n_outputs; i++) {
        PH_TRY(ph_merge_place(m->base, &m->model, m->adapter, pair,
                              pair->first_output + i, &d));
        if (d.factor != 0)
            m->out->deltas[m->out->n++] = d;
        d.b += d.n_rows * d.rank;
    }
    return PHIAL_OK;
}

/* Room for the matrices, and for what they add. */
static phial_status make_room(merger *m, const ph_lora_pair *pairs, uint32_t n)
{
    const ph_heap *heap = m->out->heap;
    size_t n_deltas = m->out->n;
    uint64_t n_floats = 0;
    ph_delta *deltas;

    for (uint32_t i = 0; i < n; i++) {
        n_deltas += pairs[i].n_outputs;
        n_floats += pairs[i].a->dims[0] * pairs[i].a->dims[1] +
                    pairs[i].b->dims[0] * pairs[i].b->dims[1];
    }
    deltas = ph_realloc(heap, m->out->deltas, n_deltas, sizeof *deltas);
    if (!deltas)
        return ph_no_memory("a merge", n_deltas * sizeof *deltas);
    m->out->deltas = deltas;
    if (n_floats > SIZE_MAX / sizeof(float))
        return ph_no_memory("an adapter's matrices", SIZE_MAX);
    m->to = ph_alloc_raw(heap, (size_t)n_floats * sizeof(float));
    m->out->data[m->index] = m->to;
    if (!m->to)
        return ph_no_memory("an adapter's matrices",
                            (size_t)n_floats * sizeof(float));
    return PHIAL_OK;
}

static phial_status add_adapter(merger *m, const char *path)
{
    ph_lora_pair *pairs = NULL;
    ph_gguf *gguf;
    phial_status status;
    uint32_t n = 0;

    PH_TRY(ph_gguf_open_adapter(m->out->heap, path, &gguf));
    m->adapter = gguf;
    status = ph_lora_pairs(m->out->heap, gguf, &m->model, &pairs, &n);
    if (status >= 0)
        status = make_room(m, pairs, n);
    for (uint32_t i = 0; i < n && status >= 0; i++)
        status = add_pair(m, &pairs[i]);
    ph_free(m->out->heap, pairs);
    ph_gguf_free(gguf);
    return status;
}

static phial_status add_all(merger *m, const ph_quantize_config *config)
{
    PH_TRY(ph_merge_model(m->base, &m->model));
    for (m->index = 0; m->index < config->n_adapters; m->index++) {
        m->scale = config->adapter_scales[m->index];
        PH_TRY(add_adapter(m, config->adapters[m->index]));
    }
    return PHIAL_OK;
}

phial_status ph_merge_open(const ph_gguf *base,
                           const ph_quantize_config *config, ph_merge *out)
{
    merger m = {.base = base, .out = out};
    phial_status status;
    ph_fpenv fp;

    *out = (ph_merge){.heap = config->heap};
    if (!config->n_adapters)
        return PHIAL_OK;
    m.raw = ph_alloc_raw(config->heap, PART * sizeof(float));
    if (!m.raw)
        return ph_no_memory("a merge", PART * sizeof(float));
    fp = ph_fp_enter();
    status = add_all(&m, config);
    ph_fp_leave(fp);
    ph_free(config->heap, m.raw);
    return status;
}

void ph_merge_close(ph_merge *merge)
{
    ph_free(merge->heap, merge->deltas);
    for (size_t i = 0; i < PH_MERGE_MAX; i++)
        ph_free(merge->heap, merge->data[i]);
}
