/* Streams: events and lines, made block by block as the client takes them.
 *
 * A stream is at a number in its ring. Nothing new: it is suspended until the next record
 * (follow) or ends. A client that is overtaken by the ring is cut off without the end mark of
 * a chunked body, so that it knows; it resumes with the last seq that it has.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/control_internal.h"
#include "daemon/event_json.h"
#include "daemon/event_ring.h"

/* ---- Opening ---- */

/* A query parameter that is a number; false, and the exchange failed: it is none. */
static bool
number_of(struct exchange *exchange, const char *key, uint64_t fallback, uint64_t *number_out)
{
    const char *text = exchange_query(exchange, key);
    *number_out = fallback;
    if (!text || control_number_parse(text, number_out))
        return true;
    exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "'%s' is a number", key);
    return false;
}

static void
begin(struct exchange *exchange, enum stream_kind kind)
{
    exchange->stream.kind = kind;
    exchange->stream.follow = exchange_query_is_set(exchange, "follow");
    exchange->status = MHD_HTTP_OK;
    exchange->content_type = "application/x-ndjson";
    exchange->state = EXCHANGE_ANSWERED;
}

void
stream_open_events(struct exchange *exchange)
{
    struct record_ring *ring = exchange->server->options.events;
    struct store *store = exchange->server->options.store;
    uint64_t oldest = record_ring_oldest(ring);
    uint64_t since;
    /* Events of earlier runs are for those who ask for them. */
    uint64_t earlier = store ? store_last_seq(store) : 0;
    if (!number_of(exchange, "since", earlier >= oldest ? earlier : oldest - 1, &since))
        return;
    if (since + 1 < oldest) {
        exchange_fail(exchange, MHD_HTTP_GONE, "events up to %" PRIu64 " are no longer kept",
                      oldest - 1);
        return;
    }
    exchange->stream.next = since + 1;
    exchange->stream.started = true;
    begin(exchange, STREAM_EVENTS);
}

