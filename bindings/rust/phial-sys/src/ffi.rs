// Generated from include/phial/phial.h by bindings/gen. Do not edit.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_void};

pub const PHIAL_OK: i32 = 0;
pub const PHIAL_END: i32 = 1;
pub const PHIAL_PENDING: i32 = 2;
pub const PHIAL_E_ARGUMENT: i32 = -1;
pub const PHIAL_E_MEMORY: i32 = -2;
pub const PHIAL_E_IO: i32 = -3;
pub const PHIAL_E_FORMAT: i32 = -4;
pub const PHIAL_E_UNSUPPORTED: i32 = -5;
pub const PHIAL_E_BUFFER: i32 = -6;
pub const PHIAL_E_CONTEXT: i32 = -7;
pub const PHIAL_E_CANCELLED: i32 = -8;
pub const PHIAL_E_BUSY: i32 = -9;
pub const PHIAL_E_STATE: i32 = -10;
pub const PHIAL_E_MISMATCH: i32 = -11;
pub const PHIAL_E_NUMERIC: i32 = -12;
pub const PHIAL_E_INTERNAL: i32 = -99;
pub const PHIAL_MODEL_LOCK: u32 = 1;
pub const PHIAL_MODEL_VERIFY: u32 = 2;
pub const PHIAL_ISA_BEST: i32 = 0;
pub const PHIAL_ISA_PORTABLE: i32 = 1;
pub const PHIAL_ISA_AVX2: i32 = 2;
pub const PHIAL_ISA_AVX512: i32 = 3;
pub const PHIAL_ISA_NEON: i32 = 4;
pub const PHIAL_LOG_OFF: i32 = 0;
pub const PHIAL_LOG_ERROR: i32 = 1;
pub const PHIAL_LOG_WARN: i32 = 2;
pub const PHIAL_LOG_INFO: i32 = 3;
pub const PHIAL_LOG_DEBUG: i32 = 4;
pub const PHIAL_TEXT_SPECIAL: u32 = 1;
pub const PHIAL_TEXT_BOS: u32 = 2;
pub const PHIAL_TEXT_PROMPT: u32 = 4;
pub const PHIAL_TOKEN_BOS: i32 = 1;
pub const PHIAL_TOKEN_EOS: i32 = 2;
pub const PHIAL_TOKEN_END_OF_TURN: i32 = 3;
pub const PHIAL_TOKEN_PAD: i32 = 4;
pub const PHIAL_ROLE_SYSTEM: i32 = 1;
pub const PHIAL_ROLE_USER: i32 = 2;
pub const PHIAL_ROLE_ASSISTANT: i32 = 3;
pub const PHIAL_ROLE_TOOL: i32 = 4;
pub const PHIAL_CONSTRAINT_JSON: i32 = 1;
pub const PHIAL_CONSTRAINT_SCHEMA: i32 = 2;
pub const PHIAL_CONSTRAINT_CHOICE: i32 = 3;
pub const PHIAL_CONSTRAINT_REGEX: i32 = 4;
pub const PHIAL_CONSTRAINT_TOOLS: i32 = 5;
pub const PHIAL_CACHE_AUTO: i32 = 0;
pub const PHIAL_CACHE_F32: i32 = 1;
pub const PHIAL_CACHE_F16: i32 = 2;
pub const PHIAL_CACHE_Q8: i32 = 3;
pub const PHIAL_SESSION_PRIVATE: u32 = 1;
pub const PHIAL_SESSION_NO_DRAFTS: u32 = 2;
pub const PHIAL_ROPE_AUTO: i32 = 0;
pub const PHIAL_ROPE_SHORT: i32 = 1;
pub const PHIAL_ROPE_LONG: i32 = 2;
pub const PHIAL_SAMPLING_SEEDED: u32 = 1;
pub const PHIAL_SAMPLING_IGNORE_EOS: u32 = 2;
pub const PHIAL_SAMPLING_LOGPROBS: u32 = 4;
pub const PHIAL_EVENT_TEXT: i32 = 1;
pub const PHIAL_EVENT_TOOL: i32 = 2;
pub const PHIAL_EVENT_TOOL_ARGS: i32 = 3;
pub const PHIAL_EVENT_TOOL_END: i32 = 4;
pub const PHIAL_EVENT_STOP: i32 = 5;
pub const PHIAL_STOP_EOS: i32 = 1;
pub const PHIAL_STOP_TEXT: i32 = 2;
pub const PHIAL_STOP_LENGTH: i32 = 3;
pub const PHIAL_STOP_CONTEXT: i32 = 4;
pub const PHIAL_STOP_CONSTRAINT: i32 = 5;
pub const PHIAL_POOL_MEAN: i32 = 1;
pub const PHIAL_POOL_LAST: i32 = 2;
pub const PHIAL_WEIGHTS_STORED: i32 = 0;
pub const PHIAL_WEIGHTS_F32: i32 = 1;
pub const PHIAL_WEIGHTS_F16: i32 = 2;
pub const PHIAL_WEIGHTS_BF16: i32 = 3;
pub const PHIAL_WEIGHTS_Q8_0: i32 = 4;
pub const PHIAL_WEIGHTS_Q6_K: i32 = 5;
pub const PHIAL_WEIGHTS_Q5_K_M: i32 = 6;
pub const PHIAL_WEIGHTS_Q5_K_S: i32 = 7;
pub const PHIAL_WEIGHTS_Q5_1: i32 = 8;
pub const PHIAL_WEIGHTS_Q5_0: i32 = 9;
pub const PHIAL_WEIGHTS_Q4_K_M: i32 = 10;
pub const PHIAL_WEIGHTS_Q4_K_S: i32 = 11;
pub const PHIAL_WEIGHTS_Q4_1: i32 = 12;
pub const PHIAL_WEIGHTS_Q4_0: i32 = 13;
pub const PHIAL_WEIGHTS_IQ4_NL: i32 = 14;
pub const PHIAL_WEIGHTS_IQ4_XS: i32 = 15;
pub const PHIAL_WEIGHTS_Q3_K_L: i32 = 16;
pub const PHIAL_WEIGHTS_Q3_K_M: i32 = 17;
pub const PHIAL_WEIGHTS_Q3_K_S: i32 = 18;
pub const PHIAL_WEIGHTS_Q2_K: i32 = 19;
pub const PHIAL_QUANTIZE_REENCODE: u32 = 1;

