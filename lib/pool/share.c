/* SPDX-License-Identifier: MIT
 * Splitting work among the threads of a team. */
#include "pool/pool.h"

void ph_team_share(const ph_team *team, size_t n, size_t grain, size_t *begin,
                   size_t *end)
{
    size_t grains = n / grain + (n % grain != 0);
    size_t each = grains / team->count;
    size_t more = grains % team->count; /* threads that take one more */
    size_t index = team->index;
    size_t first = each * index + (index < more ? index : more);
    size_t past = first + each + (index < more);

    *begin = first * grain < n ? first * grain : n;
    *end = past * grain < n ? past * grain : n;
}

ph_deal ph_team_deal(const ph_team *team, atomic_uint *taken, size_t n,
                     size_t grain)
{
    const size_t grains = n / grain + (n % grain != 0);
    const size_t rest = (grains - grains / 8) * grain;
    ph_deal deal = {.taken = taken, .n = n, .grain = grain};

    deal.rest = team->count > 1 && rest < n ? rest : n;
    ph_team_share(team, deal.rest, grain, &deal.begin, &deal.end);
    return deal;
}

bool ph_deal_next(ph_deal *deal, size_t *begin, size_t *end)
{
    size_t unit;

    if (deal->begin < deal->end) {
        *begin = deal->begin;
        *end = deal->end;
        deal->begin = deal->end;
        return true;
    }
    if (deal->rest == deal->n)
        return false;
    unit = atomic_fetch_add_explicit(deal->taken, 1, memory_order_relaxed);
    *begin = deal->rest + unit * deal->grain;
    *end = *begin + deal->grain < deal->n ? *begin + deal->grain : deal->n;
    return *begin < deal->n;
}
