/* SPDX-License-Identifier: MIT
 * The merges of tokenizer.json, "left right" or, since transformers 4.45,
 * ["left", "right"]. Byte-level vocabularies keep them. SentencePiece's have
 * scores in GGUF, from which merges follow again: a token's score is how early
 * the first merge stands that makes it. */
#include "formats/hf_folder.h"
#include "text/text.h"

typedef struct merges {
    const ph_hf_file *file;
    const ph_json *json;
    uint32_t list;
} merges;

static phial_status fail(const merges *m, uint32_t node, const char *what)
{
    const ph_json_node *n = &m->json->nodes[node];

    return ph_fail(
        PHIAL_E_FORMAT, "%s: merge %s %s", ph_show_path(m->file->path).text,
        ph_show((ph_str){m->json->text.data + n->begin, n->len}).text, what);
}

static phial_status find_merges(const ph_hf_file *file, merges *m)
{
    const uint32_t model = ph_hf_find(file, "model");

    *m = (merges){file, &file->json, ph_json_get(&file->json, model, "merges")};
    if (m->list == PH_JSON_NONE ||
        m->json->nodes[m->list].kind != PH_JSON_ARRAY)
        return ph_hf_wrong(file, "merges", "a list");
    return PHIAL_OK;
}

/* Both parts, with separator between them, in out alone. */
static phial_status spell(const merges *m, uint32_t node, const char *separator,
                          ph_buf *out)
{
    const ph_json_node *nodes = m->json->nodes;
    char *space;

    out->len = 0;
    if (nodes[node].kind == PH_JSON_STRING) {
        PH_TRY(ph_json_string(m->json, node, out));
        space = out->len ? memchr(out->data, ' ', out->len) : NULL;
        if (!space)
            return fail(m, node, "is not two tokens");
        if (*separator)
            return PHIAL_OK;
        out->len--;
        memmove(space, space + 1, out->len - (size_t)(space - out->data));
        return PHIAL_OK;
    }
    if (nodes[node].kind != PH_JSON_ARRAY ||
        ph_json_count(m->json, node) != 2 ||
        nodes[node + 1].kind != PH_JSON_STRING ||
        nodes[node + 2].kind != PH_JSON_STRING)
        return fail(m, node, "is not two tokens");
    PH_TRY(ph_json_string(m->json, node + 1, out));
    PH_TRY(ph_buf_puts(out, separator));
    return ph_json_string(m->json, node + 2, out);
}

static phial_status put_list(const merges *m, ph_buf *scratch,
                             ph_gguf_builder *b)
{
    const ph_json_node *nodes = m->json->nodes;

    PH_TRY(ph_builder_array(b, "tokenizer.ggml.merges", PH_GGUF_STRING,
                            ph_json_count(m->json, m->list)));
    for (uint32_t node = m->list + 1; node < nodes[m->list].end;
         node = nodes[node].end) {
        PH_TRY(spell(m, node, " ", scratch));
        PH_TRY(ph_builder_element(b, (ph_str){scratch->data, scratch->len}));
    }
    return PHIAL_OK;
}

static int compare_tokens(const void *context, uint32_t a, uint32_t b)
{
    const int order =
        ph_str_compare(ph_hf_token(context, a), ph_hf_token(context, b));

    return order ? order : (a > b) - (a < b);
}

/* The first of the sorted ids that is spelled so, or n. */
static uint32_t find(const ph_hf_vocab *v, const uint32_t *sorted, ph_str s)
{
    uint32_t low = 0, high = v->n;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (ph_str_compare(ph_hf_token(v, sorted[middle]), s) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < v->n && ph_str_eq(ph_hf_token(v, sorted[low]), s) ? sorted[low]
                                                                   : v->n;
}

/* 1 + the number of the first merge that makes each token; 0: none does. */
static phial_status rank_tokens(const merges *m, const ph_hf_vocab *v,
                                const uint32_t *sorted, uint32_t *ranks,
                                ph_buf *scratch)
{
    const ph_json_node *nodes = m->json->nodes;
    uint32_t rank = 0;

    for (uint32_t node = m->list + 1; node < nodes[m->list].end;
         node = nodes[node].end) {
        uint32_t id;

        PH_TRY(spell(m, node, "", scratch));
        id = find(v, sorted, (ph_str){scratch->data, scratch->len});
        if (id == v->n)
            return fail(m, node, "makes a token that does not exist");
        rank++;
        if (!ranks[id])
            ranks[id] = rank;
    }
    return PHIAL_OK;
}

/* Tokens that no merge makes come after all others. */
static phial_status put_scores(const ph_hf_vocab *v, const uint32_t *ranks,
                               ph_gguf_builder *b)
{
    PH_TRY(ph_builder_array(b, "tokenizer.ggml.scores", PH_GGUF_F32, v->n));
    for (uint32_t id = 0; id < v->n; id++) {
        const float score = ranks[id] ? 1 - (float)ranks[id] : -1e9F;
        uint32_t bits;
        uint8_t bytes[4];

        memcpy(&bits, &score, sizeof bits);
        ph_put_le32(bytes, bits);
        PH_TRY(ph_buf_put(&b->entries, bytes, sizeof bytes));
    }
    return PHIAL_OK;
}

static phial_status put_ranks(const merges *m, const ph_hf_vocab *v,
                              ph_buf *scratch, ph_gguf_builder *b)
{
    uint32_t *sorted = ph_alloc(v->heap, v->n, sizeof *sorted);
    uint32_t *ranks = ph_alloc(v->heap, v->n, sizeof *ranks);
    phial_status status;

    if (sorted && ranks) {
        for (uint32_t id = 0; id < v->n; id++)
            sorted[id] = id;
        ph_sort_indices(sorted, v->n, compare_tokens, v);
        status = rank_tokens(m, v, sorted, ranks, scratch);
    } else {
        status = ph_no_memory("the merges", v->n * sizeof *ranks);
    }
    if (status >= 0)
        status = put_scores(v, ranks, b);
    ph_free(v->heap, sorted);
    ph_free(v->heap, ranks);
    return status;
}

phial_status ph_hf_put_merges(const ph_hf_file *file, const ph_hf_vocab *vocab,
                              ph_gguf_builder *b)
{
    ph_buf scratch = {.heap = file->text.heap};
    phial_status status;
    merges m;

    PH_TRY(find_merges(file, &m));
    if (vocab->bytes)
        status = put_list(&m, &scratch, b);
    else
        status = put_ranks(&m, vocab, &scratch, b);
    ph_buf_free(&scratch);
    return status;
}
