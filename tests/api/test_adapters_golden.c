/* SPDX-License-Identifier: MIT
 * Adapters against float64 with merged weights, and against PEFT:
 * tests/golden/adapters.bin. */
#include "adapters_fixture.h"
#include "goldens.h"

#include <stdio.h>

const char golden_path[] = "tests/golden/adapters.bin";

static const size_t lengths[] = {1, 50, 64, 65, 100};

enum { N_LENGTHS = sizeof lengths / sizeof *lengths };

static const struct {
    const char *name;
    size_t n;
    float scales[2];
} sets[] = {{"a", 1, {1}}, {"ab", 2, {0.5f, -1.5f}}};

static void check(const float *logits, const char *set, size_t n)
{
    const double *truth;
    const float *peft;
    char name[48];
    size_t count;

    snprintf(name, sizeof name, "%s/%zu/float64", set, n);
    count = golden_doubles(name, &truth);
    ck_assert_double_le(golden_nmse(logits, truth, count), NMSE_FLOAT64);
    snprintf(name, sizeof name, "%s/%zu/peft", set, n);
    count = golden_floats(name, &peft);
    ck_assert_double_le(golden_nmse_floats(logits, peft, count),
                        NMSE_TRANSFORMERS);
}

START_TEST(logits_are_those_of_merged_weights_and_of_peft)
{
    phial_model *model = open_model("other-type", 2);
    phial_adapter *a = open_adapter(model, "lora-a");
    phial_adapter *b = open_adapter(model, "lora-b");
    const phial_adapter *const both[] = {a, b};
    const phial_token *tokens;

    golden_tokens("tokens", &tokens);
    for (int i = 0; i < N_LENGTHS; i++) {
        phial_session_options o = PHIAL_INIT(phial_session_options);
        phial_session *session = NULL;
        float *logits;
        size_t n;

        o.cache_format = PHIAL_CACHE_F32;
        ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
        ck_status(phial_session_set_adapters(session, both, sets[_i].scales,
                                             sets[_i].n),
                  PHIAL_OK);
        ck_status(phial_session_add_tokens(session, tokens, lengths[i]),
                  PHIAL_OK);
        logits = next_logits(session, &n);
        check(logits, sets[_i].name, lengths[i]);
        free(logits);
        phial_session_free(session);
    }
    phial_adapter_free(a);
    phial_adapter_free(b);
    phial_model_free(model);
}
END_TEST

TCase *golden_case(void)
{
    TCase *t = tcase_create("goldens");

    tcase_add_loop_test(t, logits_are_those_of_merged_weights_and_of_peft, 0,
                        2);
    return t;
}
