/* spinner: a command that computes without end and asks the host for nothing. */

static volatile unsigned turns;

int
main(void)
{
    for (;;)
        turns++;
}
