/* SPDX-License-Identifier: MIT
 * The tensors of a phi3 model: names, shapes, types. A shape is derived from
 * the hyper-parameters and the file's must equal it, so that no size that a
 * file states is ever computed with. */
#include "model/weights.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_NAME = 64 };

typedef struct walk {
    const ph_gguf *gguf;
    const ph_hparams *hp;
    const ph_mix *mix;
    ph_weight_visitor visit;
    void *user;
} walk;

static const struct {
    const char *name;
    ph_role role;
} globals[] =
    {
        {"token_embd.weight", PH_ROLE_EMBEDDING},
        {"output_norm.weight", PH_ROLE_OUTPUT_NORM},
        {"output.weight", PH_ROLE_OUTPUT},
        {"rope_factors_short.weight", PH_ROLE_FACTORS_SHORT},
        {"rope_factors_long.weight", PH_ROLE_FACTORS_LONG},
},
  in_layer[] = {
      {"attn_norm.weight", PH_ROLE_ATTN_NORM},
      {"attn_qkv.weight", PH_ROLE_QKV},
      {"attn_q.weight", PH_ROLE_Q},
      {"attn_k.weight", PH_ROLE_K},
      {"attn_v.weight", PH_ROLE_V},
      {"attn_output.weight", PH_ROLE_ATTN_OUT},
      {"ffn_norm.weight", PH_ROLE_FFN_NORM},
      {"ffn_gate.weight", PH_ROLE_GATE},
      {"ffn_up.weight", PH_ROLE_GATE_UP},
      {"ffn_down.weight", PH_ROLE_DOWN},
};

enum {
    N_GLOBALS = sizeof globals / sizeof *globals,
    N_IN_LAYER = sizeof in_layer / sizeof *in_layer
};

bool ph_role_is_vector(ph_role role)
{
    return role == PH_ROLE_OUTPUT_NORM || role == PH_ROLE_ATTN_NORM ||
           role == PH_ROLE_FFN_NORM || role == PH_ROLE_FACTORS_SHORT ||
           role == PH_ROLE_FACTORS_LONG;
}

ph_dtype ph_tensor_type(const ph_hparams *hp, const ph_mix *mix,
                        const ph_gguf_tensor *tensor)
{
    const ph_mix_model model = {hp->n_layers, hp->tied};

    return mix ? ph_mix_type(mix, &model, tensor) : (ph_dtype)tensor->type;
}

bool ph_weight_is_recoded(const ph_weight *weight)
{
    return !ph_role_is_vector(weight->role) &&
           weight->type != (ph_dtype)weight->tensor->type;
}

uint64_t ph_weight_stride(const ph_weight *weight)
{
    return (weight->bytes + 63) / 64 * 64;
}

ph_matrix ph_weight_matrix(const ph_weight *weight, const uint8_t *data)
{
    const bool vector = ph_role_is_vector(weight->role);

    return (ph_matrix){
        .type = vector ? PH_F32 : weight->type,
        .rows = weight->rows,
        .cols = weight->cols,
        .row_bytes = vector ? (size_t)weight->bytes : weight->row_bytes,
        .panel_bytes = weight->panel_bytes,
        .data = data,
    };
}

static void set_shape(const ph_hparams *hp, ph_weight *w)
{
    const uint32_t q_rows = hp->n_heads * hp->head_dim;
    const uint32_t kv_rows = hp->n_kv_heads * hp->head_dim;

    w->rows = 1;
    w->cols = hp->n_embd;
    switch (w->role) {
    case PH_ROLE_EMBEDDING:
    case PH_ROLE_OUTPUT:
        w->rows = hp->n_vocab;
        break;
    case PH_ROLE_QKV:
        w->rows = q_rows + 2 * kv_rows;
        break;
    case PH_ROLE_Q:
        w->rows = q_rows;
        break;
    case PH_ROLE_K:
    case PH_ROLE_V:
        w->rows = kv_rows;
        break;
    case PH_ROLE_ATTN_OUT:
        w->rows = hp->n_embd;
        w->cols = q_rows;
        break;
    case PH_ROLE_GATE_UP:
        w->rows = 2 * hp->n_ff;
        break;
    case PH_ROLE_GATE:
    case PH_ROLE_UP:
        w->rows = hp->n_ff;
        break;
    case PH_ROLE_DOWN:
        w->rows = hp->n_embd;
        w->cols = hp->n_ff;
        break;
    case PH_ROLE_FACTORS_SHORT:
    case PH_ROLE_FACTORS_LONG:
        w->cols = hp->n_rot / 2;
        break;
    default: /* the norms */
        break;
    }
}

