/* chatter: a command that prints without end.
 *
 *     chatter [newline|nonewline|both]
 *
 * `both` prints lines on stdout and one endless line on stderr.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "newline";
    bool lines = strcmp(mode, "nonewline") != 0;
    bool endless = strcmp(mode, "newline") != 0;
    for (unsigned line = 1;; line++) {
        if (lines)
            printf("chatter %u: the quick brown fox jumps over the lazy dog\n", line);
        if (endless) {
            fputs("chatter without end ", lines ? stderr : stdout);
            fflush(stdout);
        }
    }
}
