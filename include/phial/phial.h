/* SPDX-License-Identifier: MIT
 * phial.h - run Phi language models on the CPU.
 *
 * THE CONTRACT, once, for every function below.
 *
 * Errors   A phial_status below zero is an error; phial_last_error() then
 *          describes it for the calling thread. On error every output is left
 *          as it was and the handle stays usable. The library never aborts,
 *          never exits, never prints, never reads the environment.
 * Handles  Whatever a function writes through a `phial_X **out` is owned by
 *          the caller and released with phial_X_free(), which accepts NULL.
 *          Handles keep what they depend on alive: free them in any order.
 * Memory   Arguments are copied, or used only until the call returns. The
 *          exceptions are the log and memory hooks in phial_model_options.
 *          A `const T *` that comes back is borrowed until the next call on
 *          the same handle.
 * Buffers  (T *buf, size_t cap, size_t *n): *n always receives the full count;
 *          if that exceeds cap the call returns PHIAL_E_BUFFER and stores
 *          nothing. Text written to a buffer is not NUL-terminated.
 * Text     UTF-8 as (pointer, length); pass PHIAL_NUL_TERMINATED as the length
 *          of a C string. Paths are NUL-terminated UTF-8 on every platform.
 * Structs  Zero means default in every field. Set struct_size to sizeof and
 *          zero the rest: phial_sampling s = PHIAL_INIT(phial_sampling);
 *          Fields are only ever appended. A library older than your header
 *          accepts a longer struct as long as what it does not know is zero,
 *          and otherwise returns PHIAL_E_UNSUPPORTED.
 * Enums    int32_t values that may gain members: have a default branch.
 * Threads  Models, tokenizers, constraints and adapters are immutable: share
 *          them. A session or chat belongs to one thread at a time (a second
 *          one gets PHIAL_E_BUSY); only phial_session_cancel() may be called
 *          from anywhere, at any time. Hooks may run on any thread.
 *
 * From 1.0 on, PHIAL_1.x never breaks a program linked against an earlier
 * PHIAL_1.y: no function, field or value is removed or changes meaning. 0.x
 * may still change, with a line in CHANGELOG.md. See doc/abi.md.
 */
#ifndef PHIAL_H
#define PHIAL_H

#include <stddef.h>
#include <stdint.h>

#define PHIAL_VERSION_MAJOR 0
#define PHIAL_VERSION_MINOR 1
#define PHIAL_VERSION_PATCH 0

#if defined(PHIAL_STATIC)
#  define PHIAL_API
#elif defined(_WIN32)
#  if defined(PHIAL_BUILDING)
#    define PHIAL_API __declspec(dllexport)
#  else
#    define PHIAL_API __declspec(dllimport)
#  endif
#elif defined(__GNUC__)
#  define PHIAL_API __attribute__((visibility("default")))
#else
#  define PHIAL_API
#endif

#if (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L) || \
    (defined(__cplusplus) && __cplusplus >= 202002L)
#  define PHIAL_INIT(type) { .struct_size = (uint32_t)sizeof(type) }
#else
#  define PHIAL_INIT(type) { (uint32_t)sizeof(type) }
#endif

#define PHIAL_NUL_TERMINATED ((size_t)-1)

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types ------------------------------------------------------------- */

typedef struct phial_model      phial_model;      /* weights and tokenizer */
typedef struct phial_tokenizer  phial_tokenizer;  /* vocabulary and merges */
typedef struct phial_adapter    phial_adapter;    /* a LoRA, bound to a model */
typedef struct phial_constraint phial_constraint; /* a compiled grammar */
typedef struct phial_chat       phial_chat;       /* messages and tools */
typedef struct phial_session    phial_session;    /* a sequence, its cache */

typedef int32_t phial_token; /* an id in the vocabulary, or PHIAL_NO_TOKEN */
typedef int32_t phial_status;

#define PHIAL_NO_TOKEN (-1)

enum {
    PHIAL_OK            = 0,
    PHIAL_END           = 1,   /* nothing left to produce; not an error */
    PHIAL_PENDING       = 2,   /* nothing yet: phial_step() goes on with it */
    PHIAL_E_ARGUMENT    = -1,  /* an argument breaks the documented contract */
    PHIAL_E_MEMORY      = -2,  /* an allocation failed or a limit was hit */
    PHIAL_E_IO          = -3,  /* the operating system refused; see message */
    PHIAL_E_FORMAT      = -4,  /* malformed file, JSON, schema or UTF-8 */
    PHIAL_E_UNSUPPORTED = -5,  /* well formed, but not something we run */
    PHIAL_E_BUFFER      = -6,  /* buffer too small; *n has the needed size */
    PHIAL_E_CONTEXT     = -7,  /* the context window is full */
    PHIAL_E_CANCELLED   = -8,  /* by phial_session_cancel() or a hook */
    PHIAL_E_BUSY        = -9,  /* the handle is in use on another thread */
    PHIAL_E_STATE       = -10, /* the call makes no sense now; see message */
    PHIAL_E_MISMATCH    = -11, /* made for another model or library */
    PHIAL_E_NUMERIC     = -12, /* the weights produced a NaN or an infinity */
    PHIAL_E_INTERNAL    = -99  /* a bug in phial; please report the message */
};

