"""Generated from include/phial/phial.h by bindings/gen. Do not edit."""
from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, c_char,
                    c_char_p, c_float, c_int32, c_size_t, c_uint8,
                    c_uint32, c_uint64, c_void_p)
from typing import Any

PHIAL_OK = 0
PHIAL_END = 1
PHIAL_PENDING = 2
PHIAL_E_ARGUMENT = -1
PHIAL_E_MEMORY = -2
PHIAL_E_IO = -3
PHIAL_E_FORMAT = -4
PHIAL_E_UNSUPPORTED = -5
PHIAL_E_BUFFER = -6
PHIAL_E_CONTEXT = -7
PHIAL_E_CANCELLED = -8
PHIAL_E_BUSY = -9
PHIAL_E_STATE = -10
PHIAL_E_MISMATCH = -11
PHIAL_E_NUMERIC = -12
PHIAL_E_INTERNAL = -99
PHIAL_MODEL_LOCK = 1
PHIAL_MODEL_VERIFY = 2
PHIAL_ISA_BEST = 0
PHIAL_ISA_PORTABLE = 1
PHIAL_ISA_AVX2 = 2
PHIAL_ISA_AVX512 = 3
PHIAL_ISA_NEON = 4
PHIAL_LOG_OFF = 0
PHIAL_LOG_ERROR = 1
PHIAL_LOG_WARN = 2
PHIAL_LOG_INFO = 3
PHIAL_LOG_DEBUG = 4
PHIAL_TEXT_SPECIAL = 1
PHIAL_TEXT_BOS = 2
PHIAL_TEXT_PROMPT = 4
PHIAL_TOKEN_BOS = 1
PHIAL_TOKEN_EOS = 2
PHIAL_TOKEN_END_OF_TURN = 3
PHIAL_TOKEN_PAD = 4
PHIAL_ROLE_SYSTEM = 1
PHIAL_ROLE_USER = 2
PHIAL_ROLE_ASSISTANT = 3
PHIAL_ROLE_TOOL = 4
PHIAL_CONSTRAINT_JSON = 1
PHIAL_CONSTRAINT_SCHEMA = 2
PHIAL_CONSTRAINT_CHOICE = 3
PHIAL_CONSTRAINT_REGEX = 4
PHIAL_CONSTRAINT_TOOLS = 5
PHIAL_CACHE_AUTO = 0
PHIAL_CACHE_F32 = 1
PHIAL_CACHE_F16 = 2
PHIAL_CACHE_Q8 = 3
PHIAL_SESSION_PRIVATE = 1
PHIAL_SESSION_NO_DRAFTS = 2
PHIAL_ROPE_AUTO = 0
PHIAL_ROPE_SHORT = 1
PHIAL_ROPE_LONG = 2
PHIAL_SAMPLING_SEEDED = 1
PHIAL_SAMPLING_IGNORE_EOS = 2
PHIAL_SAMPLING_LOGPROBS = 4
PHIAL_EVENT_TEXT = 1
PHIAL_EVENT_TOOL = 2
PHIAL_EVENT_TOOL_ARGS = 3
PHIAL_EVENT_TOOL_END = 4
PHIAL_EVENT_STOP = 5
PHIAL_STOP_EOS = 1
PHIAL_STOP_TEXT = 2
PHIAL_STOP_LENGTH = 3
PHIAL_STOP_CONTEXT = 4
PHIAL_STOP_CONSTRAINT = 5
PHIAL_POOL_MEAN = 1
PHIAL_POOL_LAST = 2
PHIAL_WEIGHTS_STORED = 0
PHIAL_WEIGHTS_F32 = 1
PHIAL_WEIGHTS_F16 = 2
PHIAL_WEIGHTS_BF16 = 3
PHIAL_WEIGHTS_Q8_0 = 4
PHIAL_WEIGHTS_Q6_K = 5
PHIAL_WEIGHTS_Q5_K_M = 6
PHIAL_WEIGHTS_Q5_K_S = 7
PHIAL_WEIGHTS_Q5_1 = 8
PHIAL_WEIGHTS_Q5_0 = 9
PHIAL_WEIGHTS_Q4_K_M = 10
PHIAL_WEIGHTS_Q4_K_S = 11
PHIAL_WEIGHTS_Q4_1 = 12
PHIAL_WEIGHTS_Q4_0 = 13
PHIAL_WEIGHTS_IQ4_NL = 14
PHIAL_WEIGHTS_IQ4_XS = 15
PHIAL_WEIGHTS_Q3_K_L = 16
PHIAL_WEIGHTS_Q3_K_M = 17
PHIAL_WEIGHTS_Q3_K_S = 18
PHIAL_WEIGHTS_Q2_K = 19
PHIAL_QUANTIZE_REENCODE = 1


class phial_model(Structure):
    pass


class phial_tokenizer(Structure):
    pass


class phial_adapter(Structure):
    pass


class phial_constraint(Structure):
    pass


class phial_chat(Structure):
    pass


class phial_session(Structure):
    pass


