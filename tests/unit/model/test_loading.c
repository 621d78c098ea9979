/* SPDX-License-Identifier: MIT
 * How weights get from the file into memory: what is packed, and how much
 * memory that takes. */
#include "model_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const ph_dtype types[] = {
    PH_Q4_0, PH_Q4_1,   PH_Q5_0, PH_Q5_1, PH_Q8_0,   PH_Q2_K, PH_Q3_K, PH_Q4_K,
    PH_Q5_K, PH_IQ4_NL, PH_Q6_K, PH_F32,  PH_IQ4_XS, PH_F16,  PH_BF16};

enum { N_TYPES = sizeof types / sizeof *types };

/* Every row of the matrix is that of the tensor, from row first on. */
static void check_matrix(const ph_gguf *gguf, const char *name, uint32_t first,
                         const ph_matrix *m)
{
    const ph_gguf_tensor *t = ph_gguf_find_tensor(gguf, name);
    const size_t row_bytes = (size_t)(t->bytes / t->dims[1]);
    uint8_t *line = malloc(row_bytes);
    float *want = malloc(m->cols * sizeof *want);
    float *row = malloc(m->cols * sizeof *row);

    ck_assert_uint_eq(m->cols, t->dims[0]);
    ck_assert_uint_eq((uintptr_t)m->data % 64, 0);
    for (uint32_t r = 0; r < m->rows; r++) {
        ck_status(
            ph_gguf_read(gguf, t, (first + r) * row_bytes, line, row_bytes),
            PHIAL_OK);
        ph_dequantize(m->type, line, want, m->cols);
        ph_matrix_row(m, r, row);
        ck_assert_mem_eq(row, want, m->cols * sizeof *row);
    }
    free(line);
    free(want);
    free(row);
}

static void check_layer(const ph_gguf *gguf, const ph_layer *layer)
{
    const struct {
        const char *name;
        uint32_t first;
        const ph_matrix *m;
    } all[] = {
        {"blk.0.attn_qkv.weight", 0, &layer->q},
        {"blk.0.attn_qkv.weight", layer->q.rows, &layer->k},
        {"blk.0.attn_qkv.weight", layer->q.rows + layer->k.rows, &layer->v},
        {"blk.0.attn_output.weight", 0, &layer->attn_out},
        {"blk.0.ffn_up.weight", 0, &layer->gate},
        {"blk.0.ffn_up.weight", layer->gate.rows, &layer->up},
        {"blk.0.ffn_down.weight", 0, &layer->down},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ck_assert_uint_eq(all[i].m->panel_bytes,
                          ph_panel_bytes(all[i].m->type, all[i].m->cols));
        check_matrix(gguf, all[i].name, all[i].first, all[i].m);
    }
}

START_TEST(what_products_read_is_packed_and_nothing_is_lost)
{
    for (int f = 0; f < TINY_FAMILIES; f++) {
        const tiny_model m = tiny_model_of((tiny_family)f, types[_i], 1);
        const model_file file = model_file_of(tiny_model_build(&m));
        const ph_model_config config = {.heap = &ph_libc_heap};
        uint64_t estimate;
        ph_hparams hp;
        ph_model *model;
        ph_gguf *gguf;

        ck_status(ph_model_open(file.path, &config, &model), PHIAL_OK);
        ck_status(ph_gguf_open(&ph_libc_heap, file.path, &gguf), PHIAL_OK);
        unlink(file.path);
        check_layer(gguf, &model->layers[0]);
        check_matrix(gguf, "token_embd.weight", 0, &model->embedding);
        ck_assert_int_eq(model->embedding.panel_bytes > 0, m.tied);
        ck_assert_uint_gt(model->output.panel_bytes, 0);
        check_matrix(gguf, m.tied ? "token_embd.weight" : "output.weight", 0,
                     &model->output);
        ck_status(ph_hparams_read(gguf, &hp), PHIAL_OK);
        ck_status(ph_model_weight_bytes(gguf, &hp, NULL, &estimate), PHIAL_OK);
        ck_assert_uint_eq(estimate, model->weight_bytes);
        ph_gguf_free(gguf);
        ph_model_free(model);
    }
}
END_TEST

