/* SPDX-License-Identifier: MIT
 * Reading the weights: once, in large steps, into one block that nobody else
 * writes. Not mapped: a file that shrinks or changes afterwards must not reach
 * the process. There is never a second copy, not even of a converted tensor. */
#include "model/weights.h"

enum { STEP = 16 << 20 };

typedef struct loader {
    const ph_gguf *gguf;
    const ph_model_config *config;
    ph_model *model;
    uint8_t *to; /* where the next weight goes */
    uint64_t done;
    const float *factors[2];
} loader;

static phial_status add_stride(void *user, const ph_weight *weight)
{
    uint64_t *total = user;

    if (!ph_add64(*total, ph_weight_stride(weight), total))
        return ph_fail(PHIAL_E_FORMAT, "the tensors' sizes overflow");
    return PHIAL_OK;
}

phial_status ph_model_weight_bytes(const ph_gguf *gguf, const ph_hparams *hp,
                                   uint64_t *bytes)
{
    uint64_t total = 0;

    PH_TRY(ph_weights_walk(gguf, hp, add_stride, &total));
    *bytes = total;
    return PHIAL_OK;
}

static phial_status report(const loader *l, uint64_t done)
{
    const ph_model_config *config = l->config;
    const uint64_t total = l->model->weight_bytes;
    const float fraction = (float)((double)done / (double)total);

    if (config->progress && config->progress(config->progress_user, fraction))
        return ph_fail(PHIAL_E_CANCELLED,
                       "%s: loading was cancelled by the progress hook",
                       ph_show_path(ph_gguf_path(l->gguf)).text);
    return PHIAL_OK;
}

/* Half-precision numbers that fill the upper half of the space become floats
 * in all of it: ascending, a result never covers a number still to be read. */
static void widen(ph_dtype type, uint8_t *space, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint16_t h = ph_le16(space + 2 * n + 2 * i);
        const float f = type == PH_F16 ? ph_f16_to_f32(h) : ph_bf16_to_f32(h);

        memcpy(space + 4 * i, &f, sizeof f);
    }
}

static phial_status read_data(loader *l, const ph_weight *w)
{
    const uint64_t in_file = w->tensor->bytes;
    uint8_t *to = l->to + (w->bytes - in_file);

    for (uint64_t from = 0; from < in_file; from += STEP) {
        const uint64_t left = in_file - from;
        const size_t n = left < STEP ? (size_t)left : STEP;

        PH_TRY(ph_gguf_read(l->gguf, w->tensor, from, to + from, n));
        PH_TRY(report(l, l->done + from + n));
    }
    if (w->bytes != in_file)
        widen((ph_dtype)w->tensor->type, l->to, w->cols);
    return PHIAL_OK;
}

static ph_matrix matrix_at(const loader *l, const ph_weight *w)
{
    const ph_matrix matrix = {
        .type = (ph_dtype)w->tensor->type,
        .rows = w->rows,
        .cols = w->cols,
        .row_bytes = (size_t)(w->bytes / w->rows),
        .data = l->to,
    };

    return matrix;
}

static ph_matrix rows_of(const ph_matrix *matrix, uint32_t first, uint32_t n)
{
    ph_matrix part = *matrix;

    part.rows = n;
    part.data += first * matrix->row_bytes;
    return part;
}

static void split_qkv(const ph_hparams *hp, const ph_matrix *qkv,
                      ph_layer *layer)
{
    const uint32_t q_rows = hp->n_heads * hp->head_dim;
    const uint32_t kv_rows = hp->n_kv_heads * hp->head_dim;

    layer->q = rows_of(qkv, 0, q_rows);
    layer->k = rows_of(qkv, q_rows, kv_rows);
    layer->v = rows_of(qkv, q_rows + kv_rows, kv_rows);
}

/* Makes the model's field for this weight point at l->to. */
static void place(loader *l, const ph_weight *w)
{
    ph_model *m = l->model;
    ph_layer *layer = &m->layers[w->layer];
    const ph_matrix matrix = matrix_at(l, w);
    const float *vector = (const float *)(const void *)l->to;

    switch (w->role) {
    case PH_ROLE_EMBEDDING:
        m->embedding = matrix;
        if (m->hp.tied)
            m->output = matrix;
        break;
    case PH_ROLE_OUTPUT:
        m->output = matrix;
        break;
    case PH_ROLE_OUTPUT_NORM:
        m->output_norm = vector;
        break;
    case PH_ROLE_FACTORS_SHORT:
        l->factors[PH_ROPE_SHORT] = vector;
        break;
    case PH_ROLE_FACTORS_LONG:
        l->factors[PH_ROPE_LONG] = vector;
        break;
    case PH_ROLE_ATTN_NORM:
        layer->attn_norm = vector;
        break;
    case PH_ROLE_QKV:
        split_qkv(&m->hp, &matrix, layer);
        break;
    case PH_ROLE_Q:
        layer->q = matrix;
        break;
    case PH_ROLE_K:
        layer->k = matrix;
        break;
    case PH_ROLE_V:
        layer->v = matrix;
        break;
    case PH_ROLE_ATTN_OUT:
        layer->attn_out = matrix;
        break;
    case PH_ROLE_FFN_NORM:
        layer->ffn_norm = vector;
        break;
    case PH_ROLE_GATE_UP:
        layer->gate_up = matrix;
        break;
    case PH_ROLE_DOWN:
        layer->down = matrix;
        break;
    }
}

static phial_status read_weight(void *user, const ph_weight *weight)
{
    loader *l = user;
    const uint64_t stride = ph_weight_stride(weight);

    PH_TRY(read_data(l, weight));
    place(l, weight);
    if (weight->role != PH_ROLE_FACTORS_SHORT &&
        weight->role != PH_ROLE_FACTORS_LONG)
        l->model->n_parameters += (uint64_t)weight->rows * weight->cols;
    l->to += stride;
    l->done += stride;
    return PHIAL_OK;
}

phial_status ph_weights_load(const ph_gguf *gguf, const ph_model_config *config,
                             ph_model *model)
{
    loader l = {.gguf = gguf, .config = config, .model = model};

    PH_TRY(ph_model_weight_bytes(gguf, &model->hp, &model->weight_bytes));
    if (model->weight_bytes > SIZE_MAX)
        return ph_no_memory("the weights", SIZE_MAX);
    model->layers =
        ph_alloc(model->heap, model->hp.n_layers, sizeof *model->layers);
    if (!model->layers)
        return ph_no_memory("the layers",
                            model->hp.n_layers * sizeof *model->layers);
    model->storage = ph_alloc_raw(model->heap, (size_t)model->weight_bytes);
    if (!model->storage)
        return ph_no_memory("the weights", (size_t)model->weight_bytes);
    l.to = model->storage;
    PH_TRY(report(&l, 0));
    PH_TRY(ph_weights_walk(gguf, &model->hp, read_weight, &l));
    PH_TRY(ph_rope_load(gguf, l.factors, model));
    return report(&l, model->weight_bytes);
}