/* ---- Library ----------------------------------------------------------- */

/* The running library's version, 0x00MMmmpp. May exceed this header's. */
PHIAL_API uint32_t phial_version(void);

/* One line of JSON: version, commit, compiler, kernel sets, detected CPU.
 * For bug reports and benchmarks; the keys are not part of the ABI. */
PHIAL_API const char *phial_build_info(void);

/* A static name such as "PHIAL_E_FORMAT"; never NULL. */
PHIAL_API const char *phial_status_name(phial_status status);

/* The last error on this thread as one English sentence; never NULL. Valid
 * until the next failing call on this thread; successful calls leave it. */
PHIAL_API const char *phial_last_error(void);

/* ---- Model ------------------------------------------------------------- */

enum { /* phial_model_options.flags */
    PHIAL_MODEL_LOCK   = 1 << 0, /* keep the weights resident (mlock) */
    PHIAL_MODEL_VERIFY = 1 << 1  /* refuse weights that hold NaN or infinity */
};

enum { /* phial_model_options.isa: use at most this; for tests and triage */
    PHIAL_ISA_BEST     = 0,
    PHIAL_ISA_PORTABLE = 1,
    PHIAL_ISA_AVX2     = 2,
    PHIAL_ISA_AVX512   = 3,
    PHIAL_ISA_NEON     = 4
};

enum { PHIAL_LOG_OFF = 0, PHIAL_LOG_ERROR = 1, PHIAL_LOG_WARN = 2,
       PHIAL_LOG_INFO = 3, PHIAL_LOG_DEBUG = 4 };

/* One finished line, no newline, borrowed for the call. Must not call back into
 * phial. */
typedef void (*phial_log_fn)(void *user, int32_t level, const char *line);

/* fraction rises from 0 to 1. Return non-zero to give up: PHIAL_E_CANCELLED.
 * What a session has read by then it keeps. */
typedef int32_t (*phial_progress_fn)(void *user, float fraction);

/* size bytes at a multiple of alignment, a power of two; NULL if there are
 * none: the call that needed them then returns PHIAL_E_MEMORY. Freeing repeats
 * the size and alignment; ptr is never NULL. */
typedef void *(*phial_alloc_fn)(void *user, size_t size, size_t alignment);
typedef void (*phial_free_fn)(void *user, void *ptr, size_t size,
                              size_t alignment);

typedef struct phial_model_options {
    uint32_t          struct_size;
    uint32_t          flags;
    uint32_t          n_threads;     /* 0: one per processor we may use */
    int32_t           isa;           /* PHIAL_ISA_* */
    int32_t           weight_format; /* PHIAL_WEIGHTS_*, 0: as stored. What is
                                        stored otherwise is quantised while it
                                        is read: the bits of the file that
                                        phial_quantize() would write */
    int32_t           log_level;     /* PHIAL_LOG_*; needs log */
    phial_log_fn      log;           /* kept until the model is gone */
    void             *log_user;
    phial_alloc_fn    mem_alloc;     /* kept; set both, or neither */
    phial_free_fn     mem_free;
    void             *mem_user;
    phial_progress_fn progress;      /* used only during phial_model_open() */
    void             *progress_user;
    size_t            reserved;      /* 0; keeps 32-bit layouts whole */
    uint64_t          cache_limit;   /* bytes of keys and values of all sessions
                                        together; 0: none. See
                                        phial_session_new() */
} phial_model_options;

/* Opens a GGUF file (of a split model: its first part, the others beside it), or
 * a folder that Hugging Face's transformers saved: see doc/checkpoints.md. The
 * weights are read into private memory once; what happens to the file
 * afterwards does not matter to the model. options may be NULL.
 *
 * PHIAL_E_IO: no such file, or it cannot be read. PHIAL_E_FORMAT: it is
 * damaged, the message says where. PHIAL_E_UNSUPPORTED: another architecture,
 * tensor type, or tier in options->isa than this library runs; with a
 * weight_format, errors of phial_quantize() too. */
PHIAL_API phial_status phial_model_open(const char *path,
                                        const phial_model_options *options,
                                        phial_model **out);
/* Sessions and tokenizers made from the model keep it alive, hooks included. A
 * process that was forked from the one that opened a model can only free it:
 * the model's threads do not exist there, and every call on it or on its
 * sessions returns PHIAL_E_STATE. */