/* Heads of 24 elements: k and v end in the middle of a panel. */
START_TEST(q_k_and_v_start_at_panels_of_their_own)
{
    tiny_model m = tiny_model_of(TINY_PHI4, PH_Q8_0, 1);
    ph_model *model = NULL;
    size_t panel;

    m.n_layers = 1;
    m.n_heads = 4;
    m.n_kv_heads = 1;
    m.head_dim = m.n_rot = 24;
    ck_status(open_with(tiny_model_build(&m), 0, &model), PHIAL_OK);
    panel = model->layers[0].q.panel_bytes;
    ck_assert_uint_eq(model->layers[0].q.rows, 96);
    ck_assert_uint_eq(model->layers[0].k.rows, 24);
    ck_assert_uint_eq(model->layers[0].v.rows, 24);
    ck_assert(model->layers[0].k.data == model->layers[0].q.data + 6 * panel);
    ck_assert(model->layers[0].v.data == model->layers[0].k.data + 2 * panel);
    ph_model_free(model);
}
END_TEST

/* ffn_up without its first half, which becomes ffn_gate. */
static void split_ffn(gguf_writer *w, const ph_gguf *gguf, uint32_t layer)
{
    char up[40], gate[40];
    const ph_gguf_tensor *t;
    uint8_t *data;

    snprintf(up, sizeof up, "blk.%u.ffn_up.weight", layer);
    snprintf(gate, sizeof gate, "blk.%u.ffn_gate.weight", layer);
    t = ph_gguf_find_tensor(gguf, up);
    data = malloc(t->bytes);
    ck_status(ph_gguf_read(gguf, t, 0, data, t->bytes), PHIAL_OK);
    for (int i = 0; i < 2; i++)
        gguf_put_tensor(w, i ? up : gate, t->type,
                        (uint64_t[]){t->dims[0], t->dims[1] / 2}, 2,
                        data + (i ? t->bytes / 2 : 0));
    free(data);
}

START_TEST(gate_and_up_may_be_tensors_of_their_own)
{
    const tiny_model m = tiny_model_of((tiny_family)_i, PH_Q8_0, 1);
    const model_file file = model_file_of(tiny_model_build(&m));
    const ph_model_config config = {.heap = &ph_libc_heap};
    gguf_writer *w = tiny_model_build(&m);
    ph_model *joint, *apart;
    ph_gguf *gguf;

    ck_status(ph_model_open(file.path, &config, &joint), PHIAL_OK);
    ck_status(ph_gguf_open(&ph_libc_heap, file.path, &gguf), PHIAL_OK);
    unlink(file.path);
    for (uint32_t i = 0; i < m.n_layers; i++)
        split_ffn(w, gguf, i);
    ph_gguf_free(gguf);
    ck_status(open_with(w, 0, &apart), PHIAL_OK);
    ck_assert_uint_eq(apart->weight_bytes, joint->weight_bytes);
    ck_assert(memcmp(apart->weights, joint->weights,
                     (size_t)joint->weight_bytes) == 0);
    ck_assert_uint_eq(apart->layers[1].up.rows, m.n_ff);
    ck_assert_uint_eq(apart->n_parameters, joint->n_parameters);
    ph_model_free(joint);
    ph_model_free(apart);
}
END_TEST

TCase *loading_cases(void)
{
    TCase *t = tcase_create("loading");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, what_products_read_is_packed_and_nothing_is_lost, 0,
                        N_TYPES);
    tcase_add_loop_test(t, gate_and_up_may_be_tensors_of_their_own, 0,
                        TINY_FAMILIES);
    tcase_add_test(t, q_k_and_v_start_at_panels_of_their_own);
    return t;
}
