/* SPDX-License-Identifier: MIT
 * The tensors of an adapter: names, shapes, types, and the factor of each pair.
 * As with a model's weights, a shape is derived from the hyper-parameters and
 * the file's must equal it; the rank alone is the file's to say. */
#include "formats/formats.h"

#include <inttypes.h>
#include <math.h>

enum { FFN_UP = 6, FFN_GATE_UP = 7 };

static const struct {
    const char *name;
    ph_lora_input input;
    uint32_t first_output, n_outputs;
} modules[PH_LORA_MODULES] = {
    {"attn_q", PH_LORA_ATTN, 0, 1},
    {"attn_k", PH_LORA_ATTN, 1, 1},
    {"attn_v", PH_LORA_ATTN, 2, 1},
    {"attn_qkv", PH_LORA_ATTN, 0, 3},
    {"attn_output", PH_LORA_ATTN_OUT, 0, 1},
    {"ffn_gate", PH_LORA_FFN, 0, 1},
    {"ffn_up", PH_LORA_FFN, 1, 1},
    {"ffn_up", PH_LORA_FFN, 0, 2}, /* gate and up, by its rows */
    {"ffn_down", PH_LORA_DOWN, 0, 1},
};

typedef struct finder {
    const ph_gguf *gguf;
    const ph_lora_model *model;
    ph_lora_pair *slots; /* PH_LORA_MODULES of each layer */
    const ph_gguf_entry *scales;
    float alpha;
} finder;

uint32_t ph_lora_rows(const ph_lora_model *model, ph_lora_input input,
                      uint32_t output)
{
    if (input == PH_LORA_ATTN)
        return output == 0 ? model->q_rows : model->kv_rows;
    return input == PH_LORA_FFN ? model->n_ff : model->n_embd;
}

uint32_t ph_lora_cols(const ph_lora_model *model, ph_lora_input input)
{
    if (input == PH_LORA_ATTN_OUT)
        return model->q_rows;
    return input == PH_LORA_DOWN ? model->n_ff : model->n_embd;
}

static uint64_t rows_of(const ph_lora_model *model, uint32_t module)
{
    uint64_t rows = 0;

    for (uint32_t i = 0; i < modules[module].n_outputs; i++)
        rows += ph_lora_rows(model, modules[module].input,
                             modules[module].first_output + i);
    return rows;
}

static const char *path_of(const finder *f)
{
    return ph_gguf_path(f->gguf);
}

static phial_status check_kind(const finder *f)
{
    static const struct {
        const char *key, *value;
    } wanted[] = {
        {"general.type", "adapter"},
        {"general.architecture", "phi3"},
        {"adapter.type", "lora"},
    };
    const ph_str none = PH_STR("");
    ph_str value;

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        PH_TRY(ph_gguf_str(f->gguf, wanted[i].key, &none, &value));
        if (!ph_str_is(value, wanted[i].value))
            return ph_fail(PHIAL_E_UNSUPPORTED,
                           "%s: key %s is \"%s\", expected \"%s\" of an "
                           "adapter for a phi3 model",
                           ph_show_path(path_of(f)).text, wanted[i].key,
                           ph_show(value).text, wanted[i].value);
    }
    if (ph_gguf_find(f->gguf, "adapter.alora.invocation_tokens"))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: the adapter is for tokens behind an invocation "
                       "alone, which is not supported",
                       ph_show_path(path_of(f)).text);
    return PHIAL_OK;
}

static phial_status read_scales(finder *f)
{
    f->scales = ph_gguf_find(f->gguf, PH_GGUF_LORA_SCALES);
    if (!f->scales)
        return ph_gguf_f32(f->gguf, "adapter.lora.alpha", NULL, &f->alpha);
    PH_TRY(
        ph_gguf_array(f->gguf, PH_GGUF_LORA_SCALES, PH_GGUF_F32, &f->scales));
    if (f->scales->count != ph_gguf_n_tensors(f->gguf))
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: key " PH_GGUF_LORA_SCALES " has %" PRIu64
                       " elements, expected one per tensor",
                       ph_show_path(path_of(f)).text, f->scales->count);
    return PHIAL_OK;
}

/* As llama.cpp has it: without an alpha there is no factor. */
static float scale_of(const finder *f, size_t i, const ph_gguf_tensor *a)
{
    uint32_t bits;
    float scale;

    if (!f->scales)
        return f->alpha != 0 ? f->alpha / (float)a->dims[1] : 1;
    bits = ph_le32(f->scales->data.data + 4 * i);
    memcpy(&scale, &bits, sizeof scale);
    return scale;
}

/* "blk.12.module.weight.lora_a" to its parts. */
static bool parse(ph_str name, uint32_t *layer, ph_str *module, bool *is_b)
{
    static const char suffix[] = ".weight.lora_";
    const size_t tail = sizeof suffix; /* with a letter */
    ph_str rest;
    char last;

    if (!ph_gguf_layer(name, layer, &rest) || rest.len <= tail)
        return false;
    last = rest.data[rest.len - 1];
    *module = (ph_str){rest.data, rest.len - tail};
    *is_b = last == 'b';
    return memcmp(rest.data + module->len, suffix, tail - 1) == 0 &&
           (last == 'a' || last == 'b');
}

/* The module's first number; PH_LORA_MODULES if there is none. */
static uint32_t find_module(ph_str name)
{
    uint32_t i = 0;

    while (i < PH_LORA_MODULES && !ph_str_is(name, modules[i].name))
        i++;
    return i;
}

