/* What the files control_*.c share: an exchange is one request and its answer. */
#ifndef DAEMON_CONTROL_INTERNAL_H
#define DAEMON_CONTROL_INTERNAL_H

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>

#include "base/list.h"
#include "daemon/control_route.h"
#include "daemon/control_server.h"

enum exchange_state {
    EXCHANGE_RECEIVING,
    EXCHANGE_WAITING,  /* For actors, or the end. The connection is suspended. */
    EXCHANGE_ANSWERED, /* `status` and `answer` are there. */
    EXCHANGE_SENDING   /* The response is queued. */
};

enum stream_kind { STREAM_NONE, STREAM_EVENTS, STREAM_LOGS, STREAM_CHILDREN };

/* An answer that is made while it is sent. */
struct control_stream {
    enum stream_kind kind;
    bool follow;
    bool is_leaf;        /* Logs: of one component, from its files. */
    bool started;        /* A record of the ring was taken: from then on none may be lost. */
    uint64_t next;       /* Number in the ring. */
    struct buffer block; /* Made, not yet taken. */
    struct log_snapshot snapshot; /* Logs: files that come first. */
    size_t file;
    size_t child; /* Children: where the next one is packed. */
    uint64_t offsets[LOG_FILES_A_CHILD];
    char *below; /* Logs: of this child and all under it. */
};

/* One add, scale, reload or start anew, while the thread of changes has it. */
struct exchange_change {
    struct list link;
    bool dry_run;    /* Of a reload. */
    char *directory; /* Of an add, from its query; NULL: none. */
    char *file;
    uint32_t count;       /* Of a scale. */
    struct buffer report; /* What is wrong with the child that was to be added. */
    bool out_of_memory;
    bool deletes; /* All of a `count`. */
    bool starts;  /* A start whose component is opened anew. */
};

struct exchange {
    struct control_server *server;
    struct MHD_Connection *connection; /* NULL once it is over for MHD. */
    struct client *client;
    struct list link; /* In server->exchanges. */
    enum exchange_state state;
    bool suspended;
    bool hung_up;      /* The client is gone. */
    uint64_t taken_us; /* Stream: when its client last took something. */
    bool pending;      /* The application still owes an answer. */

    enum control_route_result routed;
    struct control_route route; /* Meaningful if ROUTE_FOUND. */
    struct buffer body;

    unsigned status;
    const char *content_type;
    struct buffer answer;
    struct control_stream stream;

    /* Written by whoever completes the request, before it is put into server->completed. */
    struct list completed;
    enum airs_status done_status;
    char *done_text;
    struct buffer done_bytes;
    struct store_query history;
    struct exchange_change change;
    struct buffer children; /* Packed, see control_children.c. */
    bool children_lost;     /* Memory ran out. */
};

/* One connection, also between requests. */
struct client {
    struct control_server *server;
    struct list link; /* In server->clients, the oldest first. */
    int fd;
    uint64_t receiving_us;     /* Since when a request is awaited; 0: one is being answered. */
    struct exchange *exchange; /* NULL: none yet. */
};

/* The thread of changes, and what waits for it. */
struct control_changes {
    pthread_t thread;
    bool has_thread; /* The loop's. */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct list queue; /* exchange.change.link. */
    bool closing;
    bool reloads; /* A reload waits or is under way. The loop's. */
};

struct control_server {
    struct control_options options;
    struct control_changes changes;
    enum control_phase phase;
    struct MHD_Daemon *mhd;
    struct list clients;
    unsigned clients_count;
    struct list exchanges;
    struct record_ring *events;
    struct buffer record; /* Scratch of the streams. */

    int hangup_fd; /* Epoll: suspended connections, for their hang-up alone. */
    uv_poll_t mhd_poll;
    uv_poll_t hangup_poll;
    uv_timer_t mhd_timer;
    uv_timer_t reaper; /* Runs while there are clients. */
    uv_async_t completion;

    pthread_mutex_t lock;     /* Guards the rest: any thread pushes. */
    bool accepts_completions; /* `completion` is open. */
    struct list completed;
};

/* control_server.c */
void exchange_suspend(struct exchange *exchange);
void exchange_resume(struct exchange *exchange);
/** Any thread: the application has answered; the loop goes on with it. */
void exchange_complete(struct exchange *exchange);

