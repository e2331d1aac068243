/* Replays a folder of inputs through a fuzz target, so that the corpus is a unit test. */
#include <assert.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_BYTES_MAX (1u << 20)

static void
replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert(file);
    uint8_t *data = malloc(INPUT_BYTES_MAX);
    assert(data);
    size_t size = fread(data, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    if (!folder) {
        perror(argv[1]);
        return 1;
    }
    unsigned replayed = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        assert(length > 0 && (size_t)length < sizeof path);
        replay_file(path);
        replayed++;
    }
    closedir(folder);
    printf("%u inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
