/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as a safetensors file. A leak, a wrong free, an error
 * without the file's name, memory out of proportion, or a table that does not
 * cover the file's data without holes is a finding. */
#include "failing_heap.h"
#include "formats/hf_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good)
{
    if (!good)
        abort();
}

static void check_tensor(const ph_safetensors *st, const ph_safetensor *t,
                         const uint8_t *file, size_t size)
{
    const uint64_t data_start = 8 + ph_le64(file);
    uint64_t n = 1, bytes = 0;
    uint32_t layer;
    ph_str rest;

    expect(t->name_at <= st->names.len &&
           t->name_len <= st->names.len - t->name_at);
    expect(t->n_dims >= 1 && t->n_dims <= PH_GGUF_MAX_DIMS);
    for (uint32_t i = 0; i < t->n_dims; i++)
        expect(ph_mul64(n, t->dims[i], &n) && t->dims[i] > 0);
    expect(ph_dtype_bytes((ph_dtype)t->type, n, &bytes));
    expect(t->begin >= data_start && t->end <= size &&
           t->end - t->begin == bytes);
    if (ph_hf_parse_layer((ph_str){st->names.data + t->name_at, t->name_len},
                          &layer, &rest))
        expect(layer < 10000 && rest.len < t->name_len);
}

/* Every byte of the data belongs to one tensor. */
static void check_cover(const ph_safetensors *st, const uint8_t *file,
                        size_t size)
{
    uint64_t sum = 8 + ph_le64(file);

    for (size_t i = 0; i < st->n; i++) {
        check_tensor(st, &st->tensors[i], file, size);
        sum += st->tensors[i].end - st->tensors[i].begin;
    }
    expect(sum == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    failing_heap heap;
    ph_safetensors st;
    phial_status status;
    char path[64];

    if (fd < 0)
        fd = memfd_create("safetensors", 0);
    expect(fd >= 0 && ftruncate(fd, 0) == 0 &&
           pwrite(fd, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    failing_heap_init(&heap, 0, FAIL_NEVER);
    ph_fail(PHIAL_OK, "%s", "");
    status = ph_safetensors_open(&heap.heap, path, &st);
    if (status == PHIAL_OK)
        check_cover(&st, data, size);
    else
        expect((status == PHIAL_E_FORMAT || status == PHIAL_E_UNSUPPORTED ||
                status == PHIAL_E_MEMORY) &&
               strstr(ph_error_text(), path));
    ph_safetensors_free(&st);
    expect(failing_heap_check(&heap) == 0);
    expect(heap.peak_bytes <= 32 * size + 65536);
    return 0;
}
