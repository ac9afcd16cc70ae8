/* Listening sockets, non-blocking and close-on-exec. */
#ifndef MO_HTTP_PRIV_LISTEN_H
#define MO_HTTP_PRIV_LISTEN_H

#include "base/diag.h"

/* address: IPv4 or IPv6 in digits. *ret_port is the real one. MO_EINVAL, MO_EBUSY (port taken), MO_EIO, MO_EDENIED. */
MO_MUST_USE int listen_tcp(int *ret_fd, uint16_t *ret_port, const char *address, uint16_t port, struct diag *d);
/* Takes the place of a socket left behind (the folder's lock says that nobody serves it); only the owner may connect. */
MO_MUST_USE int listen_unix(int *ret_fd, const char *path, struct diag *d);
/* NULL is taken. */
void listen_unlink(const char *path);
/* MO_EAGAIN: nobody waits. MO_EIO: descriptors or memory ran out. */
MO_MUST_USE int listen_accept(int *ret_fd, int listen_fd);

#endif
