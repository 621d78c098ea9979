/* SPDX-License-Identifier: MIT
 * tokenizer.json (huggingface/tokenizers) to the keys of GGUF. Which of the
 * vocabularies a file has is told by its splitting pattern, to the letter:
 * another pattern gives other ids. */
#include "formats/hf_folder.h"

static const struct {
    const char *pattern;
    const char *pre; /* tokenizer.ggml.pre */
} patterns[] = {
    /* tiktoken, cl100k_base and o200k_base */
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     "dbrx"},
    {"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"
     "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
     "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
     "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|"
     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     "gpt-4o"},
};

/* The pattern of a step that splits, or none. */
static uint32_t pattern_of(const ph_json *json, uint32_t step)
{
    uint32_t pattern;

    if (json->nodes[step].kind != PH_JSON_OBJECT)
        return PH_JSON_NONE;
    pattern = ph_json_get(json, step, "pattern");
    if (pattern == PH_JSON_NONE || json->nodes[pattern].kind != PH_JSON_OBJECT)
        return PH_JSON_NONE;
    return ph_json_get(json, pattern, "Regex");
}

static const char *find_pre(const ph_hf_file *file)
{
    const ph_json *json = &file->json;
    const uint32_t pre = ph_hf_find(file, "pre_tokenizer");
    const uint32_t list =
        pre == PH_JSON_NONE || json->nodes[pre].kind != PH_JSON_OBJECT
            ? PH_JSON_NONE
            : ph_json_get(json, pre, "pretokenizers");
    uint32_t pattern;

    if (list == PH_JSON_NONE || json->nodes[list].kind != PH_JSON_ARRAY ||
        !ph_json_count(json, list))
        return NULL;
    pattern = pattern_of(json, list + 1);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (pattern != PH_JSON_NONE &&
            ph_json_is(json, pattern, patterns[i].pattern))
            return patterns[i].pre;
    return NULL;
}

static phial_status put_kind(const ph_hf_file *file, const ph_hf_vocab *v,
                             ph_gguf_builder *b)
{
    const char *pre = find_pre(file);

    if (!v->bytes) {
        PH_TRY(ph_builder_str(b, "tokenizer.ggml.model", PH_STR("llama")));
        return ph_builder_str(b, "tokenizer.ggml.pre", PH_STR("default"));
    }
    if (!pre || ph_hf_find(file, "normalizer") != PH_JSON_NONE)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: its \"pre_tokenizer\" does not begin by splitting "
                       "with the pattern of Phi-4 or of Phi-4-mini, or it has "
                       "a \"normalizer\"; and it is not Phi-3's",
                       ph_show_path(file->path).text);
    PH_TRY(ph_builder_str(b, "tokenizer.ggml.model", PH_STR("gpt2")));
    return ph_builder_str(b, "tokenizer.ggml.pre", ph_str_of(pre));
}

static phial_status put_tokens(const ph_hf_vocab *v, ph_gguf_builder *b)
{
    PH_TRY(ph_builder_array(b, "tokenizer.ggml.tokens", PH_GGUF_STRING, v->n));
    for (uint32_t id = 0; id < v->n; id++)
        PH_TRY(ph_builder_element(b, ph_hf_token(v, id)));
    PH_TRY(ph_builder_array(b, "tokenizer.ggml.token_type", PH_GGUF_I32, v->n));
    for (uint32_t id = 0; id < v->n; id++) {
        uint8_t bytes[4];

        ph_put_le32(bytes, v->kinds[id]);
        PH_TRY(ph_buf_put(&b->entries, bytes, sizeof bytes));
    }
    PH_TRY(ph_builder_array(b, PH_GGUF_TOKEN_FLAGS, PH_GGUF_U8, v->n));
    return ph_buf_put(&b->entries, v->flags, v->n);
}

/* Other models have the layout of Llama too, and the same pattern or kind of
 * vocabulary: Phi's is told by a token of its chat format. */
static phial_status check_phi(const ph_hf_file *file, const ph_hf_vocab *v)
{
    for (uint32_t id = 0; id < v->n; id++) {
        const ph_str token = ph_hf_token(v, id);

        if (ph_str_is(token, "<|im_sep|>") || ph_str_is(token, "<|end|>"))
            return PHIAL_OK;
    }
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "%s: no token is \"<|im_sep|>\" or \"<|end|>\": with the "
                   "\"model_type\" \"llama\", expected the vocabulary of a "
                   "Phi model",
                   ph_show_path(file->path).text);
}

phial_status ph_hf_put_vocabulary(const ph_hf_file *file,
                                  const ph_hf_config *config,
                                  const ph_hf_ids *ids, ph_gguf_builder *b)
{
    ph_hf_vocab vocab;
    phial_status status = ph_hf_vocab_read(file, config->n_vocab, &vocab);

    for (uint32_t i = 0; i < ids->n_ends && status >= 0; i++)
        if (ids->ends[i] < config->n_vocab)
            vocab.flags[ids->ends[i]] |= PH_GGUF_TOKEN_END;
    if (status >= 0 && config->llama)
        status = check_phi(file, &vocab);
    if (status >= 0)
        status = put_kind(file, &vocab, b);
    if (status >= 0)
        status = put_tokens(&vocab, b);
    if (status >= 0)
        status = ph_hf_put_merges(file, &vocab, b);
    ph_hf_vocab_free(&vocab);
    return status;
}

phial_status ph_hf_put_tokenizer(const ph_heap *heap, const char *folder,
                                 const ph_hf_config *config,
                                 const ph_hf_ids *ids, ph_gguf_builder *b)
{
    ph_hf_file file;
    phial_status status = ph_hf_read(heap, folder, "tokenizer.json",
                                     PH_HF_MAX_VOCABULARY, NULL, &file);

    if (status >= 0)
        status = ph_hf_put_vocabulary(&file, config, ids, b);
    ph_hf_close(&file);
    return status;
}
