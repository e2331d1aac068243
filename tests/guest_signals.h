/* For test programs that run guests: keeps cmocka from taking the signals of traps.
 *
 * cmocka installs handlers for SIGILL, SIGSEGV and the like around every test, by signal(). The
 * engine installed its own at its start and needs them to turn a guest's fault into a trap. So
 * this program has a signal() that does nothing; a real fault of ours then ends the program.
 */
#ifndef GUEST_SIGNALS_H
#define GUEST_SIGNALS_H

#include <signal.h>

__attribute__((visibility("default"))) __sighandler_t
signal(int number, __sighandler_t handler)
{
    (void)number;
    (void)handler;
    return SIG_DFL;
}

#endif
