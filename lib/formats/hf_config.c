/* SPDX-License-Identifier: MIT
 * config.json and generation_config.json to the keys of GGUF's phi3. Names:
 * transformers, configuration_phi3.py; up to version 4 the rotary ones stand in
 * the root and in "rope_scaling", from 5 on in "rope_parameters".
 *
 * Copies of Phi-4 are about whose config.json is a LlamaConfig. Without biases
 * and with its default rotation modeling_llama.py computes what
 * modeling_phi3.py does with a whole rotation and no window, and such a file is
 * read so. */
#include "formats/hf_folder.h"

typedef struct source {
    const ph_hf_file *file;
    uint32_t rope; /* the object that describes the rotation, or none */
} source;

static uint32_t member(const source *s, uint32_t object, const char *key)
{
    const ph_json *json = &s->file->json;
    uint32_t node;

    if (object == PH_JSON_NONE)
        return PH_JSON_NONE;
    node = ph_json_get(json, object, key);
    return json->nodes[node].kind == PH_JSON_NULL ? PH_JSON_NONE : node;
}

/* In the root, or where version 5 has it. */
static uint32_t find(const source *s, const char *key)
{
    const uint32_t node = ph_hf_find(s->file, key);

    return node == PH_JSON_NONE ? member(s, s->rope, key) : node;
}

static phial_status get_u32(const source *s, const char *key,
                            const uint32_t *fallback, uint32_t *out)
{
    const uint32_t node = find(s, key);
    uint64_t value;

    if (node == PH_JSON_NONE) {
        if (!fallback)
            return ph_hf_wrong(s->file, key, "there");
        *out = *fallback;
        return PHIAL_OK;
    }
    if (!ph_json_u64(&s->file->json, node, &value) || value > UINT32_MAX)
        return ph_hf_wrong(s->file, key, "a whole number of 32 bits");
    *out = (uint32_t)value;
    return PHIAL_OK;
}

static phial_status get_double(const source *s, const char *key,
                               const double *fallback, double *out)
{
    const uint32_t node = find(s, key);

    if (node == PH_JSON_NONE && fallback)
        *out = *fallback;
    else if (node == PH_JSON_NONE)
        return ph_hf_wrong(s->file, key, "there");
    else if (!ph_json_double(&s->file->json, node, out))
        return ph_hf_wrong(s->file, key, "a number");
    return PHIAL_OK;
}

static phial_status check_unbiased(const source *s, const char *key)
{
    const uint32_t bias = ph_hf_find(s->file, key);
    bool biased = false;

    if (bias != PH_JSON_NONE &&
        (!ph_json_bool(&s->file->json, bias, &biased) || biased))
        return ph_hf_wrong(s->file, key, "false");
    return PHIAL_OK;
}

/* Every family that computes something else is refused by its name. */
static phial_status check_kind(const source *s, bool *llama)
{
    const uint32_t kind = ph_hf_find(s->file, "model_type");
    const uint32_t act = ph_hf_find(s->file, "hidden_act");
    const ph_json_node *node = &s->file->json.nodes[kind];

    if (kind == PH_JSON_NONE || node->kind != PH_JSON_STRING)
        return ph_hf_wrong(s->file, "model_type", "a string");
    *llama = ph_json_is(&s->file->json, kind, "llama");
    if (!*llama && !ph_json_is(&s->file->json, kind, "phi3"))
        return ph_fail(
            PHIAL_E_UNSUPPORTED,
            "%s: the \"model_type\" is %s, expected \"phi3\": Phi-3, Phi-3.5, "
            "Phi-4, Phi-4-mini and their reasoning models; or \"llama\" for a "
            "copy of one of these in Llama's layout",
            ph_show_path(s->file->path).text,
            ph_show((ph_str){s->file->text.data + node->begin, node->len})
                .text);
    if (act != PH_JSON_NONE && !ph_json_is(&s->file->json, act, "silu"))
        return ph_hf_wrong(s->file, "hidden_act", "\"silu\"");
    PH_TRY(check_unbiased(s, "mlp_bias"));
    return check_unbiased(s, "attention_bias");
}

static phial_status find_rope(source *s)
{
    const uint32_t parameters = ph_hf_find(s->file, "rope_parameters");
    const uint32_t scaling = ph_hf_find(s->file, "rope_scaling");

    s->rope = parameters == PH_JSON_NONE ? scaling : parameters;
    if (s->rope != PH_JSON_NONE &&
        s->file->json.nodes[s->rope].kind != PH_JSON_OBJECT)
        return ph_hf_wrong(s->file,
                           parameters == PH_JSON_NONE ? "rope_scaling"
                                                      : "rope_parameters",
                           "an object");
    return PHIAL_OK;
}

/* "su" and, of this architecture, "yarn" are LongRoPE's first names. */
static phial_status is_longrope(const source *s, bool *longrope)
{
    static const char *const names[] = {"longrope", "su", "yarn"};
    uint32_t type = member(s, s->rope, "rope_type");

    *longrope = false;
    if (type == PH_JSON_NONE)
        type = member(s, s->rope, "type");
    if (type == PH_JSON_NONE || ph_json_is(&s->file->json, type, "default"))
        return PHIAL_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        *longrope = *longrope || ph_json_is(&s->file->json, type, names[i]);
    if (!*longrope)
        return ph_hf_wrong(s->file, "rope_type", "\"longrope\" or none");
    return PHIAL_OK;
}

