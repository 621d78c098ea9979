/* SPDX-License-Identifier: MIT
 * Fuzz target: config.json, generation_config.json, tokenizer_config.json and
 * chat_template.jinja of a checkpoint, divided by the byte 0xff; those behind
 * the first may be missing. What is read goes on to the hyper-parameters, for
 * which an embedding is added. A leak, an error without a sentence, memory out
 * of proportion, or a number beyond its limit is a finding. */
#include "checkpoint_files.h"
#include "failing_heap.h"
#include "formats/hf_folder.h"
#include "model/hparams.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_FILES = 4 };

static const char *const names[N_FILES] = {
    "config.json", "generation_config.json", "tokenizer_config.json",
    "chat_template.jinja"};

/* The files of a folder are links to memory, which is written anew for each
 * input; a missing one is a link to nothing. */
static char *folder;
static int fds[N_FILES];

static void expect(bool good)
{
    if (!good)
        abort();
}

static void clean_up(void)
{
    checkpoint_empty(folder);
    rmdir(folder);
    free(folder);
}

static void set_up(void)
{
    folder = checkpoint_folder_new();
    for (int i = 0; i < N_FILES; i++)
        fds[i] = memfd_create(names[i], 0);
    atexit(clean_up);
}

static void link_file(int i, bool there)
{
    static bool linked[N_FILES];
    char path[256], target[64];

    if (linked[i] == there)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    snprintf(target, sizeof target, "/proc/self/fd/%d", fds[i]);
    expect((there ? symlink(target, path) : unlink(path)) == 0);
    linked[i] = there;
}

static void write_files(const uint8_t *data, size_t size)
{
    bool there = true;

    for (int i = 0; i < N_FILES; i++) {
        const uint8_t *end = size ? memchr(data, 0xff, size) : NULL;
        const size_t n = end ? (size_t)(end - data) : size;

        link_file(i, there);
        expect(ftruncate(fds[i], 0) == 0 &&
               (!n || pwrite(fds[i], data, n, 0) == (ssize_t)n));
        there = end != NULL;
        data += n + there;
        size -= n + there;
    }
}

/* As much of ph_hf_open() as needs no other files. */
static phial_status build(const ph_heap *heap, ph_gguf_builder *b,
                          ph_hf_config *config)
{
    ph_hf_file file;
    ph_hf_ids ids;
    bool found;
    phial_status status =
        ph_hf_read(heap, folder, names[0], PH_HF_MAX_TEXT, &found, &file);

    expect(found);
    if (status >= 0)
        status = ph_hf_put_config(&file, b, config);
    if (status >= 0)
        status = ph_hf_put_texts(&file, folder, b, &ids);
    if (status >= 0) {
        const uint64_t factors = config->n_factors;
        const uint64_t dims[] = {32, config->n_vocab};

        expect(config->n_vocab <= PH_HF_MAX_VOCAB && config->n_vocab > 0 &&
               factors <= PH_HF_MAX_FACTORS && ids.n_ends <= PH_HF_MAX_ENDS);
        status = ph_builder_tensor(b, PH_STR("token_embd.weight"), PH_F32, 2,
                                   dims, 0);
        if (status >= 0 && factors)
            status = ph_builder_tensor(b, PH_STR("rope_factors_long.weight"),
                                       PH_F32, 1, &factors, 0);
        if (status >= 0 && factors)
            status = ph_builder_tensor(b, PH_STR("rope_factors_short.weight"),
                                       PH_F32, 1, &factors, 0);
    }
    ph_hf_close(&file);
    return status;
}

/* The tensors of layers are missing, so it never succeeds. */
static phial_status read_numbers(const ph_gguf *gguf)
{
    ph_hparams hp = {0};
    const phial_status status = ph_hparams_read(gguf, &hp);

    expect(status < 0 && hp.n_vocab == 0);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ph_hf_config config;
    failing_heap heap;
    ph_gguf_builder builder;
    ph_buf bytes = {.heap = &heap.heap};
    ph_gguf *gguf = NULL;
    phial_status status;

    if (!folder)
        set_up();
    write_files(data, size);
    failing_heap_init(&heap, 0, FAIL_NEVER);
    ph_fail(PHIAL_OK, "%s", "");
    ph_builder_init(&builder, &heap.heap);
    status = build(&heap.heap, &builder, &config);
    if (status >= 0)
        status = ph_builder_finish(&builder, &bytes);
    ph_builder_free(&builder);
    if (status >= 0)
        status = ph_gguf_open_built(&heap.heap, folder, &bytes, &gguf);
    if (status >= 0)
        status = ph_gguf_index_tensors(gguf);
    if (status >= 0)
        status = read_numbers(gguf);
    expect(status < 0 && status != PHIAL_E_INTERNAL &&
           strlen(ph_error_text()) > 10);
    ph_gguf_free(gguf);
    ph_buf_free(&bytes);
    expect(failing_heap_check(&heap) == 0);
    expect(heap.peak_bytes <= 32 * size + 65536);
    return 0;
}