static phial_status check_type(const finder *f, const ph_gguf_tensor *t)
{
    const ph_dtype_info *info = ph_dtype_get(t->type);

    if (info && info->block_elems)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "%s: tensor %s is of type %s (%u), which is not supported",
                   ph_show_path(path_of(f)).text, ph_show(t->name).text,
                   info ? info->name : "unknown", t->type);
}

static phial_status add_tensor(finder *f, size_t i)
{
    const ph_gguf_tensor *t = ph_gguf_tensor_at(f->gguf, i);
    uint32_t layer, module;
    ph_lora_pair *pair;
    ph_str name;
    bool is_b;

    if (!parse(t->name, &layer, &name, &is_b) ||
        (module = find_module(name)) == PH_LORA_MODULES)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor %s is not part of a pair beside a "
                       "projection of a phi3 model",
                       ph_show_path(path_of(f)).text, ph_show(t->name).text);
    if (layer >= f->model->n_layers)
        return ph_fail(PHIAL_E_MISMATCH,
                       "%s: tensor %s is for another model: this one has %u "
                       "layers",
                       ph_show_path(path_of(f)).text, ph_show(t->name).text,
                       f->model->n_layers);
    PH_TRY(check_type(f, t));
    pair = &f->slots[layer * PH_LORA_MODULES + module];
    *(is_b ? &pair->b : &pair->a) = t;
    if (!is_b)
        pair->scale = scale_of(f, i, t);
    return PHIAL_OK;
}

static phial_status check_shape(const finder *f, const ph_gguf_tensor *t,
                                uint64_t cols, uint64_t rows)
{
    const uint64_t *dims = t->dims;

    if (dims[0] == cols && dims[1] == rows && dims[2] == 1 && dims[3] == 1)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_MISMATCH,
                   "%s: tensor %s is %" PRIu64 " x %" PRIu64 " x %" PRIu64
                   " x %" PRIu64 ", expected %" PRIu64 " x %" PRIu64
                   " by the model and the rank of its pair",
                   ph_show_path(path_of(f)).text, ph_show(t->name).text,
                   dims[0], dims[1], dims[2], dims[3], cols, rows);
}

static phial_status check_pair(const finder *f, ph_lora_pair *pair)
{
    const ph_gguf_tensor *one = pair->a ? pair->a : pair->b;
    uint64_t rank;

    if (!pair->a || !pair->b)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: tensor %s has no other half in the file",
                       ph_show_path(path_of(f)).text, ph_show(one->name).text);
    if (pair->module == FFN_UP &&
        pair->b->dims[1] == rows_of(f->model, FFN_GATE_UP))
        pair->module = FFN_GATE_UP;
    pair->input = modules[pair->module].input;
    pair->first_output = modules[pair->module].first_output;
    pair->n_outputs = modules[pair->module].n_outputs;
    rank = pair->a->dims[1];
    if (rank > PH_LORA_MAX_RANK)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor %s is of rank %" PRIu64 ", the limit is %d",
                       ph_show_path(path_of(f)).text, ph_show(one->name).text,
                       rank, PH_LORA_MAX_RANK);
    PH_TRY(check_shape(f, pair->a, ph_lora_cols(f->model, pair->input), rank));
    PH_TRY(check_shape(f, pair->b, rank, rows_of(f->model, pair->module)));
    if (!isfinite(pair->scale))
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: the factor of tensor %s is not finite",
                       ph_show_path(path_of(f)).text, ph_show(one->name).text);
    return PHIAL_OK;
}

/* Moves the pairs to the beginning of the slots. */
static phial_status gather(const finder *f, uint32_t *n)
{
    const uint32_t n_slots = f->model->n_layers * PH_LORA_MODULES;

    *n = 0;
    for (uint32_t i = 0; i < n_slots; i++) {
        ph_lora_pair pair = f->slots[i];

        if (!pair.a && !pair.b)
            continue;
        pair.layer = i / PH_LORA_MODULES;
        pair.module = i % PH_LORA_MODULES;
        PH_TRY(check_pair(f, &pair));
        f->slots[(*n)++] = pair;
    }
    if (*n == 0)
        return ph_fail(PHIAL_E_FORMAT, "%s: the adapter holds no tensors",
                       ph_show_path(path_of(f)).text);
    return PHIAL_OK;
}

static phial_status find(finder *f, uint32_t *n)
{
    PH_TRY(check_kind(f));
    PH_TRY(read_scales(f));
    for (size_t i = 0; i < ph_gguf_n_tensors(f->gguf); i++)
        PH_TRY(add_tensor(f, i));
    return gather(f, n);
}

phial_status ph_lora_pairs(const ph_heap *heap, const ph_gguf *gguf,
                           const ph_lora_model *model, ph_lora_pair **pairs,
                           uint32_t *n)
{
    const size_t n_slots = (size_t)model->n_layers * PH_LORA_MODULES;
    finder f = {.gguf = gguf, .model = model};
    phial_status status;

    f.slots = ph_alloc(heap, n_slots, sizeof *f.slots);
    if (!f.slots)
        return ph_no_memory("an adapter's pairs", n_slots * sizeof *f.slots);
    status = find(&f, n);
    if (status < 0) {
        ph_free(heap, f.slots);
        return status;
    }
    *pairs = f.slots;
    return PHIAL_OK;
}
