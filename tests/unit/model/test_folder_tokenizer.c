/* SPDX-License-Identifier: MIT
 * tokenizer.json as it has brought other readers down: merges longer than any
 * token, ids far apart, twice or none, added tokens
 * over one another, components with patterns and tables of their own
 * (huggingface/tokenizers#2094, #2151, #2198, openai/tiktoken#568). Each is
 * refused with what is wrong, or gives a tokenizer that encodes and decodes. */
#include "folder_seed.h"

#include <stdio.h>

#define NAME "tokenizer.json"

/* Puts insertion behind the first place where anchor is. */
static void insert(const folder_seed *seed, const char *anchor,
                   const char *insertion)
{
    const ph_str old = folder_seed_text(seed, NAME);
    const size_t n = strlen(insertion);
    char *copy = malloc(old.len + n + 1), *at;

    memcpy(copy, old.data, old.len);
    copy[old.len] = 0;
    at = strstr(copy, anchor);
    ck_assert_msg(at != NULL, "no %s in the seed", anchor);
    at += strlen(anchor);
    memmove(at + n, at, old.len - (size_t)(at - copy) + 1);
    memcpy(at, insertion, n);
    folder_seed_put(seed, NAME, copy, old.len + n);
    free(copy);
}

#define VOCAB "\"vocab\":{"
#define MERGES "\"merges\":["
#define ADDED "\"added_tokens\":["
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50
#define X1000 X250 X250 X250 X250

typedef struct issue {
    const char *anchor, *insertion;
    const char *says; /* NULL: it opens */
} issue;

/* 0 to 308 are taken; of a thousand. */
static const issue bytes_issues[] = {
    /* The result of a merge is no token, or longer than any. */
    {MERGES, "[\"a\",\"q\"],", "does not exist"},
    {MERGES, "\"z q\",", "does not exist"},
    {MERGES, "[\"he\",\"" X250 "\"],", "does not exist"},
    {MERGES, "[\"" X1000 X50 "\",\"a\"],", "merge 0"},
    {MERGES, "[\"" X1000 X1000 X50 "\",\"a\"],", "is not two tokens"},
    {MERGES, "[\"\",\"a\"],", "is not two tokens"},
    {MERGES, "[\"a\",\"\"],", "is not two tokens"},
    {MERGES, "[\"a\",\"b\",\"c\"],", "is not two tokens"},
    {MERGES, "[],", "is not two tokens"},
    {MERGES, "[1,2],", "is not two tokens"},
    {MERGES, "\"a\",", "is not two tokens"},
    {MERGES, "\"\",", "is not two tokens"},
    {MERGES, "\" \",", "is not two tokens"},
    {MERGES, "null,", "is not two tokens"},
    {MERGES, "{\"a\":\"b\"},", "is not two tokens"},
    {MERGES, "[\"a b\",\"c\"],", "U+0020"},
    {MERGES, "[\"\\u0000\",\"a\"],", "U+0000"},
    {MERGES, "[\"\xe2\x82\xac\",\"a\"],", "U+20AC"},
    /* Tokens. */
    {VOCAB, "\"" X1000 X50 "\":400,", "1050 bytes"},
    {VOCAB, "\"" X1000 "\":400,", NULL},
    {VOCAB, "\"\":400,", "0 bytes"},
    {VOCAB, "\"a\":400,", "are the same"},
    {VOCAB, "\"xy\":400,\"xz\":400,", "another token's too"},
    {VOCAB, "\"xy\":999,", NULL},
    {VOCAB, "\"xy\":1000,", "vocab_size"},
    {VOCAB, "\"xy\":-1,", "vocab_size"},
    {VOCAB, "\"xy\":4294967296,", "vocab_size"},
    {VOCAB, "\"xy\":18446744073709551616,", "vocab_size"},
    {VOCAB, "\"xy\":1.0,", "vocab_size"},
    {VOCAB, "\"xy\":1e2,", "vocab_size"},
    {VOCAB, "\"xy\":\"400\",", "vocab_size"},
    {VOCAB, "\"xy\":null,", "vocab_size"},
    {VOCAB, "\"xy\":[400],", "vocab_size"},
    {VOCAB, "\"x y\":400,", "U+0020"},
    {VOCAB, "\"x\\ud83d\\ude00\":400,", "U+1F600"},
    {VOCAB, "\"x\\ud83d\":400,", NAME},
    /* Added tokens. */
    {ADDED,
     "{\"id\":400,\"content\":\"<|e\"},{\"id\":401,\"content\":\"<|\"},"
     "{\"id\":402,\"content\":\"<\"},{\"id\":403,\"content\":\"|>\"},",
     NULL},
    {ADDED, "{\"id\":400,\"content\":\"a\"},", NULL},
    {ADDED, "{\"id\":400,\"content\":\" \",\"lstrip\":true,\"rstrip\":true},",
     NULL},
    {ADDED,
     "{\"id\":400,\"content\":\"<|end|>\"},{\"id\":401,\"content\":"
     "\"<|end|>\"},",
     "same"},
    {ADDED, "{\"id\":400,\"content\":\"\"},", "0 bytes"},
    {ADDED, "{\"id\":400,\"content\":\"" X1000 X50 "\"},", "1050 bytes"},
    {ADDED, "{\"id\":1000,\"content\":\"x\"},", "vocab_size"},
    {ADDED, "{\"id\":-1,\"content\":\"x\"},", "vocab_size"},
    {ADDED, "{\"content\":\"x\"},", "vocab_size"},
    {ADDED, "{\"id\":400},", "added_tokens"},
    {ADDED, "{\"id\":400,\"content\":null},", "added_tokens"},
    {ADDED, "{\"id\":400,\"content\":[]},", "added_tokens"},
    {ADDED, "[],", "added_tokens"},
    {ADDED, "null,", "added_tokens"},
    {ADDED, "{\"id\":97,\"content\":\"over a byte\"},", "has no token"},
    {ADDED, "{\"id\":400,\"content\":\"x\",\"single_word\":true},",
     "single_word"},
};