phial_token = c_int32
phial_status = c_int32
phial_log_fn = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
phial_progress_fn = CFUNCTYPE(c_int32, c_void_p, c_float)
phial_alloc_fn = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)
phial_free_fn = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t, c_size_t)


class phial_model_options(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("n_threads", c_uint32),
        ("isa", c_int32),
        ("weight_format", c_int32),
        ("log_level", c_int32),
        ("log", phial_log_fn),
        ("log_user", c_void_p),
        ("mem_alloc", phial_alloc_fn),
        ("mem_free", phial_free_fn),
        ("mem_user", c_void_p),
        ("progress", phial_progress_fn),
        ("progress_user", c_void_p),
        ("reserved", c_size_t),
        ("cache_limit", c_uint64),
    ]


class phial_model_info(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("n_vocab", c_uint32),
        ("n_context", c_uint32),
        ("n_layers", c_uint32),
        ("n_embedding", c_uint32),
        ("n_threads", c_uint32),
        ("n_parameters", c_uint64),
    ]


class phial_memory(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("mapped", c_uint64),
        ("weights", c_uint64),
        ("cache", c_uint64),
        ("cache_max", c_uint64),
        ("scratch", c_uint64),
    ]


class phial_session_options(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("n_context", c_uint32),
        ("cache_format", c_int32),
        ("n_prefill", c_uint32),
        ("rope", c_int32),
        ("progress", phial_progress_fn),
        ("progress_user", c_void_p),
    ]


class phial_sampling(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("temperature", c_float),
        ("top_p", c_float),
        ("min_p", c_float),
        ("repeat_penalty", c_float),
        ("presence_penalty", c_float),
        ("frequency_penalty", c_float),
        ("top_k", c_uint32),
        ("penalty_window", c_uint32),
        ("seed", c_uint64),
        ("max_tokens", c_uint64),
        ("stop", POINTER(c_char_p)),
        ("n_stop", c_size_t),
        ("bias_tokens", POINTER(phial_token)),
        ("bias_values", POINTER(c_float)),
        ("n_bias", c_size_t),
        ("reserved", c_size_t),
    ]


class phial_event(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_int32),
        ("reason", c_int32),
        ("token", phial_token),
        ("n_tokens", c_uint32),
        ("logprob", c_float),
        ("text", c_void_p),
        ("text_len", c_size_t),
    ]


class phial_stats(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("n_prompt", c_uint64),
        ("n_reused", c_uint64),
        ("n_generated", c_uint64),
        ("prefill_ns", c_uint64),
        ("decode_ns", c_uint64),
        ("n_drafted", c_uint64),
        ("n_accepted", c_uint64),
    ]


class phial_quantize_options(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("type", c_int32),
        ("n_threads", c_uint32),
        ("overrides", POINTER(c_char_p)),
        ("n_overrides", c_size_t),
        ("progress", phial_progress_fn),
        ("progress_user", c_void_p),
        ("mem_alloc", phial_alloc_fn),
        ("mem_free", phial_free_fn),
        ("mem_user", c_void_p),
        ("reserved", c_size_t),
        ("adapters", POINTER(c_char_p)),
        ("adapter_scales", POINTER(c_float)),
        ("n_adapters", c_size_t),
        ("imatrix", c_void_p),
    ]


class phial_imatrix_options(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("n_context", c_uint32),
        ("max_windows", c_uint32),
        ("dataset", c_void_p),
        ("progress", phial_progress_fn),
        ("progress_user", c_void_p),
    ]