static phial_status get_factors(const source *s, const char *key,
                                float factors[PH_HF_MAX_FACTORS], uint32_t *n)
{
    const ph_json *json = &s->file->json;
    const uint32_t list = member(s, s->rope, key);
    double value;
    uint32_t i = 0;

    if (list == PH_JSON_NONE || json->nodes[list].kind != PH_JSON_ARRAY ||
        ph_json_count(json, list) > PH_HF_MAX_FACTORS)
        return ph_hf_wrong(s->file, key, "a list of up to 1024 numbers");
    for (uint32_t node = list + 1; node < json->nodes[list].end;
         node = json->nodes[node].end) {
        if (!ph_json_double(json, node, &value))
            return ph_hf_wrong(s->file, key, "a list of up to 1024 numbers");
        factors[i++] = (float)value;
    }
    *n = i;
    return PHIAL_OK;
}

static phial_status put_longrope(const source *s, ph_gguf_builder *b,
                                 ph_hf_config *config)
{
    const uint32_t fallback = 4096;
    uint32_t original, n_long;
    double factor;

    PH_TRY(
        get_u32(s, "original_max_position_embeddings", &fallback, &original));
    PH_TRY(ph_builder_u32(b, "phi3.rope.scaling.original_context_length",
                          original));
    if (member(s, s->rope, "attention_factor") != PH_JSON_NONE) {
        PH_TRY(get_double(s, "attention_factor", NULL, &factor));
        PH_TRY(
            ph_builder_f32(b, "phi3.rope.scaling.attn_factor", (float)factor));
    }
    PH_TRY(
        get_factors(s, "short_factor", config->factors[0], &config->n_factors));
    PH_TRY(get_factors(s, "long_factor", config->factors[1], &n_long));
    if (n_long != config->n_factors || !n_long)
        return ph_hf_wrong(s->file, "long_factor",
                           "as long as \"short_factor\", and not empty");
    return PHIAL_OK;
}

static phial_status put_rope(const source *s, uint32_t head_dim,
                             ph_gguf_builder *b, ph_hf_config *config)
{
    const double one = 1, base = 10000;
    double part, theta;
    bool longrope;

    PH_TRY(get_double(s, "partial_rotary_factor", &one, &part));
    if (!(part > 0 && part <= 1))
        return ph_hf_wrong(s->file, "partial_rotary_factor",
                           "above 0 and at most 1");
    if (config->llama && part < 1)
        return ph_hf_wrong(s->file, "partial_rotary_factor",
                           "1 or none in a llama model");
    PH_TRY(ph_builder_u32(b, "phi3.rope.dimension_count",
                          (uint32_t)(head_dim * part)));
    PH_TRY(get_double(s, "rope_theta", &base, &theta));
    PH_TRY(ph_builder_f32(b, "phi3.rope.freq_base", (float)theta));
    PH_TRY(is_longrope(s, &longrope));
    if (config->llama && longrope)
        return ph_hf_wrong(s->file, "rope_type", "none in a llama model");
    return longrope ? put_longrope(s, b, config) : PHIAL_OK;
}

static phial_status put_shape(const source *s, ph_gguf_builder *b,
                              ph_hf_config *config)
{
    static const struct {
        const char *theirs, *ours;
    } counts[] = {
        {"max_position_embeddings", "phi3.context_length"},
        {"intermediate_size", "phi3.feed_forward_length"},
    };
    const uint32_t none = 0;
    uint32_t n, hidden, heads, head_dim;
    double eps;

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        PH_TRY(get_u32(s, counts[i].theirs, NULL, &n));
        PH_TRY(ph_builder_u32(b, counts[i].ours, n));
    }
    PH_TRY(get_u32(s, "num_hidden_layers", NULL, &config->n_layers));
    PH_TRY(ph_builder_u32(b, "phi3.block_count", config->n_layers));
    PH_TRY(get_u32(s, "hidden_size", NULL, &hidden));
    PH_TRY(ph_builder_u32(b, "phi3.embedding_length", hidden));
    PH_TRY(get_u32(s, "num_attention_heads", NULL, &heads));
    PH_TRY(ph_builder_u32(b, "phi3.attention.head_count", heads));
    PH_TRY(get_u32(s, "num_key_value_heads", &heads, &n));
    PH_TRY(ph_builder_u32(b, "phi3.attention.head_count_kv", n));
    PH_TRY(get_double(s, "rms_norm_eps", NULL, &eps));
    PH_TRY(
        ph_builder_f32(b, "phi3.attention.layer_norm_rms_epsilon", (float)eps));
    PH_TRY(get_u32(s, "sliding_window", &none, &n));
    if (config->llama && n)
        return ph_hf_wrong(s->file, "sliding_window", "none in a llama model");
    PH_TRY(ph_builder_u32(b, "phi3.attention.sliding_window", n));
    head_dim = heads ? hidden / heads : 0;
    PH_TRY(get_u32(s, "head_dim", &head_dim, &n));
    if (n != head_dim)
        PH_TRY(ph_builder_u32(b, "phi3.attention.key_length", n));
    return put_rope(s, n, b, config);
}

phial_status ph_hf_put_config(const ph_hf_file *file, ph_gguf_builder *b,
                              ph_hf_config *config)
{
    const uint32_t tied = ph_hf_find(file, "tie_word_embeddings");
    source s = {.file = file, .rope = PH_JSON_NONE};

    config->tied = false;
    config->n_factors = 0;
    PH_TRY(check_kind(&s, &config->llama));
    PH_TRY(find_rope(&s));
    PH_TRY(ph_builder_str(b, "general.architecture", PH_STR("phi3")));
    PH_TRY(get_u32(&s, "vocab_size", NULL, &config->n_vocab));
    if (!config->n_vocab || config->n_vocab > PH_HF_MAX_VOCAB)
        return ph_hf_wrong(file, "vocab_size", "from 1 to 1048576");
    if (tied != PH_JSON_NONE && !ph_json_bool(&file->json, tied, &config->tied))
        return ph_hf_wrong(file, "tie_word_embeddings", "true or false");
    return put_shape(&s, b, config);
}
