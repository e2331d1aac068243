/* Control server: the application's HTTP interface on its Unix socket, driven by the loop.
 *
 * A request is received, routed, and either answered at once or suspended until the actors
 * have answered. Streams (events, logs) are suspended while there is nothing new. Whatever
 * a client does (nothing, garbage, too much, or not reading) costs a bounded amount of
 * memory and no other client or child anything. Thread: the loop's, where nothing else is said.
 */
#ifndef DAEMON_CONTROL_SERVER_H
#define DAEMON_CONTROL_SERVER_H

#include <uv.h>

#include <airs/application.h>

#include "daemon/log_store.h"
#include "daemon/record_ring.h"
#include "store/store.h"

#define CONTROL_CONNECTIONS_MAX \
    128u /* At a time; the next one cuts off who waits longest for its client, else a follower. */
#define CONTROL_MEMORY_BYTES_MAX ((size_t)32 << 10) /* Of a connection: request line and headers. */
#define CONTROL_BODY_BYTES_MAX AIRS_CALL_BYTES_MAX  /* Of a request: 413. */
#define CONTROL_IDLE_S 30u /* A client that neither sends nor reads is cut off, streams apart. */
#define CONTROL_REQUEST_US_MAX \
    UINT64_C(60000000) /* A request that takes longer to arrive is cut off. */
#define CONTROL_STREAM_BLOCK_BYTES ((size_t)32 << 10) /* Of a stream in one piece. */
#define CONTROL_CHILDREN_AT_ONCE_BYTES \
    ((size_t)256 << 10)                              /* A longer list is made while it is sent. */
#define CONTROL_HISTORY_COUNT 100u                   /* Of a history that names no count; */
#define CONTROL_HISTORY_COUNT_MAX 10000u             /* at most so many, */
#define CONTROL_HISTORY_BYTES_MAX ((size_t)32 << 20) /* and so much. */
#define CONTROL_CALL_TIMEOUT_US UINT64_C(30000000)   /* Of a call that names none. */

struct control_server;

struct control_options {
    uv_loop_t *loop;
    int listen_fd;                        /* The server's from now on. */
    struct airs_application *application; /* Borrowed, as the next two. */
    struct record_ring *events;
    struct log_store *logs;
    struct store *store; /* Borrowed; NULL: there is no history. */
    /** POST /v1/down: `kill`: at once. */
    void (*down)(void *context, bool kill);
    void *context;
};

enum control_phase {
    CONTROL_STARTING, /* The tree is not up yet: 503. */
    CONTROL_RUNNING,
    CONTROL_ENDED /* The last event is in the ring: streams end behind it, `down` is answered. */
};

/** Listens from now on. AIRS_EIO, AIRS_ENOMEM. */
enum airs_status control_server_new(const struct control_options *options,
                                    struct control_server **server_out, struct airs_error *error);

void control_server_set_phase(struct control_server *server, enum control_phase phase);

/** There are new events (the ring's `wake` was called), or lines. */
void control_server_on_events(struct control_server *server);
void control_server_on_lines(struct control_server *server);

/** No request is being received or answered: what a drain waits for. */
bool control_server_is_idle(const struct control_server *server);

/**
 * Cuts all clients off and closes everything; no request is accepted afterwards. Answers of
 * the application may still come, until control_server_free().
 */
void control_server_close(struct control_server *server);

/** After close, when the loop has closed its handles and the application is freed. */
void control_server_free(struct control_server *server);

#endif
