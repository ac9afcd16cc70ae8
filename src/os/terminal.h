/* A secret from a person at a terminal, without echo, or from a pipe. */
#ifndef MO_OS_TERMINAL_H
#define MO_OS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

bool terminal_is(int fd);
/* One line without its end (LF, CR LF, or the end of input after at least one byte) into out, at most max bytes; what follows is left unread.
 * At a terminal `question` is written to ask_fd once nothing that is typed shows any more, and Ctrl-C ends the line, so that the terminal
 * never stays without echo. Wipe out when done, also after an error. MO_ECANCELED: Ctrl-C, or the end of input before any byte; MO_ELIMIT:
 * longer; MO_EIO. */
MO_MUST_USE int terminal_read_secret(int fd, int ask_fd, const char *question, uint8_t *out, size_t max, size_t *ret_n);

#endif
