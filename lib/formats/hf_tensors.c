/* SPDX-License-Identifier: MIT
 * The weights of a checkpoint: model.safetensors, or the files that
 * model.safetensors.index.json names. The index may only name files of the
 * folder, and must say of each tensor where it is. */
#include "formats/hf_folder.h"

#include <stdio.h>

enum { MAX_NAME = PH_GGUF_MAX_NAME + 1 };

/* transformers, modeling_phi3.py; of projections that are not fused, the names
 * of modeling_llama.py. */
static const struct {
    const char *theirs, *ours;
} globals[] =
    {
        {"model.embed_tokens.weight", "token_embd.weight"},
        {"model.norm.weight", "output_norm.weight"},
        {"lm_head.weight", "output.weight"},
},
  in_layer[] = {
      {"input_layernorm.weight", "attn_norm.weight"},
      {"self_attn.qkv_proj.weight", "attn_qkv.weight"},
      {"self_attn.q_proj.weight", "attn_q.weight"},
      {"self_attn.k_proj.weight", "attn_k.weight"},
      {"self_attn.v_proj.weight", "attn_v.weight"},
      {"self_attn.o_proj.weight", "attn_output.weight"},
      {"post_attention_layernorm.weight", "ffn_norm.weight"},
      {"mlp.gate_up_proj.weight", "ffn_up.weight"},
      {"mlp.gate_proj.weight", "ffn_gate.weight"},
      {"mlp.up_proj.weight", "ffn_up.weight"},
      {"mlp.down_proj.weight", "ffn_down.weight"},
};

bool ph_hf_parse_layer(ph_str name, uint32_t *layer, ph_str *rest)
{
    static const char prefix[] = "model.layers.";
    const size_t first = sizeof prefix - 1;
    size_t i = first;

    if (name.len <= first || memcmp(name.data, prefix, first) != 0)
        return false;
    *layer = 0;
    while (i < name.len && i < first + 4 && name.data[i] >= '0' &&
           name.data[i] <= '9')
        *layer = *layer * 10 + (uint32_t)(name.data[i++] - '0');
    if (i == first || i >= name.len || name.data[i] != '.' ||
        (name.data[first] == '0' && i > first + 1))
        return false;
    *rest = (ph_str){name.data + i + 1, name.len - i - 1};
    return true;
}

/* Our name of a tensor; false if it is part of no such model. */
static bool our_name(ph_str theirs, char ours[MAX_NAME])
{
    uint32_t layer;
    ph_str rest;

    if (ph_hf_parse_layer(theirs, &layer, &rest)) {
        for (size_t i = 0; i < sizeof in_layer / sizeof *in_layer; i++) {
            if (!ph_str_is(rest, in_layer[i].theirs))
                continue;
            snprintf(ours, MAX_NAME, "blk.%u.%s", layer, in_layer[i].ours);
            return true;
        }
        return false;
    }
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        if (!ph_str_is(theirs, globals[i].theirs))
            continue;
        snprintf(ours, MAX_NAME, "%s", globals[i].ours);
        return true;
    }
    return false;
}

static phial_status put_tensor(const ph_safetensors *st, const ph_safetensor *s,
                               const ph_hf_config *config, ph_gguf_builder *b,
                               ph_hf_tensors *t)
{
    const ph_str theirs = {st->names.data + s->name_at, s->name_len};
    char ours[MAX_NAME];

    if (!our_name(theirs, ours))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor \"%s\" is not part of a phi3 model",
                       ph_show_path(st->shard.path).text, ph_show(theirs).text);
    if (config->tied && ph_str_is(theirs, "lm_head.weight"))
        return PHIAL_OK; /* the embedding once more */
    PH_TRY(
        ph_builder_tensor(b, ph_str_of(ours), s->type, s->n_dims, s->dims, 0));
    t->places[t->n++] = (ph_hf_place){t->n_shards, s->begin, s->end};
    return PHIAL_OK;
}

static phial_status put_file(const char *folder, const char *name,
                             const ph_hf_config *config, ph_gguf_builder *b,
                             ph_hf_tensors *t)
{
    char *path = ph_hf_path(t->heap, folder, name);
    ph_safetensors st;
    ph_hf_place *places;
    phial_status status;

    if (!path)
        return PHIAL_E_MEMORY;
    status = ph_safetensors_open(t->heap, path, &st);
    ph_free(t->heap, path);
    if (status >= 0) {
        places =
            ph_realloc(t->heap, t->places, t->n + st.n + 1, sizeof *places);
        if (places)
            t->places = places;
        else
            status = ph_no_memory("the tensors' places",
                                  (t->n + st.n + 1) * sizeof *places);
    }
    for (size_t i = 0; i < st.n && status >= 0; i++)
        status = put_tensor(&st, &st.tensors[i], config, b, t);
    if (status >= 0) {
        t->shards[t->n_shards++] = st.shard;
        st.shard = (ph_shard){.file.fd = -1};
    }
    ph_safetensors_free(&st);
    return status;
}

