/* Restart budget: see restart_budget.h for the idea. */
#include "supervision/restart_budget.h"

#include <assert.h>

/* Slots behind the child. */
static uint64_t *
slots_of(const struct supervisor_child *child)
{
    return (uint64_t *)(uintptr_t)(child + 1);
}

static uint64_t *
ring_of(const struct supervisor_child *child)
{
    return child->grants_moved ? supervisor_child_moved_grants(child) : slots_of(child);
}

uint64_t *
supervisor_child_moved_grants(const struct supervisor_child *child)
{
    return child->grants_moved ? (uint64_t *)(uintptr_t)*slots_of(child) : NULL;
}

/* Grants in the ring. */
static uint32_t
size_of(const struct supervisor_child *child)
{
    uint32_t capacity = child->policy->max_restarts;
    return child->grants_taken < capacity ? child->grants_taken : capacity;
}

/* The lived time of grant `index`, 0 being the oldest in the ring. */
static uint64_t
grant_at(const struct supervisor_child *child, uint32_t index)
{
    assert(index < size_of(child));
    uint32_t capacity = child->policy->max_restarts;
    uint32_t oldest = child->grants_taken < capacity ? 0 : child->grants_taken - capacity;
    uint64_t place = (uint64_t)oldest + index;
    return ring_of(child)[place < capacity ? place : place - capacity];
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
    if (max_restarts == RESTARTS_UNLIMITED || child->grants_taken < max_restarts)
        return true;
    return max_restarts > 0 && !is_in_window(child, grant_at(child, 0), lived_us);
}

uint32_t
restart_budget_used(const struct supervisor_child *child, uint64_t lived_us)
{
    uint32_t size = size_of(child);
    uint32_t outside = 0;
    uint32_t end = size;
    while (outside < end) {
        uint32_t middle = outside + (end - outside) / 2;
        if (is_in_window(child, grant_at(child, middle), lived_us))
            end = middle;
        else
            outside = middle + 1;
    }
    return size - outside;
}

uint64_t
restart_budget_frees_us(const struct supervisor_child *child, uint64_t lived_us)
{
    uint32_t used = restart_budget_used(child, lived_us);
    if (used == 0)
        return DURATION_INFINITE;
    uint64_t age_us = lived_us - grant_at(child, size_of(child) - used);
    return child->policy->within_us - age_us;
}

void
restart_budget_take(struct supervisor_child *child, uint64_t lived_us)
{
    uint32_t capacity = child->policy->max_restarts;
    if (capacity == RESTARTS_UNLIMITED)
        return;
    uint32_t taken = child->grants_taken;
    ring_of(child)[taken < capacity ? taken : taken - capacity] = lived_us;
    child->grants_taken = taken + 1 < capacity * 2 ? taken + 1 : capacity;
}

void
restart_budget_move(struct supervisor_child *child, const struct child_policy *policy,
                    uint64_t *grants_us)
{
    uint32_t capacity = supervisor_child_grants_max(policy);
    uint32_t size = size_of(child);
    uint32_t kept = size < capacity ? size : capacity;
    for (uint32_t i = 0; i < kept; i++)
        grants_us[i] = grant_at(child, size - kept + i);
    child->policy = policy;
    child->grants_taken = kept;
    child->grants_moved = true;
    *slots_of(child) = (uintptr_t)grants_us;
}

void
restart_budget_restore(struct supervisor_child *child, const uint64_t *grants_us, size_t size)
{
    uint32_t capacity = supervisor_child_grants_max(child->policy);
    size_t kept = size < capacity ? size : capacity;
    for (size_t i = 0; i < kept; i++)
        ring_of(child)[i] = grants_us[size - kept + i];
    child->grants_taken = (uint32_t)kept;
}

void
restart_budget_clear(struct supervisor_child *child)
{
    child->grants_taken = 0;
}
