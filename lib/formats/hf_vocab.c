/* SPDX-License-Identifier: MIT
 * The tokens of tokenizer.json: the model's vocabulary, and the added tokens
 * over it. Rows of the embedding that no token has are padding. */
#include "formats/hf_folder.h"

enum {
    NORMAL = 1, /* GGUF's tokenizer.ggml.token_type */
    UNKNOWN = 2,
    CONTROL = 3,
    USER = 4,
    UNUSED = 5,
    BYTE = 6
};

typedef struct vocab_reader {
    const ph_hf_file *file;
    const ph_json *json;
    ph_hf_vocab *vocab;
    uint32_t *nodes; /* by id: where it is spelled */
} vocab_reader;

static phial_status fail(const vocab_reader *r, uint32_t node, const char *what)
{
    const ph_json_node *n = &r->json->nodes[node];

    return ph_fail(
        PHIAL_E_FORMAT, "%s: token %s: %s", ph_show_path(r->file->path).text,
        ph_show((ph_str){r->json->text.data + n->begin, n->len}).text, what);
}

static phial_status get_id(const vocab_reader *r, uint32_t spelling,
                           uint32_t node, uint32_t *id)
{
    uint64_t value;

    if (node == PH_JSON_NONE || !ph_json_u64(r->json, node, &value) ||
        value >= r->vocab->n)
        return fail(r, spelling,
                    "its id is no whole number below \"vocab_size\" of "
                    "config.json");
    *id = (uint32_t)value;
    return PHIAL_OK;
}

/* <0x00> to <0xFF>, the bytes that SentencePiece falls back on. */
static bool is_byte(const vocab_reader *r, uint32_t node)
{
    const ph_json_node *n = &r->json->nodes[node];

    return !r->vocab->bytes && n->len == 8 &&
           memcmp(r->json->text.data + n->begin, "\"<0x", 4) == 0;
}

static phial_status read_model(vocab_reader *r, uint32_t model)
{
    const ph_json_node *nodes = r->json->nodes;
    const uint32_t list = ph_json_get(r->json, model, "vocab");
    const uint32_t unknown = ph_json_get(r->json, model, "unk_token");
    uint32_t id = 0;

    if (list == PH_JSON_NONE || nodes[list].kind != PH_JSON_OBJECT)
        return ph_hf_wrong(r->file, "vocab", "an object");
    for (uint32_t key = list + 1; key < nodes[list].end;
         key = nodes[nodes[key].end].end) {
        PH_TRY(get_id(r, key, nodes[key].end, &id));
        if (r->nodes[id])
            return fail(r, key, "its id is another token's too");
        r->nodes[id] = key;
        r->vocab->kinds[id] = is_byte(r, key) ? BYTE : NORMAL;
        if (!r->vocab->bytes && unknown != PH_JSON_NONE &&
            nodes[unknown].len == nodes[key].len &&
            memcmp(r->json->text.data + nodes[unknown].begin,
                   r->json->text.data + nodes[key].begin, nodes[key].len) == 0)
            r->vocab->kinds[id] = UNKNOWN;
    }
    return PHIAL_OK;
}

static bool flag(const vocab_reader *r, uint32_t token, const char *key)
{
    const uint32_t node = ph_json_get(r->json, token, key);
    bool value = false;

    return node != PH_JSON_NONE && ph_json_bool(r->json, node, &value) && value;
}

/* "<|user|>" and the like are control tokens even where the reference lets
 * them be shown, as the converter to GGUF has it. */
static bool looks_special(const vocab_reader *r, uint32_t node)
{
    const ph_json_node *n = &r->json->nodes[node];
    const char *p = r->json->text.data + n->begin;

    return n->len >= 6 && memcmp(p, "\"<|", 3) == 0 &&
           memcmp(p + n->len - 3, "|>\"", 3) == 0;
}

static phial_status read_added_token(vocab_reader *r, uint32_t token)
{
    const uint32_t content = ph_json_get(r->json, token, "content");
    const bool special = flag(r, token, "special");
    uint32_t id = 0;

    if (content == PH_JSON_NONE ||
        r->json->nodes[content].kind != PH_JSON_STRING)
        return ph_hf_wrong(r->file, "added_tokens", "a list of tokens");
    PH_TRY(get_id(r, content, ph_json_get(r->json, token, "id"), &id));
    if (flag(r, token, "single_word"))
        return fail(r, content, "\"single_word\" is not supported");
    r->nodes[id] = content;
    if (r->vocab->kinds[id] != UNKNOWN)
        r->vocab->kinds[id] =
            special || looks_special(r, content) ? CONTROL : USER;
    r->vocab->flags[id] =
        (uint8_t)((flag(r, token, "lstrip") ? PH_GGUF_TOKEN_LSTRIP : 0) |
                  (flag(r, token, "rstrip") ? PH_GGUF_TOKEN_RSTRIP : 0) |
                  (special ? 0 : PH_GGUF_TOKEN_VISIBLE));
    return PHIAL_OK;
}

