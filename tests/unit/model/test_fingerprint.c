/* SPDX-License-Identifier: MIT
 * The fingerprint of a model: the same for ever, however it is read, and
 * another as soon as something that is computed with is another. */
#include "model_cases.h"

#include <stdlib.h>
#include <unistd.h>

static uint64_t fingerprint_by(const char *path, uint32_t n_threads,
                               int32_t isa)
{
    ph_model_config config = {.heap = &ph_libc_heap, .isa = isa};
    ph_model *model;
    uint64_t fingerprint;

    ck_status(ph_pool_new(&ph_libc_heap, n_threads, &config.pool), PHIAL_OK);
    ck_status(ph_model_open(path, &config, &model), PHIAL_OK);
    fingerprint = model->fingerprint;
    ph_model_free(model);
    ph_pool_free(config.pool);
    return fingerprint;
}

static uint64_t fingerprint_of(gguf_writer *w)
{
    const model_file file = model_file_of(w);
    const uint64_t fingerprint = fingerprint_by(file.path, 1, PHIAL_ISA_BEST);

    unlink(file.path);
    return fingerprint;
}

/* Files of saved sessions bear these: a change here breaks them. */
START_TEST(fingerprints_are_what_they_always_were)
{
    static const uint64_t known[TINY_FAMILIES] = {
        0x7f7b943b80060c21, 0x7bd630817078c16c, 0x5ac3b86c0b932ce3,
        0x8847259b9c4ef7ce};
    const tiny_model m = tiny_model_of((tiny_family)_i, PH_Q4_K, 1);
    const model_file file = model_file_of(tiny_model_build(&m));

    for (uint32_t n = 1; n <= 5; n += 2)
        ck_assert_uint_eq(fingerprint_by(file.path, n, PHIAL_ISA_BEST),
                          known[_i]);
    ck_assert_uint_eq(fingerprint_by(file.path, 1, PHIAL_ISA_PORTABLE),
                      known[_i]);
    unlink(file.path);
}
END_TEST

START_TEST(every_difference_gives_another)
{
    tiny_model m = tiny_model_of(TINY_PHI4_MINI, PH_Q8_0, 1);
    uint64_t seen[8];
    gguf_writer *w;
    size_t n = 0;

    seen[n++] = fingerprint_of(tiny_model_build(&m));
    m.seed = 2;
    seen[n++] = fingerprint_of(tiny_model_build(&m));
    m.seed = 1;
    m.type = PH_F16;
    seen[n++] = fingerprint_of(tiny_model_build(&m));
    m.type = PH_Q8_0;
    m.rope_theta *= 2;
    seen[n++] = fingerprint_of(tiny_model_build(&m));
    m.rope_theta /= 2;
    m.n_layers--;
    seen[n++] = fingerprint_of(tiny_model_build(&m));
    m.n_layers++;
    w = tiny_model_build(&m);
    tiny_model_set_type(w, &m, "blk.0.ffn_down.weight", PH_F32);
    seen[n++] = fingerprint_of(w);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(seen[i], seen[k]);
    w = tiny_model_build(&m);
    gguf_put_str(w, "general.name", "another name");
    ck_assert_uint_eq(fingerprint_of(w), seen[0]);
}
END_TEST

TCase *fingerprint_cases(void)
{
    TCase *t = tcase_create("fingerprint");

    tcase_add_loop_test(t, fingerprints_are_what_they_always_were, 0,
                        TINY_FAMILIES);
    tcase_add_test(t, every_difference_gives_another);
    return t;
}
