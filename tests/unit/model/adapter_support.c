/* SPDX-License-Identifier: MIT
 * What the tests of adapters' files share. */
#include "checkpoint_files.h"
#include "model_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

ph_model *adapter_model(void)
{
    const tiny_model m = tiny_model_of(TINY_PHI4, PH_F32, 1);
    ph_model *model = NULL;

    ck_status(open_with(tiny_model_build(&m), 0, &model), PHIAL_OK);
    return model;
}

phial_status open_adapter_file(const ph_model *model, gguf_writer *w,
                               ph_adapter **out)
{
    const model_file file = model_file_of(w);
    const phial_status status = ph_adapter_open(model, file.path, 1, out);

    unlink(file.path);
    return status;
}

void remove_folder(char *folder)
{
    checkpoint_empty(folder);
    ck_assert_int_eq(rmdir(folder), 0);
    free(folder);
}

void write_folder_text(const char *folder, const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    gguf_write_bytes(path, text, strlen(text));
}