/* A name and nothing but a name. */
static bool is_plain(ph_str name)
{
    return name.len > 0 && name.len < 256 && name.data[0] != '.' &&
           !memchr(name.data, '/', name.len) &&
           !memchr(name.data, '\\', name.len) &&
           !memchr(name.data, 0, name.len);
}

static bool is_open(const ph_hf_tensors *t, const char *folder, ph_str name)
{
    const size_t skip = strlen(folder) + 1;

    for (uint32_t i = 1; i < t->n_shards; i++)
        if (ph_str_eq(ph_str_of(t->shards[i].path + skip), name))
            return true;
    return false;
}

static phial_status put_indexed_file(const ph_hf_file *index, uint32_t node,
                                     const char *folder,
                                     const ph_hf_config *config,
                                     ph_gguf_builder *b, ph_hf_tensors *t)
{
    ph_buf name = {.heap = t->heap};
    phial_status status;

    if (index->json.nodes[node].kind != PH_JSON_STRING)
        return ph_hf_wrong(index, "weight_map", "from tensors to files");
    status = ph_json_string(&index->json, node, &name);
    if (status >= 0 && !is_plain((ph_str){name.data, name.len}))
        status = ph_fail(PHIAL_E_FORMAT,
                         "%s: \"weight_map\" names \"%s\", expected the name "
                         "of a file in the folder",
                         ph_show_path(index->path).text,
                         ph_show((ph_str){name.data, name.len}).text);
    if (status >= 0 && !is_open(t, folder, (ph_str){name.data, name.len})) {
        if (t->n_shards == PH_GGUF_MAX_SHARDS)
            status = ph_hf_wrong(index, "weight_map", "of at most 255 files");
        else
            status = put_file(folder, name.data, config, b, t);
    }
    ph_buf_free(&name);
    return status;
}

/* The files in the order in which they are named first. What the index says of
 * single tensors is checked by their number alone: a name that is there twice,
 * or not at all, is found when the table is read. */
static phial_status put_indexed(const ph_hf_file *index, const char *folder,
                                const ph_hf_config *config, ph_gguf_builder *b,
                                ph_hf_tensors *t)
{
    const ph_json_node *nodes = index->json.nodes;
    const uint32_t map = ph_hf_find(index, "weight_map");
    size_t n = 0;

    if (map == PH_JSON_NONE || nodes[map].kind != PH_JSON_OBJECT)
        return ph_hf_wrong(index, "weight_map", "an object");
    if (ph_json_count(&index->json, map) / 2 > PH_GGUF_MAX_TENSORS)
        return ph_hf_wrong(index, "weight_map", "of at most 16384 tensors");
    for (uint32_t key = map + 1; key < nodes[map].end;
         key = nodes[nodes[key].end].end) {
        PH_TRY(put_indexed_file(index, nodes[key].end, folder, config, b, t));
        n += !(config->tied && ph_json_is(&index->json, key, "lm_head.weight"));
    }
    if (n != t->n)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: \"weight_map\" names %zu tensors, but its files "
                       "hold %zu",
                       ph_show_path(index->path).text, n, t->n);
    return PHIAL_OK;
}

phial_status ph_hf_put_tensors(const ph_heap *heap, const char *folder,
                               const ph_hf_config *config, ph_gguf_builder *b,
                               ph_hf_tensors *t)
{
    static const char whole[] = "model.safetensors";
    ph_hf_file index;
    phial_status status;
    bool sharded;
    char *path;

    *t = (ph_hf_tensors){.heap = heap, .n_shards = 1};
    t->shards = ph_alloc(heap, PH_GGUF_MAX_SHARDS, sizeof *t->shards);
    if (!t->shards)
        return ph_no_memory("a model's files",
                            PH_GGUF_MAX_SHARDS * sizeof *t->shards);
    t->shards[0].file.fd = -1;
    status = ph_hf_read(heap, folder, "model.safetensors.index.json",
                        PH_HF_MAX_HEADER, &sharded, &index);
    if (status >= 0 && sharded)
        status = put_indexed(&index, folder, config, b, t);
    ph_hf_close(&index);
    if (status < 0 || sharded)
        return status;
    path = ph_hf_path(heap, folder, whole);
    if (!path)
        return PHIAL_E_MEMORY;
    if (ph_path_exists(path))
        status = put_file(folder, whole, config, b, t);
    ph_free(heap, path);
    return status;
}

void ph_hf_tensors_free(ph_hf_tensors *t)
{
    for (uint32_t i = 0; t->shards && i < t->n_shards; i++) {
        ph_file_close(&t->shards[i].file);
        ph_free(t->heap, t->shards[i].path);
    }
    ph_free(t->heap, t->shards);
    ph_free(t->heap, t->places);
    *t = (ph_hf_tensors){.heap = t->heap};
}
