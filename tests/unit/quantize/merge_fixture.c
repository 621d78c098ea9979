/* SPDX-License-Identifier: MIT
 * Models and adapters for the tests of merging. */
#include "merge_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/phial-merge-XXXXXX";
char merge_in[64], merge_out[64], merge_lora[2][64];

void merge_setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(merge_in, sizeof merge_in, "%s/in.gguf", folder);
    snprintf(merge_out, sizeof merge_out, "%s/out.gguf", folder);
    for (int i = 0; i < 2; i++)
        snprintf(merge_lora[i], sizeof merge_lora[i], "%s/lora-%d.gguf", folder,
                 i);
}

void merge_teardown(void)
{
    unlink(merge_in);
    unlink(merge_out);
    unlink(merge_lora[0]);
    unlink(merge_lora[1]);
    ck_assert_int_eq(rmdir(folder), 0);
}

phial_status merge_on(const ph_heap *heap, uint32_t n_threads,
                      const float *scales, size_t n, ph_quantize_config config)
{
    const char *const paths[] = {merge_lora[0], merge_lora[1]};
    phial_status status = ph_pool_new(heap, n_threads, &config.pool);

    config.heap = heap;
    config.adapters = paths;
    config.adapter_scales = scales;
    config.n_adapters = n;
    if (status == PHIAL_OK)
        status = ph_quantize(merge_in, merge_out, &config);
    ph_pool_free(config.pool);
    return status;
}

phial_status merge(uint32_t n_threads, const float *scales, size_t n,
                   int32_t weights)
{
    return merge_on(&ph_libc_heap, n_threads, scales, n,
                    (ph_quantize_config){.weights = weights, .reencode = true});
}

void write_and_free(gguf_writer *w, const char *path)
{
    gguf_write(w, path);
    gguf_writer_free(w);
}

tiny_adapter adapter_of(uint32_t modules, uint32_t rank, uint64_t seed)
{
    tiny_adapter a = tiny_adapter_of(TINY_PHI4, rank, seed);

    a.modules = modules;
    return a;
}

gguf_writer *base_of(ph_dtype type)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, type, 1);

    return tiny_model_build(&m);
}

/* Rows of a matrix of floats as one with a name of its own. */
static void put_rows(gguf_writer *w, uint32_t layer, const char *module,
                     const float *rows, uint64_t n_rows, uint64_t n_cols)
{
    char name[64];

    snprintf(name, sizeof name, "blk.%u.%s.weight", layer, module);
    gguf_put_tensor(w, name, PH_F32, (uint64_t[]){n_cols, n_rows}, 2, rows);
}

void split_layer(gguf_writer *w, const tiny_model *m, uint32_t layer)
{
    const uint64_t d = m->n_embd, q = m->n_heads * m->head_dim;
    const uint64_t k = m->n_kv_heads * m->head_dim, ff = m->n_ff;
    float *qkv = malloc((q + 2 * k) * d * sizeof *qkv);
    float *up = malloc(2 * ff * d * sizeof *up);
    char names[2][64];

    snprintf(names[0], sizeof names[0], "blk.%u.attn_qkv.weight", layer);
    snprintf(names[1], sizeof names[1], "blk.%u.ffn_up.weight", layer);
    for (size_t i = 0; i < w->n_tensors; i++) {
        const bytes *data = &w->tensors[i].data;

        if (bytes_are(&w->tensors[i].name, names[0]))
            memcpy(qkv, data->data, data->len);
        if (bytes_are(&w->tensors[i].name, names[1]))
            memcpy(up, data->data, data->len);
    }
    gguf_remove_tensor(w, names[0]);
    put_rows(w, layer, "attn_q", qkv, q, d);
    put_rows(w, layer, "attn_k", qkv + q * d, k, d);
    put_rows(w, layer, "attn_v", qkv + (q + k) * d, k, d);
    put_rows(w, layer, "ffn_gate", up, ff, d);
    put_rows(w, layer, "ffn_up", up + ff * d, ff, d);
    free(qkv);
    free(up);
}
