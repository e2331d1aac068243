/* One live daemon a name; dead ones leave nothing in the way. */
#include "testing.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/socket_lock.h"
#include "unit/daemon/temp_dir.h"

struct world {
    struct temp_dir dir;
    struct app_dirs dirs;
};

static int
set_up(void **state)
{
    static struct world world;
    temp_dir_make(&world.dir);
    setenv("XDG_RUNTIME_DIR", world.dir.path, 1);
    setenv("XDG_STATE_HOME", world.dir.path, 1);
    setenv("XDG_CACHE_HOME", world.dir.path, 1);
    assert_int_equal(app_dirs_of("shop", &world.dirs, NULL), AIRS_OK);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;
    temp_dir_remove(&world->dir);
    return 0;
}

static bool
can_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool done = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return done;
}

static unsigned
mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    return info.st_mode & 07777;
}

static void
listens_in_a_private_place_and_leaves_nothing(void **state)
{
    struct world *world = *state;
    struct socket_lock lock;
    assert_int_equal(socket_lock_open(&world->dirs, &lock, NULL), AIRS_OK);
    assert_int_equal(mode_of(world->dirs.runtime), 0700);
    assert_int_equal(mode_of(world->dirs.socket), 0600);
    assert_true(can_connect(world->dirs.socket));
    socket_lock_close(&lock);
    assert_int_equal(access(world->dirs.runtime, F_OK), -1);
}

static void
refuses_a_name_that_is_live(void **state)
{
    struct world *world = *state;
    struct socket_lock lock, second;
    struct airs_error error = { 0 };
    assert_int_equal(socket_lock_open(&world->dirs, &lock, NULL), AIRS_OK);
    assert_int_equal(socket_lock_open(&world->dirs, &second, &error), AIRS_EEXIST);
    assert_string_equal(error.message, "already running");
    assert_true(can_connect(world->dirs.socket));
    socket_lock_close(&lock);
    assert_int_equal(socket_lock_open(&world->dirs, &second, NULL), AIRS_OK);
    socket_lock_close(&second);
}

static void
replaces_the_socket_of_one_that_was_killed(void **state)
{
    struct world *world = *state;
    struct socket_lock lock;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        socket_lock_open(&world->dirs, &lock, NULL);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    assert_int_equal(access(world->dirs.socket, F_OK), 0);
    assert_false(can_connect(world->dirs.socket));
    assert_int_equal(socket_lock_open(&world->dirs, &lock, NULL), AIRS_OK);
    assert_true(can_connect(world->dirs.socket));
    socket_lock_close(&lock);
}

static void
is_kept_by_the_child_of_a_fork(void **state)
{
    struct world *world = *state;
    struct socket_lock lock, second;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(socket_lock_open(&world->dirs, &lock, NULL), AIRS_OK);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(fds[0]);
    close(lock.lock_fd);
    close(lock.listen_fd);
    assert_int_equal(socket_lock_open(&world->dirs, &second, NULL), AIRS_EEXIST);
    close(fds[1]);
    waitpid(pid, NULL, 0);
    assert_int_equal(socket_lock_open(&world->dirs, &second, NULL), AIRS_OK);
    socket_lock_close(&second);
}

/* The process that a client finds behind the socket. */
static pid_t
process_behind(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct ucred peer = { 0 };
    socklen_t size = sizeof peer;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    close(fd);
    return peer.pid;
}

static void
shows_clients_the_process_that_adopted_it(void **state)
{
    struct world *world = *state;
    struct socket_lock lock;
    int adopted[2], ended[2];
    char byte;
    assert_int_equal(pipe(adopted), 0);
    assert_int_equal(pipe(ended), 0);
    assert_int_equal(socket_lock_open(&world->dirs, &lock, NULL), AIRS_OK);
    assert_int_equal(process_behind(world->dirs.socket), getpid());
    pid_t pid = fork();
    if (pid == 0) {
        close(ended[1]);
        close(adopted[0]);
        if (socket_lock_adopt(&lock, NULL) != AIRS_OK || write(adopted[1], "x", 1) != 1)
            _exit(1);
        _exit(read(ended[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ended[0]);
    close(adopted[1]);
    assert_int_equal(read(adopted[0], &byte, 1), 1);
    assert_int_equal(process_behind(world->dirs.socket), pid);
    close(ended[1]);
    close(adopted[0]);
    waitpid(pid, NULL, 0);
    socket_lock_close(&lock);
}

static void
trusts_no_directory_that_others_may_enter(void **state)
{
    struct world *world = *state;
    struct socket_lock lock;
    struct airs_error error = { 0 };
    assert_int_equal(mkdir(world->dirs.runtime, 0700), 0);
    assert_int_equal(chmod(world->dirs.runtime, 0755), 0);
    assert_int_equal(socket_lock_open(&world->dirs, &lock, &error), AIRS_EDENIED);
    assert_int_equal(rmdir(world->dirs.runtime), 0);
    assert_int_equal(symlink("/tmp", world->dirs.runtime), 0);
    assert_int_equal(socket_lock_open(&world->dirs, &lock, &error), AIRS_EDENIED);
}

static void
refuses_a_path_too_long_for_a_socket(void **state)
{
    struct world *world = *state;
    char name[101];
    memset(name, 'a', 100);
    name[100] = '\0';
    assert_int_equal(app_dirs_of(name, &world->dirs, NULL), AIRS_EINVAL);
}

static void
finds_its_directory_without_a_runtime_directory(void **state)
{
    struct world *world = *state;
    char expected[64];
    unsetenv("XDG_RUNTIME_DIR");
    assert_int_equal(app_dirs_of("shop", &world->dirs, NULL), AIRS_OK);
    snprintf(expected, sizeof expected, "/tmp/airs-%u/shop.sock", (unsigned)geteuid());
    assert_string_equal(world->dirs.socket, expected);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(listens_in_a_private_place_and_leaves_nothing),
        CASE(refuses_a_name_that_is_live),
        CASE(replaces_the_socket_of_one_that_was_killed),
        CASE(is_kept_by_the_child_of_a_fork),
        CASE(shows_clients_the_process_that_adopted_it),
        CASE(trusts_no_directory_that_others_may_enter),
        CASE(refuses_a_path_too_long_for_a_socket),
        CASE(finds_its_directory_without_a_runtime_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