enum { N_BYTES = sizeof bytes_issues / sizeof *bytes_issues };

static void check_issue(const folder_seed *seed, const issue *i)
{
    size_t peak;
    phial_status status;

    insert(seed, i->anchor, i->insertion);
    status = open_tokenizer(seed, &peak);
    ck_assert_msg((status == PHIAL_OK) == !i->says, "%.60s: %s", i->insertion,
                  status < 0 ? ph_error_text() : "opened");
    if (i->says)
        ck_assert_msg(strstr(ph_error_text(), i->says), "%.60s: %s",
                      i->insertion, ph_error_text());
    ck_assert_uint_le(peak, 4 << 20);
}

START_TEST(issues_of_byte_level_vocabularies)
{
    folder_seed seed = vocabulary_seed_open(SEED_PHI4_MINI, "1000");

    for (size_t i = 0; i < N_BYTES; i++)
        check_issue(&seed, &bytes_issues[i]);
    folder_seed_close(&seed);
}
END_TEST

/* Ids that are far apart cost memory by "vocab_size", which has a limit, and
 * not by what they are. */
START_TEST(ids_far_apart_cost_no_more_than_the_limit)
{
    static const char *const sizes[] = {"1048576", "1048577", "4294967296"};

    for (size_t i = 0; i < 3; i++) {
        folder_seed seed = vocabulary_seed_open(SEED_LLAMA, sizes[i]);
        size_t peak;

        insert(&seed, VOCAB, "\"xy\":1048575,");
        ck_status(open_tokenizer(&seed, &peak), i ? PHIAL_E_FORMAT : PHIAL_OK);
        ck_assert_uint_le(peak, i ? 1 << 20 : 160 << 20);
        if (i)
            ck_assert_ptr_nonnull(strstr(ph_error_text(), "vocab_size"));
        folder_seed_close(&seed);
    }
}
END_TEST

TCase *folder_tokenizer_cases(void)
{
    TCase *t = tcase_create("folder tokenizer");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, issues_of_byte_level_vocabularies);
    tcase_add_test(t, ids_far_apart_cost_no_more_than_the_limit);
    return t;
}
