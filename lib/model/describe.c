/* SPDX-License-Identifier: MIT
 * The description of a model as JSON: what the file says about itself, and
 * what was read from it. Keys: doc/describe.md. */
#include "model/describe.h"
#include "model/weights.h"

#include <jansson.h>

enum { MAX_TYPES = 32 };

typedef struct census {
    uint64_t tensors[MAX_TYPES]; /* by ph_dtype */
    uint64_t bytes[MAX_TYPES];
} census;

static phial_status count_weight(void *user, const ph_weight *weight)
{
    census *c = user;
    const uint32_t type = weight->type;
    const uint64_t *dims = weight->tensor->dims;
    uint64_t bytes;

    if (type >= MAX_TYPES)
        return ph_fail(PHIAL_E_INTERNAL, "tensor type %u is out of range",
                       type);
    if (weight->first_row > 0)
        return PHIAL_OK; /* of a tensor that is counted */
    if (!ph_dtype_bytes(weight->type, dims[0] * dims[1], &bytes))
        return ph_fail(PHIAL_E_INTERNAL, "a tensor is no whole blocks");
    c->tensors[type]++;
    c->bytes[type] += bytes;
    return PHIAL_OK;
}

static json_t *tensor_types(const census *c)
{
    json_t *types = json_object();

    for (uint32_t i = 0; i < MAX_TYPES; i++) {
        const ph_dtype_info *info = ph_dtype_get(i);

        if (c->tensors[i] == 0 || !info)
            continue;
        if (json_object_set_new(types, info->name,
                                json_pack("{s:I, s:I}", "tensors",
                                          (json_int_t)c->tensors[i], "bytes",
                                          (json_int_t)c->bytes[i])) != 0) {
            json_decref(types);
            return NULL;
        }
    }
    return types;
}

static json_t *hyper_parameters(const ph_hparams *hp)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:f, "
        "s:f, s:b, s:b}",
        "vocabulary", (json_int_t)hp->n_vocab, "context",
        (json_int_t)hp->n_context, "original_context",
        (json_int_t)hp->n_context_original, "layers", (json_int_t)hp->n_layers,
        "embedding", (json_int_t)hp->n_embd, "feed_forward",
        (json_int_t)hp->n_ff, "heads", (json_int_t)hp->n_heads, "kv_heads",
        (json_int_t)hp->n_kv_heads, "head_dimension", (json_int_t)hp->head_dim,
        "rotary_dimension", (json_int_t)hp->n_rot, "sliding_window",
        hp->window ? json_integer(hp->window) : json_null(), "rms_epsilon",
        ph_json_round(hp->rms_eps), "rope_theta", ph_json_round(hp->rope_theta),
        "rope_scale", ph_json_round(hp->rope_scale), "longrope",
        (int)hp->longrope, "tied_embedding", (int)hp->tied);
}

static const char *vocabulary_name(const ph_model *model)
{
    switch (ph_tokenizer_vocab(model->tokenizer)) {
    case PH_VOCAB_PHI3:
        return "phi-3";
    case PH_VOCAB_PHI4:
        return "phi-4";
    case PH_VOCAB_PHI4_MINI:
        return "phi-4-mini";
    }
    return "unknown";
}

/* NULL if an allocation fails anywhere. */
static json_t *describe(const ph_gguf *gguf, const ph_model *model,
                        const census *c)
{
    const ph_str chat_template = model->chat_template;

    return json_pack(
        "{s:o, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "name",
        ph_json_text(model->heap, model->name), "architecture", "phi3",
        "vocabulary", vocabulary_name(model), "parameters",
        (json_int_t)model->n_parameters, "weight_bytes",
        (json_int_t)model->weight_bytes, "tensor_types", tensor_types(c),
        "hyper_parameters", hyper_parameters(&model->hp), "chat_template",
        chat_template.len ? ph_json_text(model->heap, chat_template)
                          : json_null(),
        "metadata", ph_json_metadata(model->heap, gguf));
}

/* jansson does not pass on every failure of its callback. */
typedef struct sink {
    ph_buf text;
    bool failed;
} sink;

static int put_text(const char *text, size_t len, void *user)
{
    sink *to = user;

    to->failed |= ph_buf_put(&to->text, text, len) != PHIAL_OK;
    return to->failed ? -1 : 0;
}

phial_status ph_describe(const ph_gguf *gguf, const ph_mix *mix,
                         ph_model *model)
{
    sink to = {.text = {.heap = model->heap}};
    census c = {{0}, {0}};
    json_t *json;

    PH_TRY(ph_weights_walk(gguf, &model->hp, mix, count_weight, &c));
    json = describe(gguf, model, &c);
    /* 15 digits give a rounded float back as it was written. */
    if (!json || json_dump_callback(json, put_text, &to,
                                    JSON_COMPACT | JSON_REAL_PRECISION(15)))
        to.failed = true;
    json_decref(json);
    if (to.failed) {
        const size_t had = to.text.cap;

        ph_buf_free(&to.text);
        return ph_no_memory("the model's description, at least", had);
    }
    model->description = to.text.data;
    return PHIAL_OK;
}
