/* Stands in for rates.wasm where no Go was at hand when the guests were built. */
#include <stdio.h>

int
main(void)
{
    puts("left out: rates is written in Go, and no Go from 1.21 on was found by the build");
    return 0;
}
