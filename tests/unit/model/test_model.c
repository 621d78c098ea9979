/* SPDX-License-Identifier: MIT
 * model: hyper-parameters, weights and description of model files. */
#include "hostile.h"

#include <unistd.h>

model_file model_file_of(gguf_writer *w)
{
    model_file file = {"/tmp/phial-test-model-XXXXXX"};
    const int fd = mkstemp(file.path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    gguf_write(w, file.path);
    gguf_writer_free(w);
    return file;
}

phial_status open_with(gguf_writer *w, uint32_t flags, ph_model **model)
{
    const ph_model_config config = {.heap = &ph_libc_heap, .flags = flags};
    const model_file file = model_file_of(w);
    const phial_status status = ph_model_open(file.path, &config, model);

    unlink(file.path);
    return status;
}

void check_refused(gguf_writer *w, phial_status status,
                   const char *const *texts)
{
    ph_model *model = NULL;

    ck_status(open_with(w, 0, &model), status);
    ck_assert_ptr_null(model);
    for (; *texts; texts++)
        ck_assert_msg(strstr(ph_error_text(), *texts) != NULL,
                      "no \"%s\" in \"%s\"", *texts, ph_error_text());
}

gguf_writer *small_model(tiny_family family)
{
    tiny_model m = tiny_model_of(family, PH_F16, 1);

    m.n_layers = 1;
    return tiny_model_build(&m);
}

static Suite *model_suite(void)
{
    Suite *s = suite_create("model");

    suite_add_tcase(s, adapter_cases());
    suite_add_tcase(s, adapter_refusal_cases());
    suite_add_tcase(s, adapter_matrix_cases());
    suite_add_tcase(s, checkpoint_cases());
    suite_add_tcase(s, open_cases());
    suite_add_tcase(s, loading_cases());
    suite_add_tcase(s, fingerprint_cases());
    suite_add_tcase(s, reading_cases());
    suite_add_tcase(s, refusal_cases());
    suite_add_tcase(s, matrix_cases());
    suite_add_tcase(s, matrix_keys_cases());
    suite_add_tcase(s, matrix_tensors_cases());
    suite_add_tcase(s, folder_components_cases());
    suite_add_tcase(s, folder_config_cases());
    suite_add_tcase(s, folder_tensors_cases());
    suite_add_tcase(s, folder_paths_cases());
    suite_add_tcase(s, folder_tokenizer_cases());
    suite_add_tcase(s, weight_format_cases());
    return s;
}

PH_CHECK_MAIN(model_suite())
