/* SPDX-License-Identifier: MIT
 * The header of a saved session, to bytes and back. */
#include "session/saved.h"

enum { HAS_TURN = 1, HAS_ENDED = 2, AT_START = 4 };

static const char magic[8] = {'P', 'H', 'I', 'A', 'L', 'S', 'E', 'S'};

ph_saved ph_saved_of(const ph_session *session)
{
    const ph_turn *turn = &session->turn;
    ph_saved s = {
        .fingerprint = session->model->fingerprint,
        .page_bytes = ph_sequence_page_bytes(session->sequence),
        .n_vocab = session->model->hp.n_vocab,
        .cache_format = (uint32_t)session->config.cache_format,
        .rope = (uint32_t)session->rope,
        .n_tokens = (uint32_t)session->tokens.len,
        .n_computed = ph_sequence_length(session->sequence),
        .logits_len = (uint32_t)session->logits_len,
        .n_draws = session->n_draws,
        .active = turn->active,
        .ended = turn->ended,
        .at_start = turn->active && turn->decoder.at_start,
        .reason = (uint32_t)turn->reason,
        .start = (uint32_t)turn->start,
        .n_pending = turn->active ? turn->decoder.n_pending : 0,
        .n_generated = turn->n_generated,
        .held_len = turn->held.len,
        .safe = turn->safe,
        .text = turn->text,
        .stop = turn->stop,
        .adapters = ph_sequence_adapters(session->sequence),
    };

    memcpy(s.pending, turn->decoder.pending, s.n_pending);
    ph_saved_size(&s, &s.size);
    return s;
}

/* Fields in their order; at is moved behind what was put or taken. */
static void put32(uint8_t **at, uint32_t value)
{
    ph_put_le32(*at, value);
    *at += 4;
}

static void put64(uint8_t **at, uint64_t value)
{
    ph_put_le64(*at, value);
    *at += 8;
}

static uint32_t take32(const uint8_t **at)
{
    *at += 4;
    return ph_le32(*at - 4);
}

static uint64_t take64(const uint8_t **at)
{
    *at += 8;
    return ph_le64(*at - 8);
}

static void put_tally(uint8_t **at, const ph_tally *tally)
{
    uint32_t bits;

    memcpy(&bits, &tally->logprob, sizeof bits);
    put32(at, tally->n_tokens);
    put32(at, bits);
}

static ph_tally take_tally(const uint8_t **at)
{
    ph_tally tally = {.n_tokens = take32(at)};
    const uint32_t bits = take32(at);

    memcpy(&tally.logprob, &bits, sizeof bits);
    return tally;
}

void ph_saved_encode(const ph_saved *s, uint8_t bytes[PH_SAVED_HEADER])
{
    uint8_t *at = bytes + sizeof magic;

    memset(bytes, 0, PH_SAVED_HEADER);
    memcpy(bytes, magic, sizeof magic);
    put32(&at, s->adapters ? PH_SAVED_VERSION : PH_SAVED_PLAIN);
    put32(&at, (s->active ? HAS_TURN : 0u) | (s->ended ? HAS_ENDED : 0u) |
                   (s->at_start ? AT_START : 0u));
    put64(&at, s->size);
    put64(&at, s->fingerprint);
    put64(&at, s->page_bytes);
    put32(&at, s->n_vocab);
    put32(&at, s->cache_format);
    put32(&at, s->rope);
    put32(&at, s->n_tokens);
    put32(&at, s->n_computed);
    put32(&at, s->logits_len);
    put64(&at, s->n_draws);
    put32(&at, s->reason);
    put32(&at, s->start);
    put32(&at, s->n_pending);
    memcpy(at, s->pending, sizeof s->pending);
    at += sizeof s->pending;
    put64(&at, s->n_generated);
    put64(&at, s->held_len);
    put64(&at, s->safe);
    put_tally(&at, &s->text);
    put_tally(&at, &s->stop);
    put64(&at, s->adapters);
    ph_put_le64(bytes + PH_SAVED_HEADER - PH_SAVED_CHECKSUM,
                ph_saved_checksum(bytes));
}

static void decode_turn(const uint8_t **at, ph_saved *s)
{
    s->reason = take32(at);
    s->start = take32(at);
    s->n_pending = take32(at);
    memcpy(s->pending, *at, sizeof s->pending);
    *at += sizeof s->pending;
    s->n_generated = take64(at);
    s->held_len = take64(at);
    s->safe = take64(at);
    s->text = take_tally(at);
    s->stop = take_tally(at);
}

/* Whether all of a range is zero. */
static bool is_clear(const uint8_t *from, const uint8_t *end)
{
    while (from < end && !*from)
        from++;
    return from == end;
}

bool ph_saved_decode(const uint8_t bytes[PH_SAVED_HEADER], ph_saved *s)
{
    const uint8_t *at = bytes + sizeof magic;
    const bool plain = take32(&at) == PH_SAVED_PLAIN;
    const uint32_t flags = take32(&at);

    s->active = flags & HAS_TURN;
    s->ended = flags & HAS_ENDED;
    s->at_start = flags & AT_START;
    s->size = take64(&at);
    s->fingerprint = take64(&at);
    s->page_bytes = take64(&at);
    s->n_vocab = take32(&at);
    s->cache_format = take32(&at);
    s->rope = take32(&at);
    s->n_tokens = take32(&at);
    s->n_computed = take32(&at);
    s->logits_len = take32(&at);
    s->n_draws = take64(&at);
    decode_turn(&at, s);
    s->adapters = take64(&at);
    return plain == (s->adapters == 0) &&
           !(flags & ~(uint32_t)(HAS_TURN | HAS_ENDED | AT_START)) &&
           s->n_pending <= PH_SAVED_PENDING &&
           is_clear(s->pending + s->n_pending, s->pending + PH_SAVED_PENDING) &&
           is_clear(at, bytes + PH_SAVED_HEADER - PH_SAVED_CHECKSUM);
}

uint64_t ph_saved_checksum(const uint8_t bytes[PH_SAVED_HEADER])
{
    return ph_xxh64(bytes, PH_SAVED_HEADER - PH_SAVED_CHECKSUM, 0);
}

bool ph_saved_is(const uint8_t bytes[PH_SAVED_HEADER], uint32_t *version)
{
    *version = ph_le32(bytes + sizeof magic);
    return memcmp(bytes, magic, sizeof magic) == 0;
}

uint32_t ph_saved_pages(const ph_saved *s)
{
    return s->n_computed / PH_PAGE + (s->n_computed % PH_PAGE != 0);
}

/* Adds count sections of n bytes in blocks, each with its checksum. */
static bool add_sections(uint64_t *size, uint64_t n, uint64_t count)
{
    const uint64_t blocks = n / PH_SAVED_BLOCK + (n % PH_SAVED_BLOCK != 0);

    return ph_add64(n, PH_SAVED_CHECKSUM * blocks, &n) &&
           ph_mul64(n, count, &n) && ph_add64(*size, n, size);
}

bool ph_saved_size(const ph_saved *s, uint64_t *size)
{
    *size = PH_SAVED_HEADER;
    return add_sections(size, (uint64_t)s->n_tokens * sizeof(phial_token), 1) &&
           add_sections(size, s->held_len, 1) &&
           add_sections(size, (uint64_t)s->n_vocab * sizeof(float),
                        s->logits_len > 0) &&
           add_sections(size, s->page_bytes, ph_saved_pages(s));
}
