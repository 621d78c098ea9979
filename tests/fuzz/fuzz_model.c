/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as a model file, opened as a whole and, if it opens,
 * run over four tokens. A leak, a wrong free, an error without a sentence, or
 * logits that are not finite after PHIAL_OK are findings. */
#include "engine/engine.h"
#include "failing_heap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N = 4 };

static void expect(bool good)
{
    if (!good)
        abort();
}

static void check_error(phial_status status)
{
    expect(status < 0 && status != PHIAL_E_INTERNAL && *ph_error_text());
}

static void run(const ph_model *model, ph_pool *pool)
{
    const uint32_t n_vocab = model->hp.n_vocab;
    const uint32_t n = model->hp.n_context < N ? model->hp.n_context : N;
    const ph_sequence_config config = {n, n, PHIAL_CACHE_F16, NULL};
    const phial_token tokens[N] = {0, (phial_token)(n_vocab - 1),
                                   (phial_token)(n_vocab / 2), 0};
    float *logits = malloc(n_vocab * sizeof *logits);
    ph_sequence *seq = NULL;
    phial_status status;

    expect(logits && ph_sequence_new(model, pool, &config, &seq) == PHIAL_OK);
    status = ph_sequence_forward(seq, tokens, n, PH_ROPE_LONG, PH_LOGITS_LAST,
                                 logits, NULL);
    if (status != PHIAL_OK) {
        expect(status == PHIAL_E_NUMERIC);
        check_error(status);
    }
    for (uint32_t i = 0; status == PHIAL_OK && i < n_vocab; i++)
        expect(isfinite(logits[i]));
    expect(ph_sequence_length(seq) == (status == PHIAL_OK ? n : 0));
    ph_sequence_free(seq);
    free(logits);
}

static void open_and_run(const char *path, uint32_t flags)
{
    failing_heap heap;
    ph_model_config config = {.heap = &heap.heap, .flags = flags};
    ph_model *model = NULL;
    ph_pool *pool = NULL;
    phial_status status;

    failing_heap_init(&heap, 0, FAIL_NEVER);
    ph_fail(PHIAL_OK, "%s", "");
    status = ph_model_open(path, &config, &model);
    if (status != PHIAL_OK) {
        expect(!model);
        check_error(status);
    } else {
        expect(ph_pool_new(&heap.heap, 1, &pool) == PHIAL_OK);
        run(model, pool);
    }
    ph_pool_free(pool);
    ph_model_free(model);
    expect(failing_heap_check(&heap) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("model", 0);
    char path[64];

    expect(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    open_and_run(path, size % 2 ? PHIAL_MODEL_VERIFY : 0);
    close(fd);
    return 0;
}
