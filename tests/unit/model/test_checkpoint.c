/* SPDX-License-Identifier: MIT
 * Checkpoints' folders (formats/hf_folder.h): every allocation fails in turn,
 * and every file is cut short. What folders hold is tested in
 * tests/checkpoints. */
#include "checkpoint_files.h"
#include "failing_heap.h"
#include "model_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CORPUS "tests/fuzz/corpus/checkpoint/"

enum { MAX_SEED = 1 << 20 };

static const char *const seeds[] = {CORPUS "phi-4-mini.bin", CORPUS "phi-4.bin",
                                    CORPUS "llama.bin", CORPUS "phi-3-4k.bin"};

static uint8_t *read_seed(const char *path, size_t *n)
{
    uint8_t *data = malloc(MAX_SEED);
    FILE *f = fopen(path, "rb");

    ck_assert_msg(f != NULL, "%s is missing", path);
    *n = fread(data, 1, MAX_SEED, f);
    fclose(f);
    return data;
}

static phial_status open_and_free(void *user, const ph_heap *heap)
{
    const ph_model_config config = {.heap = heap};
    ph_model *model = NULL;
    const phial_status status = ph_model_open(user, &config, &model);

    ck_assert(status >= 0 || !model);
    ph_model_free(model);
    return status;
}

START_TEST(every_allocation_of_opening_a_folder_may_fail)
{
    char *folder = checkpoint_folder_new();
    size_t size, n_points = 0;
    uint8_t *data = read_seed(seeds[_i], &size);

    checkpoint_unpack(folder, data, size);
    ck_assert_uint_eq(failing_heap_loop(open_and_free, folder, &n_points), 0);
    ck_assert_uint_gt(n_points, 40);
    checkpoint_empty(folder);
    ck_assert_int_eq(rmdir(folder), 0);
    free(folder);
    free(data);
}
END_TEST

START_TEST(files_cut_short_are_refused)
{
    char *folder = checkpoint_folder_new();
    size_t size;
    uint8_t *data = read_seed(seeds[_i], &size);

    for (size_t cut = 0; cut < size; cut += 1 + cut / 16 + size / 512) {
        failing_heap heap;

        failing_heap_init(&heap, 0, FAIL_NEVER);
        checkpoint_unpack(folder, data, cut);
        ck_assert_int_lt(open_and_free(folder, &heap.heap), 0);
        ck_assert_uint_eq(failing_heap_check(&heap), 0);
        checkpoint_empty(folder);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    free(folder);
    free(data);
}
END_TEST

TCase *checkpoint_cases(void)
{
    TCase *t = tcase_create("checkpoints");

    tcase_add_loop_test(t, every_allocation_of_opening_a_folder_may_fail, 0, 4);
    tcase_add_loop_test(t, files_cut_short_are_refused, 0, 4);
    tcase_set_timeout(t, 120);
    return t;
}
