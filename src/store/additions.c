#include "store/additions.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/list.h"
#include "base/map.h"

#define FILE_NAME "additions"
#define NEXT_NAME "additions.next"

/* One line of the file that still counts. */
struct line {
    struct list link;
    char *path;
    char *text; /* With its newline. */
    size_t size;
};

struct additions {
    char *dir;
    void (*report)(void *context, const char *text);
    void *context;
    json_t *last; /* An array of what the last run kept; NULL: nothing. */
    int fd;       /* Of the file that is written; −1: not kept any more. */
    bool has_begun;
    bool told;
    size_t bytes; /* Of that file. */

    pthread_mutex_t lock; /* Guards the rest: any thread forgets. Never held across the disk. */
    struct list lines;    /* In the order in which they were kept. */
    struct map by_path;
    size_t live_bytes;
};

static void
tell(struct additions *additions, const char *text)
{
    if (!additions->told && additions->report)
        additions->report(additions->context, text);
    additions->told = true;
}

/* Of the last change of this run; the application goes on without. */
static void
lose(struct additions *additions, const char *why)
{
    char text[256];
    snprintf(text, sizeof text,
             "additions: %s; what is added by hand does not come back after a crash", why);
    tell(additions, text);
    if (additions->fd >= 0)
        close(additions->fd);
    additions->fd = -1;
}

/* ---- Lines ---- */

static void
line_free(struct line *line)
{
    if (!line)
        return;
    free(line->path);
    free(line->text);
    free(line);
}

static bool
set_text(json_t *object, const char *key, const char *text)
{
    return !text || json_object_set_new(object, key, json_string(text)) == 0;
}

static char *
text_of(const struct airs_kept *kept)
{
    const struct airs_addition *addition = &kept->addition;
    char *text = NULL;
    json_t *object = json_object();
    bool done = object && set_text(object, "path", kept->path);
    if (addition->text)
        done =
            done && set_text(object, "parent", addition->parent) &&
            set_text(object, "directory", addition->directory) &&
            set_text(object, "file", addition->file) &&
            json_object_set_new(object, "text", json_stringn(addition->text, addition->size)) == 0;
    else
        done = done && json_object_set_new(object, "numbers", json_integer(kept->numbers)) == 0;
    char *plain = done ? json_dumps(object, JSON_COMPACT) : NULL;
    if (plain && asprintf(&text, "%s\n", plain) < 0)
        text = NULL;
    free(plain);
    json_decref(object);
    return text;
}

static struct line *
line_new(const struct airs_kept *kept)
{
    struct line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    list_init(&line->link);
    line->path = strdup(kept->path);
    line->text = text_of(kept);
    line->size = line->text ? strlen(line->text) : 0;
    if (line->path && line->text)
        return line;
    line_free(line);
    return NULL;
}

static struct line *
take_out_locked(struct additions *additions, const char *path)
{
    struct line *line = map_remove(&additions->by_path, path);
    if (!line)
        return NULL;
    list_remove(&line->link);
    additions->live_bytes -= line->size;
    return line;
}

/* In place of an earlier one of its path. */
static bool
enter(struct additions *additions, struct line *line)
{
    pthread_mutex_lock(&additions->lock);
    struct line *old = take_out_locked(additions, line->path);
    bool done = map_set(&additions->by_path, line->path, line);
    if (done) {
        list_push_back(&additions->lines, &line->link);
        additions->live_bytes += line->size;
    }
    pthread_mutex_unlock(&additions->lock);
    line_free(old);
    return done;
}

void
additions_forget(struct additions *additions, const char *path)
{
    pthread_mutex_lock(&additions->lock);
    struct line *line = take_out_locked(additions, path);
    pthread_mutex_unlock(&additions->lock);
    line_free(line);
}

/* ---- The file ---- */

static bool
write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static int
open_file(const struct additions *additions, const char *name)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", additions->dir, name) >= (int)sizeof path)
        return -1;
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool
put_in_place(const struct additions *additions)
{
    char from[PATH_MAX], to[PATH_MAX];
    return snprintf(from, sizeof from, "%s/" NEXT_NAME, additions->dir) < (int)sizeof from &&
           snprintf(to, sizeof to, "%s/" FILE_NAME, additions->dir) < (int)sizeof to &&
           rename(from, to) == 0;
}

/* All lines that count, in one piece. */
static bool
copy_lines(struct additions *additions, struct buffer *text)
{
    bool done = true;
    pthread_mutex_lock(&additions->lock);
    list_for_each(link, &additions->lines) {
        const struct line *line = container_of(link, struct line, link);
        done = done && buffer_append(text, line->text, line->size);
    }
    pthread_mutex_unlock(&additions->lock);
    return done;
}

