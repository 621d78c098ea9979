/* SPDX-License-Identifier: MIT
 * Fuzz target: any files in a checkpoint's folder, opened as a model
 * (checkpoint_files.h has what an input looks like). A leak, a wrong free or an
 * error without a sentence is a finding. */
#include "checkpoint_files.h"
#include "failing_heap.h"
#include "model/model.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *folder;

static void expect(bool good)
{
    if (!good)
        abort();
}

static void remove_folder(void)
{
    rmdir(folder);
    free(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    failing_heap heap;
    ph_model_config config = {.heap = &heap.heap};
    ph_model *model = NULL;
    phial_status status;

    if (!folder) {
        folder = checkpoint_folder_new();
        atexit(remove_folder);
    }
    checkpoint_unpack(folder, data, size);
    failing_heap_init(&heap, 0, FAIL_NEVER);
    ph_fail(PHIAL_OK, "%s", "");
    status = ph_model_open(folder, &config, &model);
    if (status != PHIAL_OK)
        expect(!model && status < 0 && status != PHIAL_E_INTERNAL &&
               *ph_error_text());
    ph_model_free(model);
    expect(failing_heap_check(&heap) == 0);
    checkpoint_empty(folder);
    return 0;
}
