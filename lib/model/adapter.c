/* SPDX-License-Identifier: MIT
 * Reading an adapter into memory: the rows of its matrices as float, packed for
 * the products, and a fingerprint of them. */
#include "model/model.h"

#include <float.h>
#include <math.h>

typedef struct reader {
    const ph_gguf *gguf;
    ph_adapter *adapter;
    ph_lora_model shape; /* of the model */
    const ph_lora_pair *pairs;
    uint32_t n_pairs;
    uint8_t *raw;  /* PH_PANEL_ROWS rows of the file */
    float *floats; /* the same as float */
    uint8_t *to;   /* where the next matrix goes */
} reader;

static ph_lora_model shape_of(const ph_hparams *hp)
{
    return (ph_lora_model){.n_layers = hp->n_layers,
                           .n_embd = hp->n_embd,
                           .n_ff = hp->n_ff,
                           .q_rows = hp->n_heads * hp->head_dim,
                           .kv_rows = hp->n_kv_heads * hp->head_dim};
}

static uint64_t matrix_bytes(uint32_t rows, uint32_t cols)
{
    return (uint64_t)(rows / PH_PANEL_ROWS + (rows % PH_PANEL_ROWS != 0)) *
           ph_panel_bytes(PH_F32, cols);
}

static uint32_t rank_of(const ph_lora_pair *pair)
{
    return (uint32_t)pair->a->dims[1];
}

static uint64_t pair_bytes(const ph_lora_model *model, const ph_lora_pair *pair)
{
    uint64_t bytes =
        matrix_bytes(rank_of(pair), ph_lora_cols(model, pair->input));

    for (uint32_t i = 0; i < pair->n_outputs; i++)
        bytes += matrix_bytes(
            ph_lora_rows(model, pair->input, pair->first_output + i),
            rank_of(pair));
    return bytes;
}

/* Every element is in range, or the sums would not be. */
static phial_status check_floats(const reader *r, const ph_gguf_tensor *t,
                                 size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(r->floats[i]) <= FLT_MAX))
            return ph_fail(PHIAL_E_NUMERIC,
                           "%s: tensor %s holds NaN or infinity",
                           ph_show_path(ph_gguf_path(r->gguf)).text,
                           ph_show(t->name).text);
    return PHIAL_OK;
}

static void add_hash(reader *r, const void *data, size_t n)
{
    r->adapter->fingerprint = ph_xxh64(data, n, r->adapter->fingerprint);
}

/* Rows first and on of a tensor as a matrix of its own. */
static phial_status read_matrix(reader *r, const ph_gguf_tensor *t,
                                uint32_t first, uint32_t rows, ph_matrix *out)
{
    const uint32_t cols = (uint32_t)t->dims[0];
    uint64_t row_bytes = 0;

    *out = (ph_matrix){.type = PH_F32,
                       .rows = rows,
                       .cols = cols,
                       .panel_bytes = ph_panel_bytes(PH_F32, cols),
                       .data = r->to};
    ph_dtype_bytes((ph_dtype)t->type, cols, &row_bytes);
    for (uint32_t row = 0; row < rows; row += PH_PANEL_ROWS) {
        const uint32_t n =
            rows - row < PH_PANEL_ROWS ? rows - row : PH_PANEL_ROWS;

        PH_TRY(ph_gguf_read(r->gguf, t, (first + row) * row_bytes, r->raw,
                            (size_t)(n * row_bytes)));
        ph_dequantize((ph_dtype)t->type, r->raw, r->floats, (size_t)n * cols);
        PH_TRY(check_floats(r, t, (size_t)n * cols));
        add_hash(r, r->floats, (size_t)n * cols * sizeof *r->floats);
        ph_pack_panel(PH_F32, (const uint8_t *)r->floats,
                      cols * sizeof *r->floats, n, cols, r->to);
        r->to += out->panel_bytes;
    }
    return PHIAL_OK;
}

static void hash_pair(reader *r, const ph_lora_pair *pair)
{
    uint8_t words[4 * 4];
    uint32_t scale;

    memcpy(&scale, &pair->scale, sizeof scale);
    ph_put_le32(words, pair->layer);
    ph_put_le32(words + 4, pair->module);
    ph_put_le32(words + 8, rank_of(pair));
    ph_put_le32(words + 12, scale);
    add_hash(r, words, sizeof words);
}

static phial_status read_pair(reader *r, const ph_lora_pair *pair, ph_lora *out)
{
    uint32_t row = 0;

    hash_pair(r, pair);
    out->scale = pair->scale;
    PH_TRY(read_matrix(r, pair->a, 0, rank_of(pair), &out->a));
    for (uint32_t i = 0; i < pair->n_outputs; i++) {
        const uint32_t output = pair->first_output + i;
        const uint32_t rows = ph_lora_rows(&r->shape, pair->input, output);

        PH_TRY(read_matrix(r, pair->b, row, rows, &out->b[output]));
        row += rows;
    }
    return PHIAL_OK;
}