PHIAL_API void phial_model_free(phial_model *model);

typedef struct phial_model_info {
    uint32_t struct_size;
    uint32_t n_vocab;
    uint32_t n_context;   /* longest context the model was trained for */
    uint32_t n_layers;
    uint32_t n_embedding; /* length of a phial_model_embed() vector */
    uint32_t n_threads;   /* the pool's size, as decided at open */
    uint64_t n_parameters;
} phial_model_info;

/* Fills in *info; set info->struct_size before. */
PHIAL_API phial_status phial_model_get_info(const phial_model *model,
                                            phial_model_info *info);

/* Everything else worth knowing, as a JSON object: name, architecture, tensor
 * formats, chat template, file metadata. Keys are listed in doc/describe.md. */
PHIAL_API phial_status phial_model_describe(const phial_model *model,
                                            char *buf, size_t cap, size_t *n);

/* ---- Memory ------------------------------------------------------------ */

typedef struct phial_memory {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t mapped;    /* bytes, file-backed, shared and evictable */
    uint64_t weights;   /* private: read or converted tensors, of a model and
                           its adapters */
    uint64_t cache;     /* keys and values, at their present size; what sessions
                           share counts in each, of the model once */
    uint64_t cache_max; /* the same when n_context tokens are held */
    uint64_t scratch;   /* activations and work buffers */
} phial_memory;

/* What the model takes, or one session beyond its model: fields that belong to
 * the other are 0. Set memory->struct_size before. Hosts that count bytes at
 * their hooks see a little more: vocabulary, tables, texts. */
PHIAL_API phial_status phial_model_get_memory(const phial_model *model,
                                              phial_memory *memory);
PHIAL_API phial_status phial_session_get_memory(const phial_session *session,
                                                phial_memory *memory);

/* ---- Tokenizer --------------------------------------------------------- */

enum { /* flags for encoding and rendering text */
    PHIAL_TEXT_SPECIAL = 1 << 0, /* recognise or spell control tokens */
    PHIAL_TEXT_BOS     = 1 << 1, /* begin with the model's BOS, if it has one */
    PHIAL_TEXT_PROMPT  = 1 << 2  /* end where the assistant starts to speak */
};

enum { PHIAL_TOKEN_BOS = 1, PHIAL_TOKEN_EOS = 2, PHIAL_TOKEN_END_OF_TURN = 3,
       PHIAL_TOKEN_PAD = 4 };

/* From the metadata of a GGUF file, or the folder of a checkpoint; neither need
 * hold weights. */
PHIAL_API phial_status phial_tokenizer_open(const char *path,
                                            phial_tokenizer **out);
PHIAL_API phial_status phial_model_get_tokenizer(const phial_model *model,
                                                 phial_tokenizer **out);
PHIAL_API void phial_tokenizer_free(phial_tokenizer *tokenizer);

/* The ids of a text, any bytes. flags: PHIAL_TEXT_SPECIAL recognises control
 * tokens that are spelled in it, PHIAL_TEXT_BOS. */
PHIAL_API phial_status phial_tokenizer_encode(const phial_tokenizer *tokenizer,
                                              const char *text, size_t len,
                                              uint32_t flags, phial_token *buf,
                                              size_t cap, size_t *n);
/* The text of ids, always UTF-8: bytes that do not form a character become
 * U+FFFD. flags: PHIAL_TEXT_SPECIAL spells control tokens, which otherwise
 * give no text. An id outside the vocabulary is PHIAL_E_ARGUMENT. */
PHIAL_API phial_status phial_tokenizer_decode(const phial_tokenizer *tokenizer,
                                              const phial_token *tokens,
                                              size_t n_tokens, uint32_t flags,
                                              char *buf, size_t cap, size_t *n);

/* which is PHIAL_TOKEN_*; PHIAL_NO_TOKEN if the vocabulary has none, or an
 * argument is wrong. */
PHIAL_API phial_token phial_tokenizer_special(const phial_tokenizer *tokenizer,
                                              int32_t which);

/* ---- Chat and tools ---------------------------------------------------- */

enum { PHIAL_ROLE_SYSTEM = 1, PHIAL_ROLE_USER = 2, PHIAL_ROLE_ASSISTANT = 3,
       PHIAL_ROLE_TOOL = 4 };

/* An empty list of messages, for any model. Chats and tokenizers that were
 * opened from a path take their memory from the C library. */
PHIAL_API phial_status phial_chat_new(phial_chat **out);
PHIAL_API void phial_chat_free(phial_chat *chat);

/* Appends a message; role is PHIAL_ROLE_*. Control tokens spelled inside text
 * stay plain text: no forged turns. */
