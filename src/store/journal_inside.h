/* Journal, inside: what the side that writes and the side that reads share. */
#ifndef STORE_JOURNAL_INSIDE_H
#define STORE_JOURNAL_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "store/journal.h"

#define FILE_MARK "AIRSJRNL"
#define RECORD_MARK 0x4C52u
#define RECORD_EVENT 1u

/* On disk in this order, least significant byte first (the machine's own order). */
struct file_header {
    char mark[8];
    uint32_t version;
    uint32_t checksum; /* Of the two below. */
    uint64_t first_seq;
    uint64_t run;
};

struct record_header {
    uint16_t mark;
    uint16_t type;
    uint32_t size;
    uint32_t checksum; /* Of type, size and the bytes. */
    uint32_t reserved;
};

struct segment {
    struct list link;
    struct file_header header;
    int fd;
    uint64_t end; /* Of what may be read. */
    uint64_t at;  /* The reader's place, and that of its last journal_forget(). */
    uint64_t safe_at;
    bool is_done; /* Read to its end: removed at the next journal_forget(). */
    bool is_gone; /* It gave way; removed by the reader. */
};

struct journal {
    char *dir; /* Constant. */

    pthread_mutex_t lock; /* Guards the list, the segments' `end` and flags, `bytes` and `files`. */
    struct list segments; /* Oldest first; the last one is written. Only the reader removes. */
    uint64_t bytes;       /* Of those that have not given way, as `files`. */
    unsigned files;

    struct segment *current; /* The appending thread's, as the next ones; NULL: not begun. */
    uint64_t run;
    char *pending; /* Whole records, JOURNAL_PENDING_BYTES_MAX at most. */
    size_t pending_bytes;
    unsigned pending_records;

    atomic_uint_fast64_t lost;

    struct segment *reading; /* The reader's. */
    struct buffer piece;
    uint64_t piece_at; /* Where in the segment `piece` begins. */
};

/** The file whose first record is of that seq. */
void journal_path_of(const struct journal *journal, uint64_t first_seq, char *to, size_t size);
/** Closes it; its file stays. */
void journal_segment_free(struct segment *segment);

#endif
