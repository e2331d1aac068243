/* Filter: `test_x PATTERN` runs the tests whose names match it alone. Linked into each program,
 * so that any single test can be named: by ctest, by scripts/mutants, by hand. */
#include "testing.h"

/* The C library hands main's arguments to constructors too. */
__attribute__((constructor)) static void
filter_tests(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
}