PHIAL_API phial_status phial_chat_add(phial_chat *chat, int32_t role,
                                      const char *text, size_t len);

/* One OpenAI-shaped message object, or an array of them: for tool_calls, tool
 * results and whatever that format grows next. If any of it is refused, none
 * is added. */
PHIAL_API phial_status phial_chat_add_json(phial_chat *chat, const char *json,
                                           size_t len);

/* An OpenAI-shaped "tools" array; replaces the previous one. [] removes it. */
PHIAL_API phial_status phial_chat_set_tools(phial_chat *chat, const char *json,
                                            size_t len);

/* The exact prompt text, for inspection and tests. flags: PHIAL_TEXT_PROMPT. A
 * model whose chat template is none of those we know is PHIAL_E_UNSUPPORTED
 * here and in phial_session_set_chat(). */
PHIAL_API phial_status phial_chat_render(const phial_chat *chat,
                                         const phial_model *model,
                                         uint32_t flags, char *buf, size_t cap,
                                         size_t *n);

/* ---- Constraints ------------------------------------------------------- */

enum {
    PHIAL_CONSTRAINT_JSON   = 1, /* any JSON value; text is ignored */
    PHIAL_CONSTRAINT_SCHEMA = 2, /* text: a JSON Schema */
    PHIAL_CONSTRAINT_CHOICE = 3, /* text: a JSON array of strings */
    PHIAL_CONSTRAINT_REGEX  = 4, /* text: a regular expression, see doc */
    PHIAL_CONSTRAINT_TOOLS  = 5  /* text: {"tools": [], "tool_choice": ""} */
};

/* Compiles once; a large schema may take milliseconds. Keywords it cannot
 * enforce are refused with PHIAL_E_UNSUPPORTED, never silently ignored. */
PHIAL_API phial_status phial_constraint_new(const phial_tokenizer *tokenizer,
                                            int32_t kind, const char *text,
                                            size_t len, phial_constraint **out);
PHIAL_API void phial_constraint_free(phial_constraint *constraint);

/* ---- Adapters ---------------------------------------------------------- */

/* Opens low-rank adapters (LoRA) for a model: a GGUF file of them, or a folder
 * that Hugging Face's PEFT saved. They are read into memory of the model's heap
 * once, where they count as its weights while the adapter is open; the model
 * itself does not change. See doc/adapters.md.
 *
 * PHIAL_E_IO and PHIAL_E_FORMAT: as phial_model_open(). PHIAL_E_MISMATCH: made
 * for a model of other sizes. PHIAL_E_UNSUPPORTED: more than, or something else
 * than, pairs of matrices beside projections. PHIAL_E_NUMERIC: NaN or infinity
 * in them. */
PHIAL_API phial_status phial_adapter_open(const phial_model *model,
                                          const char *path,
                                          phial_adapter **out);
/* An adapter keeps its model alive, and sessions that have it keep it alive. */
PHIAL_API void phial_adapter_free(phial_adapter *adapter);

/* ---- Session: setup ---------------------------------------------------- */

/* How keys and values are kept. AUTO: F16. Q8: in 8 bits with a scale for each
 * token and head, half the memory of F16 and faster to read */
enum { PHIAL_CACHE_AUTO = 0, PHIAL_CACHE_F32 = 1, PHIAL_CACHE_F16 = 2,
       PHIAL_CACHE_Q8 = 3 };

enum { /* phial_session_options.flags */
    PHIAL_SESSION_PRIVATE   = 1 << 0, /* share nothing computed with others */
    PHIAL_SESSION_NO_DRAFTS = 1 << 1  /* one pass for each token: see
                                         phial_session_next() */
};

enum { /* LongRoPE models only: which rotary factors a sequence is read with */
    PHIAL_ROPE_AUTO  = 0, /* as the reference: short factors while the sequence
                             fits the original context; on crossing it, the
                             whole sequence is read once more with long ones */
    PHIAL_ROPE_SHORT = 1, /* always short */
    PHIAL_ROPE_LONG  = 2  /* always long */
};

typedef struct phial_session_options {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t n_context;    /* 0: what the model allows; memory is taken as the
                              session grows */
    int32_t  cache_format; /* PHIAL_CACHE_* */
    uint32_t n_prefill;    /* tokens per prefill step; 0: tuned for this CPU.
                              At most 4096 count. Does not change results. In
                              phial_step() it bounds what others wait */
    int32_t  rope;         /* PHIAL_ROPE_* */
    phial_progress_fn progress; /* called where the session computes, by the
                              thread that does: when it begins to read a prompt
                              or, see PHIAL_ROPE_AUTO, all of it again, and
                              after each prefill step of that. Kept until the
                              session and its forks are gone. Must not call
                              back into phial, but for phial_session_cancel() */
    void    *progress_user;
} phial_session_options;

