/* TCP on loopback without blocking, as simulators and tests need it (127.0.0.1;
 * the node's own sockets live in its event loop). Descriptors are plain ints,
 * non-blocking, close-on-exec, TCP_NODELAY; end them with net_close().
 *
 * Errors of all calls: MO_EAGAIN (would block; see net_poll), MO_ECANCELED (the
 * peer reset or closed), MO_EDENIED (nobody listens there), MO_EBUSY (the port
 * is taken), MO_ELIMIT (open files), MO_EIO. A write never raises SIGPIPE. */
#ifndef MO_OS_NET_H
#define MO_OS_NET_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_BACKLOG 128
#define NET_POLL_MAX 1024u

/* port 0: the system picks one (net_port). */
MO_MUST_USE int net_listen(int *ret_fd, uint16_t port);
/* The local port of a socket. */
MO_MUST_USE int net_port(int fd, uint16_t *ret_port);
MO_MUST_USE int net_accept(int *ret_fd, int listener);
/* Begins to connect: once poll says writable, net_connected() tells how it ended. */
MO_MUST_USE int net_connect(int *ret_fd, uint16_t port);
/* 0: connected; MO_EAGAIN: not yet. */
MO_MUST_USE int net_connected(int fd);
/* At least one byte, or *ret_n == 0: the peer ended its side. n > 0. */
MO_MUST_USE int net_read(int fd, void *p, size_t n, size_t *ret_n);
/* As many bytes as go now, at least one. n > 0. */
MO_MUST_USE int net_write(int fd, const void *p, size_t n, size_t *ret_n);
/* Two ends of one local stream, both ways: ours does not block, theirs does (it becomes a child's standard input and output). A write to
 * an end whose peer is gone is MO_ECANCELED. */
MO_MUST_USE int net_pair(int *ret_ours, int *ret_theirs);
/* No more from us; the peer reads the end. */
MO_MUST_USE int net_shutdown(int fd);
/* -1 is fine. */
void net_close(int fd);

struct net_poll {
	int fd; /* -1: skipped */
	bool want_read, want_write;
	bool readable, writable; /* answers; an error or hang-up sets those that were wanted */
};
/* Waits until one is ready; timeout < 0 for ever. *ret_ready counts them; MO_ETIMEOUT, MO_ELIMIT (n over NET_POLL_MAX). */
MO_MUST_USE int net_poll(struct net_poll *p, size_t n, int64_t timeout_ns, size_t *ret_ready);

#endif
