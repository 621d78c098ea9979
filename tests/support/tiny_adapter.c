/* SPDX-License-Identifier: MIT
 * Random low-rank pairs, of about half the weights' size, in three forms. */
#include "tiny_adapter.h"
#include "gguf_bytes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Where a module's rows begin in the tensor of the model that has them. */
typedef struct module {
    const char *ours, *theirs, *tensor;
    uint32_t rows, cols, first;
} module;

static module module_of(const tiny_model *m, int i)
{
    const uint32_t q = m->n_heads * m->head_dim;
    const uint32_t kv_rows = m->n_kv_heads * m->head_dim;
    const uint32_t d = m->n_embd, ff = m->n_ff;
    const module modules[TINY_LORA_MODULES] = {
        {"attn_q", "self_attn.q_proj", "attn_qkv", q, d, 0},
        {"attn_k", "self_attn.k_proj", "attn_qkv", kv_rows, d, q},
        {"attn_v", "self_attn.v_proj", "attn_qkv", kv_rows, d, q + kv_rows},
        {"attn_qkv", "self_attn.qkv_proj", "attn_qkv", q + 2 * kv_rows, d, 0},
        {"attn_output", "self_attn.o_proj", "attn_output", d, q, 0},
        {"ffn_gate", "mlp.gate_proj", "ffn_up", ff, d, 0},
        {"ffn_up", "mlp.up_proj", "ffn_up", ff, d, ff},
        {"ffn_up", "mlp.gate_up_proj", "ffn_up", 2 * ff, d, 0},
        {"ffn_down", "mlp.down_proj", "ffn_down", d, ff, 0},
    };

    return modules[i];
}

tiny_adapter tiny_adapter_of(tiny_family family, uint32_t rank, uint64_t seed)
{
    return (tiny_adapter){.model = tiny_model_of(family, PH_F32, 1),
                          .modules = TINY_LORA_FUSED,
                          .rank = rank,
                          .alpha = (float)rank,
                          .type = PH_F32,
                          .seed = seed};
}

/* A pair of some layer, as bytes of the adapter's type; both to be freed. */
typedef struct pair {
    module module;
    uint32_t layer;
    uint8_t *a, *b;
} pair;

static uint8_t *matrix(const tiny_adapter *t, const pair *p, const char *which,
                       uint32_t rows, uint32_t cols, float std)
{
    char name[64];

    snprintf(name, sizeof name, "%u.%s.%s", p->layer, p->module.theirs, which);
    return tiny_weights(t->type, rows, cols, std,
                        tiny_random(ph_hash(name, strlen(name)), t->seed));
}

typedef void (*pair_visitor)(void *user, const tiny_adapter *t, const pair *p);

static void each_pair(const tiny_adapter *t, pair_visitor visit, void *user)
{
    for (uint32_t layer = 0; layer < t->model.n_layers; layer++)
        for (int i = 0; i < TINY_LORA_MODULES; i++) {
            pair p = {module_of(&t->model, i), layer, NULL, NULL};

            if (!(t->modules >> i & 1))
                continue;
            p.a = matrix(t, &p, "a", t->rank, p.module.cols,
                         1 / sqrtf((float)p.module.cols));
            p.b = matrix(t, &p, "b", p.module.rows, t->rank,
                         0.5f / sqrtf((float)t->rank));
            visit(user, t, &p);
            free(p.a);
            free(p.b);
        }
}

/* ---- GGUF -------------------------------------------------------------- */

static void put_pair(void *user, const tiny_adapter *t, const pair *p)
{
    const uint64_t a[] = {p->module.cols, t->rank};
    const uint64_t b[] = {t->rank, p->module.rows};
    char name[96];

    snprintf(name, sizeof name, "blk.%u.%s.weight.lora_a", p->layer,
             p->module.ours);
    gguf_put_tensor(user, name, (uint32_t)t->type, a, 2, p->a);
    name[strlen(name) - 1] = 'b';
    gguf_put_tensor(user, name, (uint32_t)t->type, b, 2, p->b);
}

