/* Log files: each child's lines in files of its own, rotated by size.
 *
 * A child's path is a directory under the root, its files there are `_log` (the latest) and
 * `_log.1` … (older); no child can have a name that begins with '_'. Of thousands of files
 * only the last used ones are open. Writing collects; log_files_flush() does the work.
 * Thread: one.
 */
#ifndef DAEMON_LOG_FILES_H
#define DAEMON_LOG_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#define LOG_FILE_BYTES_MAX (UINT64_C(4) << 20) /* A file as large as this is rotated away. */
#define LOG_FILES_A_CHILD 4                    /* With the latest one; the oldest is deleted. */
#define LOG_FILES_OPEN_MAX 64 /* Open at a time; the least recently used is closed. */

struct log_files;

/** `directory` exists and is copied; NULL: out of memory. */
struct log_files *log_files_new(const char *directory);
/** Flushes and closes. NULL is allowed. */
void log_files_free(struct log_files *files);

/** Adds whole lines of the child at `path`. False: out of memory, nothing added. */
bool log_files_append(struct log_files *files, const char *path, const char *lines, size_t size);

/**
 * Writes what was added. AIRS_EIO: at least one file could not be written (the first error is
 * in `error`); its lines are lost, the others' are written.
 * Blocks: for the file system.
 */
enum airs_status log_files_flush(struct log_files *files, struct airs_error *error);

/* What a reader sees: the files of one child as they were at one moment, oldest first. */
struct log_snapshot {
    int fds[LOG_FILES_A_CHILD]; /* -1: closed. */
    uint64_t sizes[LOG_FILES_A_CHILD];
    size_t count;
};

/** Opens the flushed files of `path` for reading; no files: count 0. AIRS_EIO. */
enum airs_status log_files_snapshot(struct log_files *files, const char *path,
                                    struct log_snapshot *snapshot_out, struct airs_error *error);
void log_snapshot_close(struct log_snapshot *snapshot);
/** Closes one file before the rest. */
void log_snapshot_close_file(struct log_snapshot *snapshot, size_t file);
/** Skips all but the last `lines` lines: moves the files' beginnings (`begins`, zeroed) up. */
void log_snapshot_tail(const struct log_snapshot *snapshot, uint64_t lines,
                       uint64_t begins[LOG_FILES_A_CHILD]);

#endif
