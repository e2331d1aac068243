/* Fake server: a thread behind a Unix socket that reads one request and writes scripted bytes. */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FAKE_ANSWERS_MAX 8

struct fake_server {
    char folder[64];
    char path[96];
    int listener;
    pthread_t thread;
    const char *answers[FAKE_ANSWERS_MAX]; /* One a connection; "" closes at once. */
    size_t size;
    int hold_fd; /* With ≥ 0: a connection stays open until this can be read. */
    char requests[FAKE_ANSWERS_MAX][1024];
};

/* Reads headers and as much body as content-length says. */
static inline void
fake_read_request(int fd, char *request, size_t size)
{
    size_t used = 0;
    while (used + 1 < size) {
        ssize_t got = read(fd, request + used, size - 1 - used);
        if (got <= 0)
            break;
        used += (size_t)got;
        request[used] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strcasestr(request, "content-length:");
        size_t body = length ? strtoul(length + 15, NULL, 10) : 0;
        if (end && used >= (size_t)(end + 4 - request) + body)
            break;
    }
    request[used] = '\0';
}

static inline void *
fake_run(void *context)
{
    struct fake_server *server = context;
    for (size_t i = 0; i < server->size; i++) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        fake_read_request(fd, server->requests[i], sizeof server->requests[i]);
        size_t left = strlen(server->answers[i]);
        for (const char *at = server->answers[i]; left > 0;) {
            ssize_t put = send(fd, at, left, MSG_NOSIGNAL);
            if (put <= 0)
                break;
            at += put;
            left -= (size_t)put;
        }
        char byte;
        if (server->hold_fd >= 0 && read(server->hold_fd, &byte, 1) < 0)
            abort();
        close(fd);
    }
    return NULL;
}

/* `answers`: NULL-terminated. */
static inline void
fake_start(struct fake_server *server, int hold_fd, const char *const *answers)
{
    memset(server, 0, sizeof *server);
    server->hold_fd = hold_fd;
    while (answers[server->size]) {
        server->answers[server->size] = answers[server->size];
        server->size++;
    }
    strcpy(server->folder, "/tmp/airs-test-XXXXXX");
    if (!mkdtemp(server->folder))
        abort();
    snprintf(server->path, sizeof server->path, "%s/s.sock", server->folder);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, server->path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 8) != 0)
        abort();
    if (pthread_create(&server->thread, NULL, fake_run, server) != 0)
        abort();
}

static inline void
fake_stop(struct fake_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    unlink(server->path);
    rmdir(server->folder);
}

#define FAKE_OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"

#endif