gguf_writer *tiny_adapter_build(const tiny_adapter *a)
{
    gguf_writer *w = gguf_writer_new();

    gguf_put_str(w, "general.architecture", "phi3");
    gguf_put_str(w, "general.type", "adapter");
    gguf_put_str(w, "adapter.type", "lora");
    gguf_put_f32(w, "adapter.lora.alpha", a->alpha);
    each_pair(a, put_pair, w);
    return w;
}

/* ---- PEFT -------------------------------------------------------------- */

typedef struct saving {
    bytes header, data;
} saving;

static void put_text(bytes *b, const char *text)
{
    bytes_put(b, text, strlen(text));
}

static void save_matrix(saving *s, const tiny_adapter *t, const pair *p,
                        char which, uint32_t rows, uint32_t cols)
{
    const char *type = ph_dtype_get((uint32_t)t->type)->name;
    const size_t n = (size_t)rows * cols * (t->type == PH_F32 ? 4 : 2);
    char text[256];

    snprintf(text, sizeof text,
             "%s\"base_model.model.model.layers.%u.%s.lora_%c.weight\":"
             "{\"dtype\":\"%s\",\"shape\":[%u,%u],\"data_offsets\":[%zu,%zu]}",
             s->header.len ? "," : "{", p->layer, p->module.theirs, which, type,
             rows, cols, s->data.len, s->data.len + n);
    put_text(&s->header, text);
    bytes_put(&s->data, which == 'A' ? p->a : p->b, n);
}

static void save_pair(void *user, const tiny_adapter *t, const pair *p)
{
    save_matrix(user, t, p, 'A', t->rank, p->module.cols);
    save_matrix(user, t, p, 'B', p->module.rows, t->rank);
}

static void write_file(const char *folder, const char *name, const bytes *b)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    gguf_write_bytes(path, b->data, b->len);
}

void tiny_adapter_save(const tiny_adapter *a, const char *folder)
{
    saving s = {{0}, {0}};
    bytes config = {0}, file = {0};
    char text[256];

    snprintf(text, sizeof text,
             "{\"peft_type\":\"LORA\",\"r\":%u,\"lora_alpha\":%g,"
             "\"use_rslora\":%s,\"bias\":\"none\",\"target_modules\":"
             "\"all-linear\",\"rank_pattern\":{},\"alpha_pattern\":{}}",
             a->rank, (double)a->alpha, a->rank_stabilised ? "true" : "false");
    put_text(&config, text);
    write_file(folder, "adapter_config.json", &config);
    each_pair(a, save_pair, &s);
    put_text(&s.header, "}");
    bytes_put_u64(&file, s.header.len);
    bytes_put(&file, s.header.data, s.header.len);
    bytes_put(&file, s.data.data, s.data.len);
    write_file(folder, "adapter_model.safetensors", &file);
    free(config.data);
    free(s.header.data);
    free(s.data.data);
    free(file.data);
}

/* ---- Merged ------------------------------------------------------------ */

typedef struct merging {
    double scale;
    gguf_writer *w;
} merging;

static float *rows_in(gguf_writer *w, const pair *p)
{
    char name[64];

    snprintf(name, sizeof name, "blk.%u.%s.weight", p->layer, p->module.tensor);
    for (size_t i = 0; i < w->n_tensors; i++)
        if (bytes_are(&w->tensors[i].name, name))
            return (float *)(void *)w->tensors[i].data.data +
                   (size_t)p->module.first * p->module.cols;
    abort();
}

static void merge_pair(void *user, const tiny_adapter *t, const pair *p)
{
    const merging *m = user;
    const float *a = (const float *)(const void *)p->a;
    const float *b = (const float *)(const void *)p->b;
    const double rank = t->rank_stabilised ? sqrt(t->rank) : t->rank;
    float *w = rows_in(m->w, p);

    for (size_t row = 0; row < p->module.rows; row++)
        for (size_t col = 0; col < p->module.cols; col++) {
            double sum = 0;

            for (size_t k = 0; k < t->rank; k++)
                sum += (double)b[row * t->rank + k] *
                       (double)a[k * p->module.cols + col];
            w[row * p->module.cols + col] +=
                (float)(m->scale * (double)t->alpha / rank * sum);
        }
}

void tiny_adapter_merge(const tiny_adapter *a, double scale, gguf_writer *w)
{
    merging m = {scale, w};

    each_pair(a, merge_pair, &m);
}