/* For a panel's rows. */
static void make_room(const ph_gguf_tensor *t, size_t *raw_bytes,
                      size_t *n_floats)
{
    const size_t n = (size_t)t->dims[0] * PH_PANEL_ROWS;
    uint64_t bytes = 0;

    ph_dtype_bytes((ph_dtype)t->type, n, &bytes);
    if (bytes > *raw_bytes)
        *raw_bytes = (size_t)bytes;
    if (n > *n_floats)
        *n_floats = n;
}

/* Sizes of everything; the table of where a layer's pairs are. Pairs come in
 * order, modules of one input behind each other. */
static void lay_out(reader *r, size_t *raw_bytes, size_t *n_floats)
{
    ph_adapter *a = r->adapter;
    const uint32_t n_places = a->model->hp.n_layers * PH_LORA_INPUTS;
    uint32_t pair = 0;

    *raw_bytes = *n_floats = 0;
    for (uint32_t place = 0; place < n_places; place++) {
        uint32_t ranks = 0;

        a->first[place] = pair;
        for (; pair < r->n_pairs; pair++) {
            const ph_lora_pair *p = &r->pairs[pair];

            if (p->layer * PH_LORA_INPUTS + p->input != place)
                break;
            ranks += rank_of(p);
            a->bytes += pair_bytes(&r->shape, p);
            make_room(p->a, raw_bytes, n_floats);
            make_room(p->b, raw_bytes, n_floats);
        }
        if (ranks > a->max_rank)
            a->max_rank = ranks;
    }
    a->first[n_places] = pair;
}

static phial_status read_all(reader *r)
{
    for (uint32_t i = 0; i < r->n_pairs; i++)
        PH_TRY(read_pair(r, &r->pairs[i], &r->adapter->pairs[i]));
    return PHIAL_OK;
}

static phial_status allocate_and_read(reader *r)
{
    ph_adapter *a = r->adapter;
    const ph_heap *heap = a->model->heap;
    const size_t n_first = (size_t)a->model->hp.n_layers * PH_LORA_INPUTS + 1;
    size_t raw_bytes, n_floats;
    phial_status status;

    a->pairs = ph_alloc(heap, r->n_pairs, sizeof *a->pairs);
    a->first = ph_alloc(heap, n_first, sizeof *a->first);
    if (!a->pairs || !a->first)
        return ph_no_memory("an adapter", r->n_pairs * sizeof *a->pairs);
    lay_out(r, &raw_bytes, &n_floats);
    if (a->bytes > SIZE_MAX)
        return ph_no_memory("an adapter's matrices", SIZE_MAX);
    a->data = r->to = ph_alloc_raw(heap, (size_t)a->bytes);
    if (!a->data)
        return ph_no_memory("an adapter's matrices", (size_t)a->bytes);
    r->raw = ph_alloc_raw(heap, raw_bytes);
    r->floats = ph_alloc_raw(heap, n_floats * sizeof *r->floats);
    if (r->raw && r->floats)
        status = read_all(r);
    else
        status = ph_no_memory("an adapter's rows", n_floats * sizeof(float));
    ph_free(heap, r->raw);
    ph_free(heap, r->floats);
    return status;
}

phial_status ph_adapter_read(const ph_model *model, const ph_gguf *gguf,
                             uint64_t id, ph_adapter **out)
{
    ph_adapter *adapter = ph_alloc(model->heap, 1, sizeof *adapter);
    reader r = {
        .gguf = gguf, .adapter = adapter, .shape = shape_of(&model->hp)};
    ph_lora_pair *pairs = NULL;
    phial_status status;

    if (!adapter)
        return ph_no_memory("an adapter", sizeof *adapter);
    adapter->model = model;
    adapter->id = id;
    status = ph_lora_pairs(model->heap, gguf, &r.shape, &pairs, &r.n_pairs);
    r.pairs = pairs;
    if (status >= 0)
        status = allocate_and_read(&r);
    ph_free(model->heap, pairs);
    if (status < 0) {
        ph_adapter_free(adapter);
        return status;
    }
    *out = adapter;
    return PHIAL_OK;
}

phial_status ph_adapter_open(const ph_model *model, const char *path,
                             uint64_t id, ph_adapter **out)
{
    ph_gguf *gguf;
    phial_status status;

    PH_TRY(ph_gguf_open_adapter(model->heap, path, &gguf));
    status = ph_adapter_read(model, gguf, id, out);
    ph_gguf_free(gguf);
    return status;
}

void ph_adapter_free(ph_adapter *adapter)
{
    const ph_heap *heap;

    if (!adapter)
        return;
    heap = adapter->model->heap;
    ph_free(heap, adapter->pairs);
    ph_free(heap, adapter->first);
    ph_free(heap, adapter->data);
    ph_free(heap, adapter);
}
