/* SPDX-License-Identifier: MIT
 * A generated matrix of hostile files: every hyper-parameter at 0, one less,
 * one more and the largest value, with every tensor missing, transposed,
 * renamed, longer or of another type. None may open unless all agrees, and
 * each refusal names a key or a tensor. */
#include "model_cases.h"

#include "gguf_bytes.h"

#include <stdio.h>

static const char *const keys[] = {
    "phi3.context_length",
    "phi3.rope.scaling.original_context_length",
    "phi3.embedding_length",
    "phi3.feed_forward_length",
    "phi3.block_count",
    "phi3.attention.head_count",
    "phi3.attention.head_count_kv",
    "phi3.rope.dimension_count",
    "phi3.attention.sliding_window",
    "phi3.attention.key_length",
    "phi3.attention.value_length",
};

enum { N_KEYS = sizeof keys / sizeof *keys, N_VALUES = 6, N_HARMS = 7 };

/* Which of these change nothing that a tensor's shape shows. */
static bool is_harmless(const char *key, uint32_t value)
{
    return strcmp(key, "phi3.context_length") == 0 ||
           strcmp(key, "phi3.rope.scaling.original_context_length") == 0 ||
           strcmp(key, "phi3.attention.sliding_window") == 0 ||
           (strcmp(key, "phi3.rope.dimension_count") == 0 && value > 0);
}

/* 0, what is right less and more one, twice, and the largest of 16 and 32
 * bits. */
static uint32_t value_of(int which, uint32_t right)
{
    const uint32_t values[N_VALUES] = {0,         right - 1, right + 1,
                                       2 * right, 65535,     UINT32_MAX};

    return values[which];
}

static uint32_t right_value(const tiny_model *m, int key)
{
    const uint32_t values[N_KEYS] = {
        m->n_context, m->n_context_original, m->n_embd, m->n_ff,   m->n_layers,
        m->n_heads,   m->n_kv_heads,         m->n_rot,  m->window, m->head_dim,
        m->head_dim};

    return values[key];
}

static bool harm_tensor(gguf_writer *w, size_t i, int harm)
{
    tensor *t = &w->tensors[i];
    const uint64_t d0 = t->dims[0];
    char name[64];

    snprintf(name, sizeof name, "%.*s", (int)t->name.len,
             (const char *)t->name.data);
    switch (harm) {
    case 0:
        gguf_remove_tensor(w, name);
        break;
    case 1:
        t->name.data[t->name.len - 1] = 'x';
        break;
    case 2:
        t->dims[0] = t->n_dims == 2 ? t->dims[1] : d0 + 1;
        t->dims[1] = d0;
        break;
    case 3:
        t->dims[0] = d0 - 1;
        break;
    case 4:
        t->dims[t->n_dims - 1] += 1;
        bytes_put(&t->data, NULL, (size_t)d0 * 8);
        break;
    case 5:
        t->type = 19;
        break;
    default:
        gguf_append_tensor(w, ph_str_of(name), t->type, t->dims, t->n_dims,
                           t->data.data, t->data.len);
        break;
    }
    return true;
}

/* True if the file opened. A refusal must name something of the model. */
static bool opens(gguf_writer *w)
{
    ph_model *model = NULL;
    const phial_status status = open_with(w, 0, &model);

    if (status == PHIAL_OK) {
        ph_model_free(model);
        return true;
    }
    ck_assert_msg(status == PHIAL_E_FORMAT || status == PHIAL_E_UNSUPPORTED,
                  "%s: %s", ph_status_name(status), ph_error_text());
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(ph_error_text(), "phi3.") != NULL ||
                      strstr(ph_error_text(), "tensor") != NULL ||
                      strstr(ph_error_text(), "weight") != NULL,
                  "names nothing: %s", ph_error_text());
    return false;
}

START_TEST(a_wrong_number_never_agrees_with_the_tensors)
{
    const tiny_model m = tiny_model_of((tiny_family)_i, PH_Q4_0, 1);
    int n_cases = 0, n_open = 0;

    for (int k = 0; k < N_KEYS; k++) {
        for (int v = 0; v < N_VALUES; v++) {
            const uint32_t right = right_value(&m, k);
            const uint32_t value = value_of(v, right);
            gguf_writer *w = tiny_model_build(&m);
            bool open;

            gguf_put_u32(w, keys[k], value);
            open = opens(w);
            n_cases++;
            n_open += open;
            ck_assert_msg(!open || value == right ||
                              is_harmless(keys[k], value),
                          "opened with %s = %u", keys[k], value);
        }
    }
    printf("%s: %d wrong numbers, %d without consequence\n",
           tiny_family_name(m.family), n_cases, n_open);
}
END_TEST

START_TEST(a_wrong_tensor_never_opens)
{
    tiny_model m = tiny_model_of((tiny_family)_i, PH_Q4_0, 1);
    size_t n_tensors;
    gguf_writer *w;

    m.n_layers = 1;
    w = tiny_model_build(&m);
    n_tensors = w->n_tensors;
    gguf_writer_free(w);
    for (size_t i = 0; i < n_tensors; i++) {
        for (int harm = 0; harm < N_HARMS; harm++) {
            char name[64];
            bool open, square;

            w = tiny_model_build(&m);
            square = w->tensors[i].n_dims == 2 &&
                     w->tensors[i].dims[0] == w->tensors[i].dims[1];
            snprintf(name, sizeof name, "%.*s", (int)w->tensors[i].name.len,
                     (const char *)w->tensors[i].name.data);
            harm_tensor(w, i, harm);
            open = opens(w);
            /* Without an output matrix the embedding is one. */
            if (harm == 0 && strcmp(name, "output.weight") == 0)
                ck_assert(open);
            else
                ck_assert_msg(!open || (harm == 2 && square),
                              "opened with harm %d to %s", harm, name);
            if (!open && harm < 6)
                ck_assert_msg(strstr(ph_error_text(), "weigh") != NULL,
                              "harm %d to %s: %s", harm, name, ph_error_text());
        }
    }
}
END_TEST

START_TEST(wrong_numbers_and_wrong_tensors_together_are_refused)
{
    tiny_model m = tiny_model_of((tiny_family)_i, PH_Q4_0, 1);
    size_t n_tensors, n_cases = 0;
    gguf_writer *w;

    m.n_layers = 1;
    w = tiny_model_build(&m);
    n_tensors = w->n_tensors;
    gguf_writer_free(w);
    for (size_t c = 0; c < 500; c++) {
        const uint64_t r = tiny_random(11, c);
        const int k = (int)(r % N_KEYS);

        w = tiny_model_build(&m);
        gguf_put_u32(w, keys[k],
                     value_of((int)((r >> 8) % N_VALUES), right_value(&m, k)));
        harm_tensor(w, (r >> 16) % n_tensors, (int)((r >> 32) % N_HARMS));
        opens(w);
        n_cases++;
    }
    printf("%s: %zu files with two faults\n", tiny_family_name(m.family),
           n_cases);
}
END_TEST

TCase *matrix_cases(void)
{
    TCase *t = tcase_create("matrix");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, a_wrong_number_never_agrees_with_the_tensors, 0,
                        TINY_FAMILIES);
    tcase_add_loop_test(t, a_wrong_tensor_never_opens, 0, TINY_FAMILIES);
    tcase_add_loop_test(t, wrong_numbers_and_wrong_tensors_together_are_refused,
                        0, TINY_FAMILIES);
    return t;
}
