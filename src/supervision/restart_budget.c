/* Restart budget: see restart_budget.h for the idea. */
#include "supervision/restart_budget.h"

#include <assert.h>

/* The lived time of grant `index`, 0 being the oldest in the ring. */
static uint64_t
grant_at(const struct supervisor_child *child, uint32_t index)
{
    assert(index < child->grants_size);
    uint32_t capacity = child->policy->max_restarts;
    uint32_t oldest = child->grants_size < capacity ? 0 : child->grants_next;
    uint64_t place = (uint64_t)oldest + index;
    return child->grants_us[place < capacity ? place : place - capacity];
}

static bool
is_in_window(const struct supervisor_child *child, uint64_t grant_us, uint64_t lived_us)
{
    return lived_us - grant_us <= child->policy->within_us;
}

bool
restart_budget_has_room(const struct supervisor_child *child, uint64_t lived_us)
{
    uint32_t max_restarts = child->policy->max_restarts;
    if (max_restarts == RESTARTS_UNLIMITED || child->grants_size < max_restarts)
        return true;
    return max_restarts > 0 && !is_in_window(child, grant_at(child, 0), lived_us);
}

uint32_t
restart_budget_used(const struct supervisor_child *child, uint64_t lived_us)
{
    uint32_t outside = 0;
    uint32_t end = child->grants_size;
    while (outside < end) {
        uint32_t middle = outside + (end - outside) / 2;
        if (is_in_window(child, grant_at(child, middle), lived_us))
            end = middle;
        else
            outside = middle + 1;
    }
    return child->grants_size - outside;
}

uint64_t
restart_budget_frees_us(const struct supervisor_child *child, uint64_t lived_us)
{
    uint32_t used = restart_budget_used(child, lived_us);
    if (used == 0)
        return DURATION_INFINITE;
    uint64_t age_us = lived_us - grant_at(child, child->grants_size - used);
    return child->policy->within_us - age_us;
}

void
restart_budget_take(struct supervisor_child *child, uint64_t lived_us)
{
    uint32_t capacity = child->policy->max_restarts;
    if (capacity == RESTARTS_UNLIMITED)
        return;
    assert(child->grants_next < capacity);

    child->grants_us[child->grants_next] = lived_us;
    child->grants_next = child->grants_next + 1 == capacity ? 0 : child->grants_next + 1;
    if (child->grants_size < capacity)
        child->grants_size++;
}

void
restart_budget_move(struct supervisor_child *child, const struct child_policy *policy,
                    uint64_t *grants_us)
{
    uint32_t capacity = supervisor_child_grants_max(policy);
    uint32_t kept = child->grants_size < capacity ? child->grants_size : capacity;
    uint32_t oldest = child->grants_size - kept;
    for (uint32_t i = 0; i < kept; i++)
        grants_us[i] = grant_at(child, oldest + i);
    child->policy = policy;
    child->grants_us = grants_us;
    child->grants_size = kept;
    child->grants_next = kept == capacity ? 0 : kept;
}

void
restart_budget_clear(struct supervisor_child *child)
{
    child->grants_size = 0;
    child->grants_next = 0;
}
