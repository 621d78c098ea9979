/* SPDX-License-Identifier: MIT
 * Generates a model and writes it, a piece at a time. */
#include "synth_write.h"
#include "progress.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

typedef struct sink {
    const char *path;
    int fd;
    uint8_t *piece; /* PIECE bytes */
    uint64_t written, total;
} sink;

/* Returns an exit code, as everything below. */
static int put(sink *out, const uint8_t *bytes, size_t n)
{
    out->written += n;
    while (n) {
        ssize_t done = write(out->fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            complain("cannot write %s: %s", out->path,
                     strerror(done ? errno : ENOSPC));
            return CLI_FAILED;
        }
        bytes += done;
        n -= (size_t)done;
    }
    progress_update((double)out->written / (double)out->total);
    return interrupt_seen() ? CLI_INTERRUPTED : CLI_OK;
}

static void put_f32(uint8_t *p, double value)
{
    float f = (float)value;
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(bits >> (8 * i));
}

/* LongRoPE's long factors grow as these do and stay below 48. */
static double vector_value(const synth_tensor *t, uint64_t i, uint64_t key)
{
    double unit = (double)(random_word(key, i) >> 11) * 0x1p-53;

    switch (t->kind) {
    case TENSOR_LONG:
        return fmin(pow(1.1183, (double)i), 32 + (double)i / 4);
    case TENSOR_SHORT:
        return 1;
    default:
        return 0.75 + 0.5 * unit;
    }
}

static int put_vector(sink *out, const synth_tensor *t, uint64_t key)
{
    int code = CLI_OK;

    for (uint64_t i = 0; i < t->cols && code == CLI_OK; i++) {
        uint8_t bytes[4];

        put_f32(bytes, vector_value(t, i, key));
        code = put(out, bytes, sizeof bytes);
    }
    return code;
}

static int put_matrix(sink *out, const synth_tensor *t, uint64_t key)
{
    size_t block = block_bytes(t->format);
    uint64_t n = synth_tensor_bytes(t) / block;
    uint64_t most = PIECE / block / 4 * 4; /* whole words */
    int code = CLI_OK;

    for (uint64_t i = 0; i < n && code == CLI_OK; i += most) {
        size_t count = (size_t)(n - i < most ? n - i : most);

        blocks_fill(t->format, out->piece, count, i, t->std, key);
        code = put(out, out->piece, count * block);
    }
    return code;
}

static int put_tensor(sink *out, const synth_tensor *t, uint64_t key)
{
    static const uint8_t zeros[64];
    int code = t->rows ? put_matrix(out, t, key) : put_vector(out, t, key);

    if (code == CLI_OK)
        code = put(out, zeros, gguf_padding(synth_tensor_bytes(t)));
    return code;
}

static void make_head(const settings *s, const synth_shape *shape,
                      const synth_tensor *tensors, size_t n, gguf_head *h)
{
    gguf_begin(h);
    synth_keys(h, shape, s->type);
    for (size_t i = 0; i < n; i++)
        gguf_tensor(h, tensors[i].name, block_gguf_type(tensors[i].format),
                    tensors[i].cols, tensors[i].rows,
                    synth_tensor_bytes(&tensors[i]));
    gguf_end(h);
}

static int put_model(sink *out, const gguf_head *head,
                     const synth_tensor *tensors, size_t n, uint64_t seed)
{
    int code;

    out->piece = must_alloc(PIECE, 1);
    out->total = head->n + head->data_bytes;
    code = put(out, head->data, head->n);
    for (size_t i = 0; i < n && code == CLI_OK; i++)
        code = put_tensor(out, &tensors[i], random_word(seed, i));
    free(out->piece);
    return code;
}

/* A model takes long to download, so none is overwritten unasked. */
static int open_sink(const settings *s, sink *out)
{
    int flags = O_WRONLY | O_CREAT | O_TRUNC | (s->force ? 0 : O_EXCL);

    *out = (sink){.path = s->model, .fd = open(s->model, flags, 0666)};
    if (out->fd >= 0)
        return CLI_OK;
    if (errno == EEXIST)
        complain("%s exists; --force overwrites it", s->model);
    else
        complain("cannot write %s: %s", s->model, strerror(errno));
    return CLI_FAILED;
}

static int close_sink(sink *out, int code)
{
    struct stat info;
    bool regular = !fstat(out->fd, &info) && S_ISREG(info.st_mode);

    if (close(out->fd) && code == CLI_OK) {
        complain("cannot write %s: %s", out->path, strerror(errno));
        code = CLI_FAILED;
    }
    if (code != CLI_OK && regular)
        unlink(out->path);
    return code;
}

static uint64_t parameters(const synth_tensor *tensors, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        if (tensors[i].kind == TENSOR_MATRIX || tensors[i].kind == TENSOR_NORM)
            sum += tensors[i].cols * (tensors[i].rows ? tensors[i].rows : 1);
    return sum;
}

int synth_write(const settings *s, const synth_shape *shape, synth_totals *out)
{
    double start = clock_seconds();
    uint64_t seed = s->seed == SEED_NOT_GIVEN ? 0 : s->seed;
    synth_tensor *tensors;
    size_t n = synth_tensors(shape, s->type, &tensors);
    gguf_head head;
    sink file;
    int code;

    make_head(s, shape, tensors, n, &head);
    interrupt_catch(NULL, true); /* before there is a file to remove */
    code = open_sink(s, &file);
    if (code == CLI_OK) {
        progress_begin("writing the model");
        code = put_model(&file, &head, tensors, n, seed);
        code = close_sink(&file, code);
        progress_clear();
    }
    interrupt_release();
    *out = (synth_totals){.bytes = head.n + head.data_bytes,
                          .n_tensors = n,
                          .n_parameters = parameters(tensors, n),
                          .seconds = clock_seconds() - start};
    gguf_free(&head);
    free(tensors);
    return code;
}
