/* SPDX-License-Identifier: MIT
 * adapter_config.json (peft, tuners/lora/config.py). Which modules have a pair
 * is not asked here: that is what tensors there are. */
#include "formats/peft_folder.h"

#include <float.h>
#include <math.h>

/* What makes an adapter more than pairs of matrices. */
static const char *const more[] = {
    "use_dora",          "lora_bias",
    "modules_to_save",   "fan_in_fan_out",
    "layer_replication", "trainable_token_indices",
    "target_parameters", "alora_invocation_tokens",
    "use_qalora",        "use_bdlora",
};

/* Ways to begin a training that leave the model's own weights as they are. */
static const char *const harmless[] = {"gaussian", "eva", "orthogonal"};

static phial_status unsupported(const ph_peft_config *c, const char *key,
                                const char *expected)
{
    ph_hf_wrong(&c->file, key, expected);
    return PHIAL_E_UNSUPPORTED;
}

static bool is_nothing(const ph_json *json, uint32_t node)
{
    bool flag;

    if (node == PH_JSON_NONE)
        return true;
    if (ph_json_bool(json, node, &flag))
        return !flag;
    return (json->nodes[node].kind == PH_JSON_ARRAY ||
            json->nodes[node].kind == PH_JSON_OBJECT) &&
           ph_json_count(json, node) == 0;
}

/* PiSSA and others like it train beside a model that they changed first. */
static phial_status check_beginning(const ph_peft_config *c)
{
    const char key[] = "init_lora_weights";
    const uint32_t node = ph_hf_find(&c->file, key);
    bool flag;

    if (node == PH_JSON_NONE || ph_json_bool(&c->file.json, node, &flag))
        return PHIAL_OK;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (ph_json_is(&c->file.json, node, harmless[i]))
            return PHIAL_OK;
    return unsupported(c, key,
                       "true, false, \"gaussian\", \"eva\" or \"orthogonal\": "
                       "others change the model's own weights");
}

static phial_status check_kind(const ph_peft_config *c)
{
    const ph_json *json = &c->file.json;
    const uint32_t kind = ph_hf_find(&c->file, "peft_type");
    const uint32_t bias = ph_hf_find(&c->file, "bias");

    if (kind == PH_JSON_NONE)
        return ph_hf_wrong(&c->file, "peft_type", "there");
    if (!ph_json_is(json, kind, "LORA"))
        return unsupported(c, "peft_type", "\"LORA\"");
    if (bias != PH_JSON_NONE && !ph_json_is(json, bias, "none"))
        return unsupported(c, "bias", "\"none\"");
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (!is_nothing(json, ph_hf_find(&c->file, more[i])))
            return unsupported(c, more[i], "false, null or empty");
    return check_beginning(c);
}

/* Keys are regular expressions there. One without operators matches the end of
 * a module's name, behind a dot or from its beginning, and is all that is
 * needed; a dot is taken for itself. */
static phial_status find_pattern(const ph_peft_config *c, const char *name,
                                 uint32_t *pattern)
{
    const ph_json_node *nodes = c->file.json.nodes;
    const uint32_t object = ph_hf_find(&c->file, name);

    *pattern = object;
    if (object == PH_JSON_NONE)
        return PHIAL_OK;
    if (nodes[object].kind != PH_JSON_OBJECT)
        return ph_hf_wrong(&c->file, name, "an object");
    for (uint32_t key = object + 1; key < nodes[object].end;
         key = nodes[nodes[key].end].end)
        for (uint32_t i = 0; i < nodes[key].len; i++)
            if (strchr("\\^$*+?()[]{}|",
                       c->file.text.data[nodes[key].begin + i]))
                return unsupported(c, name,
                                   "one whose keys are plain names, without "
                                   "operators of regular expressions");
    return PHIAL_OK;
}

static bool is_rank(const ph_json *json, uint32_t node, uint32_t *rank)
{
    uint64_t value;

    if (!ph_json_u64(json, node, &value) || !value || value > UINT32_MAX)
        return false;
    *rank = (uint32_t)value;
    return true;
}

