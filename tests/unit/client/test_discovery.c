/* Which application a command means. */
#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "client/discovery.h"
#include "unit/client/fake_server.h"

static char folder[64];
static char manifest[96];

static int
make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/airs-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(manifest, sizeof manifest, "%s/airs.yaml", folder);
    return setenv("XDG_RUNTIME_DIR", folder, 1);
}

static int
remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void
write_manifest(const char *text)
{
    FILE *file = fopen(manifest, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
expect_name(const char *text, const char *expected)
{
    char name[APP_NAME_BYTES_MAX + 1] = "";
    write_manifest(text);
    bool found = discovery_manifest_name(manifest, name);
    assert_int_equal(found, expected != NULL);
    if (expected)
        assert_string_equal(name, expected);
}

static void
reads_the_name_of_a_manifest(void **state)
{
    (void)state;
    expect_name("name: shop\nchildren: []\n", "shop");
    expect_name("# a\nchildren:\n  - name: inner\nname:   \"my.shop-2\"  # c\r\n", "my.shop-2");
    expect_name("name: 'x'\n", "x");
    expect_name("children:\n  - name: inner\n", NULL);
    expect_name("name: ../../etc\n", NULL);
    expect_name("name:\n", NULL);
    expect_name("{\"children\": [{\"name\": \"inner\"}],\n \"name\": \"json\"}\n", "json");
    expect_name("{\"name\": \"../x\"}", NULL);
    expect_name("{\"name\": 7}", NULL);
    expect_name("[\"name\"]", NULL);
    expect_name("", NULL);
}

/* A socket of the application `name` in the test's own directory. */
static int
listen_as(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s/airs", folder);
    mkdir(address.sun_path, 0700);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/airs/%s.sock", folder, name);
    unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static enum airs_status
find(const struct discovery_request *request, struct discovery_result *result,
     struct airs_error *error)
{
    memset(error, 0, sizeof *error);
    return discovery_find(request, result, error);
}

static void
takes_what_was_named(void **state)
{
    (void)state;
    struct discovery_result result;
    struct airs_error error;
    write_manifest("name: fromfile\n");
    struct discovery_request request = { .socket = "/a/b.sock", .app = "x", .manifest = manifest };
    assert_int_equal(find(&request, &result, &error), AIRS_OK);
    assert_string_equal(result.socket, "/a/b.sock");
    request.socket = NULL;
    assert_int_equal(find(&request, &result, &error), AIRS_OK);
    assert_string_equal(result.name, "x");
    request.app = NULL;
    assert_int_equal(find(&request, &result, &error), AIRS_OK);
    assert_string_equal(result.name, "fromfile");
    request.app = "../x";
    assert_int_equal(find(&request, &result, &error), AIRS_EINVAL);
}

static void
takes_the_only_one_that_runs(void **state)
{
    (void)state;
    struct discovery_result result;
    struct airs_error error;
    struct discovery_request request = { .manifest = "/nowhere/airs.yaml" };
    assert_int_equal(find(&request, &result, &error), AIRS_EINVAL);

    int one = listen_as("one");
    int dead = listen_as("dead");
    close(dead);
    assert_int_equal(find(&request, &result, &error), AIRS_OK);
    assert_string_equal(result.name, "one");

    int two = listen_as("two");
    assert_int_equal(find(&request, &result, &error), AIRS_EINVAL);
    assert_non_null(strstr(error.message, "one"));
    assert_non_null(strstr(error.message, "two"));
    close(one);
    close(two);
}

static void
trusts_no_directory_that_others_can_write(void **state)
{
    (void)state;
    struct discovery_result result;
    struct airs_error error;
    struct discovery_request request = { .app = "one" };
    char path[96];
    snprintf(path, sizeof path, "%s/airs", folder);
    mkdir(path, 0700);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(find(&request, &result, &error), AIRS_EDENIED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_the_name_of_a_manifest, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(takes_what_was_named, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(takes_the_only_one_that_runs, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(trusts_no_directory_that_others_can_write, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
