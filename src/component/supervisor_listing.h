/* Supervisor listing: what all supervisors of a tree say of their children, in tree order. */
#ifndef COMPONENT_SUPERVISOR_LISTING_H
#define COMPONENT_SUPERVISOR_LISTING_H

#include "policy/supervisor_bridge.h"

struct supervisor_wrapper;

/** Asks for the child at `path` (NULL: all); `listing.done` is called once, maybe in here. */
void supervisor_listing_begin(struct supervisor_wrapper *wrapper, const char *path,
                              struct bridge_listing listing);

#endif
