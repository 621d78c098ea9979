/* SPDX-License-Identifier: MIT
 * Opening and running what may be spoilt. */
#include "hostile.h"

#include "engine/engine.h"
#include "failing_heap.h"
#include "gguf_bytes.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { N = 3 };

tiny_model lean_model(tiny_family family)
{
    tiny_model m = tiny_model_of(family, PH_Q8_0, 1);

    m.n_layers = 1;
    m.n_embd = m.n_ff = 32;
    m.n_heads = 2;
    m.n_kv_heads = family == TINY_PHI4 || family == TINY_PHI4_MINI ? 1 : 2;
    m.head_dim = 16;
    m.n_rot = family == TINY_PHI4_MINI ? 12 : 16;
    m.n_extra = 1;
    return m;
}

void fit_data(tensor *t)
{
    uint64_t n = 1, size = 0;

    for (uint32_t d = 0; d < t->n_dims; d++)
        if (!ph_mul64(n, t->dims[d], &n))
            return;
    if (!ph_dtype_bytes((ph_dtype)t->type, n, &size) || size > 1 << 20)
        return;
    if (size > t->data.len)
        bytes_put(&t->data, NULL, (size_t)size - t->data.len);
    t->data.len = (size_t)size;
}

/* A context of one token is allowed, so there may be no room for more. */
static void run(const ph_model *model, ph_pool *pool)
{
    const uint32_t n_vocab = model->hp.n_vocab;
    const uint32_t n = model->hp.n_context < N ? model->hp.n_context : N;
    const ph_sequence_config config = {n, n, PHIAL_CACHE_F16, NULL};
    const phial_token tokens[N] = {0, (phial_token)(n_vocab - 1),
                                   (phial_token)(n_vocab / 2)};
    float *logits = malloc(n_vocab * sizeof *logits);
    ph_sequence *seq = NULL;

    ck_assert_ptr_nonnull(logits);
    ck_status(ph_sequence_new(model, pool, &config, &seq), PHIAL_OK);
    for (int rope = PH_ROPE_SHORT; rope <= PH_ROPE_LONG; rope++) {
        const phial_status status = ph_sequence_forward(
            seq, tokens, n, rope, PH_LOGITS_LAST, logits, NULL);

        if (status != PHIAL_OK)
            ck_status(status, PHIAL_E_NUMERIC);
        for (uint32_t i = 0; status == PHIAL_OK && i < n_vocab; i++)
            ck_assert(isfinite(logits[i]));
        ph_sequence_truncate(seq, 0);
    }
    ph_sequence_free(seq);
    free(logits);
}

static void check_error(phial_status status)
{
    ck_assert_msg(status == PHIAL_E_FORMAT || status == PHIAL_E_UNSUPPORTED ||
                      status == PHIAL_E_IO,
                  "%s: %s", ph_status_name(status), ph_error_text());
    ck_assert_msg(strlen(ph_error_text()) > 20, "\"%s\"", ph_error_text());
}

phial_status open_and_run(const char *path)
{
    failing_heap heap;
    ph_model_config config = {.heap = &heap.heap};
    ph_model *model = NULL;
    ph_pool *pool = NULL;
    phial_status status;

    failing_heap_init(&heap, 0, FAIL_NEVER);
    ph_fail(PHIAL_OK, "%s", "");
    status = ph_model_open(path, &config, &model);
    if (status == PHIAL_OK) {
        ck_status(ph_pool_new(&heap.heap, 1, &pool), PHIAL_OK);
        run(model, pool);
    } else {
        ck_assert_ptr_null(model);
        check_error(status);
    }
    ph_pool_free(pool);
    ph_model_free(model);
    ck_assert_uint_eq(failing_heap_check(&heap), 0);
    return status;
}

phial_status open_and_run_bytes(const void *data, size_t n)
{
    char path[] = "/tmp/phial-test-hostile-XXXXXX";
    const int fd = mkstemp(path);
    phial_status status;

    ck_assert_int_ge(fd, 0);
    close(fd);
    gguf_write_bytes(path, data, n);
    status = open_and_run(path);
    unlink(path);
    return status;
}

phial_status open_and_run_file(gguf_writer *w)
{
    size_t n;
    uint8_t *data = gguf_to_memory(w, &n);
    const phial_status status = open_and_run_bytes(data, n);

    free(data);
    gguf_writer_free(w);
    return status;
}

bool error_names(const char *const *texts)
{
    for (; *texts; texts++)
        if (strstr(ph_error_text(), *texts))
            return true;
    return false;
}

void tally_add(tally *t, phial_status status)
{
    t->cases++;
    t->opened += status == PHIAL_OK;
}

void tally_print(const tally *t)
{
    printf("%s: %u cases, %u of which open and run\n", t->what, t->cases,
           t->opened);
}