static phial_status check_shape(const walk *k, const char *name,
                                const ph_weight *w)
{
    const uint64_t *dims = w->tensor->dims;

    if (dims[0] == w->cols && dims[1] == w->rows && dims[2] == 1 &&
        dims[3] == 1)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_FORMAT,
                   "%s: tensor %s is %" PRIu64 " x %" PRIu64 " x %" PRIu64
                   " x %" PRIu64 ", expected %u x %u by the hyper-parameters",
                   ph_show_path(ph_gguf_path(k->gguf)).text, name, dims[0],
                   dims[1], dims[2], dims[3], w->cols, w->rows);
}

static phial_status check_type(const walk *k, const char *name, ph_weight *w)
{
    const uint32_t type = w->tensor->type;
    const ph_dtype_info *info = ph_dtype_get(type);
    const char *path = ph_gguf_path(k->gguf);
    const bool vector = ph_role_is_vector(w->role);
    uint64_t row_bytes, file_row_bytes;

    if (!info || !info->block_elems)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor %s is of type %s (%u), which is not "
                       "supported; use a file in one of Q4_0, Q4_K, Q5_K, "
                       "Q6_K, Q8_0, IQ4_XS, BF16",
                       ph_show_path(path).text, name,
                       info ? info->name : "unknown", type);
    if (vector && ph_dtype_is_quantized((ph_dtype)type))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor %s is of type %s, expected F32",
                       ph_show_path(path).text, name, info->name);
    w->type =
        vector && k->mix ? PH_F32 : ph_tensor_type(k->hp, k->mix, w->tensor);
    if (!ph_dtype_bytes((ph_dtype)type, w->cols, &file_row_bytes) ||
        !ph_dtype_bytes(w->type, w->cols, &row_bytes) ||
        file_row_bytes > SIZE_MAX / PH_PANEL_ROWS ||
        row_bytes > SIZE_MAX / PH_PANEL_ROWS)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: tensor %s has rows of %u elements, not a multiple "
                       "of the %u in a %s block",
                       ph_show_path(path).text, name, w->cols,
                       info->block_elems, info->name);
    w->file_row_bytes = (size_t)file_row_bytes;
    w->row_bytes = (size_t)row_bytes;
    return PHIAL_OK;
}

/* Of an embedding that is not the output matrix too, rows are looked up and
 * nothing else. */
static bool is_packed(const walk *k, const ph_weight *w)
{
    return !ph_role_is_vector(w->role) &&
           (w->role != PH_ROLE_EMBEDDING || k->hp->tied);
}

static phial_status visit_weight(const walk *k, ph_weight *w)
{
    if (!k->visit)
        return PHIAL_OK;
    w->panel_bytes = is_packed(k, w) ? ph_panel_bytes(w->type, w->cols) : 0;
    if (w->panel_bytes)
        w->bytes = (uint64_t)(w->rows / PH_PANEL_ROWS +
                              (w->rows % PH_PANEL_ROWS != 0)) *
                   w->panel_bytes;
    else if (ph_role_is_vector(w->role))
        w->bytes = w->cols * (uint64_t)sizeof(float);
    else
        w->bytes = (uint64_t)w->rows * w->row_bytes;
    return k->visit(k->user, w);
}

/* Each with panels of its own: their products are separate. */
static phial_status visit_parts(const walk *k, const ph_weight *whole,
                                ph_role first, ph_role last)
{
    uint32_t first_row = 0;

    for (int role = (int)first; role <= (int)last; role++) {
        ph_weight w = *whole;

        w.role = (ph_role)role;
        set_shape(k->hp, &w);
        w.first_row = first_row;
        first_row += w.rows;
        PH_TRY(visit_weight(k, &w));
    }
    return PHIAL_OK;
}

static phial_status visit_one(const walk *k, const char *name, ph_role role,
                              uint32_t layer)
{
    ph_weight w = {.role = role, .layer = layer};

    w.tensor = ph_gguf_find_tensor(k->gguf, name);
    if (!w.tensor)
        return ph_fail(PHIAL_E_FORMAT, "%s: tensor %s is missing",
                       ph_show_path(ph_gguf_path(k->gguf)).text, name);
    set_shape(k->hp, &w);
    PH_TRY(check_shape(k, name, &w));
    PH_TRY(check_type(k, name, &w));
    if (role == PH_ROLE_QKV)
        return visit_parts(k, &w, PH_ROLE_Q, PH_ROLE_V);
    if (role == PH_ROLE_GATE_UP)
        return visit_parts(k, &w, PH_ROLE_GATE, PH_ROLE_UP);
    return visit_weight(k, &w);
}

