/* Verb request: start, stop, restart, kill, reset and delete are one request each and differ by a word. */
#ifndef CLI_VERB_REQUEST_H
#define CLI_VERB_REQUEST_H

/** Runs `airs NAME PATH`. Returns the exit code. */
int verb_request(const char *name, const char *help, const char *example, int argc, char **argv);

#endif