static phial_status read(ph_peft_config *c)
{
    const ph_json *json = &c->file.json;
    const uint32_t rank = ph_hf_find(&c->file, "r");
    const uint32_t alpha = ph_hf_find(&c->file, "lora_alpha");
    const uint32_t stabilised = ph_hf_find(&c->file, "use_rslora");

    PH_TRY(check_kind(c));
    if (rank == PH_JSON_NONE || !is_rank(json, rank, &c->rank))
        return ph_hf_wrong(&c->file, "r", "a positive whole number");
    if (alpha == PH_JSON_NONE || !ph_json_double(json, alpha, &c->alpha))
        return ph_hf_wrong(&c->file, "lora_alpha", "a number");
    if (stabilised != PH_JSON_NONE &&
        !ph_json_bool(json, stabilised, &c->rank_stabilised))
        return ph_hf_wrong(&c->file, "use_rslora", "true or false");
    PH_TRY(find_pattern(c, "rank_pattern", &c->ranks));
    return find_pattern(c, "alpha_pattern", &c->alphas);
}

phial_status ph_peft_config_read(const ph_heap *heap, const char *folder,
                                 ph_peft_config *config)
{
    bool found;

    memset(config, 0, sizeof *config);
    PH_TRY(ph_hf_read(heap, folder, "adapter_config.json", PH_HF_MAX_TEXT,
                      &found, &config->file));
    if (!found)
        return ph_fail(PHIAL_E_IO,
                       "%s is a directory without adapter_config.json, "
                       "expected a GGUF file or a folder that PEFT saved",
                       ph_show_path(folder).text);
    return read(config);
}

void ph_peft_config_close(ph_peft_config *config)
{
    ph_hf_close(&config->file);
}

static bool matches(ph_str key, ph_str module)
{
    const size_t before = module.len - key.len;

    return key.len <= module.len &&
           memcmp(module.data + before, key.data, key.len) == 0 &&
           (before == 0 || module.data[before - 1] == '.');
}

/* The first that matches counts, as there. */
static uint32_t look_up(const ph_peft_config *c, uint32_t pattern,
                        ph_str module)
{
    const ph_json_node *nodes = c->file.json.nodes;

    if (pattern == PH_JSON_NONE)
        return PH_JSON_NONE;
    for (uint32_t key = pattern + 1; key < nodes[pattern].end;
         key = nodes[nodes[key].end].end) {
        const ph_str name = {c->file.text.data + nodes[key].begin + 1,
                             nodes[key].len - 2};

        if (matches(name, module))
            return nodes[key].end;
    }
    return PH_JSON_NONE;
}

phial_status ph_peft_scale(const ph_peft_config *config, ph_str module,
                           uint64_t rank, float *scale)
{
    const ph_json *json = &config->file.json;
    const uint32_t own_rank = look_up(config, config->ranks, module);
    const uint32_t own_alpha = look_up(config, config->alphas, module);
    uint32_t want = config->rank;
    double value = config->alpha;

    if (own_rank != PH_JSON_NONE && !is_rank(json, own_rank, &want))
        return ph_hf_wrong(&config->file, "rank_pattern",
                           "of positive whole numbers");
    if (own_alpha != PH_JSON_NONE && !ph_json_double(json, own_alpha, &value))
        return ph_hf_wrong(&config->file, "alpha_pattern", "of numbers");
    if (rank != want)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: the rank of %s is %u, but its tensors have %llu",
                       ph_show_path(config->file.path).text,
                       ph_show(module).text, want, (unsigned long long)rank);
    value /= config->rank_stabilised ? sqrt((double)want) : (double)want;
    if (!(fabs(value) <= (double)FLT_MAX))
        return ph_hf_wrong(&config->file, "lora_alpha", "finite");
    *scale = (float)value;
    return PHIAL_OK;
}