/* The files of one child up to now, then the ring. */
static bool
open_files(struct exchange *exchange, uint64_t lines)
{
    struct log_store *logs = exchange->server->options.logs;
    struct control_stream *stream = &exchange->stream;
    struct airs_error error = { 0 };
    while (log_store_flush(logs, NULL))
        ;
    stream->next = log_store_flushed(logs) + 1;
    stream->started = true;
    if (log_files_snapshot(log_store_files(logs), exchange->route.path, &stream->snapshot,
                           &error) != AIRS_OK) {
        exchange_fail(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", error.message);
        return false;
    }
    if (lines != UINT64_MAX)
        log_snapshot_tail(&stream->snapshot, lines, stream->offsets);
    return true;
}

/* Of several children: what memory has; its last `lines` lines that concern them. */
static void
open_ring(struct exchange *exchange, uint64_t lines)
{
    struct record_ring *ring = log_store_ring(exchange->server->options.logs);
    struct buffer *record = &exchange->server->record;
    uint64_t oldest = record_ring_oldest(ring);
    uint64_t at = record_ring_newest(ring) + 1;
    if (lines == UINT64_MAX)
        at = oldest;
    while (at > oldest && lines > 0 && record_ring_read(ring, at - 1, record) == RECORD_FOUND) {
        struct airs_log_line line;
        log_store_decode(record, &line);
        if (path_is_in(line.path, exchange->stream.below))
            lines--;
        at--;
    }
    exchange->stream.next = at;
}

void
stream_open_logs(struct exchange *exchange)
{
    bool is_leaf = exchange->stream.is_leaf;
    uint64_t lines;
    if (!number_of(exchange, "lines", UINT64_MAX, &lines))
        return;
    exchange->stream.below = strdup(exchange->route.path);
    if (!exchange->stream.below) {
        exchange_fail(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
        return;
    }
    if (is_leaf && !open_files(exchange, lines))
        return;
    if (!is_leaf)
        open_ring(exchange, lines);
    begin(exchange, STREAM_LOGS);
}

void
stream_open_children(struct exchange *exchange)
{
    begin(exchange, STREAM_CHILDREN);
    exchange->stream.follow = false;
}

void
stream_close(struct control_stream *stream)
{
    buffer_deinit(&stream->block);
    log_snapshot_close(&stream->snapshot);
    free(stream->below);
    stream->below = NULL;
}

/* ---- Reading ---- */

enum made { MADE_SOME, MADE_NOTHING, MADE_LOSS };

static struct record_ring *
ring_of(const struct exchange *exchange)
{
    return exchange->stream.kind == STREAM_EVENTS ? exchange->server->options.events
                                                  : log_store_ring(exchange->server->options.logs);
}

/* Appends the record as a line, if this stream shows it; false: out of memory. */
static bool
append_record(struct exchange *exchange, const struct buffer *record)
{
    struct control_stream *stream = &exchange->stream;
    if (stream->kind == STREAM_EVENTS) {
        struct airs_event event;
        event_ring_decode(record, &event);
        return event_json_append(
            &stream->block, airs_application_name(exchange->server->options.application), &event);
    }
    struct airs_log_line line;
    log_store_decode(record, &line);
    return !path_is_in(line.path, stream->below) || log_json_append(&stream->block, &line);
}

/* Makes lines of records until a block is full or there are no more. */
static enum made
make_from_ring(struct exchange *exchange)
{
    struct control_stream *stream = &exchange->stream;
    struct record_ring *ring = ring_of(exchange);
    struct buffer *record = &exchange->server->record;
    while (stream->block.size < CONTROL_STREAM_BLOCK_BYTES) {
        switch (record_ring_read(ring, stream->next, record)) {
        case RECORD_FOUND:
            break;
        case RECORD_NOT_YET:
            return stream->block.size > 0 ? MADE_SOME : MADE_NOTHING;
        case RECORD_LOST:
            if (stream->started)
                return MADE_LOSS;
            stream->next = record_ring_oldest(ring);
            continue;
        }
        if (!append_record(exchange, record))
            return MADE_LOSS;
        stream->started = stream->started || stream->block.size > 0;
        stream->next++;
    }
    return MADE_SOME;
}

/* A block of the files, which are JSON lines already. */
static enum made
make_from_files(struct exchange *exchange)
{
    struct control_stream *stream = &exchange->stream;
    char bytes[8192];
    while (stream->file < stream->snapshot.count) {
        size_t i = stream->file;
        uint64_t left = stream->snapshot.sizes[i] - stream->offsets[i];
        size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
        ssize_t got =
            size == 0 ? 0 : pread(stream->snapshot.fds[i], bytes, size, (off_t)stream->offsets[i]);
        if (got <= 0) { /* Its end, or unreadable: the next one. */
            log_snapshot_close_file(&stream->snapshot, i);
            stream->file++;
            continue;
        }
        stream->offsets[i] += (uint64_t)got;
        return buffer_append(&stream->block, bytes, (size_t)got) ? MADE_SOME : MADE_LOSS;
    }
    return MADE_NOTHING;
}

static enum made
make_from_children(struct exchange *exchange)
{
    struct control_stream *stream = &exchange->stream;
    bool enough = true;
    while (enough && stream->block.size < CONTROL_STREAM_BLOCK_BYTES &&
           children_append_next(exchange, &stream->child, &stream->block, &enough))
        continue;
    if (!enough)
        return MADE_LOSS;
    return stream->block.size > 0 ? MADE_SOME : MADE_NOTHING;
}

static enum made
make_block(struct exchange *exchange)
{
    struct control_stream *stream = &exchange->stream;
    if (stream->kind == STREAM_CHILDREN)
        return make_from_children(exchange);
    enum made made = make_from_files(exchange);
    if (made != MADE_NOTHING)
        return made;
    bool ends_with_files =
        stream->kind == STREAM_LOGS && exchange->stream.is_leaf && !stream->follow;
    return ends_with_files ? MADE_NOTHING : make_from_ring(exchange);
}

ssize_t
stream_read(void *context, uint64_t position, char *to, size_t size)
{
    (void)position;
    struct exchange *exchange = context;
    struct control_stream *stream = &exchange->stream;
    if (exchange->hung_up)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    exchange->taken_us = clock_now_us();
    if (stream->block.size == 0) {
        switch (make_block(exchange)) {
        case MADE_SOME:
            break;
        case MADE_LOSS:
            return MHD_CONTENT_READER_END_WITH_ERROR;
        case MADE_NOTHING:
            if (!stream->follow || exchange->server->phase == CONTROL_ENDED)
                return MHD_CONTENT_READER_END_OF_STREAM;
            exchange_suspend(exchange);
            if (stream->kind == STREAM_EVENTS)
                record_ring_want(ring_of(exchange), stream->next - 1);
            return 0;
        }
    }
    if (size > stream->block.size)
        size = stream->block.size;
    memcpy(to, stream->block.data, size);
    buffer_consume(&stream->block, size);
    return (ssize_t)size;
}
