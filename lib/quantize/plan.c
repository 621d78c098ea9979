/* SPDX-License-Identifier: MIT
 * The plan: the type and place of each tensor in the new file. */
#include "quantize/plan.h"

static phial_status check_source(const ph_plan *plan)
{
    const char *path = ph_gguf_path(plan->gguf);
    ph_str name;

    PH_TRY(ph_gguf_str(plan->gguf, "general.architecture", NULL, &name));
    if (!ph_str_is(name, "phi3"))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: the architecture is \"%s\", expected \"phi3\"",
                       ph_show_path(path).text, ph_show(name).text);
    if (!ph_gguf_n_tensors(plan->gguf))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s holds no tensors, expected a model's weights",
                       ph_show_path(path).text);
    return PHIAL_OK;
}

static phial_status refuse(const ph_plan *plan, const ph_gguf_tensor *tensor,
                           phial_status status, const char *what)
{
    return ph_fail(status, "%s: tensor \"%s\" %s",
                   ph_show_path(ph_gguf_path(plan->gguf)).text,
                   ph_show(tensor->name).text, what);
}

/* used[i]: override i was of use. */
static phial_status choose(const ph_plan *plan, const ph_mix_model *model,
                           const ph_gguf_tensor *tensor, ph_dtype *type,
                           bool *used)
{
    const bool is_matrix = tensor->n_dims > 1;
    const ph_dtype_info *info = ph_dtype_get(tensor->type);
    size_t i;

    if (!info || !info->block_elems)
        return refuse(plan, tensor, PHIAL_E_UNSUPPORTED,
                      "is of a type that cannot be read");
    *type = (ph_dtype)tensor->type;
    if (!is_matrix) {
        *type = PH_F32;
        return PHIAL_OK;
    }
    PH_TRY(ph_override_find(plan->config, tensor->name, type, &i));
    if (i == plan->config->n_overrides) {
        if (plan->mix)
            *type = ph_mix_type(plan->mix, model, tensor);
        return PHIAL_OK;
    }
    used[i] = true;
    if (tensor->dims[0] % ph_dtype_get(*type)->block_elems)
        return refuse(plan, tensor, PHIAL_E_ARGUMENT,
                      "has rows that are not whole blocks of the type that an "
                      "override gives it");
    return PHIAL_OK;
}

static phial_status make_target(const ph_plan *plan, const ph_mix_model *model,
                                size_t i, bool *used)
{
    ph_target *t = &plan->targets[i];

    t->from = ph_gguf_tensor_at(plan->gguf, i);
    PH_TRY(choose(plan, model, t->from, &t->type, used));
    if (plan->imatrix && t->from->n_dims > 1)
        PH_TRY(ph_imatrix_find(plan->imatrix, t->from, &t->importance));
    t->n = 1;
    for (uint32_t d = 0; d < t->from->n_dims; d++)
        if (!ph_mul64(t->n, t->from->dims[d], &t->n))
            return refuse(plan, t->from, PHIAL_E_FORMAT, "is too large");
    if (!ph_dtype_bytes(t->type, t->n, &t->bytes))
        return refuse(plan, t->from, PHIAL_E_FORMAT, "is too large");
    return PHIAL_OK;
}

static phial_status place(ph_plan *plan)
{
    uint64_t at = 0;

    plan->n_pieces = 0;
    for (size_t i = 0; i < plan->n; i++) {
        ph_target *t = &plan->targets[i];

        t->offset = at;
        t->first_piece = plan->n_pieces;
        plan->n_pieces += t->n / PH_PIECE + (t->n % PH_PIECE != 0);
        if (!ph_add64(at, t->bytes, &at) ||
            !ph_add64(at, ph_padding(t->bytes), &at) || at > INT64_MAX)
            return refuse(plan, t->from, PHIAL_E_FORMAT, "is too large");
    }
    return PHIAL_OK;
}