/* A new file with what still counts, in place of the one that is written; false: that stays. */
static bool
rewrite(struct additions *additions)
{
    struct buffer text;
    buffer_init(&text, 0);
    int fd = copy_lines(additions, &text) ? open_file(additions, NEXT_NAME) : -1;
    bool done = fd >= 0 && write_all(fd, text.data, text.size) && put_in_place(additions);
    if (done) {
        close(additions->fd);
        additions->fd = fd;
        additions->bytes = text.size;
    } else if (fd >= 0) {
        close(fd);
    }
    buffer_deinit(&text);
    return done;
}

static bool
is_half_dead(struct additions *additions)
{
    pthread_mutex_lock(&additions->lock);
    size_t live = additions->live_bytes;
    pthread_mutex_unlock(&additions->lock);
    return additions->bytes > ADDITIONS_REWRITE_BYTES && live < additions->bytes / 2;
}

void
additions_keep(struct additions *additions, const struct airs_kept *kept)
{
    if (additions->fd < 0)
        return;
    struct line *line = line_new(kept);
    if (!line || !enter(additions, line)) {
        line_free(line);
        lose(additions, "out of memory");
        return;
    }
    if (additions->has_begun && is_half_dead(additions) && rewrite(additions))
        return; /* With the new line. */
    if (additions->bytes + line->size > ADDITIONS_BYTES_MAX)
        lose(additions, "the file is full");
    else if (!write_all(additions->fd, line->text, line->size))
        lose(additions, strerror(errno));
    else
        additions->bytes += line->size;
}

/* ---- What the last run kept ---- */

/* A file that this one could have written; NULL: there is none. */
static FILE *
open_last(const char *dir)
{
    char path[PATH_MAX];
    struct stat about;
    if (snprintf(path, sizeof path, "%s/" FILE_NAME, dir) >= (int)sizeof path)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool is_ours = fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) &&
                   about.st_size <= (off_t)ADDITIONS_BYTES_MAX;
    FILE *file = is_ours ? fdopen(fd, "r") : NULL;
    if (!file && fd >= 0)
        close(fd);
    return file;
}

static json_t *
read_last(const char *dir)
{
    json_error_t error;
    json_t *array = json_array();
    FILE *file = open_last(dir);
    for (json_t *object; file && (object = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error));)
        json_array_append_new(array, object);
    if (file)
        fclose(file);
    return array;
}

bool
additions_last(const struct additions *additions, size_t index, struct airs_kept *kept_out)
{
    const json_t *object = json_array_get(additions->last, index);
    if (!object)
        return false;
    const json_t *text = json_object_get(object, "text");
    const char *path = json_string_value(json_object_get(object, "path"));
    const char *parent = json_string_value(json_object_get(object, "parent"));
    *kept_out = (struct airs_kept){
        .path = path ? path : "",
        .addition = { .parent = parent ? parent : "",
                      .text = json_string_value(text),
                      .size = json_string_length(text),
                      .directory = json_string_value(json_object_get(object, "directory")),
                      .file = json_string_value(json_object_get(object, "file")) },
        .numbers = (uint32_t)json_integer_value(json_object_get(object, "numbers")),
    };
    return true;
}

void
additions_begin(struct additions *additions)
{
    additions->has_begun = true;
    if (additions->fd >= 0 && !put_in_place(additions))
        lose(additions, strerror(errno));
}

/* ---- Life ---- */

struct additions *
additions_open(const char *dir, bool goes_on, void (*report)(void *context, const char *text),
               void *context)
{
    struct additions *additions = calloc(1, sizeof *additions);
    if (!additions)
        return NULL;
    additions->report = report;
    additions->context = context;
    additions->fd = -1;
    list_init(&additions->lines);
    map_init(&additions->by_path);
    pthread_mutex_init(&additions->lock, NULL);
    additions->dir = strdup(dir);
    if (!additions->dir) {
        additions_close(additions);
        return NULL;
    }
    additions->last = goes_on ? read_last(dir) : NULL;
    additions->fd = open_file(additions, NEXT_NAME);
    if (additions->fd < 0)
        lose(additions, strerror(errno));
    return additions;
}

void
additions_close(struct additions *additions)
{
    struct list *link;
    if (!additions)
        return;
    while ((link = list_pop_front(&additions->lines)) != NULL)
        line_free(container_of(link, struct line, link));
    map_deinit(&additions->by_path);
    pthread_mutex_destroy(&additions->lock);
    json_decref(additions->last);
    if (additions->fd >= 0)
        close(additions->fd);
    free(additions->dir);
    free(additions);
}