/* control_clients.c: libmicrohttpd's callbacks. */
/** A connection begins or ends. */
void control_on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                           enum MHD_ConnectionNotificationCode code);
/** The headers of a request, then each piece of its body, then its end; and again each time
 * that its suspended connection is resumed. */
enum MHD_Result control_on_request(void *context, struct MHD_Connection *connection,
                                   const char *url, const char *method, const char *version,
                                   const char *upload, size_t *upload_size, void **request_context);
/** A request is over, for whatever reason. */
void control_on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                          enum MHD_RequestTerminationCode code);
void exchange_free(struct exchange *exchange);

/* control_exchange.c: routes and answers. */
void exchange_dispatch(struct exchange *exchange);
/** On the loop, once the application has answered. */
void exchange_finish(struct exchange *exchange);
/** Waits for the application's answer, or fails with what it said at once. */
void exchange_await(struct exchange *exchange, enum airs_status status,
                    const struct airs_error *error);

/* control_answer.c */
/** The HTTP status of a request that the application did not take. */
unsigned exchange_refusal_code(enum airs_status status);
void exchange_answer(struct exchange *exchange, unsigned status, const char *content_type);
void exchange_fail(struct exchange *exchange, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** The same, of a text of any length. */
void exchange_fail_text(struct exchange *exchange, unsigned status, const char *text);
/** A message that was not taken, or not answered: "kind" says which of the two 502 is. */
void exchange_fail_message(struct exchange *exchange, enum airs_status status, bool was_taken,
                           const char *text);
void exchange_answer_text(struct exchange *exchange, unsigned status, const char *content_type,
                          const char *text);
/** With what was completed, `done_bytes`, as it is. */
void exchange_answer_done(struct exchange *exchange, const char *content_type);
const char *exchange_query(const struct exchange *exchange, const char *key);
/** Of a JSON value, which is consumed; NULL: out of memory. */
void exchange_answer_json(struct exchange *exchange, json_t *object);
/** False, and the exchange failed: a flag in the query is neither yes nor no. */
bool exchange_check_flags(struct exchange *exchange);
/** Whether the query has the flag `key`, as "1" or "true". */
bool exchange_query_is_set(const struct exchange *exchange, const char *key);

/* control_change.c */
void changes_open(struct control_changes *changes);
/** Every change that was asked for has its answer when this returns.  Blocks: until then. */
void changes_close(struct control_changes *changes);
void changes_deinit(struct control_changes *changes);
/** Hands the exchange to the thread; what becomes of it comes by exchange_finish(). */
void changes_queue(struct exchange *exchange);
/** Takes a line of a report. On the thread; `context` is the exchange. */
void change_on_report(void *context, const char *line);
bool change_is_verb(const char *verb);
void change_request_add(struct exchange *exchange);
void change_request_scale(struct exchange *exchange);
void change_finish(struct exchange *exchange);
void change_deinit(struct exchange_change *change);
void counts_request(struct exchange *exchange);
void counts_finish(struct exchange *exchange);

/* control_reload.c */
void reload_request(struct exchange *exchange, bool dry_run);
/** On the thread of changes. */
enum airs_status reload_run(struct exchange *exchange, struct airs_error *error);
void reload_finish(struct exchange *exchange);

/* control_history.c */
void history_request(struct exchange *exchange);
void history_finish(struct exchange *exchange);

/* control_children.c */
/** Whether `path` is `below`, or under it. */
bool path_is_in(const char *path, const char *below);
void children_visit(void *context, const struct airs_child *child);
/** Appends the child at `*at` of those that were visited as a line to `text`, and goes on; false:
 * there is none. *enough becomes false when memory runs out. */
bool children_append_next(const struct exchange *exchange, size_t *at, struct buffer *text,
                          bool *enough);
/** Turns what was visited into JSON lines in exchange->answer. */
bool children_format(struct exchange *exchange);
/** True when no child is registered, restarting, starting or not ready. */
bool children_are_ready(struct exchange *exchange);

/* control_stream.c */
void stream_open_events(struct exchange *exchange);
void stream_open_logs(struct exchange *exchange);
/** Of what was visited already: the lines are made while they are sent. */
void stream_open_children(struct exchange *exchange);
void stream_close(struct control_stream *stream);
ssize_t stream_read(void *context, uint64_t position, char *to, size_t size);

#endif
