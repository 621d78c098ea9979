/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as a GGUF file. Everything that an opened file offers
 * is read; a leak, a wrong free, memory beyond 16 times the input plus 64 KiB,
 * an error without a sentence, or a record that contradicts the promises of
 * formats.h is a finding. */
#include "failing_heap.h"
#include "formats/gguf_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static void expect(bool good)
{
    if (!good)
        abort();
}

static void touch(ph_str bytes)
{
    uint8_t all = 0;

    for (size_t i = 0; i < bytes.len; i++)
        all ^= (uint8_t)bytes.data[i];
    sink = all;
}

static void read_as_each_type(const ph_gguf *gguf, const ph_gguf_entry *entry)
{
    char key[256];
    const ph_gguf_entry *array;
    uint32_t u32;
    float f32;
    bool truth;
    ph_str str;

    if (entry->key.len >= sizeof key ||
        memchr(entry->key.data, 0, entry->key.len))
        return;
    memcpy(key, entry->key.data, entry->key.len);
    key[entry->key.len] = 0;
    expect(ph_gguf_find(gguf, key) == entry);
    ph_gguf_u32(gguf, key, NULL, &u32);
    ph_gguf_f32(gguf, key, NULL, &f32);
    ph_gguf_bool(gguf, key, NULL, &truth);
    ph_gguf_str(gguf, key, NULL, &str);
    for (int elem = PH_GGUF_U8; elem <= PH_GGUF_F64; elem++)
        ph_gguf_array(gguf, key, (ph_gguf_type)elem, &array);
}

static void walk_entry(const ph_gguf *gguf, const ph_gguf_entry *entry)
{
    size_t at = 0;

    expect(entry->key.len > 0 && entry->type <= PH_GGUF_F64);
    touch(entry->key);
    touch(entry->data);
    read_as_each_type(gguf, entry);
    if (entry->type != PH_GGUF_ARRAY)
        return;
    expect(entry->elem <= PH_GGUF_F64 && entry->elem != PH_GGUF_ARRAY);
    if (entry->elem == PH_GGUF_STRING) {
        for (uint64_t i = 0; i < entry->count; i++)
            touch(ph_gguf_next_string(entry, &at));
        expect(at == entry->data.len);
    } else {
        expect(entry->data.len ==
               entry->count * ph_gguf_type_size(entry->elem));
    }
}

static void walk_tensor(const ph_gguf *gguf, const ph_gguf_tensor *t,
                        size_t size, uint8_t *buffer)
{
    uint64_t n = t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3], bytes;

    expect(t->n_dims >= 1 && t->n_dims <= 4 && t->name.len > 0);
    expect(t->offset <= size && t->bytes <= size - t->offset);
    expect(ph_dtype_bytes((ph_dtype)t->type, n, &bytes) ? bytes == t->bytes
                                                        : t->bytes == 0);
    touch(t->name);
    expect(ph_gguf_read(gguf, t, 0, buffer, t->bytes) == PHIAL_OK);
    expect(ph_gguf_read(gguf, t, 1, buffer, t->bytes) < 0);
    touch((ph_str){(char *)buffer, t->bytes});
}

static void walk(const ph_gguf *gguf, size_t size)
{
    uint8_t *buffer = malloc(size + 1);

    for (size_t i = 0; i < ph_gguf_n_entries(gguf); i++)
        walk_entry(gguf, ph_gguf_entry_at(gguf, i));
    for (size_t i = 0; i < ph_gguf_n_tensors(gguf); i++)
        walk_tensor(gguf, ph_gguf_tensor_at(gguf, i), size, buffer);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    failing_heap heap;
    ph_gguf *gguf = NULL;
    phial_status status;

    failing_heap_init(&heap, 0, FAIL_NEVER);
    ph_fail(PHIAL_OK, "%s", "");
    status = ph_gguf_open_memory(&heap.heap, "fuzz.gguf", data, size, &gguf);
    if (status == PHIAL_OK)
        walk(gguf, size);
    else
        expect(!gguf && strstr(ph_error_text(), "fuzz.gguf") &&
               (status == PHIAL_E_FORMAT || status == PHIAL_E_UNSUPPORTED));
    ph_gguf_free(gguf);
    expect(failing_heap_check(&heap) == 0);
    expect(heap.peak_bytes <= 16 * size + 65536);
    return 0;
}
