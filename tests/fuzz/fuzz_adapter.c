/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as an adapter for a tiny model: as a GGUF file or, if
 * the first byte is odd, as the files of a PEFT folder (checkpoint_files.h).
 * One that opens is run over a few tokens. A leak, a wrong free, an error
 * without a sentence, or logits that are not finite after PHIAL_OK are
 * findings. */
#include "checkpoint_files.h"
#include "engine/engine.h"
#include "failing_heap.h"
#include "formats/gguf_file.h"
#include "tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N = 3 };

static ph_model *model;
static ph_pool *pool;
static char *folder;

static void expect(bool good)
{
    if (!good)
        abort();
}

static void clean_up(void)
{
    rmdir(folder);
    free(folder);
    ph_pool_free(pool);
    ph_model_free(model);
}

/* The shape that make_adapter_seeds.py has. */
static void set_up(void)
{
    const ph_model_config config = {.heap = &ph_libc_heap};
    tiny_model m = tiny_model_of(TINY_PHI4, PH_Q8_0, 1);
    char path[64];
    gguf_writer *w;

    m.n_layers = 1;
    m.n_embd = m.n_ff = 32;
    m.n_heads = 2;
    m.n_kv_heads = 1;
    m.head_dim = m.n_rot = 16;
    w = tiny_model_build(&m);
    folder = checkpoint_folder_new();
    snprintf(path, sizeof path, "%s/config.json", folder);
    gguf_write(w, path);
    gguf_writer_free(w);
    expect(ph_model_open(path, &config, &model) == PHIAL_OK);
    unlink(path);
    expect(ph_pool_new(&ph_libc_heap, 1, &pool) == PHIAL_OK);
    atexit(clean_up);
}

static void run(const ph_adapter *adapter)
{
    const ph_sequence_config config = {N, N, PHIAL_CACHE_F32, NULL};
    const phial_token tokens[N] = {1, 2, 3};
    const uint32_t n_vocab = model->hp.n_vocab;
    float *logits = malloc(n_vocab * sizeof *logits);
    const float scale = 1;
    ph_sequence *seq = NULL;
    phial_status status;

    expect(logits && ph_sequence_new(model, pool, &config, &seq) == PHIAL_OK &&
           ph_sequence_set_adapters(seq, &adapter, &scale, 1) == PHIAL_OK);
    status = ph_sequence_forward(seq, tokens, N, PH_ROPE_SHORT, PH_LOGITS_LAST,
                                 logits, NULL);
    expect(status == PHIAL_OK || status == PHIAL_E_NUMERIC);
    for (uint32_t i = 0; status == PHIAL_OK && i < n_vocab; i++)
        expect(isfinite(logits[i]));
    ph_sequence_free(seq);
    free(logits);
}

static phial_status open_adapter(const uint8_t *data, size_t size,
                                 ph_adapter **out)
{
    ph_gguf *gguf = NULL;
    phial_status status;

    if (size > 0 && data[0] % 2) {
        checkpoint_unpack(folder, data + 1, size - 1);
        status = ph_adapter_open(model, folder, 1, out);
        checkpoint_empty(folder);
        return status;
    }
    status = size > 0
                 ? ph_gguf_open_memory(model->heap, "adapter", data + 1,
                                       size - 1, &gguf)
                 : ph_gguf_open_memory(model->heap, "adapter", data, 0, &gguf);
    if (status >= 0)
        status = ph_adapter_read(model, gguf, 1, out);
    ph_gguf_free(gguf);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ph_heap *own;
    failing_heap heap;
    ph_adapter *adapter = NULL;
    phial_status status;

    if (!folder)
        set_up();
    own = model->heap;
    failing_heap_init(&heap, 0, FAIL_NEVER);
    model->heap = &heap.heap;
    ph_fail(PHIAL_OK, "%s", "");
    status = open_adapter(data, size, &adapter);
    if (status >= 0)
        run(adapter);
    else
        expect(!adapter && status != PHIAL_E_INTERNAL && *ph_error_text());
    ph_adapter_free(adapter);
    model->heap = own;
    expect(failing_heap_check(&heap) == 0);
    return 0;
}
