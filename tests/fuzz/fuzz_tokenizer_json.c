/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as tokenizer.json. Two bytes in front are the number
 * of tokens that config.json would state, one more whether it is in Llama's
 * layout. What can be read is made a tokenizer, which then encodes and decodes.
 * A leak, an error without a sentence, memory out of proportion, merging that
 * differs from its definition, an added token that nobody asked for, or decoded
 * text that is not UTF-8 is a finding. */
#include "failing_heap.h"
#include "formats/hf_folder.h"
#include "slow_bpe.h"
#include "text/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PREFIX = 3, MAX_TEXT = 300, MAX_PIECE = 100 };

static void expect(bool good)
{
    if (!good)
        abort();
}

static void check_decoding(const ph_tokenizer *t, const ph_tokens *ids,
                           uint32_t flags)
{
    ph_buf out = {.heap = &ph_libc_heap};
    ph_decoder decoder;

    ph_decoder_init(&decoder, t, flags);
    for (size_t i = 0; i < ids->len; i++)
        expect(ph_decoder_push(&decoder, ids->data[i], &out) == PHIAL_OK);
    expect(ph_decoder_flush(&decoder, &out) == PHIAL_OK);
    expect(ph_utf8_valid(out.data, out.len));
    ph_buf_free(&out);
}

static void check_text(const ph_tokenizer *t, const char *text, size_t len)
{
    ph_tokens ids = {.heap = &ph_libc_heap};

    if (len > MAX_TEXT)
        len = MAX_TEXT;
    expect(ph_tokenizer_encode(t, text, len, 0, &ids) == PHIAL_OK);
    for (size_t i = 0; i < ids.len; i++) {
        const ph_token_kind kind = ph_tokenizer_kind(t, ids.data[i]);

        expect(kind == PH_TOKEN_NORMAL || kind == PH_TOKEN_BYTE);
    }
    check_decoding(t, &ids, 0);
    ids.len = 0;
    expect(ph_tokenizer_encode(t, text, len, PHIAL_TEXT_SPECIAL, &ids) ==
           PHIAL_OK);
    check_decoding(t, &ids, PHIAL_TEXT_SPECIAL);
    ph_tokens_free(&ids);
    slow_merge_compare(t, text, len < MAX_PIECE ? len : MAX_PIECE);
}

static phial_status make(const ph_hf_file *file, const uint8_t *prefix,
                         ph_tokenizer **out)
{
    static ph_hf_config config;
    const ph_heap *heap = file->text.heap;
    ph_hf_ids ids = {{prefix[0], prefix[1], PH_HF_MAX_VOCAB}, 3};
    ph_gguf_builder b;
    ph_buf bytes = {.heap = heap};
    ph_gguf *gguf = NULL;
    phial_status status;

    config.n_vocab = 1 + ph_le16(prefix) % 2048;
    config.llama = prefix[2] % 2;
    ph_builder_init(&b, heap);
    status = ph_hf_put_vocabulary(file, &config, &ids, &b);
    if (status >= 0)
        status = ph_builder_finish(&b, &bytes);
    ph_builder_free(&b);
    if (status >= 0)
        status = ph_gguf_open_built(heap, "fuzz", &bytes, &gguf);
    if (status >= 0)
        status = ph_tokenizer_new(heap, gguf, out);
    ph_buf_free(&bytes);
    ph_gguf_free(gguf);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[] = "fuzz/tokenizer.json";
    failing_heap heap;
    ph_hf_file file;
    ph_json_limits limits;
    ph_tokenizer *t = NULL;
    phial_status status;
    ph_str text;

    if (size < PREFIX)
        return 0;
    text = (ph_str){(const char *)data + PREFIX, size - PREFIX};
    limits = (ph_json_limits){PH_HF_MAX_VOCABULARY, PH_HF_MAX_VOCABULARY / 16};
    failing_heap_init(&heap, 0, FAIL_NEVER);
    file = (ph_hf_file){
        .path = path, .text.heap = &heap.heap, .json.heap = &heap.heap};
    ph_fail(PHIAL_OK, "%s", "");
    status = ph_json_parse_within(&heap.heap, text, path, &limits, &file.json);
    if (status >= 0 && file.json.nodes[0].kind == PH_JSON_OBJECT)
        status = make(&file, data, &t);
    else if (status >= 0)
        status = ph_hf_wrong(&file, "", "an object");
    if (status == PHIAL_OK)
        check_text(t, text.data, text.len);
    else
        expect(!t && status != PHIAL_E_INTERNAL && status < 0 &&
               strlen(ph_error_text()) > 10);
    ph_tokenizer_free(t);
    ph_json_free(&file.json);
    expect(failing_heap_check(&heap) == 0);
    expect(heap.peak_bytes <= 64 * size + (1 << 20));
    return 0;
}