#[repr(C)]
pub struct phial_model {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<*mut u8>,
}

#[repr(C)]
pub struct phial_tokenizer {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<*mut u8>,
}

#[repr(C)]
pub struct phial_adapter {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<*mut u8>,
}

#[repr(C)]
pub struct phial_constraint {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<*mut u8>,
}

#[repr(C)]
pub struct phial_chat {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<*mut u8>,
}

#[repr(C)]
pub struct phial_session {
    _private: [u8; 0],
    _marker: core::marker::PhantomData<*mut u8>,
}

pub type phial_token = i32;
pub type phial_status = i32;
pub type phial_log_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, level: i32, line: *const c_char)>;
pub type phial_progress_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, fraction: f32) -> i32>;
pub type phial_alloc_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, size: usize, alignment: usize) -> *mut c_void>;
pub type phial_free_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, ptr: *mut c_void, size: usize, alignment: usize)>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_model_options {
    pub struct_size: u32,
    pub flags: u32,
    pub n_threads: u32,
    pub isa: i32,
    pub weight_format: i32,
    pub log_level: i32,
    pub log: phial_log_fn,
    pub log_user: *mut c_void,
    pub mem_alloc: phial_alloc_fn,
    pub mem_free: phial_free_fn,
    pub mem_user: *mut c_void,
    pub progress: phial_progress_fn,
    pub progress_user: *mut c_void,
    pub reserved: usize,
    pub cache_limit: u64,
}

