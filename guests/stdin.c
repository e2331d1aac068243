/* stdin: a command that reads its standard input to the end, says how much it was, and ends. */
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
    char buffer[4096];
    size_t total = 0;
    puts("stdin: reading");
    for (;;) {
        ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
        if (got < 0) {
            perror("stdin");
            return 1;
        }
        if (got == 0)
            break;
        total += (size_t)got;
    }
    printf("stdin: end after %zu bytes\n", total);
    return 0;
}
