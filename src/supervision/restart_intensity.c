/* Restart intensity: see restart_intensity.h for the idea. */
#include "supervision/restart_intensity.h"

#include <assert.h>

bool
restart_intensity_has_room(const struct supervisor_node *node, uint64_t now_us)
{
    uint32_t max_restarts = node->policy.max_restarts;
    if (max_restarts == RESTARTS_UNLIMITED || node->grants_size < max_restarts)
        return true;
    /* A full ring: the next place is the oldest's. */
    return max_restarts > 0 && now_us - node->grants_us[node->grants_next] > node->policy.within_us;
}

void
restart_intensity_take(struct supervisor_node *node, uint64_t now_us)
{
    uint32_t capacity = node->policy.max_restarts;
    if (capacity == RESTARTS_UNLIMITED)
        return;
    assert(node->grants_next < capacity);

    node->grants_us[node->grants_next] = now_us;
    node->grants_next = node->grants_next + 1 == capacity ? 0 : node->grants_next + 1;
    if (node->grants_size < capacity)
        node->grants_size++;
}

void
restart_intensity_restore(struct supervisor_node *node, uint64_t now_us, const uint64_t *ages_us,
                          size_t size)
{
    uint32_t capacity = node->policy.max_restarts;
    if (capacity == RESTARTS_UNLIMITED || capacity == 0)
        return;
    for (size_t i = size > capacity ? size - capacity : 0; i < size; i++)
        /* One from before the clock began wraps, and so does its difference to any later time. */
        restart_intensity_take(node, now_us - ages_us[i]);
    node->intensity_resumes = node->grants_size > 0;
}

void
restart_intensity_clear(struct supervisor_node *node)
{
    node->grants_size = 0;
    node->grants_next = 0;
    node->intensity_resumes = false;
}

/* The time of grant `index`, 0 being the oldest in the ring. */
static uint64_t
grant_at(const struct supervisor_node *node, uint32_t index)
{
    uint32_t capacity = node->policy.max_restarts;
    uint32_t oldest = node->grants_size < capacity ? 0 : node->grants_next;
    uint64_t place = (uint64_t)oldest + index;
    return node->grants_us[place < capacity ? place : place - capacity];
}

void
restart_intensity_move(struct supervisor_node *node, const struct node_policy *policy,
                       uint64_t *grants_us)
{
    uint32_t capacity = policy->max_restarts == RESTARTS_UNLIMITED ? 0 : policy->max_restarts;
    uint32_t kept = node->grants_size < capacity ? node->grants_size : capacity;
    uint32_t oldest = node->grants_size - kept;
    for (uint32_t i = 0; i < kept; i++)
        grants_us[i] = grant_at(node, oldest + i);
    node->policy = *policy;
    node->grants_us = grants_us;
    node->grants_size = kept;
    node->grants_next = kept == capacity ? 0 : kept;
}
