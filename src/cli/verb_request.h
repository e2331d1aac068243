/* Verb request: start, stop, restart, kill and reset are one request each and differ by a word. */
#ifndef CLI_VERB_REQUEST_H
#define CLI_VERB_REQUEST_H

/** Runs `airs VERB PATH`. Returns the exit code. */
int verb_request(const char *verb, const char *help, const char *example, int argc, char **argv);

#endif
