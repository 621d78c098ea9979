/* SPDX-License-Identifier: MIT
 * bench_peer_variant.h - what llama.cpp and ik_llama.cpp have in different
 * shapes; for the adapter alone, which includes it once. Of each peer there are
 * two ways to be fast: without and with an OPTION, which is flash attention, or
 * repacked weights for ik_llama.cpp, whose flash attention is always on. */
#ifndef BENCH_PEER_VARIANT_H
#define BENCH_PEER_VARIANT_H

#include <llama.h>

#include <string.h>

#if __has_include(<ggml-cpu.h>)
#include <ggml-backend.h>
#include <ggml-cpu.h>

static const char option[] = "flash attention";

static void begin(const char *libraries)
{
    ggml_backend_load_all_from_path(libraries);
}

static struct llama_model_params model_params(int with)
{
    (void)with;
    return llama_model_default_params();
}

/* One model serves both. */
static const int models_differ = 0;

static void set_option(struct llama_context_params *params, int with)
{
    params->flash_attn_type =
        with ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    if (!with && params->type_v == GGML_TYPE_Q8_0)
        params->type_v = GGML_TYPE_F16; /* it takes 8 bits with it only */
    params->no_perf = true;
}

/* A pool of threads that lives as long as the context, as llama-bench has it;
 * the processor's library offers the function by name. */
static void attach_pool(struct llama_context *context, int n_threads)
{
    struct ggml_threadpool_params params =
        ggml_threadpool_params_default(n_threads);
    ggml_backend_reg_t cpu = ggml_backend_dev_backend_reg(
        ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
    void *found = ggml_backend_reg_get_proc_address(cpu, "ggml_threadpool_new");
    struct ggml_threadpool *(*make)(struct ggml_threadpool_params *);
    struct ggml_threadpool *pool;

    memcpy(&make, &found, sizeof make);
    pool = found ? make(&params) : NULL;
    if (pool)
        llama_attach_threadpool(context, pool, pool);
}

static void forget(struct llama_context *context, int sequence, int depth)
{
    llama_memory_seq_rm(llama_get_memory(context), sequence, depth, -1);
}
#else /* ik_llama.cpp: it is older than that header */
static const char option[] = "repacking";

static void begin(const char *libraries)
{
    (void)libraries;
}

static struct llama_model_params model_params(int with)
{
    struct llama_model_params params = llama_model_default_params();

    params.repack_tensors = with;
    return params;
}

static const int models_differ = 1;

static void set_option(struct llama_context_params *params, int with)
{
    (void)with;
    params->flash_attn = true;
}

static void attach_pool(struct llama_context *context, int n_threads)
{
    (void)context;
    (void)n_threads;
}

static void forget(struct llama_context *context, int sequence, int depth)
{
    llama_kv_cache_seq_rm(context, sequence, depth, -1);
}
#endif

#endif /* BENCH_PEER_VARIANT_H */