static phial_status read_added(vocab_reader *r)
{
    const ph_json_node *nodes = r->json->nodes;
    const uint32_t list = ph_hf_find(r->file, "added_tokens");

    if (list == PH_JSON_NONE)
        return PHIAL_OK;
    if (nodes[list].kind != PH_JSON_ARRAY)
        return ph_hf_wrong(r->file, "added_tokens", "a list of tokens");
    for (uint32_t token = list + 1; token < nodes[list].end;
         token = nodes[token].end) {
        if (nodes[token].kind != PH_JSON_OBJECT)
            return ph_hf_wrong(r->file, "added_tokens", "a list of tokens");
        PH_TRY(read_added_token(r, token));
    }
    return PHIAL_OK;
}

static phial_status spell(vocab_reader *r)
{
    ph_hf_vocab *v = r->vocab;

    for (uint32_t id = 0; id < v->n; id++) {
        v->at[id] = (uint32_t)v->pool.len;
        if (r->nodes[id]) {
            PH_TRY(ph_json_string(r->json, r->nodes[id], &v->pool));
        } else {
            v->kinds[id] = UNUSED;
            PH_TRY(ph_buf_printf(&v->pool, "[PAD%u]", id));
        }
    }
    v->at[v->n] = (uint32_t)v->pool.len;
    return PHIAL_OK;
}

/* With an affix the parts of a word are spelled otherwise than tokens are. */
static phial_status check_affix(const vocab_reader *r, uint32_t model,
                                const char *key)
{
    const uint32_t node = ph_json_get(r->json, model, key);

    if (node == PH_JSON_NONE || r->json->nodes[node].kind == PH_JSON_NULL ||
        ph_json_is(r->json, node, ""))
        return PHIAL_OK;
    ph_hf_wrong(r->file, key, "null or \"\"");
    return PHIAL_E_UNSUPPORTED;
}

static phial_status read_all(vocab_reader *r)
{
    const uint32_t model = ph_hf_find(r->file, "model");

    if (model == PH_JSON_NONE || r->json->nodes[model].kind != PH_JSON_OBJECT ||
        !ph_json_is(r->json, ph_json_get(r->json, model, "type"), "BPE"))
        return ph_hf_wrong(r->file, "model", "an object of \"type\" \"BPE\"");
    PH_TRY(check_affix(r, model, "continuing_subword_prefix"));
    PH_TRY(check_affix(r, model, "end_of_word_suffix"));
    r->vocab->bytes = !flag(r, model, "byte_fallback");
    PH_TRY(read_model(r, model));
    PH_TRY(read_added(r));
    return spell(r);
}

phial_status ph_hf_vocab_read(const ph_hf_file *file, uint32_t n_vocab,
                              ph_hf_vocab *vocab)
{
    const ph_heap *heap = file->text.heap;
    vocab_reader r = {.file = file, .json = &file->json, .vocab = vocab};
    phial_status status;

    *vocab = (ph_hf_vocab){.heap = heap, .n = n_vocab, .pool.heap = heap};
    vocab->at = ph_alloc(heap, (size_t)n_vocab + 1, sizeof *vocab->at);
    vocab->kinds = ph_alloc(heap, n_vocab, 1);
    vocab->flags = ph_alloc(heap, n_vocab, 1);
    r.nodes = ph_alloc(heap, n_vocab, sizeof *r.nodes);
    if (vocab->at && vocab->kinds && vocab->flags && r.nodes)
        status = read_all(&r);
    else
        status = ph_no_memory("the vocabulary", n_vocab * sizeof *r.nodes);
    ph_free(heap, r.nodes);
    return status;
}

void ph_hf_vocab_free(ph_hf_vocab *vocab)
{
    ph_free(vocab->heap, vocab->at);
    ph_free(vocab->heap, vocab->kinds);
    ph_free(vocab->heap, vocab->flags);
    ph_buf_free(&vocab->pool);
}

ph_str ph_hf_token(const ph_hf_vocab *vocab, uint32_t id)
{
    return (ph_str){vocab->pool.data + vocab->at[id],
                    vocab->at[id + 1] - vocab->at[id]};
}