FUNCTIONS: list[tuple[str, Any, list[Any]]] = [
    ("phial_version", c_uint32, []),
    ("phial_build_info", c_char_p, []),
    ("phial_status_name", c_char_p, [phial_status]),
    ("phial_last_error", c_char_p, []),
    ("phial_model_open", phial_status, [c_char_p, POINTER(phial_model_options), POINTER(POINTER(phial_model))]),
    ("phial_model_free", None, [POINTER(phial_model)]),
    ("phial_model_get_info", phial_status, [POINTER(phial_model), POINTER(phial_model_info)]),
    ("phial_model_describe", phial_status, [POINTER(phial_model), POINTER(c_char), c_size_t, POINTER(c_size_t)]),
    ("phial_model_get_memory", phial_status, [POINTER(phial_model), POINTER(phial_memory)]),
    ("phial_session_get_memory", phial_status, [POINTER(phial_session), POINTER(phial_memory)]),
    ("phial_tokenizer_open", phial_status, [c_char_p, POINTER(POINTER(phial_tokenizer))]),
    ("phial_model_get_tokenizer", phial_status, [POINTER(phial_model), POINTER(POINTER(phial_tokenizer))]),
    ("phial_tokenizer_free", None, [POINTER(phial_tokenizer)]),
    ("phial_tokenizer_encode", phial_status, [POINTER(phial_tokenizer), c_char_p, c_size_t, c_uint32, POINTER(phial_token), c_size_t, POINTER(c_size_t)]),
    ("phial_tokenizer_decode", phial_status, [POINTER(phial_tokenizer), POINTER(phial_token), c_size_t, c_uint32, POINTER(c_char), c_size_t, POINTER(c_size_t)]),
    ("phial_tokenizer_special", phial_token, [POINTER(phial_tokenizer), c_int32]),
    ("phial_chat_new", phial_status, [POINTER(POINTER(phial_chat))]),
    ("phial_chat_free", None, [POINTER(phial_chat)]),
    ("phial_chat_add", phial_status, [POINTER(phial_chat), c_int32, c_char_p, c_size_t]),
    ("phial_chat_add_json", phial_status, [POINTER(phial_chat), c_char_p, c_size_t]),
    ("phial_chat_set_tools", phial_status, [POINTER(phial_chat), c_char_p, c_size_t]),
    ("phial_chat_render", phial_status, [POINTER(phial_chat), POINTER(phial_model), c_uint32, POINTER(c_char), c_size_t, POINTER(c_size_t)]),
    ("phial_constraint_new", phial_status, [POINTER(phial_tokenizer), c_int32, c_char_p, c_size_t, POINTER(POINTER(phial_constraint))]),
    ("phial_constraint_free", None, [POINTER(phial_constraint)]),
    ("phial_adapter_open", phial_status, [POINTER(phial_model), c_char_p, POINTER(POINTER(phial_adapter))]),
    ("phial_adapter_free", None, [POINTER(phial_adapter)]),
    ("phial_estimate", phial_status, [c_char_p, POINTER(phial_model_options), POINTER(phial_session_options), POINTER(phial_memory)]),
    ("phial_session_new", phial_status, [POINTER(phial_model), POINTER(phial_session_options), POINTER(POINTER(phial_session))]),
    ("phial_session_free", None, [POINTER(phial_session)]),
    ("phial_session_set_sampling", phial_status, [POINTER(phial_session), POINTER(phial_sampling)]),
    ("phial_session_set_constraint", phial_status, [POINTER(phial_session), POINTER(phial_constraint)]),
    ("phial_session_set_adapters", phial_status, [POINTER(phial_session), POINTER(POINTER(phial_adapter)), POINTER(c_float), c_size_t]),
    ("phial_session_add_text", phial_status, [POINTER(phial_session), c_char_p, c_size_t, c_uint32]),
    ("phial_session_add_tokens", phial_status, [POINTER(phial_session), POINTER(phial_token), c_size_t]),
    ("phial_session_set_chat", phial_status, [POINTER(phial_session), POINTER(phial_chat)]),
    ("phial_session_prefill", phial_status, [POINTER(phial_session), c_size_t, POINTER(c_size_t)]),
    ("phial_session_next", phial_status, [POINTER(phial_session), POINTER(phial_event)]),
    ("phial_step", phial_status, [POINTER(POINTER(phial_session)), c_size_t]),
    ("phial_session_cancel", None, [POINTER(phial_session)]),
    ("phial_session_get_logits", phial_status, [POINTER(phial_session), POINTER(POINTER(c_float)), POINTER(c_size_t)]),
    ("phial_session_get_top", phial_status, [POINTER(phial_session), POINTER(phial_token), POINTER(c_float), c_size_t, POINTER(c_size_t)]),
    ("phial_session_get_tokens", phial_status, [POINTER(phial_session), POINTER(phial_token), c_size_t, POINTER(c_size_t)]),
    ("phial_session_rewind", phial_status, [POINTER(phial_session), c_size_t]),
    ("phial_session_fork", phial_status, [POINTER(phial_session), POINTER(POINTER(phial_session))]),
    ("phial_session_save", phial_status, [POINTER(phial_session), c_char_p]),
    ("phial_session_load", phial_status, [POINTER(phial_session), c_char_p]),
    ("phial_session_save_bytes", phial_status, [POINTER(phial_session), POINTER(c_uint8), c_size_t, POINTER(c_size_t)]),
    ("phial_session_load_bytes", phial_status, [POINTER(phial_session), POINTER(c_uint8), c_size_t]),
    ("phial_session_get_stats", phial_status, [POINTER(phial_session), POINTER(phial_stats)]),
    ("phial_session_score", phial_status, [POINTER(phial_session), POINTER(phial_token), c_size_t, POINTER(c_float)]),
    ("phial_session_get_rows", phial_status, [POINTER(phial_session), c_size_t, c_size_t, POINTER(c_float), c_size_t, POINTER(c_size_t)]),
    ("phial_model_embed", phial_status, [POINTER(phial_model), c_char_p, c_size_t, c_int32, POINTER(c_float), c_size_t, POINTER(c_size_t)]),
    ("phial_quantize", phial_status, [c_char_p, c_char_p, POINTER(phial_quantize_options)]),
    ("phial_model_imatrix", phial_status, [POINTER(phial_model), c_char_p, c_size_t, c_char_p, POINTER(phial_imatrix_options)]),
]


def bind(lib: CDLL) -> CDLL:
    """Attaches signatures; a function newer than lib stays absent."""
    for name, restype, argtypes in FUNCTIONS:
        function = getattr(lib, name, None)
        if function is not None:
            function.restype, function.argtypes = restype, argtypes
    return lib
