/* SPDX-License-Identifier: MIT
 * The parts of tokenizer.json of other kinds: components of the reference that
 * Phi has not, values of every kind in the place of every member, bytes without
 * a token. Each is refused, or gives a tokenizer that encodes and decodes. */
#include "folder_seed.h"

#include "text/text.h"

#include <stdio.h>

#define NAME "tokenizer.json"

static phial_status with_node(const folder_seed *seed, const json_text *json,
                              uint32_t node, const char *value)
{
    size_t n, peak;
    char *changed = json_text_with(json, node, value, &n);
    phial_status status;

    folder_seed_put(seed, NAME, changed, n);
    free(changed);
    status = open_tokenizer(seed, &peak);
    ck_assert_uint_le(peak, 4 << 20);
    return status;
}

/* Components of the reference that are ours to know by name, or to refuse. */
static const char *const components[] = {
    "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAA=\"}",
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"a\"}",
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a+)+$\"},\"content\":"
    "\"\"}",
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"},\"behavior\":\"X\"}",
    "{\"type\":\"Sequence\",\"normalizers\":[]}",
    "{\"type\":\"Sequence\",\"normalizers\":[[[[]]]]}",
    "{\"type\":\"Sequence\",\"pretokenizers\":[]}",
    "{\"type\":\"Sequence\",\"pretokenizers\":[7]}",
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"pattern\":7}]}",
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"pattern\":{\"Regex\":7}}]}",
    "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Strip\",\"content\":\"\","
    "\"start\":18446744073709551615,\"stop\":1}]}",
    "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
    "\"no\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{}}",
    "{\"type\":\"Metaspace\",\"replacement\":\"\",\"prepend_scheme\":\"\"}",
    "{\"type\":\"Prepend\",\"prepend\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
    "{\"type\":\"ByteFallback\"}",
    "{\"type\":\"WordPiece\",\"vocab\":{}}",
    "{\"type\":\"Unigram\",\"unk_id\":7,\"vocab\":[]}",
    "{\"type\":\"BPE\"}",
    "{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}",
    "{\"type\":\"BPE\",\"vocab\":{},\"merges\":[\"a b\"]}",
    "{\"max_length\":0,\"stride\":1,\"strategy\":\"LongestFirst\"}",
};

