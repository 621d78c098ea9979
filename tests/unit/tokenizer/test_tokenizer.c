/* SPDX-License-Identifier: MIT
 * tokenizer: the program, and what its files share. Equality with the reference
 * tokenizers on their own vocabularies is a job of tests/tokenizer. */
#include "tokenizer_cases.h"
#include "formats/gguf_file.h"

#include <stdlib.h>

phial_status tokenizer_of(const gguf_writer *w, const ph_heap *heap,
                          ph_tokenizer **out)
{
    ph_gguf *gguf = NULL;
    size_t n;
    uint8_t *bytes = gguf_to_memory(w, &n);
    phial_status status =
        ph_gguf_open_memory(heap, "test.gguf", bytes, n, &gguf);

    *out = NULL;
    if (status >= 0)
        status = ph_tokenizer_new(heap, gguf, out);
    ph_gguf_free(gguf);
    free(bytes);
    return status;
}

ph_tokenizer *tiny_tokenizer(tiny_family family)
{
    gguf_writer *w = gguf_writer_new();
    ph_tokenizer *t;

    tiny_vocab_put(w, family, 2);
    ck_status(tokenizer_of(w, &ph_libc_heap, &t), PHIAL_OK);
    gguf_writer_free(w);
    return t;
}

static Suite *tokenizer_suite(void)
{
    Suite *suite = suite_create("tokenizer");

    suite_add_tcase(suite, text_cases());
    suite_add_tcase(suite, load_cases());
    suite_add_tcase(suite, merge_cases());
    return suite;
}

PH_CHECK_MAIN(tokenizer_suite())
