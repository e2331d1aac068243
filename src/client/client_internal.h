/* What client.c and stream.c share: how a request is set up and how a failed one is named. */
#ifndef CLIENT_CLIENT_INTERNAL_H
#define CLIENT_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "client/client.h"

struct client {
    char *socket_path; /* Constant. */
    CURL *curl;        /* Kept between requests: one connection for all of them. */
};

/** Options that every request of ours has: the socket, no proxy, HTTP alone. */
void client_set_up(CURL *curl, const struct client *client);

/** Sets the URL of `target`; false when out of memory. */
bool client_set_target(CURL *curl, const char *target);

/** The report of a request that got no answer; `if_dropped` is the status of one whose connection
 * ended meanwhile. */
enum airs_status client_fail_transfer(const struct client *client, CURLcode code,
                                      enum airs_status if_dropped, struct airs_error *error);

/** The report of an answer that is an error: {"error":TEXT,…}, or anything with that code. */
enum airs_status client_fail_reply(int code, const struct buffer *body, struct airs_error *error);

#endif