/* What a model opened from path and one session of it would take, from the
 * file's metadata alone: no weights are read. cache is 0, cache_max is for the
 * session's n_context. Both options may be NULL. Equals what, without adapters,
 * phial_model_get_memory() and phial_session_get_memory() report later. */
PHIAL_API phial_status phial_estimate(const char *path,
                                      const phial_model_options *model,
                                      const phial_session_options *session,
                                      phial_memory *memory);

/* An empty sequence of its own; any number of them share a model. Calls on
 * sessions of one model take turns at its threads. options may be NULL;
 * n_context above the model's is PHIAL_E_ARGUMENT.
 *
 * What one session has computed is never computed again by another that begins
 * with the same tokens: the keys and values of whole pages of 64 tokens are
 * shared, without any effect on results. They go with the last session that
 * holds them; with a phial_model_options.cache_limit they are kept until their
 * room is needed, the least recently used first. A session that needs more than
 * the limit leaves gets PHIAL_E_MEMORY. */
PHIAL_API phial_status phial_session_new(const phial_model *model,
                                         const phial_session_options *options,
                                         phial_session **out);
/* If the session is in use on another thread, it goes when that call returns;
 * phial_session_cancel() before makes that soon. */
PHIAL_API void phial_session_free(phial_session *session);

enum { /* phial_sampling.flags */
    PHIAL_SAMPLING_SEEDED     = 1 << 0, /* use seed, even if it is 0 */
    PHIAL_SAMPLING_IGNORE_EOS = 1 << 1, /* stop on stop text or max_tokens */
    PHIAL_SAMPLING_LOGPROBS   = 1 << 2  /* fill in phial_event.logprob */
};

/* All zero is greedy decoding until the model ends its turn. */
typedef struct phial_sampling {
    uint32_t           struct_size;
    uint32_t           flags;
    float              temperature;       /* 0: greedy */
    float              top_p;             /* 0 or 1: off */
    float              min_p;             /* 0: off */
    float              repeat_penalty;    /* 0 or 1: off; over all tokens */
    float              presence_penalty;  /* 0: off; over the turn's output */
    float              frequency_penalty; /* 0: off; over the turn's output */
    uint32_t           top_k;             /* 0: off */
    uint32_t           penalty_window;    /* last tokens looked at; 0: all */
    uint64_t           seed;              /* same seed: same text, anywhere;
                                             used only if SEEDED */
    uint64_t           max_tokens;        /* of a turn; 0: until the context
                                             is full */
    const char *const *stop;              /* n_stop C strings; never emitted */
    size_t             n_stop;
    const phial_token *bias_tokens;       /* n_bias ids and what is added to */
    const float       *bias_values;       /* their logits */
    size_t             n_bias;
    size_t             reserved;          /* 0; keeps 32-bit layouts whole */
} phial_sampling;

/* Applies to tokens generated from here on. sampling is copied, with what it
 * points to; NULL is all zero. A value out of range is PHIAL_E_ARGUMENT and
 * names its field. A draw depends on nothing but the seed and the token's place
 * in the session; without a seed every call of this function starts anew. */
PHIAL_API phial_status phial_session_set_sampling(
    phial_session *session, const phial_sampling *sampling);

/* NULL removes it. Applies to generated text from here on. */
PHIAL_API phial_status phial_session_set_constraint(
    phial_session *session, const phial_constraint *constraint);

/* Replaces the active set: scales[i] times adapters[i] is added to what the
 * weights compute, in this order; n == 0 clears it. At most 16, all opened for
 * the session's model. A scale of 0 leaves every bit as it is without that
 * adapter. Only on an empty session, otherwise PHIAL_E_STATE. Forks have the
 * same set; sessions share what they computed only with those that have it too;
 * a saved session opens only in one with the same set: the same weights and
 * scales, wherever they were read. */
PHIAL_API phial_status phial_session_set_adapters(
    phial_session *session, const phial_adapter *const *adapters,
    const float *scales, size_t n);

/* ---- Session: input ---------------------------------------------------- */

/* These queue input and return at once; phial_session_next,
 * phial_session_prefill and phial_step do the work. Input that does not fit
 * behind what the session holds and has queued is PHIAL_E_CONTEXT, and nothing
 * of it is queued. Any input ends the turn that was being generated.
 * flags: PHIAL_TEXT_SPECIAL, PHIAL_TEXT_BOS. */
PHIAL_API phial_status phial_session_add_text(phial_session *session,
                                              const char *text, size_t len,
                                              uint32_t flags);
PHIAL_API phial_status phial_session_add_tokens(phial_session *session,
                                                const phial_token *tokens,
                                                size_t n);

/* Makes the session hold exactly this chat: keeps the longest common prefix
 * already computed, drops what differs, queues the rest, up to where the
 * assistant starts to speak. */
