/* A directory for one test, removed with everything in it. */
#ifndef UNIT_DAEMON_TEMP_DIR_H
#define UNIT_DAEMON_TEMP_DIR_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct temp_dir {
    char path[PATH_MAX / 2];
};

static inline void
temp_dir_make(struct temp_dir *dir)
{
    strcpy(dir->path, "/tmp/airs-test-XXXXXX");
    assert_non_null(mkdtemp(dir->path));
}

static inline int
remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void
temp_dir_remove(struct temp_dir *dir)
{
    nftw(dir->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *
temp_dir_file(const struct temp_dir *dir, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", dir->path, name);
    return path;
}

#endif
