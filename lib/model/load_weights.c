/* SPDX-License-Identifier: MIT
 * Reading the weights: once, into one block that nobody else writes. Not
 * mapped: a file that shrinks or changes afterwards must not reach the
 * process. Where each weight lies is decided here; read_weights.c fills it. */
#include "model/loader.h"

#include "os/os.h"

static phial_status add_stride(void *user, const ph_weight *weight)
{
    uint64_t *total = user;

    if (!ph_add64(*total, ph_weight_stride(weight), total))
        return ph_fail(PHIAL_E_FORMAT, "the tensors' sizes overflow");
    return PHIAL_OK;
}

phial_status ph_model_weight_bytes(const ph_gguf *gguf, const ph_hparams *hp,
                                   const ph_mix *mix, uint64_t *bytes)
{
    uint64_t total = 0;

    PH_TRY(ph_weights_walk(gguf, hp, mix, add_stride, &total));
    *bytes = total;
    return PHIAL_OK;
}

/* Makes the model's field for this weight point at it. */
static void place(ph_loader *l, const ph_part *part)
{
    const ph_weight *w = &part->weight;
    ph_model *m = l->model;
    ph_layer *layer = &m->layers[w->layer];
    const ph_matrix matrix = ph_weight_matrix(w, part->to);
    const float *vector = (const float *)(const void *)part->to;

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
    case PH_ROLE_GATE:
        layer->gate = matrix;
        break;
    case PH_ROLE_UP:
        layer->up = matrix;
        break;
    case PH_ROLE_DOWN:
        layer->down = matrix;
        break;
    case PH_ROLE_QKV: /* their parts are visited */
    case PH_ROLE_GATE_UP:
        break;
    }
}

static phial_status add_part(void *user, const ph_weight *weight)
{
    ph_loader *l = user;
    ph_part *part = &l->parts[l->n_parts++];
    const size_t stride = (size_t)ph_weight_stride(weight);
    const size_t bytes = (size_t)weight->bytes;

    part->weight = *weight;
    part->to = l->to;
    place(l, part);
    if (weight->role != PH_ROLE_FACTORS_SHORT &&
        weight->role != PH_ROLE_FACTORS_LONG)
        l->model->n_parameters += (uint64_t)weight->rows * weight->cols;
    memset(l->to + bytes, 0, stride - bytes);
    l->to += stride;
    return PHIAL_OK;
}

/* One block for all weights. The C library's may be as aligned as large pages
 * are, and then costs few page faults; of the host's we ask for no more than
 * we need, and make sure of that. */
static phial_status allocate(ph_model *model)
{
    const bool large = model->heap->alloc == ph_libc_heap.alloc &&
                       model->weight_bytes >= 8 * (uint64_t)PH_LARGE_PAGE;
    const size_t align = large ? PH_LARGE_PAGE : 64;
    size_t bytes;

    if (model->weight_bytes > SIZE_MAX ||
        !ph_add((size_t)model->weight_bytes, align - 1, &bytes))
        return ph_no_memory("the weights", SIZE_MAX);
    model->storage = ph_alloc_raw(model->heap, bytes);
    if (!model->storage)
        return ph_no_memory("the weights", bytes);
    model->weights = model->storage;
    model->weights += -(uintptr_t)model->storage % align;
    if (large)
        ph_advise_large_pages(model->weights, (size_t)model->weight_bytes);
    return PHIAL_OK;
}

static phial_status load(ph_loader *l)
{
    const ph_mix *mix = l->config->mix;
    ph_model *model = l->model;

    PH_TRY(allocate(model));
    l->to = model->weights;
    PH_TRY(ph_weights_walk(l->gguf, &model->hp, mix, add_part, l));
    PH_TRY(ph_weights_read(l));
    model->fingerprint = ph_fingerprint(l->gguf, &model->hp, mix, l->sample);
    return ph_rope_load(l->gguf, l->factors, model);
}

phial_status ph_weights_load(const ph_gguf *gguf, const ph_model_config *config,
                             ph_model *model)
{
    const uint32_t n_layers = model->hp.n_layers;
    const size_t max_parts =
        PH_GLOBAL_WEIGHTS + (size_t)n_layers * PH_LAYER_WEIGHTS;
    ph_loader l = {.gguf = gguf, .config = config, .model = model};
    phial_status status;

    PH_TRY(ph_model_weight_bytes(gguf, &model->hp, config->mix,
                                 &model->weight_bytes));
    model->layers = ph_alloc(model->heap, n_layers, sizeof *model->layers);
    if (!model->layers)
        return ph_no_memory("the layers", n_layers * sizeof *model->layers);
    l.parts = ph_alloc(model->heap, max_parts, sizeof *l.parts);
    if (!l.parts)
        return ph_no_memory("the list of weights", max_parts * sizeof *l.parts);
    status = load(&l);
    ph_free(model->heap, l.parts);
    return status;
}