PHIAL_API phial_status phial_session_set_chat(phial_session *session,
                                              const phial_chat *chat);

/* Does at most max_tokens of the queued work; *left is how many tokens remain.
 * Lets a server interleave a long prompt with other sessions. *left may rise
 * from one call to the next: see PHIAL_ROPE_AUTO. */
PHIAL_API phial_status phial_session_prefill(phial_session *session,
                                             size_t max_tokens, size_t *left);

/* ---- Session: output --------------------------------------------------- */

enum {
    PHIAL_EVENT_TEXT      = 1, /* text: whole UTF-8 characters */
    PHIAL_EVENT_TOOL      = 2, /* a tool call begins; text: its name */
    PHIAL_EVENT_TOOL_ARGS = 3, /* text: the next piece of its JSON arguments */
    PHIAL_EVENT_TOOL_END  = 4,
    PHIAL_EVENT_STOP      = 5  /* reason says why; PHIAL_END follows */
};

enum { PHIAL_STOP_EOS = 1, PHIAL_STOP_TEXT = 2, PHIAL_STOP_LENGTH = 3,
       PHIAL_STOP_CONTEXT = 4, PHIAL_STOP_CONSTRAINT = 5 };

typedef struct phial_event {
    uint32_t    struct_size;
    int32_t     kind;     /* PHIAL_EVENT_* */
    int32_t     reason;   /* PHIAL_STOP_*, for PHIAL_EVENT_STOP */
    phial_token token;    /* the last token behind this event */
    uint32_t    n_tokens; /* how many tokens are behind it; may be 0 */
    float       logprob;  /* their summed natural log probability, or 0 */
    const char *text;     /* borrowed; NUL-terminated here */
    size_t      text_len;
} phial_event;

/* Produces the next event, computing as little as it must. Returns PHIAL_END
 * once the turn is over; add input to go on. This is the streaming interface:
 * to stop early, stop calling. Set event->struct_size before.
 *
 * Generated tokens are held by the session as soon as they are sampled, the
 * one that ended the turn included, so that a chat's next turn finds them.
 * Where the text repeats what the session holds, guesses at what follows are
 * computed in the same pass: this never changes a token, an event or a logit,
 * and is done where the measured cost of passes says that it saves time. A
 * session that holds nothing is PHIAL_E_STATE. After an error the session is as
 * it was behind the last computed token; the next call goes on from there, to
 * the same bits. */
PHIAL_API phial_status phial_session_next(phial_session *session,
                                          phial_event *event);

/* One step for n different sessions of one model in a single pass over the
 * weights: each whose turn goes on generates its next token, or reads some of
 * its queue if that is longer: together at most the largest n_prefill among
 * them, the first ones first. Events wait in each session for
 * phial_session_next(), which no longer computes in such a turn: it returns
 * PHIAL_PENDING when it has given all there is. A session that fails or is
 * cancelled reports it there, once, and the others carry on; the next step
 * takes it up again. PHIAL_END: all turns are over, or have yet to report. A
 * session gets the bits that it would get alone. */
PHIAL_API phial_status phial_step(phial_session *const *sessions, size_t n);

/* Makes the running call on the session, or the next that computes, return
 * PHIAL_E_CANCELLED soon, once. Any thread, any time while the session exists,
 * and async-signal-safe. The session remains usable. */
PHIAL_API void phial_session_cancel(phial_session *session);

/* Raw logits for the token that comes next: n_vocab floats, before sampling.
 * What is queued is computed first; a session that holds nothing is
 * PHIAL_E_STATE. */
PHIAL_API phial_status phial_session_get_logits(phial_session *session,
                                                const float **logits,
                                                size_t *n);

/* The likeliest candidates, best first, with their natural log probabilities:
 * for the token that was just generated; if none was, for the one that comes
 * next, computing what is queued. Stores up to cap of them, *n says how many;
 * there is no PHIAL_E_BUFFER. */
PHIAL_API phial_status phial_session_get_top(phial_session *session,
                                             phial_token *tokens,
                                             float *logprobs, size_t cap,
                                             size_t *n);

/* ---- Session: history -------------------------------------------------- */

/* Everything the session holds, whether computed or still queued. */
PHIAL_API phial_status phial_session_get_tokens(const phial_session *session,
                                                phial_token *buf, size_t cap,
                                                size_t *n);

/* Forgets all but the first n tokens and ends the turn. More than the session
 * holds is PHIAL_E_ARGUMENT. */
PHIAL_API phial_status phial_session_rewind(phial_session *session, size_t n);

/* A copy in every respect, the turn that is being generated included, with
 * statistics of its own. It shares what is computed until either side changes
 * it. Without a seed both draw alike until phial_session_set_sampling(). */
