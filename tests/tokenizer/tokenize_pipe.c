/* SPDX-License-Identifier: MIT
 * Tokenizes strings for compare.py. Argument: a GGUF file. Standard input is
 * requests, each a flags word (PHIAL_TEXT_*, or one of the two below), a length
 * and that many bytes; standard output is answers, each a length and that many
 * bytes. All words are 32 bits, little-endian. Ends with the input. */
#include "tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

#define DECODE 0x80000000u /* ids to text; otherwise text to ids */
#define SPELL 0x40000000u  /* text to the bytes of its tokens */

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, ph_error_text());
    exit(1);
}

static uint32_t read_word(void)
{
    uint8_t bytes[4];

    if (fread(bytes, 1, 4, stdin) != 4)
        exit(0);
    return ph_le32(bytes);
}

static void answer(const void *data, size_t len)
{
    uint32_t n = (uint32_t)len;

    if (fwrite(&n, 4, 1, stdout) != 1 ||
        (len && fwrite(data, len, 1, stdout) != 1))
        die("write");
}

static void decode(const ph_tokenizer *t, uint32_t flags, const char *data,
                   size_t len, ph_buf *out)
{
    ph_decoder decoder;

    ph_decoder_init(&decoder, t, flags & ~DECODE);
    for (size_t at = 0; at + 4 <= len; at += 4)
        if (ph_decoder_push(&decoder, (phial_token)ph_le32(data + at), out) < 0)
            die("decode");
    if (ph_decoder_flush(&decoder, out) < 0)
        die("decode");
}

static void spell(const ph_tokenizer *t, const ph_tokens *ids, ph_buf *out)
{
    for (size_t i = 0; i < ids->len; i++) {
        ph_str bytes = ph_tokenizer_bytes(t, ids->data[i]);

        if (ph_buf_put(out, bytes.data, bytes.len) < 0)
            die("spell");
    }
}

static void respond(const ph_tokenizer *t, uint32_t flags, const char *data,
                    size_t len)
{
    ph_tokens ids = {.heap = &ph_libc_heap};
    ph_buf text = {.heap = &ph_libc_heap};

    if (flags & DECODE)
        decode(t, flags, data, len, &text);
    else if (ph_tokenizer_encode(t, data, len, flags & ~SPELL, &ids) < 0)
        die("encode");
    if (flags & SPELL)
        spell(t, &ids, &text);
    if (flags & (DECODE | SPELL))
        answer(text.data, text.len);
    else
        answer(ids.data, ids.len * sizeof *ids.data);
    ph_tokens_free(&ids);
    ph_buf_free(&text);
}

int main(int argc, char **argv)
{
    ph_gguf *gguf = NULL;
    ph_tokenizer *t = NULL;

    if (argc != 2 || ph_gguf_open(&ph_libc_heap, argv[1], &gguf) < 0 ||
        ph_tokenizer_new(&ph_libc_heap, gguf, &t) < 0)
        die("open");
    for (;;) {
        uint32_t flags = read_word();
        uint32_t len = read_word();
        char *data = malloc(len ? len : 1);

        if (!data || fread(data, 1, len, stdin) != len)
            die("read");
        respond(t, flags, data, len);
        free(data);
    }
}
