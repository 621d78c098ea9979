/* SPDX-License-Identifier: MIT
 * A checkpoint's folder as a whole: its header is built, read back with all the
 * checks that a file gets, and then told where the tensors lie. */
#include "formats/hf_folder.h"

typedef struct folder {
    const ph_heap *heap;
    const char *path;
    ph_gguf_builder builder;
    ph_hf_config config;
    ph_hf_ids ids;
    ph_hf_tensors tensors;
    ph_buf bytes; /* the header, and behind it the rotary factors */
} folder;

static phial_status put_factor_tensors(folder *f)
{
    static const char *const names[] = {"rope_factors_short.weight",
                                        "rope_factors_long.weight"};
    const uint64_t n = f->config.n_factors;

    for (int i = 0; i < 2 && n && f->tensors.n; i++)
        PH_TRY(ph_builder_tensor(&f->builder, ph_str_of(names[i]), PH_F32, 1,
                                 &n, 0));
    return PHIAL_OK;
}

/* Most folders are no checkpoints. */
static phial_status read_config(const folder *f, ph_hf_file *config)
{
    bool found;

    PH_TRY(ph_hf_read(f->heap, f->path, "config.json", PH_HF_MAX_TEXT, &found,
                      config));
    if (found)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_IO,
                   "%s is a directory without config.json, expected a file or "
                   "a checkpoint's folder",
                   ph_show_path(f->path).text);
}

static phial_status put_small(folder *f)
{
    ph_hf_file config;
    phial_status status = read_config(f, &config);

    if (status >= 0)
        status = ph_hf_put_config(&config, &f->builder, &f->config);
    if (status >= 0)
        status = ph_hf_put_texts(&config, f->path, &f->builder, &f->ids);
    ph_hf_close(&config);
    return status;
}

static phial_status build(folder *f)
{
    PH_TRY(put_small(f));
    PH_TRY(ph_hf_put_tokenizer(f->heap, f->path, &f->config, &f->ids,
                               &f->builder));
    PH_TRY(ph_hf_put_tensors(f->heap, f->path, &f->config, &f->builder,
                             &f->tensors));
    PH_TRY(put_factor_tensors(f));
    return ph_builder_finish(&f->builder, &f->bytes);
}

static void place(ph_tensor_slot *slot, const ph_hf_place *p)
{
    slot->tensor.shard = p->shard;
    slot->tensor.offset = p->begin;
    slot->end = p->end;
}

/* The tensors in the order in which they were put: those of the files, then the
 * factors, which lie in the header's memory. */
static void place_all(const folder *f, uint64_t factors_at, ph_gguf *gguf)
{
    const uint64_t bytes = f->config.n_factors * sizeof(float);

    for (size_t i = 0; i < gguf->n_tensors; i++) {
        ph_hf_place p = {0, factors_at + (i - f->tensors.n) * bytes, 0};

        p.end = p.begin + bytes;
        place(&gguf->tensors[i], i < f->tensors.n ? &f->tensors.places[i] : &p);
    }
}

/* Gives the open files to gguf. */
static phial_status take_files(folder *f, ph_gguf *gguf)
{
    ph_shard *shards =
        ph_realloc(f->heap, gguf->shards, f->tensors.n_shards, sizeof *shards);

    if (!shards)
        return ph_no_memory("a model's files",
                            f->tensors.n_shards * sizeof *shards);
    gguf->shards = shards;
    for (uint32_t i = 1; i < f->tensors.n_shards; i++)
        shards[i] = f->tensors.shards[i];
    gguf->n_shards = f->tensors.n_shards;
    f->tensors.n_shards = 1;
    return PHIAL_OK;
}

static phial_status open_built(folder *f, ph_gguf **out)
{
    const size_t factors_at = f->bytes.len;
    const size_t n = f->config.n_factors * sizeof(float);
    ph_gguf *gguf = NULL;
    phial_status status;

    PH_TRY(ph_buf_put(&f->bytes, f->config.factors[0], n));
    PH_TRY(ph_buf_put(&f->bytes, f->config.factors[1], n));
    PH_TRY(ph_gguf_open_built(f->heap, f->path, &f->bytes, &gguf));
    place_all(f, factors_at, gguf);
    status = take_files(f, gguf);
    if (status >= 0)
        status = ph_gguf_index_tensors(gguf);
    if (status < 0) {
        ph_gguf_free(gguf);
        return status;
    }
    *out = gguf;
    return PHIAL_OK;
}

phial_status ph_hf_open(const ph_heap *heap, const char *path, ph_gguf **out)
{
    folder *f = ph_alloc(heap, 1, sizeof *f);
    phial_status status;

    if (!f)
        return ph_no_memory("a checkpoint", sizeof *f);
    f->heap = heap;
    f->path = path;
    f->bytes.heap = heap;
    f->tensors.heap = heap;
    ph_builder_init(&f->builder, heap);
    status = build(f);
    ph_builder_free(&f->builder);
    if (status >= 0)
        status = open_built(f, out);
    ph_hf_tensors_free(&f->tensors);
    ph_buf_free(&f->bytes);
    ph_free(heap, f);
    return status;
}
