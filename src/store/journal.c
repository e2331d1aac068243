#include "store/journal_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/error.h"
#include "store/checksum.h"

void
journal_path_of(const struct journal *journal, uint64_t first_seq, char *to, size_t size)
{
    snprintf(to, size, "%s/journal-%020" PRIu64, journal->dir, first_seq);
}

void
journal_segment_free(struct segment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    list_remove(&segment->link);
    free(segment);
}

static uint32_t
header_checksum(const struct file_header *header)
{
    return checksum_add(0, &header->first_seq, sizeof header->first_seq + sizeof header->run);
}

static void
put_behind_locked(struct journal *journal, struct segment *segment)
{
    list_push_back(&journal->segments, &segment->link);
    journal->bytes += segment->end;
    journal->files++;
}

static struct segment *
segment_behind(const struct segment *segment)
{
    return container_of(segment->link.next, struct segment, link);
}

/* There is one behind it. */
static void
give_way_locked(struct journal *journal, struct segment *segment)
{
    char path[PATH_MAX];
    journal_path_of(journal, segment->header.first_seq, path, sizeof path);
    unlink(path);
    segment->is_gone = true;
    journal->bytes -= segment->end;
    journal->files--;
    if (!segment->is_done)
        atomic_fetch_add(&journal->lost,
                         segment_behind(segment)->header.first_seq - segment->header.first_seq);
}

/* ---- Opening ---- */

/* Before anybody reads: what gives way is closed at once. */
static void
remove_oldest(struct journal *journal)
{
    while (journal->files > JOURNAL_FILES_MAX) {
        struct segment *oldest = container_of(journal->segments.next, struct segment, link);
        give_way_locked(journal, oldest);
        journal_segment_free(oldest);
    }
}

/* A file of an earlier opening. One that is no journal of ours is left alone. */
static enum airs_status
open_old(struct journal *journal, const char *name, struct airs_error *error)
{
    char path[PATH_MAX];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", journal->dir, name);
    struct segment *segment = calloc(1, sizeof *segment);
    if (!segment)
        return fail(error, AIRS_ENOMEM, "journal: out of memory");
    list_init(&segment->link);
    segment->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct file_header *header = &segment->header;
    bool is_ours = segment->fd >= 0 && fstat(segment->fd, &about) == 0 && S_ISREG(about.st_mode) &&
                   pread(segment->fd, header, sizeof *header, 0) == sizeof *header &&
                   memcmp(header->mark, FILE_MARK, sizeof header->mark) == 0;
    if (is_ours && header->version > JOURNAL_VERSION) {
        fail(error, AIRS_EDENIED, "%s is of a newer version of airs (%u, this one writes %u)", path,
             header->version, JOURNAL_VERSION);
        journal_segment_free(segment);
        return AIRS_EDENIED;
    }
    if (!is_ours || header->checksum != header_checksum(header)) {
        journal_segment_free(segment);
        return AIRS_OK;
    }
    segment->end = (uint64_t)about.st_size;
    segment->at = segment->safe_at = sizeof *header;
    put_behind_locked(journal, segment);
    return AIRS_OK;
}

static int
is_journal(const struct dirent *entry)
{
    return strncmp(entry->d_name, "journal-", 8) == 0;
}

static enum airs_status
scan(struct journal *journal, struct airs_error *error)
{
    struct dirent **entries;
    int count = scandir(journal->dir, &entries, is_journal, alphasort);
    if (count < 0)
        return fail(error, AIRS_EIO, "cannot read %s: %s", journal->dir, strerror(errno));
    enum airs_status status = AIRS_OK;
    for (int i = 0; i < count; i++) {
        if (status == AIRS_OK)
            status = open_old(journal, entries[i]->d_name, error);
        if (status == AIRS_OK)
            remove_oldest(journal);
        free(entries[i]);
    }
    free(entries);
    return status;
}

enum airs_status
journal_open(const char *dir, struct journal **journal_out, struct airs_error *error)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return fail(error, AIRS_ENOMEM, "journal: out of memory");
    pthread_mutex_init(&journal->lock, NULL);
    list_init(&journal->segments);
    buffer_init(&journal->piece, 0);
    journal->dir = strdup(dir);
    journal->pending = malloc(JOURNAL_PENDING_BYTES_MAX);
    enum airs_status status = journal->dir && journal->pending
                                  ? scan(journal, error)
                                  : fail(error, AIRS_ENOMEM, "journal: out of memory");
    if (status != AIRS_OK) {
        journal_close(journal);
        return status;
    }
    *journal_out = journal;
    return AIRS_OK;
}

void
journal_close(struct journal *journal)
{
    if (!journal)
        return;
    struct list *link;
    while ((link = list_pop_front(&journal->segments)) != NULL)
        journal_segment_free(container_of(link, struct segment, link));
    buffer_deinit(&journal->piece);
    pthread_mutex_destroy(&journal->lock);
    free(journal->pending);
    free(journal->dir);
    free(journal);
}

uint64_t
journal_seq_floor(const struct journal *journal)
{
    uint64_t floor = 0;
    list_for_each(link, (struct list *)(uintptr_t)&journal->segments) {
        const struct segment *segment = container_of(link, struct segment, link);
        if (segment->header.first_seq > floor + 1)
            floor = segment->header.first_seq - 1;
    }
    return floor;
}

/* ---- Writing ---- */