PHIAL_API phial_status phial_session_fork(const phial_session *session,
                                          phial_session **out);

/* A saved session opens again with the same model, in this or a later 1.x on
 * any CPU; anything else is PHIAL_E_MISMATCH, damaged data PHIAL_E_FORMAT.
 *
 * Saved is what the session holds: tokens, keys and values, logits, the turn
 * that is being generated. It replaces what the loading session holds, which
 * keeps what it was told: sampling, with the key of draws without a seed, and
 * its options. Another cache format, or rotary factors that its options rule
 * out, are PHIAL_E_MISMATCH; more tokens than its context PHIAL_E_CONTEXT. What
 * was loaded is not shared with other sessions. A file that is replaced is the
 * old one or the new one at any time. See doc/session-file.md. */
PHIAL_API phial_status phial_session_save(phial_session *session,
                                          const char *path);
PHIAL_API phial_status phial_session_load(phial_session *session,
                                          const char *path);
PHIAL_API phial_status phial_session_save_bytes(phial_session *session,
                                                uint8_t *buf, size_t cap,
                                                size_t *n);
PHIAL_API phial_status phial_session_load_bytes(phial_session *session,
                                                const uint8_t *data,
                                                size_t len);

typedef struct phial_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t n_prompt;     /* tokens prefilled, those read again included */
    uint64_t n_reused;     /* prompt tokens taken from the cache instead */
    uint64_t n_generated;
    uint64_t prefill_ns;
    uint64_t decode_ns;
    uint64_t n_drafted;    /* guesses that were computed ahead */
    uint64_t n_accepted;   /* those that proved right */
} phial_stats;

/* Sums since the session was made. Set stats->struct_size before. */
PHIAL_API phial_status phial_session_get_stats(const phial_session *session,
                                               phial_stats *stats);

/* ---- Scoring and embeddings -------------------------------------------- */

/* logprobs[i] = ln p(tokens[i] | everything before it), as one pass over the
 * whole sequence gives it; appends the tokens and computes them. The first
 * token of an empty session has nothing before it: its value is 0. */
PHIAL_API phial_status phial_session_score(phial_session *session,
                                           const phial_token *tokens, size_t n,
                                           float *logprobs);

/* Raw logits behind n_tokens of the tokens that the session holds, from index
 * first on, as one pass over all that it holds gives them: n_tokens rows of
 * n_vocab floats, the first for what follows token `first`. Tokens from there on
 * are computed again if they were computed before, and those behind the last row
 * are queued again: go forward, in pieces of some dozens. Changes neither what
 * the session holds nor its turn. Takes as much memory as buf while it runs. */
PHIAL_API phial_status phial_session_get_rows(phial_session *session,
                                              size_t first, size_t n_tokens,
                                              float *buf, size_t cap,
                                              size_t *n);

enum { PHIAL_POOL_MEAN = 1, PHIAL_POOL_LAST = 2 };

/* A unit-length vector of n_embedding floats for the text: its hidden states
 * behind the final norm, the mean of all tokens or the last one's. The text
 * begins with BOS if the model's file says that texts do, and control tokens
 * spelled in it stay text. As much memory is taken meanwhile as a session with
 * PHIAL_CACHE_F32 takes, within phial_model_options.cache_limit; no session is
 * touched. Any number of threads may call it: they take turns.
 *
 * PHIAL_E_ARGUMENT: the text is empty. PHIAL_E_CONTEXT: it is longer than the
 * model's n_context. PHIAL_E_NUMERIC: the weights gave a NaN, an infinity, or
 * nothing but zeros. */
PHIAL_API phial_status phial_model_embed(const phial_model *model,
                                         const char *text, size_t len,
                                         int32_t pool, float *buf, size_t cap,
                                         size_t *n);

/* ---- Quantising -------------------------------------------------------- */

enum { /* the types of a model's matrices; see doc/quantisation.md. Mixes give
          some of them a better type than their name says */
    PHIAL_WEIGHTS_STORED = 0, /* each as it is */
    PHIAL_WEIGHTS_F32    = 1,
    PHIAL_WEIGHTS_F16    = 2,
    PHIAL_WEIGHTS_BF16   = 3,
    PHIAL_WEIGHTS_Q8_0   = 4,
    PHIAL_WEIGHTS_Q6_K   = 5,
    PHIAL_WEIGHTS_Q5_K_M = 6,
    PHIAL_WEIGHTS_Q5_K_S = 7,
    PHIAL_WEIGHTS_Q5_1   = 8,
    PHIAL_WEIGHTS_Q5_0   = 9,
    PHIAL_WEIGHTS_Q4_K_M = 10,
    PHIAL_WEIGHTS_Q4_K_S = 11,
    PHIAL_WEIGHTS_Q4_1   = 12,
    PHIAL_WEIGHTS_Q4_0   = 13,
    PHIAL_WEIGHTS_IQ4_NL = 14,
    PHIAL_WEIGHTS_IQ4_XS = 15,
    PHIAL_WEIGHTS_Q3_K_L = 16,
    PHIAL_WEIGHTS_Q3_K_M = 17,
    PHIAL_WEIGHTS_Q3_K_S = 18,
    PHIAL_WEIGHTS_Q2_K   = 19
};