/* A layer has attn_qkv, or attn_q, attn_k and attn_v. Its ffn_up has the rows
 * of gate too, unless there is an ffn_gate. */
typedef struct layout {
    bool split_qkv, split_ffn;
} layout;

static bool has(const walk *k, uint32_t layer, const char *rest)
{
    char name[MAX_NAME];

    snprintf(name, sizeof name, "blk.%u.%s", layer, rest);
    return ph_gguf_find_tensor(k->gguf, name);
}

/* The role of a name in such a layer; false: it has no place there. */
static bool takes_place(const layout *l, ph_role *role)
{
    switch (*role) {
    case PH_ROLE_QKV:
        return !l->split_qkv;
    case PH_ROLE_Q:
    case PH_ROLE_K:
    case PH_ROLE_V:
        return l->split_qkv;
    case PH_ROLE_GATE:
        return l->split_ffn;
    case PH_ROLE_GATE_UP:
        *role = l->split_ffn ? PH_ROLE_UP : PH_ROLE_GATE_UP;
        return true;
    default:
        return true;
    }
}

static phial_status visit_layer(const walk *k, uint32_t layer)
{
    const layout l = {has(k, layer, "attn_q.weight"),
                      has(k, layer, "ffn_gate.weight")};

    for (size_t i = 0; i < N_IN_LAYER; i++) {
        ph_role role = in_layer[i].role;
        char name[MAX_NAME];

        snprintf(name, sizeof name, "blk.%u.%s", layer, in_layer[i].name);
        if (takes_place(&l, &role))
            PH_TRY(visit_one(k, name, role, layer));
        else if (ph_gguf_find_tensor(k->gguf, name))
            return ph_fail(PHIAL_E_FORMAT, "%s: tensor %s is beside %s",
                           ph_show_path(ph_gguf_path(k->gguf)).text, name,
                           l.split_qkv ? "attn_q" : "attn_qkv");
    }
    return PHIAL_OK;
}

static bool starts_with(ph_str s, const char *prefix)
{
    const size_t n = strlen(prefix);

    return s.len >= n && memcmp(s.data, prefix, n) == 0;
}

/* True for a name that the walk visits, and for one that no model of this
 * architecture could mean anything by. */
static bool is_expected(const ph_hparams *hp, ph_str name)
{
    uint32_t layer;
    ph_str rest;

    if (starts_with(name, "blk.")) {
        if (!ph_gguf_layer(name, &layer, &rest) || layer >= hp->n_layers)
            return false;
        for (size_t i = 0; i < N_IN_LAYER; i++) {
            if (ph_str_is(rest, in_layer[i].name))
                return true;
        }
        return false;
    }
    for (size_t i = 0; i < N_GLOBALS; i++) {
        if (ph_str_is(name, globals[i].name))
            return true;
    }
    return !starts_with(name, "token_embd") && !starts_with(name, "output") &&
           !starts_with(name, "rope_");
}

/* A tensor more, a bias say, means that the model computes something else. */
static phial_status check_extra(const walk *k)
{
    for (size_t i = 0; i < ph_gguf_n_tensors(k->gguf); i++) {
        const ph_str name = ph_gguf_tensor_at(k->gguf, i)->name;

        if (!is_expected(k->hp, name))
            return ph_fail(PHIAL_E_UNSUPPORTED,
                           "%s: tensor %s is not part of a phi3 model of %u "
                           "layers",
                           ph_show_path(ph_gguf_path(k->gguf)).text,
                           ph_show(name).text, k->hp->n_layers);
    }
    return PHIAL_OK;
}

phial_status ph_weights_walk(const ph_gguf *gguf, const ph_hparams *hp,
                             const ph_mix *mix, ph_weight_visitor visit,
                             void *user)
{
    const walk k = {gguf, hp, mix, visit, user};

    for (size_t i = 0; i < N_GLOBALS; i++) {
        const ph_role role = globals[i].role;
        const bool factors =
            role == PH_ROLE_FACTORS_SHORT || role == PH_ROLE_FACTORS_LONG;

        if ((role == PH_ROLE_OUTPUT && hp->tied) || (factors && !hp->longrope))
            continue;
        PH_TRY(visit_one(&k, globals[i].name, role, 0));
    }
    for (uint32_t i = 0; i < hp->n_layers; i++)
        PH_TRY(visit_layer(&k, i));
    return check_extra(&k);
}
