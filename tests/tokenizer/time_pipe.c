/* SPDX-License-Identifier: MIT
 * Times encoding for bench.py. Arguments: a GGUF file. Each line of standard
 * input is the path of a text file; the answer is one line: bytes, tokens,
 * nanoseconds of processor time to encode it once. A first line gives the
 * nanoseconds that loading took. */
#include "tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, ph_error_text());
    exit(1);
}

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *data = NULL;
    long size;

    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
        die(path);
    rewind(f);
    data = malloc((size_t)size + 1);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
        die(path);
    fclose(f);
    *n = (size_t)size;
    return data;
}

int main(int argc, char **argv)
{
    ph_gguf *gguf = NULL;
    ph_tokenizer *t = NULL;
    char path[4096];
    long long start;

    if (argc != 2 || ph_gguf_open(&ph_libc_heap, argv[1], &gguf) < 0)
        die("open");
    start = now();
    if (ph_tokenizer_new(&ph_libc_heap, gguf, &t) < 0)
        die("load");
    printf("%lld\n", now() - start);
    fflush(stdout);
    while (fgets(path, sizeof path, stdin)) {
        ph_tokens ids = {.heap = &ph_libc_heap};
        size_t n;
        char *text;

        path[strcspn(path, "\n")] = 0;
        text = read_file(path, &n);
        start = now();
        if (ph_tokenizer_encode(t, text, n, 0, &ids) < 0)
            die("encode");
        printf("%zu %zu %lld\n", n, ids.len, now() - start);
        fflush(stdout);
        ph_tokens_free(&ids);
        free(text);
    }
    ph_tokenizer_free(t);
    ph_gguf_free(gguf);
    return 0;
}
