/* SPDX-License-Identifier: MIT
 * Every tensor of a model of every rank and type, with every dimension at an
 * edge, and its data beside, over and beyond where they belong: each refusal
 * names the tensor. */
#include "hostile.h"

#include "gguf_bytes.h"

#include <stdio.h>

static void name_of(const gguf_writer *w, size_t i, char name[128])
{
    snprintf(name, 128, "%.*s", (int)w->tensors[i].name.len,
             (const char *)w->tensors[i].name.data);
}

static void check_refused_by_name(phial_status status, const char *name,
                                  const char *how)
{
    ck_assert_msg(status < 0, "%s %s opened", name, how);
    ck_assert_msg(strstr(ph_error_text(), name), "%s %s: \"%s\"", name, how,
                  ph_error_text());
}

/* In rows of 32. */
static bool has_whole_blocks(uint32_t type)
{
    const ph_dtype_info *info = ph_dtype_get(type);

    return info && info->block_elems && 32 % info->block_elems == 0;
}

START_TEST(every_tensor_of_every_type)
{
    const tiny_model m = lean_model((tiny_family)_i);
    gguf_writer *right = tiny_model_build(&m);
    tally t = {"tensors of other types", 0, 0};

    for (size_t i = 0; i < right->n_tensors; i++) {
        const bool matrix = right->tensors[i].n_dims == 2;
        char name[128];

        name_of(right, i, name);
        for (uint32_t type = 0; type < 45; type++) {
            gguf_writer *w = tiny_model_build(&m);
            bool may;
            phial_status status;

            w->tensors[i].type = type;
            fit_data(&w->tensors[i]);
            may = type == right->tensors[i].type;
            may = may || (matrix && has_whole_blocks(type));
            may = may || (!matrix && (type == PH_F32 || type == PH_F16 ||
                                      type == PH_BF16));
            status = open_and_run_file(w);
            tally_add(&t, status);
            if (status < 0)
                check_refused_by_name(status, name, "of another type");
            else
                ck_assert_msg(may, "%s opened as type %u", name, type);
        }
    }
    tally_print(&t);
    gguf_writer_free(right);
}
END_TEST

/* Rows and columns: what they are, and what they might be taken for. */
static void change_dims(tensor *t, int how)
{
    static const uint64_t sizes[] = {
        0,         1,         31,         33,
        65,        1 << 20,   UINT32_MAX, UINT64_C(1) << 32,
        INT64_MAX, UINT64_MAX};
    const int n = sizeof sizes / sizeof *sizes;

    if (how < n) {
        t->dims[0] = sizes[how];
    } else if (how < 2 * n) {
        t->dims[t->n_dims - 1] = sizes[how - n];
    } else if (how == 2 * n) { /* as one row */
        t->dims[0] *= t->n_dims == 2 ? t->dims[1] : 2;
        t->n_dims = 1;
    } else if (how == 2 * n + 1) { /* as many matrices of one row */
        t->dims[2] = t->n_dims == 2 ? t->dims[1] : 2;
        t->dims[1] = 1;
        t->n_dims = 3;
    } else if (how == 2 * n + 2) {
        t->dims[2] = t->dims[3] = 2;
        t->dims[1] = t->n_dims == 2 ? t->dims[1] : 1;
        t->n_dims = 4;
    } else {
        t->n_dims = how == 2 * n + 3 ? 0 : how == 2 * n + 4 ? 5 : UINT32_MAX;
    }
}

/* The rows of the embedding are the vocabulary's size, and the length of one
 * array of factors may be believed before the other's: then another tensor is
 * the odd one. */
static const char *const *related(const char *name)
{
    static const char *names[4];

    names[0] = name;
    names[1] = strcmp(name, "token_embd.weight") ? NULL : "output.weight";
    if (strncmp(name, "rope_factors", 12) == 0)
        names[1] = "rope_factors";
    return names;
}

enum { N_DIMS = 2 * 10 + 6 };

START_TEST(every_tensor_of_every_shape)
{
    const tiny_model m = lean_model((tiny_family)_i);
    gguf_writer *right = tiny_model_build(&m);
    tally t = {"tensors of other shapes", 0, 0};

    for (size_t i = 0; i < right->n_tensors; i++) {
        char name[128];

        name_of(right, i, name);
        for (int how = 0; how < N_DIMS; how++) {
            for (int fit = 0; fit < 2; fit++) {
                gguf_writer *w = tiny_model_build(&m);
                phial_status status;

                change_dims(&w->tensors[i], how);
                if (fit && w->tensors[i].n_dims <= 4)
                    fit_data(&w->tensors[i]);
                status = open_and_run_file(w);
                tally_add(&t, status);
                ck_assert_msg(status < 0, "%s, change %d, opened", name, how);
                ck_assert_msg(error_names(related(name)),
                              "%s, change %d: \"%s\"", name, how,
                              ph_error_text());
            }
        }
    }
    tally_print(&t);
    gguf_writer_free(right);
}
END_TEST

/* Where the offset of tensor i stands in the file's bytes. */
static size_t offset_at(const gguf_writer *w, size_t i)
{
    size_t at = gguf_metadata_size(w);

    for (size_t j = w->n_tensors; j-- > i;) {
        const tensor *t = &w->tensors[j];

        at -= 8 + t->name.len + 4 + 8 * (size_t)t->n_dims + 4 + 8;
    }
    return at + 8 + w->tensors[i].name.len + 4 +
           8 * (size_t)w->tensors[i].n_dims + 4;
}

START_TEST(data_of_every_tensor_anywhere_else)
{
    const tiny_model m = lean_model((tiny_family)_i);
    gguf_writer *w = tiny_model_build(&m);
    tally t = {"tensors elsewhere", 0, 0};
    size_t n;
    uint8_t *data = gguf_to_memory(w, &n);
    const uint64_t size = n;

    for (size_t i = 0; i < w->n_tensors; i++) {
        uint8_t *at = data + offset_at(w, i);
        const uint64_t right = ph_le64(at);
        const uint64_t places[] = {right + 1,
                                   right + 32,
                                   right ? right - 32 : right + 32,
                                   size / 32 * 32,
                                   size / 32 * 32 - 32,
                                   size + 32,
                                   UINT64_C(1) << 32,
                                   UINT64_C(1) << 62,
                                   INT64_MAX / 32 * 32,
                                   UINT64_MAX / 32 * 32,
                                   UINT64_MAX};
        char name[128];

        name_of(w, i, name);
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            phial_status status;

            ph_put_le64(at, places[p]);
            status = open_and_run_bytes(data, n);
            tally_add(&t, status);
            check_refused_by_name(status, name, "elsewhere");
        }
        ph_put_le64(at, right);
    }
    ck_status(open_and_run_bytes(data, n), PHIAL_OK);
    tally_print(&t);
    free(data);
    gguf_writer_free(w);
}
END_TEST

TCase *matrix_tensors_cases(void)
{
    TCase *t = tcase_create("matrix of tensors");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, every_tensor_of_every_type, 0, TINY_FAMILIES);
    tcase_add_loop_test(t, every_tensor_of_every_shape, 0, TINY_FAMILIES);
    tcase_add_loop_test(t, data_of_every_tensor_anywhere_else, 0,
                        TINY_FAMILIES);
    return t;
}
