/* SPDX-License-Identifier: MIT
 * Structs with wrong fields and of wrong sizes. */
#include "api_fixture.h"
#include "misuse.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static void refuse_sampling(phial_sampling s, const char *word)
{
    refused(phial_session_set_sampling(session, &s), word);
}

static void refuse_float(size_t offset, float value, const char *word)
{
    phial_sampling s = PHIAL_INIT(phial_sampling);

    memcpy((char *)&s + offset, &value, sizeof value);
    refuse_sampling(s, word);
}

#define refuse_floats(field)                                                   \
    do {                                                                       \
        refuse_float(offsetof(phial_sampling, field), NAN, #field);            \
        refuse_float(offsetof(phial_sampling, field), INFINITY, #field);       \
        refuse_float(offsetof(phial_sampling, field), -INFINITY, #field);      \
        refuse_float(offsetof(phial_sampling, field), -1e38f, #field);         \
    } while (0)

START_TEST(sampling_is_checked_field_by_field)
{
    phial_sampling good = PHIAL_INIT(phial_sampling), s;
    const char *stops[17] = {"a"};
    phial_token id = -1;
    float value = NAN;

    refused(phial_session_set_sampling(NULL, &good), "session");
    refuse_floats(temperature);
    refuse_floats(top_p);
    refuse_floats(min_p);
    refuse_floats(repeat_penalty);
    refuse_floats(presence_penalty);
    refuse_floats(frequency_penalty);
    refuse_float(offsetof(phial_sampling, top_p), 1.5f, "top_p");
    refuse_float(offsetof(phial_sampling, min_p), 1.5f, "min_p");
    s = good, s.flags = 8, refuse_sampling(s, "flags");
    s = good, s.n_stop = 1, refuse_sampling(s, "stop");
    s.stop = stops, stops[0] = "", refuse_sampling(s, "stop");
    stops[0] = NULL, refuse_sampling(s, "stop");
    for (size_t i = 0; i < 17; i++)
        stops[i] = "a";
    s.n_stop = 17, refuse_sampling(s, "stop");
    s = good, s.n_bias = 1, s.bias_values = &value;
    refuse_sampling(s, "bias_tokens");
    s.bias_tokens = &id, s.bias_values = NULL;
    refuse_sampling(s, "bias_values");
    s.bias_values = &value, refuse_sampling(s, "bias");
    id = 1, refuse_sampling(s, "bias");
    value = 1, id = INT32_MAX, refuse_sampling(s, "bias");
    ck_status(phial_session_set_sampling(session, &good), PHIAL_OK);
    ck_status(phial_session_set_sampling(session, NULL), PHIAL_OK);
}
END_TEST

/* first is the size that the struct had at first. */
#define check_grown(type, first, call)                                         \
    do {                                                                       \
        struct {                                                               \
            type s;                                                            \
            uint64_t more[2];                                                  \
        } big = {PHIAL_INIT(type), {0, 0}};                                    \
        static const uint32_t wrong[] = {                                      \
            0, 1, 4, (first)-1, 4097, UINT32_MAX};                             \
        type *given = &big.s;                                                  \
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {            \
            given->struct_size = wrong[i];                                     \
            refused(call, "struct_size");                                      \
        }                                                                      \
        given->struct_size = sizeof big;                                       \
        ck_assert_int_ge(call, 0);                                             \
        big.more[1] = 1;                                                       \
        given->struct_size = sizeof big;                                       \
        tail_status = call;                                                    \
        tail = big.more[1];                                                    \
    } while (0)

#define check_sizes(type, call) check_grown(type, sizeof(type), call)

enum {
    FIRST_OPTIONS = offsetof(phial_model_options, reserved),
    FIRST_QUANTIZE_OPTIONS = offsetof(phial_quantize_options, adapters),
    FIRST_SESSION_OPTIONS = offsetof(phial_session_options, progress),
    FIRST_STATS = offsetof(phial_stats, n_drafted)
};

START_TEST(structs_of_another_size_follow_the_rule)
{
    const char *path = model_path("phi-4-mini");
    phial_model *m = NULL;
    phial_session *s = NULL;
    phial_memory memory = PHIAL_INIT(phial_memory);
    phial_status tail_status;
    uint64_t tail;

    check_grown(
        phial_model_options, FIRST_OPTIONS,
        (phial_model_free(m), m = NULL, phial_model_open(path, given, &m)));
    ck_assert_int_eq(tail_status, PHIAL_E_UNSUPPORTED);
    phial_model_free(m);
    check_grown(
        phial_session_options, FIRST_SESSION_OPTIONS,
        (phial_session_free(s), s = NULL, phial_session_new(model, given, &s)));
    ck_assert_int_eq(tail_status, PHIAL_E_UNSUPPORTED);
    phial_session_free(s);
    check_grown(phial_model_options, FIRST_OPTIONS,
                phial_estimate(path, given, NULL, &memory));
    check_grown(phial_session_options, FIRST_SESSION_OPTIONS,
                phial_estimate(path, NULL, given, &memory));
    check_sizes(phial_sampling, phial_session_set_sampling(session, given));
    ck_assert_int_eq(tail_status, PHIAL_E_UNSUPPORTED);
    check_sizes(phial_model_info, phial_model_get_info(model, given));
    ck_assert(tail_status == PHIAL_OK && tail == 0);
    check_sizes(phial_memory, phial_model_get_memory(model, given));
    ck_assert(tail_status == PHIAL_OK && tail == 0);
    check_sizes(phial_memory, phial_session_get_memory(session, given));
    check_sizes(phial_memory, phial_estimate(path, NULL, NULL, given));
    check_grown(phial_stats, FIRST_STATS,
                phial_session_get_stats(session, given));
    ck_assert(tail_status == PHIAL_OK && tail == 0);
    ck_status(phial_session_add_text(session, "a", 1, 0), PHIAL_OK);
    check_sizes(phial_event, phial_session_next(session, given));
    ck_assert(tail_status == PHIAL_OK && tail == 0);
}
END_TEST

START_TEST(structs_of_files_follow_it_too)
{
    char path[] = "/tmp/phial-structs-XXXXXX";
    const int fd = mkstemp(path);
    phial_imatrix_options o = PHIAL_INIT(phial_imatrix_options);
    phial_status tail_status;
    uint64_t tail;

    ck_assert_int_ge(fd, 0);
    close(fd);
    check_sizes(phial_imatrix_options,
                phial_model_imatrix(model, "abc", 3, path, given));
    ck_assert(tail_status == PHIAL_E_UNSUPPORTED && tail == 1);
    check_grown(phial_quantize_options, FIRST_QUANTIZE_OPTIONS,
                phial_quantize(model_path("phi-4-mini"), path, given));
    ck_assert(tail_status == PHIAL_E_UNSUPPORTED && tail == 1);
    o.flags = PHIAL_TEXT_BOS;
    refused(phial_model_imatrix(model, "a", 1, path, &o), "flags");
    o.flags = 0;
    o.n_context = 1;
    refused(phial_model_imatrix(model, "a", 1, path, &o), "n_context");
    unlink(path);
}
END_TEST

TCase *struct_case(void)
{
    TCase *t = tcase_create("structs");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, sampling_is_checked_field_by_field);
    tcase_add_test(t, structs_of_another_size_follow_the_rule);
    tcase_add_test(t, structs_of_files_follow_it_too);
    return t;
}
