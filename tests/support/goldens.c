/* SPDX-License-Identifier: MIT
 * Reads files of reference logits. */
#include "goldens.h"

#include "check_main.h"

#include <stdio.h>
#include <string.h>

enum { MAX_COPIES = 256, NAME = 48, HEAD = 56 };
enum { INT32 = 1, FLOAT32 = 2, FLOAT64 = 3 };

static uint8_t *file_data;
static size_t file_size;
static void *copies[MAX_COPIES]; /* kept to the end of the program */
static size_t n_copies;

static uint32_t number_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static void read_file(void)
{
    FILE *f = fopen(golden_path, "rb");

    ck_assert_msg(f != NULL, "run the test from the source directory");
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    file_size = (size_t)ftell(f);
    rewind(f);
    file_data = malloc(file_size);
    ck_assert_uint_eq(fread(file_data, 1, file_size, f), file_size);
    fclose(f);
}

/* Records: name[48], u32 type, u32 count, elements. The elements are copied
 * out, since they lie unaligned. */
static size_t find(const char *name, uint32_t type, size_t size,
                   const void **data)
{
    size_t at = 0;

    if (!file_data)
        read_file();
    while (at < file_size) {
        const uint8_t *head = file_data + at;
        const size_t count = number_at(head + NAME + 4);
        const size_t bytes =
            count * (number_at(head + NAME) == FLOAT64 ? 8 : 4);

        if (strcmp((const char *)head, name) == 0) {
            void *copy = malloc(bytes);

            ck_assert_uint_lt(n_copies, MAX_COPIES);
            copies[n_copies++] = copy;
            ck_assert_uint_eq(number_at(head + NAME), type);
            ck_assert_uint_eq(bytes, count * size);
            *data = memcpy(copy, head + HEAD, bytes);
            return count;
        }
        at += HEAD + bytes;
    }
    ck_abort_msg("%s has no record %s", golden_path, name);
    return 0;
}

size_t golden_doubles(const char *name, const double **data)
{
    const void *p = NULL;
    const size_t n = find(name, FLOAT64, sizeof **data, &p);

    *data = p;
    return n;
}

size_t golden_floats(const char *name, const float **data)
{
    const void *p = NULL;
    const size_t n = find(name, FLOAT32, sizeof **data, &p);

    *data = p;
    return n;
}

size_t golden_tokens(const char *name, const phial_token **data)
{
    const void *p = NULL;
    const size_t n = find(name, INT32, sizeof **data, &p);

    *data = p;
    return n;
}

double golden_nmse(const float *logits, const double *want, size_t n)
{
    double error = 0, power = 0;

    for (size_t i = 0; i < n; i++) {
        const double d = (double)logits[i * GOLDEN_STEP] - want[i];

        error += d * d;
        power += want[i] * want[i];
    }
    return error / power;
}

double golden_nmse_floats(const float *logits, const float *want, size_t n)
{
    double *wide = malloc(n * sizeof *wide), nmse;

    for (size_t i = 0; i < n; i++)
        wide[i] = (double)want[i];
    nmse = golden_nmse(logits, wide, n);
    free(wide);
    return nmse;
}
