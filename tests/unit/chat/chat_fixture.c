/* SPDX-License-Identifier: MIT
 * What the chat tests share: chats, rendering, small tokenizers. */
#include "chat_tests.h"

#include <stdio.h>
#include <unistd.h>

ph_chat *new_chat(void)
{
    ph_chat *chat = NULL;

    ck_status(ph_chat_new(&ph_libc_heap, &chat), PHIAL_OK);
    return chat;
}

ph_buf render(const ph_chat *chat, const char *format, uint32_t flags)
{
    ph_buf out = {.heap = &ph_libc_heap};
    const ph_format *f = ph_format_by_name(format);

    ck_assert_msg(f != NULL, "no format %s", format);
    ck_status(ph_buf_put(&out, "", 0), PHIAL_OK);
    ck_status(ph_chat_render_text(chat, f, flags, &out), PHIAL_OK);
    return out;
}

const ph_tokenizer *tiny_tokenizer(ph_vocab vocab)
{
    static const tiny_family families[] = {
        [PH_VOCAB_PHI3] = TINY_PHI35,
        [PH_VOCAB_PHI4] = TINY_PHI4,
        [PH_VOCAB_PHI4_MINI] = TINY_PHI4_MINI,
    };
    static ph_tokenizer *tokenizers[PH_VOCAB_PHI4_MINI + 1];
    ph_gguf *gguf;
    char path[] = "/tmp/phial-chat-XXXXXX";
    int fd;

    if (tokenizers[vocab])
        return tokenizers[vocab];
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    tiny_model_write(path, families[vocab], PH_F32, 1);
    ck_status(ph_gguf_open(&ph_libc_heap, path, &gguf), PHIAL_OK);
    ck_status(ph_tokenizer_new(&ph_libc_heap, gguf, &tokenizers[vocab]),
              PHIAL_OK);
    ph_gguf_free(gguf);
    remove(path);
    return tokenizers[vocab];
}
