/* SPDX-License-Identifier: MIT
 * Fuzz target: messages and tools in JSON, and a plain message, divided by the
 * byte 0xff, rendered in every format. A leak, memory beyond 16 times the input
 * plus 64 KiB while reading, an error without a sentence, a control token that
 * comes from text, or text that tokens do not give back is a finding. */
#include "chat/format.h"
#include "chat/messages.h"
#include "failing_heap.h"
#include "text/text.h"
#include "tiny_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ph_tokenizer *tokenizers[PH_VOCAB_PHI4_MINI + 1];

static void expect(bool good)
{
    if (!good)
        abort();
}

static bool succeeds(phial_status status)
{
    if (status < 0)
        expect(ph_error_text()[0] != 0);
    return status == PHIAL_OK;
}

static void make_tokenizers(void)
{
    static const tiny_family families[] = {
        [PH_VOCAB_PHI3] = TINY_PHI35,
        [PH_VOCAB_PHI4] = TINY_PHI4,
        [PH_VOCAB_PHI4_MINI] = TINY_PHI4_MINI,
    };

    for (ph_vocab v = PH_VOCAB_PHI3; v <= PH_VOCAB_PHI4_MINI; v++) {
        char path[] = "/tmp/phial-fuzz-chat-XXXXXX";
        int fd = mkstemp(path);
        ph_gguf *gguf = NULL;

        expect(fd >= 0);
        close(fd);
        tiny_model_write(path, families[v], PH_F32, 1);
        expect(succeeds(ph_gguf_open(&ph_libc_heap, path, &gguf)));
        expect(succeeds(ph_tokenizer_new(&ph_libc_heap, gguf, &tokenizers[v])));
        ph_gguf_free(gguf);
        remove(path);
    }
}

/* The same turns with nothing to say, so that every control token in its
 * prompt is the format's. */
static ph_chat *silent_copy(const ph_chat *chat, const ph_heap *heap)
{
    ph_chat *copy = NULL;

    expect(succeeds(ph_chat_new(heap, &copy)));
    for (size_t i = 0; i < chat->n_messages; i++) {
        const ph_message *m = &chat->messages[i];

        expect(succeeds(ph_chat_append(
            copy, m->role, m->text.len ? PH_STR("x") : PH_STR(""),
            m->calls.len ? PH_STR("x") : PH_STR(""), PH_STR(""))));
    }
    if (chat->tools.len)
        expect(succeeds(ph_buf_puts(&copy->tools, "x")));
    return copy;
}

static size_t count_controls(const ph_tokenizer *t, const ph_tokens *tokens)
{
    size_t n = 0;

    for (size_t i = 0; i < tokens->len; i++) {
        ph_token_kind kind = ph_tokenizer_kind(t, tokens->data[i]);

        n += kind != PH_TOKEN_NORMAL && kind != PH_TOKEN_BYTE;
    }
    return n;
}

/* Control tokens swallow white space next to them, and to SentencePiece its
 * U+2581 is a space. */
static void remove_space(ph_buf *text)
{
    size_t kept = 0, n;
    uint32_t code_point;

    for (size_t i = 0; i < text->len; i += n) {
        n = ph_utf8_next(text->data + i, text->len - i, &code_point);
        if (ph_unicode_class(code_point) & PH_CLASS_SPACE ||
            code_point == 0x2581)
            continue;
        memmove(text->data + kept, text->data + i, n);
        kept += n;
    }
    text->len = kept;
}

static void compare_with_text(const ph_tokenizer *t, const ph_tokens *tokens,
                              ph_buf *text)
{
    ph_buf decoded = {.heap = &ph_libc_heap};
    ph_decoder decoder;

    ph_decoder_init(&decoder, t, PHIAL_TEXT_SPECIAL);
    for (size_t i = 0; i < tokens->len; i++)
        expect(succeeds(ph_decoder_push(&decoder, tokens->data[i], &decoded)));
    expect(succeeds(ph_decoder_flush(&decoder, &decoded)));
    remove_space(&decoded);
    remove_space(text);
    expect(
        decoded.len == text->len &&
        (text->len == 0 || memcmp(decoded.data, text->data, text->len) == 0));
    ph_buf_free(&decoded);
}

static void render(const ph_chat *chat, const ph_format *f, uint32_t flags)
{
    const ph_tokenizer *t = tokenizers[f->vocab];
    ph_buf text = {.heap = chat->heap};
    ph_tokens tokens = {.heap = chat->heap}, silent = {.heap = chat->heap};
    phial_status status = ph_chat_render_text(chat, f, flags, &text);

    expect(ph_chat_render_tokens(chat, f, t, flags, &tokens) == status);
    if (succeeds(status)) {
        ph_chat *copy = silent_copy(chat, chat->heap);

        expect(succeeds(ph_chat_render_tokens(copy, f, t, flags, &silent)));
        expect(count_controls(t, &tokens) == count_controls(t, &silent));
        compare_with_text(t, &tokens, &text);
        ph_chat_free(copy);
    } else {
        expect(status == PHIAL_E_UNSUPPORTED && text.len + tokens.len == 0);
    }
    ph_buf_free(&text);
    ph_tokens_free(&tokens);
    ph_tokens_free(&silent);
}

/* Up to the next 0xff. */
static ph_str next_part(const uint8_t **data, size_t *size)
{
    const uint8_t *end = memchr(*data, 0xff, *size);
    ph_str part = {(const char *)*data, end ? (size_t)(end - *data) : *size};

    *data += part.len + (end != NULL);
    *size -= part.len + (end != NULL);
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    failing_heap heap;
    ph_chat *chat = NULL;
    size_t bound = 16 * size + 65536, n;

    if (!tokenizers[PH_VOCAB_PHI3])
        make_tokenizers();
    if (size == 0)
        return 0;
    failing_heap_init(&heap, 0, FAIL_NEVER);
    expect(succeeds(ph_chat_new(&heap.heap, &chat)));
    if (!succeeds(ph_chat_add_json(chat, next_part(&data, &size))))
        expect(chat->n_messages == 0);
    if (!succeeds(ph_chat_set_tools(chat, next_part(&data, &size))))
        expect(chat->tools.len == 0);
    n = chat->n_messages;
    if (!succeeds(ph_chat_add(chat, PHIAL_ROLE_SYSTEM + (int32_t)(size % 4),
                              next_part(&data, &size))))
        expect(chat->n_messages == n);
    expect(heap.peak_bytes <= bound);
    for (size_t i = 0; ph_format_at(i); i++)
        render(chat, ph_format_at(i), i % 2 ? PHIAL_TEXT_PROMPT : 0);
    ph_chat_free(chat);
    expect(failing_heap_check(&heap) == 0);
    return 0;
}