START_TEST(every_component_of_every_kind)
{
    folder_seed seed = vocabulary_seed_open(_i, "1000");
    json_text json = json_text_of(folder_seed_text(&seed, NAME));
    const ph_json_node *nodes = json.json.nodes;
    tally t = {"components", 0, 0};

    for (uint32_t key = 1; key < nodes[0].end;
         key = nodes[nodes[key].end].end) {
        const bool matters = ph_json_is(&json.json, key, "model");

        for (size_t i = 0; i < sizeof components / sizeof *components; i++) {
            const phial_status status =
                with_node(&seed, &json, nodes[key].end, components[i]);

            tally_add(&t, status);
            ck_assert_msg(!matters || status < 0, "%s as a model",
                          components[i]);
        }
        for (size_t i = 0; i < N_JSON_EDGES; i++) {
            const phial_status status =
                with_node(&seed, &json, nodes[key].end, json_edges[i]);

            tally_add(&t, status);
            ck_assert_msg(!matters || status < 0, "%s as a model",
                          json_edges[i]);
        }
    }
    tally_print(&t);
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

/* The members of the model, and of the first added token. */
START_TEST(every_member_of_every_kind)
{
    static const char *const parts[] = {"model", "added_tokens"};
    folder_seed seed = vocabulary_seed_open(_i, "1000");
    json_text json = json_text_of(folder_seed_text(&seed, NAME));
    const ph_json_node *nodes = json.json.nodes;
    tally t = {"members", 0, 0};

    for (size_t p = 0; p < 2; p++) {
        const uint32_t part = ph_json_get(&json.json, 0, parts[p]);
        const uint32_t object = part + (p ? 1 : 0);

        for (uint32_t key = object + 1; key < nodes[object].end;
             key = nodes[nodes[key].end].end) {
            const bool vital = ph_json_is(&json.json, key, "vocab") ||
                               ph_json_is(&json.json, key, "merges") ||
                               ph_json_is(&json.json, key, "type") ||
                               ph_json_is(&json.json, key, "id") ||
                               ph_json_is(&json.json, key, "content");

            tally_add(&t, with_node(&seed, &json, key, "\"-\""));
            for (size_t i = 0; i < N_JSON_EDGES; i++) {
                const phial_status status =
                    with_node(&seed, &json, nodes[key].end, json_edges[i]);

                tally_add(&t, status);
                ck_assert_msg(!vital || status < 0 ||
                                  json_kind_of(json_edges[i]) ==
                                      nodes[nodes[key].end].kind,
                              "%s at %u opened", json_edges[i], key);
            }
        }
    }
    tally_print(&t);
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

START_TEST(words_are_spelled_as_tokens_are)
{
    static const char *const keys[] = {"continuing_subword_prefix",
                                       "end_of_word_suffix"};
    folder_seed seed = vocabulary_seed_open(SEED_LLAMA, "1000");
    json_text json = json_text_of(folder_seed_text(&seed, NAME));
    const uint32_t model = ph_json_get(&json.json, 0, "model");

    for (size_t i = 0; i < 2; i++) {
        const uint32_t node = ph_json_get(&json.json, model, keys[i]);

        ck_status(with_node(&seed, &json, node, "\"\""), PHIAL_OK);
        ck_status(with_node(&seed, &json, node, "\"##\""), PHIAL_E_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(ph_error_text(), keys[i]));
        ck_status(with_node(&seed, &json, node, "7"), PHIAL_E_UNSUPPORTED);
    }
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

/* Every byte must be a token: whatever text comes then can be spelled. */
START_TEST(every_byte_has_a_token)
{
    static const int which[] = {SEED_LLAMA, SEED_PHI3};
    folder_seed seed = vocabulary_seed_open(which[_i], "1000");
    json_text json = json_text_of(folder_seed_text(&seed, NAME));
    const uint32_t model = ph_json_get(&json.json, 0, "model");
    const uint32_t vocab = ph_json_get(&json.json, model, "vocab");
    const ph_json_node *nodes = json.json.nodes;
    unsigned n_bytes = 0;

    for (uint32_t key = vocab + 1; key < nodes[vocab].end;
         key = nodes[nodes[key].end].end) {
        ph_buf name = {.heap = &ph_libc_heap};
        uint32_t c;
        bool byte;

        /* One letter, or <0x41>. */
        ck_status(ph_json_string(&json.json, key, &name), PHIAL_OK);
        byte = _i ? name.len == 6 && name.data[0] == '<'
                  : ph_utf8_next(name.data, name.len, &c) == name.len;
        ph_buf_free(&name);
        if (!byte)
            continue;
        n_bytes++;
        ck_assert_int_lt(with_node(&seed, &json, key, "\"zzzzq\""), 0);
        ck_assert_msg(strstr(ph_error_text(), "has no token") ||
                          strstr(ph_error_text(), "does not exist"),
                      "%s", ph_error_text());
    }
    ck_assert_uint_eq(n_bytes, 256);
    json_text_free(&json);
    folder_seed_close(&seed);
}
END_TEST

TCase *folder_components_cases(void)
{
    TCase *t = tcase_create("folder components");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, every_component_of_every_kind, SEED_LLAMA, N_SEEDS);
    tcase_add_loop_test(t, every_member_of_every_kind, SEED_LLAMA, N_SEEDS);
    tcase_add_test(t, words_are_spelled_as_tokens_are);
    tcase_add_loop_test(t, every_byte_has_a_token, 0, 2);
    return t;
}
