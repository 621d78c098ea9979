/* SPDX-License-Identifier: MIT
 * What a checkpoint says beside its numbers: which tokens begin and end a text,
 * how a chat is written, what the model is called. */
#include "formats/hf_folder.h"

/* A whole number, or a list of them. */
static phial_status add_ends(const ph_hf_file *file, ph_hf_ids *ids)
{
    const ph_json *json = &file->json;
    const uint32_t node = ph_hf_find(file, "eos_token_id");
    uint32_t at = node, end = node + 1;
    uint64_t id;

    if (node == PH_JSON_NONE)
        return PHIAL_OK;
    if (json->nodes[node].kind == PH_JSON_ARRAY) {
        at = node + 1;
        end = json->nodes[node].end;
    }
    for (; at < end; at = json->nodes[at].end) {
        bool known = false;

        if (!ph_json_u64(json, at, &id) || id > PH_HF_MAX_VOCAB)
            return ph_hf_wrong(file, "eos_token_id", "a token id or several");
        for (uint32_t i = 0; i < ids->n_ends; i++)
            known = known || ids->ends[i] == id;
        if (known)
            continue;
        if (ids->n_ends == PH_HF_MAX_ENDS)
            return ph_hf_wrong(file, "eos_token_id", "at most 16 token ids");
        ids->ends[ids->n_ends++] = (uint32_t)id;
    }
    return PHIAL_OK;
}

static phial_status put_id(const ph_hf_file *file, const char *theirs,
                           const char *ours, ph_gguf_builder *b)
{
    const uint32_t node = ph_hf_find(file, theirs);
    uint64_t id;

    if (node == PH_JSON_NONE)
        return PHIAL_OK;
    if (!ph_json_u64(&file->json, node, &id) || id > PH_HF_MAX_VOCAB)
        return ph_hf_wrong(file, theirs, "a token id");
    return ph_builder_u32(b, ours, (uint32_t)id);
}

static phial_status put_name(const char *folder, ph_gguf_builder *b)
{
    size_t end = strlen(folder), begin;

    while (end > 1 && folder[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && folder[begin - 1] != '/'; begin--)
        ;
    return ph_builder_str(b, "general.name",
                          (ph_str){folder + begin, end - begin});
}

static phial_status put_ids(const ph_hf_file *config, const char *folder,
                            ph_gguf_builder *b, ph_hf_ids *ids)
{
    ph_hf_file file;
    phial_status status;
    bool found;

    ids->n_ends = 0;
    PH_TRY(put_id(config, "bos_token_id", "tokenizer.ggml.bos_token_id", b));
    PH_TRY(
        put_id(config, "pad_token_id", "tokenizer.ggml.padding_token_id", b));
    PH_TRY(add_ends(config, ids));
    status = ph_hf_read(config->text.heap, folder, "generation_config.json",
                        PH_HF_MAX_TEXT, &found, &file);
    if (status >= 0 && found)
        status = add_ends(&file, ids);
    ph_hf_close(&file);
    if (status >= 0 && ids->n_ends > 0)
        status = ph_builder_u32(b, "tokenizer.ggml.eos_token_id", ids->ends[0]);
    if (status >= 0 && ids->n_ends > 1)
        status = ph_builder_u32(b, "tokenizer.ggml.eot_token_id", ids->ends[1]);
    return status;
}

/* A string, or a list of named ones, of which "default" counts. */
static uint32_t find_template(const ph_hf_file *file)
{
    const ph_json *json = &file->json;
    const uint32_t node = ph_hf_find(file, "chat_template");

    if (node == PH_JSON_NONE || json->nodes[node].kind == PH_JSON_STRING)
        return node;
    if (json->nodes[node].kind != PH_JSON_ARRAY)
        return PH_JSON_NONE;
    for (uint32_t at = node + 1; at < json->nodes[node].end;
         at = json->nodes[at].end) {
        uint32_t name, text;

        if (json->nodes[at].kind != PH_JSON_OBJECT)
            continue;
        name = ph_json_get(json, at, "name");
        text = ph_json_get(json, at, "template");
        if (name != PH_JSON_NONE && ph_json_is(json, name, "default") &&
            text != PH_JSON_NONE && json->nodes[text].kind == PH_JSON_STRING)
            return text;
    }
    return PH_JSON_NONE;
}

static phial_status put_tokenizer_config(const ph_hf_file *file, bool templated,
                                         ph_gguf_builder *b)
{
    const uint32_t bos = ph_hf_find(file, "add_bos_token");
    const uint32_t text = templated ? PH_JSON_NONE : find_template(file);
    ph_buf value = {.heap = file->text.heap};
    phial_status status;
    bool add;

    if (bos != PH_JSON_NONE && ph_json_bool(&file->json, bos, &add))
        PH_TRY(ph_builder_bool(b, "tokenizer.ggml.add_bos_token", add));
    if (text == PH_JSON_NONE)
        return PHIAL_OK;
    status = ph_json_string(&file->json, text, &value);
    if (status >= 0)
        status = ph_builder_str(b, "tokenizer.chat_template",
                                (ph_str){value.data, value.len});
    ph_buf_free(&value);
    return status;
}

phial_status ph_hf_put_texts(const ph_hf_file *config, const char *folder,
                             ph_gguf_builder *b, ph_hf_ids *ids)
{
    const ph_heap *heap = config->text.heap;
    ph_hf_file file;
    bool templated, found;
    phial_status status;

    PH_TRY(put_name(folder, b));
    PH_TRY(put_ids(config, folder, b, ids));
    status = ph_hf_read_text(heap, folder, "chat_template.jinja",
                             PH_HF_MAX_TEXT, &templated, &file);
    if (status >= 0 && templated)
        status = ph_builder_str(b, "tokenizer.chat_template",
                                (ph_str){file.text.data, file.text.len});
    ph_hf_close(&file);
    PH_TRY(status);
    status = ph_hf_read(heap, folder, "tokenizer_config.json", PH_HF_MAX_TEXT,
                        &found, &file);
    if (status >= 0 && found)
        status = put_tokenizer_config(&file, templated, b);
    ph_hf_close(&file);
    return status;
}
