/* SPDX-License-Identifier: MIT
 * A folder that PEFT saved as a whole: the header of a GGUF file of the same
 * pairs is built, read back with all the checks that a file gets, and then told
 * where the tensors lie. */
#include "formats/peft_folder.h"

#include <stdio.h>

enum { MAX_NAME = PH_GGUF_MAX_NAME + 1 };

typedef struct folder {
    const ph_heap *heap;
    const char *path;
    ph_gguf_builder builder;
    ph_peft_config config;
    ph_safetensors weights;
    ph_buf bytes; /* the header */
} folder;

/* Modules of a layer, fused and not, as in hf_tensors.c. */
static const struct {
    const char *theirs, *ours;
} modules[] = {
    {"self_attn.qkv_proj", "attn_qkv"},  {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"}, {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};

/* A tensor's name, taken to pieces. */
typedef struct place {
    ph_str module; /* "model.layers.0.mlp.down_proj" */
    uint32_t layer;
    const char *ours;
    bool is_b;
} place;

static bool strip(ph_str *name, const char *prefix, const char *suffix)
{
    const size_t before = strlen(prefix), behind = strlen(suffix);

    if (name->len < before + behind ||
        memcmp(name->data, prefix, before) != 0 ||
        memcmp(name->data + name->len - behind, suffix, behind) != 0)
        return false;
    *name = (ph_str){name->data + before, name->len - before - behind};
    return true;
}

static bool parse(ph_str name, place *p)
{
    static const char prefix[] = "base_model.model.";
    ph_str rest;

    p->module = name;
    p->is_b = strip(&p->module, prefix, ".lora_B.weight");
    if (!p->is_b && !strip(&p->module, prefix, ".lora_A.weight"))
        return false;
    if (!ph_hf_parse_layer(p->module, &p->layer, &rest))
        return false;
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        if (!ph_str_is(rest, modules[i].theirs))
            continue;
        p->ours = modules[i].ours;
        return true;
    }
    return false;
}

static phial_status put_tensor(folder *f, const ph_safetensor *t)
{
    const ph_str name = {f->weights.names.data + t->name_at, t->name_len};
    uint8_t bits[4];
    char ours[MAX_NAME];
    float scale;
    uint32_t word;
    place p;

    if (!parse(name, &p))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor \"%s\" is not part of a pair beside a "
                       "projection of a phi3 model",
                       ph_show_path(f->weights.shard.path).text,
                       ph_show(name).text);
    if (t->n_dims != 2)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: tensor \"%s\" has %u dimensions, expected 2",
                       ph_show_path(f->weights.shard.path).text,
                       ph_show(name).text, t->n_dims);
    PH_TRY(
        ph_peft_scale(&f->config, p.module, t->dims[p.is_b ? 0 : 1], &scale));
    memcpy(&word, &scale, sizeof word);
    ph_put_le32(bits, word);
    PH_TRY(ph_buf_put(&f->builder.entries, bits, sizeof bits));
    snprintf(ours, sizeof ours, "blk.%u.%s.weight.%s", p.layer, p.ours,
             p.is_b ? "lora_b" : "lora_a");
    return ph_builder_tensor(&f->builder, ph_str_of(ours), t->type, t->n_dims,
                             t->dims, 0);
}

static phial_status open_weights(folder *f)
{
    static const char name[] = "adapter_model.safetensors";
    char *path = ph_hf_path(f->heap, f->path, name);
    phial_status status;

    if (!path)
        return PHIAL_E_MEMORY;
    if (ph_path_exists(path))
        status = ph_safetensors_open(f->heap, path, &f->weights);
    else
        status = ph_fail(PHIAL_E_IO,
                         "%s is a directory without %s; adapters of other "
                         "forms must be saved as safetensors",
                         ph_show_path(f->path).text, name);
    ph_free(f->heap, path);
    return status;
}

static phial_status build(folder *f)
{
    ph_gguf_builder *b = &f->builder;

    PH_TRY(ph_peft_config_read(f->heap, f->path, &f->config));
    PH_TRY(open_weights(f));
    PH_TRY(ph_builder_str(b, "general.type", PH_STR("adapter")));
    PH_TRY(ph_builder_str(b, "general.architecture", PH_STR("phi3")));
    PH_TRY(ph_builder_str(b, "adapter.type", PH_STR("lora")));
    PH_TRY(ph_builder_array(b, PH_GGUF_LORA_SCALES, PH_GGUF_F32, f->weights.n));
    for (size_t i = 0; i < f->weights.n; i++)
        PH_TRY(put_tensor(f, &f->weights.tensors[i]));
    return ph_builder_finish(b, &f->bytes);
}

/* Gives the open file to gguf, whose tensors lie in it in the order in which
 * they were put. */
static phial_status take_file(folder *f, ph_gguf *gguf)
{
    ph_shard *shards = ph_realloc(f->heap, gguf->shards, 2, sizeof *shards);

    if (!shards)
        return ph_no_memory("an adapter's files", 2 * sizeof *shards);
    gguf->shards = shards;
    shards[1] = f->weights.shard;
    gguf->n_shards = 2;
    f->weights.shard = (ph_shard){.file.fd = -1};
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        ph_tensor_slot *slot = &gguf->tensors[i];

        slot->tensor.shard = 1;
        slot->tensor.offset = f->weights.tensors[i].begin;
        slot->end = f->weights.tensors[i].end;
    }
    return ph_gguf_index_tensors(gguf);
}

static phial_status open_built(folder *f, ph_gguf **out)
{
    ph_gguf *gguf = NULL;
    phial_status status;

    PH_TRY(ph_gguf_open_built(f->heap, f->path, &f->bytes, &gguf));
    status = take_file(f, gguf);
    if (status < 0) {
        ph_gguf_free(gguf);
        return status;
    }
    *out = gguf;
    return PHIAL_OK;
}

phial_status ph_peft_open(const ph_heap *heap, const char *path, ph_gguf **out)
{
    folder f = {
        .heap = heap,
        .path = path,
        .config.file = {.text.heap = heap, .json.heap = heap},
        .weights = {.heap = heap, .names.heap = heap, .shard.file.fd = -1},
        .bytes.heap = heap};
    phial_status status;

    ph_builder_init(&f.builder, heap);
    status = build(&f);
    ph_builder_free(&f.builder);
    if (status >= 0)
        status = open_built(&f, out);
    ph_peft_config_close(&f.config);
    ph_safetensors_free(&f.weights);
    ph_buf_free(&f.bytes);
    return status;
}