impl Default for phial_model_options {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_model_info {
    pub struct_size: u32,
    pub n_vocab: u32,
    pub n_context: u32,
    pub n_layers: u32,
    pub n_embedding: u32,
    pub n_threads: u32,
    pub n_parameters: u64,
}

impl Default for phial_model_info {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_memory {
    pub struct_size: u32,
    pub reserved: u32,
    pub mapped: u64,
    pub weights: u64,
    pub cache: u64,
    pub cache_max: u64,
    pub scratch: u64,
}

impl Default for phial_memory {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_session_options {
    pub struct_size: u32,
    pub flags: u32,
    pub n_context: u32,
    pub cache_format: i32,
    pub n_prefill: u32,
    pub rope: i32,
    pub progress: phial_progress_fn,
    pub progress_user: *mut c_void,
}

impl Default for phial_session_options {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_sampling {
    pub struct_size: u32,
    pub flags: u32,
    pub temperature: f32,
    pub top_p: f32,
    pub min_p: f32,
    pub repeat_penalty: f32,
    pub presence_penalty: f32,
    pub frequency_penalty: f32,
    pub top_k: u32,
    pub penalty_window: u32,
    pub seed: u64,
    pub max_tokens: u64,
    pub stop: *const *const c_char,
    pub n_stop: usize,
    pub bias_tokens: *const phial_token,
    pub bias_values: *const f32,
    pub n_bias: usize,
    pub reserved: usize,
}

impl Default for phial_sampling {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_event {
    pub struct_size: u32,
    pub kind: i32,
    pub reason: i32,
    pub token: phial_token,
    pub n_tokens: u32,
    pub logprob: f32,
    pub text: *const c_char,
    pub text_len: usize,
}

impl Default for phial_event {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_stats {
    pub struct_size: u32,
    pub reserved: u32,
    pub n_prompt: u64,
    pub n_reused: u64,
    pub n_generated: u64,
    pub prefill_ns: u64,
    pub decode_ns: u64,
    pub n_drafted: u64,
    pub n_accepted: u64,
}

impl Default for phial_stats {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_quantize_options {
    pub struct_size: u32,
    pub flags: u32,
    pub r#type: i32,
    pub n_threads: u32,
    pub overrides: *const *const c_char,
    pub n_overrides: usize,
    pub progress: phial_progress_fn,
    pub progress_user: *mut c_void,
    pub mem_alloc: phial_alloc_fn,
    pub mem_free: phial_free_fn,
    pub mem_user: *mut c_void,
    pub reserved: usize,
    pub adapters: *const *const c_char,
    pub adapter_scales: *const f32,
    pub n_adapters: usize,
    pub imatrix: *const c_char,
}

impl Default for phial_quantize_options {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct phial_imatrix_options {
    pub struct_size: u32,
    pub flags: u32,
    pub n_context: u32,
    pub max_windows: u32,
    pub dataset: *const c_char,
    pub progress: phial_progress_fn,
    pub progress_user: *mut c_void,
}

impl Default for phial_imatrix_options {
    fn default() -> Self {
        // SAFETY: every field is an integer, a float, a nullable
        // pointer or an optional function; all may be zero.
        let mut s: Self = unsafe { core::mem::zeroed() };
        s.struct_size = core::mem::size_of::<Self>() as u32;
        s
    }
}

extern "C" {
    pub fn phial_version() -> u32;
    pub fn phial_build_info() -> *const c_char;
    pub fn phial_status_name(status: phial_status) -> *const c_char;
    pub fn phial_last_error() -> *const c_char;
    pub fn phial_model_open(path: *const c_char, options: *const phial_model_options, out: *mut *mut phial_model) -> phial_status;
    pub fn phial_model_free(model: *mut phial_model);
    pub fn phial_model_get_info(model: *const phial_model, info: *mut phial_model_info) -> phial_status;
    pub fn phial_model_describe(model: *const phial_model, buf: *mut c_char, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_model_get_memory(model: *const phial_model, memory: *mut phial_memory) -> phial_status;
    pub fn phial_session_get_memory(session: *const phial_session, memory: *mut phial_memory) -> phial_status;
    pub fn phial_tokenizer_open(path: *const c_char, out: *mut *mut phial_tokenizer) -> phial_status;
    pub fn phial_model_get_tokenizer(model: *const phial_model, out: *mut *mut phial_tokenizer) -> phial_status;
    pub fn phial_tokenizer_free(tokenizer: *mut phial_tokenizer);
    pub fn phial_tokenizer_encode(tokenizer: *const phial_tokenizer, text: *const c_char, len: usize, flags: u32, buf: *mut phial_token, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_tokenizer_decode(tokenizer: *const phial_tokenizer, tokens: *const phial_token, n_tokens: usize, flags: u32, buf: *mut c_char, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_tokenizer_special(tokenizer: *const phial_tokenizer, which: i32) -> phial_token;
    pub fn phial_chat_new(out: *mut *mut phial_chat) -> phial_status;
    pub fn phial_chat_free(chat: *mut phial_chat);
    pub fn phial_chat_add(chat: *mut phial_chat, role: i32, text: *const c_char, len: usize) -> phial_status;
    pub fn phial_chat_add_json(chat: *mut phial_chat, json: *const c_char, len: usize) -> phial_status;
    pub fn phial_chat_set_tools(chat: *mut phial_chat, json: *const c_char, len: usize) -> phial_status;
    pub fn phial_chat_render(chat: *const phial_chat, model: *const phial_model, flags: u32, buf: *mut c_char, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_constraint_new(tokenizer: *const phial_tokenizer, kind: i32, text: *const c_char, len: usize, out: *mut *mut phial_constraint) -> phial_status;
    pub fn phial_constraint_free(constraint: *mut phial_constraint);
    pub fn phial_adapter_open(model: *const phial_model, path: *const c_char, out: *mut *mut phial_adapter) -> phial_status;
    pub fn phial_adapter_free(adapter: *mut phial_adapter);
    pub fn phial_estimate(path: *const c_char, model: *const phial_model_options, session: *const phial_session_options, memory: *mut phial_memory) -> phial_status;
    pub fn phial_session_new(model: *const phial_model, options: *const phial_session_options, out: *mut *mut phial_session) -> phial_status;
    pub fn phial_session_free(session: *mut phial_session);
    pub fn phial_session_set_sampling(session: *mut phial_session, sampling: *const phial_sampling) -> phial_status;
    pub fn phial_session_set_constraint(session: *mut phial_session, constraint: *const phial_constraint) -> phial_status;
    pub fn phial_session_set_adapters(session: *mut phial_session, adapters: *const *const phial_adapter, scales: *const f32, n: usize) -> phial_status;
    pub fn phial_session_add_text(session: *mut phial_session, text: *const c_char, len: usize, flags: u32) -> phial_status;
    pub fn phial_session_add_tokens(session: *mut phial_session, tokens: *const phial_token, n: usize) -> phial_status;
    pub fn phial_session_set_chat(session: *mut phial_session, chat: *const phial_chat) -> phial_status;
    pub fn phial_session_prefill(session: *mut phial_session, max_tokens: usize, left: *mut usize) -> phial_status;
    pub fn phial_session_next(session: *mut phial_session, event: *mut phial_event) -> phial_status;
    pub fn phial_step(sessions: *const *mut phial_session, n: usize) -> phial_status;
    pub fn phial_session_cancel(session: *mut phial_session);
    pub fn phial_session_get_logits(session: *mut phial_session, logits: *mut *const f32, n: *mut usize) -> phial_status;
    pub fn phial_session_get_top(session: *mut phial_session, tokens: *mut phial_token, logprobs: *mut f32, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_session_get_tokens(session: *const phial_session, buf: *mut phial_token, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_session_rewind(session: *mut phial_session, n: usize) -> phial_status;
    pub fn phial_session_fork(session: *const phial_session, out: *mut *mut phial_session) -> phial_status;
    pub fn phial_session_save(session: *mut phial_session, path: *const c_char) -> phial_status;
    pub fn phial_session_load(session: *mut phial_session, path: *const c_char) -> phial_status;
    pub fn phial_session_save_bytes(session: *mut phial_session, buf: *mut u8, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_session_load_bytes(session: *mut phial_session, data: *const u8, len: usize) -> phial_status;
    pub fn phial_session_get_stats(session: *const phial_session, stats: *mut phial_stats) -> phial_status;
    pub fn phial_session_score(session: *mut phial_session, tokens: *const phial_token, n: usize, logprobs: *mut f32) -> phial_status;
    pub fn phial_session_get_rows(session: *mut phial_session, first: usize, n_tokens: usize, buf: *mut f32, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_model_embed(model: *const phial_model, text: *const c_char, len: usize, pool: i32, buf: *mut f32, cap: usize, n: *mut usize) -> phial_status;
    pub fn phial_quantize(r#in: *const c_char, out: *const c_char, options: *const phial_quantize_options) -> phial_status;
    pub fn phial_model_imatrix(model: *const phial_model, text: *const c_char, len: usize, out: *const c_char, options: *const phial_imatrix_options) -> phial_status;
}
