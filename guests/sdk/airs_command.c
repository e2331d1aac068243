/* What every command in C gets: stdout line by line, so that a line is in the log when it
 * was printed and not when a buffer is full.
 */
#include <stdio.h>

__attribute__((constructor)) static void
stdout_by_line(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
