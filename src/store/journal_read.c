/* Journal, reading: one thread, which alone removes files. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "store/checksum.h"
#include "store/journal_inside.h"

/* The segment that is read, or the next one with something to read; how far it may be read. */
static struct segment *
segment_to_read(struct journal *journal, uint64_t *end_out)
{
    struct segment *found = NULL;
    pthread_mutex_lock(&journal->lock);
    list_for_each(link, &journal->segments) {
        struct segment *segment = container_of(link, struct segment, link);
        if (segment->is_done || segment->is_gone)
            continue;
        found = segment;
        *end_out = segment->end;
        break;
    }
    pthread_mutex_unlock(&journal->lock);
    return found;
}

/* Nothing more comes in it: it is not the one that is written. */
static bool
finish(struct journal *journal, struct segment *segment, uint64_t end)
{
    pthread_mutex_lock(&journal->lock);
    bool is_over = segment != journal->current && segment->end == end;
    if (is_over)
        segment->is_done = true;
    pthread_mutex_unlock(&journal->lock);
    return is_over;
}

/* At least `size` bytes from segment->at on, or NULL. */
static const char *
bytes_at(struct journal *journal, struct segment *segment, uint64_t end, size_t size)
{
    if (end - segment->at < size)
        return NULL;
    bool is_same = journal->reading == segment && segment->at >= journal->piece_at &&
                   segment->at + size <= journal->piece_at + journal->piece.size;
    if (!is_same) {
        size_t wanted = end - segment->at < JOURNAL_READ_BYTES ? (size_t)(end - segment->at)
                                                               : JOURNAL_READ_BYTES;
        struct buffer *piece = &journal->piece;
        buffer_consume(piece, piece->size);
        if (piece->capacity < JOURNAL_READ_BYTES + 1) {
            static const char zeroes[4096];
            while (piece->size < JOURNAL_READ_BYTES && buffer_append(piece, zeroes, sizeof zeroes))
                ;
            if (piece->size < JOURNAL_READ_BYTES)
                return NULL;
        }
        ssize_t got = pread(segment->fd, piece->data, wanted, (off_t)segment->at);
        piece->size = got > 0 ? (size_t)got : 0;
        journal->reading = segment;
        journal->piece_at = segment->at;
        if (piece->size < size)
            return NULL;
    }
    return journal->piece.data + (segment->at - journal->piece_at);
}

enum found { FOUND_RECORD, FOUND_OTHER, FOUND_NOTHING, FOUND_DAMAGE };

static enum found
read_record(struct journal *journal, struct segment *segment, uint64_t end,
            struct journal_record *record_out)
{
    struct record_header header;
    if (end == segment->at)
        return FOUND_NOTHING;
    const char *bytes = bytes_at(journal, segment, end, sizeof header);
    if (!bytes)
        return FOUND_DAMAGE;
    memcpy(&header, bytes, sizeof header);
    if (header.mark != RECORD_MARK || header.size > JOURNAL_RECORD_BYTES_MAX)
        return FOUND_DAMAGE;
    bytes = bytes_at(journal, segment, end, sizeof header + header.size);
    if (!bytes)
        return FOUND_DAMAGE;
    bytes += sizeof header;
    uint32_t checksum = checksum_add(0, &header.type, sizeof header.type);
    checksum = checksum_add(checksum, &header.size, sizeof header.size);
    if (header.checksum != checksum_add(checksum, bytes, header.size))
        return FOUND_DAMAGE;
    segment->at += sizeof header + header.size;
    *record_out = (struct journal_record){ segment->header.run, bytes, header.size };
    return header.type == RECORD_EVENT ? FOUND_RECORD : FOUND_OTHER;
}

bool
journal_read(struct journal *journal, struct journal_record *record_out)
{
    struct segment *segment;
    uint64_t end;
    while ((segment = segment_to_read(journal, &end)) != NULL) {
        switch (read_record(journal, segment, end, record_out)) {
        case FOUND_RECORD:
            return true;
        case FOUND_OTHER: /* Of a later version that this one can still read. */
            break;
        case FOUND_NOTHING:
            if (!finish(journal, segment, end))
                return false;
            break;
        case FOUND_DAMAGE: /* What a death cut short; nothing behind it can be found. */
            segment->at = end;
            break;
        }
    }
    return false;
}

static void
remove_segment(struct journal *journal, struct segment *segment)
{
    char path[PATH_MAX];
    journal_path_of(journal, segment->header.first_seq, path, sizeof path);
    pthread_mutex_lock(&journal->lock);
    bool is_there = !segment->is_gone;
    if (is_there) {
        journal->bytes -= segment->end;
        journal->files--;
    }
    segment->is_gone = true;
    pthread_mutex_unlock(&journal->lock);
    if (is_there)
        unlink(path); /* Takes its time: no event waits for it. */
    pthread_mutex_lock(&journal->lock);
    if (journal->reading == segment)
        journal->reading = NULL;
    journal_segment_free(segment);
    pthread_mutex_unlock(&journal->lock);
}

/* Walks the list without its lock: only this thread removes from it. */
static struct segment *
next_of(struct journal *journal, struct segment *segment)
{
    pthread_mutex_lock(&journal->lock);
    struct list *link = segment ? segment->link.next : journal->segments.next;
    pthread_mutex_unlock(&journal->lock);
    return link == &journal->segments ? NULL : container_of(link, struct segment, link);
}

void
journal_forget(struct journal *journal)
{
    for (struct segment *segment = next_of(journal, NULL), *next; segment; segment = next) {
        next = next_of(journal, segment);
        segment->safe_at = segment->at;
        if (segment->is_done || segment->is_gone)
            remove_segment(journal, segment);
    }
}

void
journal_rewind(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    list_for_each(link, &journal->segments) {
        struct segment *segment = container_of(link, struct segment, link);
        segment->at = segment->safe_at;
        segment->is_done = false;
    }
    pthread_mutex_unlock(&journal->lock);
}