enum { /* phial_quantize_options.flags */
    PHIAL_QUANTIZE_REENCODE = 1 << 0 /* adapters may be merged into quantised
                                        matrices that keep their type: these are
                                        quantised again, at a further loss */
};

typedef struct phial_quantize_options {
    uint32_t           struct_size;
    uint32_t           flags;         /* PHIAL_QUANTIZE_* */
    int32_t            type;          /* PHIAL_WEIGHTS_* */
    uint32_t           n_threads;     /* 0: one per processor we may use */
    const char *const *overrides;     /* n_overrides C strings PATTERN=TYPE: the
                                         type of matrices whose name matches,
                                         where * is any text and ? a character,
                                         such as "*.ffn_down.weight=Q6_K". The
                                         first that matches counts; one that is
                                         of no use is PHIAL_E_ARGUMENT */
    size_t             n_overrides;
    phial_progress_fn  progress;      /* on the calling thread */
    void              *progress_user;
    phial_alloc_fn     mem_alloc;     /* set both, or neither */
    phial_free_fn      mem_free;
    void              *mem_user;
    size_t             reserved;      /* 0; keeps 32-bit layouts whole */
    const char *const *adapters;      /* n_adapters paths, of anything that
                                         phial_adapter_open() takes: merged into
                                         the weights with */
    const float       *adapter_scales; /* these scales; 0 adds nothing */
    size_t             n_adapters;    /* at most 16 */
    const char        *imatrix;       /* an importance matrix: a file of
                                         phial_model_imatrix() or llama-imatrix;
                                         NULL: none */
} phial_quantize_options;

/* Writes the model at in, anything that phial_model_open() takes, to the GGUF
 * file out with its matrices in other types; vectors become F32. options may be
 * NULL. What is read and written passes through a few MiB for each thread. The
 * same input and options give the same bytes for any number of threads. out is
 * what it was, or the whole new file, at any time; it may be in.
 *
 * With adapters a matrix W becomes W + scale * B A, summed in double and rounded
 * to float, before it gets its type: with PHIAL_WEIGHTS_STORED the one that it
 * has, which must be F32, F16 or BF16 (PHIAL_E_ARGUMENT) but with
 * PHIAL_QUANTIZE_REENCODE. What is written of other matrices, and of rows that
 * get nothing, does not change. Adapters are held in memory as floats. See
 * doc/adapters.md.
 *
 * PHIAL_E_MISMATCH: an adapter's shapes are not those of the model, or the
 * importance matrix is that of another model. PHIAL_E_NUMERIC: a weight is NaN or
 * infinite. PHIAL_E_UNSUPPORTED: a tensor is of a type that cannot be read, or has
 * weights beyond the range of the type that it should get. PHIAL_E_IO: see the
 * message; a full disk. */
PHIAL_API phial_status phial_quantize(const char *in, const char *out,
                                      const phial_quantize_options *options);

typedef struct phial_imatrix_options {
    uint32_t          struct_size;
    uint32_t          flags;       /* PHIAL_TEXT_SPECIAL */
    uint32_t          n_context;   /* tokens of a window; 0: 512, or what the
                                      model was trained for if that is less */
    uint32_t          max_windows; /* read no more than these; 0: all */
    const char       *dataset;     /* what the file is to say of the text */
    phial_progress_fn progress;    /* on the calling thread */
    void             *progress_user;
} phial_imatrix_options;

/* Reads a text with the model and writes to the GGUF file out how much the
 * columns of each matrix are used: sums over all tokens of the squares of what
 * they are multiplied with. It is for phial_quantize_options.imatrix: errors of
 * much used columns then count more. The text is read in windows side by side,
 * each of which begins with BOS if the model's file says that texts do. Memory
 * as for phial_model_embed() of a window; any number of threads may call it:
 * they take turns. The same text and options give the same bytes for any number
 * of threads. options may be NULL. out is what it was, or the whole new file,
 * at any time. See doc/quantisation.md.
 *
 * PHIAL_E_ARGUMENT: the text is empty, or n_context below 2 or more than the
 * model's. PHIAL_E_NUMERIC: the weights gave a NaN or an infinity. */
PHIAL_API phial_status phial_model_imatrix(
    const phial_model *model, const char *text, size_t len, const char *out,
    const phial_imatrix_options *options);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* PHIAL_H */