static bool
write_header(struct segment *segment)
{
    const struct file_header header = segment->header;
    struct iovec part = { (void *)(uintptr_t)&header, sizeof header };
    return pwritev(segment->fd, &part, 1, 0) == (ssize_t)sizeof header;
}

/* A new file; NULL with errno. It takes the place of one of the same name, which has no record. */
static struct segment *
segment_new(struct journal *journal, uint64_t first_seq)
{
    char path[PATH_MAX];
    struct segment *segment = calloc(1, sizeof *segment);
    if (!segment)
        return NULL;
    list_init(&segment->link);
    segment->header = (struct file_header){ .version = JOURNAL_VERSION,
                                            .first_seq = first_seq,
                                            .run = journal->run };
    memcpy(segment->header.mark, FILE_MARK, sizeof segment->header.mark);
    segment->header.checksum = header_checksum(&segment->header);
    journal_path_of(journal, first_seq, path, sizeof path);
    segment->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (segment->fd < 0 || !write_header(segment)) {
        int cause = errno;
        journal_segment_free(segment);
        errno = cause;
        return NULL;
    }
    segment->end = segment->at = segment->safe_at = sizeof segment->header;
    return segment;
}

/* The oldest files give way until there is room; the reader closes them. */
static void
make_room_locked(struct journal *journal)
{
    list_for_each(link, &journal->segments) {
        struct segment *segment = container_of(link, struct segment, link);
        if (journal->bytes <= JOURNAL_BYTES_MAX && journal->files <= JOURNAL_FILES_MAX)
            return;
        if (!segment->is_gone && segment != journal->current)
            give_way_locked(journal, segment);
    }
}

static bool
begin_segment(struct journal *journal, uint64_t first_seq)
{
    struct segment *segment = segment_new(journal, first_seq);
    if (!segment)
        return false;
    pthread_mutex_lock(&journal->lock);
    put_behind_locked(journal, segment);
    journal->current = segment;
    make_room_locked(journal);
    pthread_mutex_unlock(&journal->lock);
    return true;
}

enum airs_status
journal_begin(struct journal *journal, uint64_t next_seq, struct airs_error *error)
{
    journal->run = next_seq;
    /* A file of that name is of an opening in which nothing happened: it has no record. */
    list_for_each(link, &journal->segments) {
        struct segment *segment = container_of(link, struct segment, link);
        if (segment->header.first_seq != next_seq)
            continue;
        journal->bytes -= segment->end;
        journal->files--;
        journal->reading = NULL;
        journal_segment_free(segment);
        break;
    }
    if (!begin_segment(journal, next_seq))
        return fail(error, AIRS_EIO, "cannot write a journal in %s: %s", journal->dir,
                    strerror(errno));
    return AIRS_OK;
}

/* All of it or nothing: half a record would hide all behind it. */
static bool
write_pending(struct journal *journal)
{
    struct segment *segment = journal->current;
    ssize_t size = (ssize_t)journal->pending_bytes;
    ssize_t done;
    do
        done = pwrite(segment->fd, journal->pending, journal->pending_bytes, (off_t)segment->end);
    while (done < 0 && errno == EINTR);
    if (done == size)
        return true;
    if (done > 0)
        (void)!ftruncate(segment->fd, (off_t)segment->end);
    return false;
}

bool
journal_commit(struct journal *journal)
{
    if (journal->pending_bytes == 0)
        return true;
    bool written = write_pending(journal);
    if (written) {
        pthread_mutex_lock(&journal->lock);
        journal->current->end += journal->pending_bytes;
        journal->bytes += journal->pending_bytes;
        pthread_mutex_unlock(&journal->lock);
    } else {
        atomic_fetch_add(&journal->lost, journal->pending_records);
    }
    journal->pending_bytes = 0;
    journal->pending_records = 0;
    return written;
}

/* A file begins with the first record of a commit. */
static bool
has_file(struct journal *journal, uint64_t seq)
{
    if (!journal->current)
        return false;
    if (journal->pending_bytes > 0 || journal->current->end <= JOURNAL_FILE_BYTES_MAX)
        return true;
    return begin_segment(journal, seq);
}

bool
journal_add(struct journal *journal, uint64_t seq, const void *bytes, size_t size)
{
    struct record_header header = { .mark = RECORD_MARK,
                                    .type = RECORD_EVENT,
                                    .size = (uint32_t)size };
    if (size <= JOURNAL_RECORD_BYTES_MAX &&
        journal->pending_bytes + sizeof header + size > JOURNAL_PENDING_BYTES_MAX)
        journal_commit(journal);
    if (size > JOURNAL_RECORD_BYTES_MAX || !has_file(journal, seq)) {
        atomic_fetch_add(&journal->lost, 1);
        return false;
    }
    header.checksum = checksum_add(0, &header.type, sizeof header.type);
    header.checksum = checksum_add(header.checksum, &header.size, sizeof header.size);
    header.checksum = checksum_add(header.checksum, bytes, size);
    char *to = journal->pending + journal->pending_bytes;
    memcpy(to, &header, sizeof header);
    memcpy(to + sizeof header, bytes, size);
    journal->pending_bytes += sizeof header + size;
    journal->pending_records++;
    return true;
}

bool
journal_append(struct journal *journal, uint64_t seq, const void *bytes, size_t size)
{
    return journal_add(journal, seq, bytes, size) && journal_commit(journal);
}

uint64_t
journal_lost(const struct journal *journal)
{
    return atomic_load(&journal->lost);
}