/* A pattern that was misspelt must not go unseen. */
static phial_status check_used(const ph_plan *plan, const bool *used)
{
    for (size_t i = 0; i < plan->config->n_overrides; i++)
        if (!used[i])
            return ph_fail(PHIAL_E_ARGUMENT,
                           "override \"%s\" concerns no matrix of %s that an "
                           "earlier one leaves to it",
                           ph_show(ph_str_of(plan->config->overrides[i])).text,
                           ph_show_path(ph_gguf_path(plan->gguf)).text);
    return PHIAL_OK;
}

/* Tensors of a file lie in the order of their numbers. */
static ph_target *target_of(const ph_plan *plan, const ph_gguf_tensor *tensor)
{
    size_t low = 0, high = plan->n;

    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;

        if (plan->targets[middle].from <= tensor)
            low = middle;
        else
            high = middle;
    }
    return &plan->targets[low];
}

static bool is_float(uint32_t type)
{
    return type == PH_F32 || type == PH_F16 || type == PH_BF16;
}

/* From the last on, so that a target's list is in the order of all. */
static phial_status take_deltas(ph_plan *plan)
{
    for (size_t i = plan->merge.n; i-- > 0;) {
        ph_delta *d = &plan->merge.deltas[i];
        ph_target *t = target_of(plan, d->tensor);

        d->next = t->deltas;
        t->deltas = d;
        if (!plan->mix && t->type == t->from->type && !is_float(t->type) &&
            !plan->config->reencode)
            return refuse(plan, t->from, PHIAL_E_ARGUMENT,
                          "is quantised: an adapter that is merged into it "
                          "needs the name of the type to write, or leave to "
                          "quantise it to its own again");
    }
    return PHIAL_OK;
}

/* A file that was made for another kind of model must not go unseen. */
static phial_status check_imatrix(const ph_plan *plan)
{
    bool found = !plan->imatrix;

    for (size_t i = 0; i < plan->n && !found; i++)
        found = plan->targets[i].importance;
    if (found)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_MISMATCH,
                   "%s: it has entries for none of the matrices of %s",
                   ph_show_path(plan->config->imatrix).text,
                   ph_show_path(ph_gguf_path(plan->gguf)).text);
}

static phial_status make_targets(ph_plan *plan, bool *used)
{
    const uint32_t none = 0;
    ph_mix_model model = {
        .tied = !ph_gguf_find_tensor(plan->gguf, "output.weight")};

    PH_TRY(ph_gguf_u32(plan->gguf, "phi3.block_count", &none, &model.n_layers));
    for (size_t i = 0; i < plan->n; i++)
        PH_TRY(make_target(plan, &model, i, used));
    PH_TRY(check_used(plan, used));
    PH_TRY(take_deltas(plan));
    PH_TRY(check_imatrix(plan));
    return place(plan);
}

phial_status ph_plan_make(ph_plan *plan)
{
    const ph_heap *heap = plan->config->heap;
    phial_status status;
    bool *used;

    plan->header.heap = heap;
    PH_TRY(check_source(plan));
    PH_TRY(ph_merge_open(plan->gguf, plan->config, &plan->merge));
    plan->n = ph_gguf_n_tensors(plan->gguf);
    plan->targets = ph_alloc(heap, plan->n, sizeof *plan->targets);
    if (!plan->targets)
        return ph_no_memory("a plan", plan->n * sizeof *plan->targets);
    used = ph_alloc(heap, plan->config->n_overrides, sizeof *used);
    if (!used)
        return ph_no_memory("a plan", plan->config->n_overrides);
    status = make_targets(plan, used);
    ph_free(heap, used);
    return status < 0 ? status : ph_plan_header(plan);
}

void ph_plan_free(ph_plan *plan)
{
    ph_free(plan->config->heap, plan->targets);
    ph_buf_free(&plan->header);
    ph_merge_close(&plan->merge);
}
