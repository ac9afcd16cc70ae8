#include "os/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/civil.h"
#include "os/clock.h"
#include "os/priv/oserr.h"

static int net_errno(int e)
{
	switch (e) {
	case EAGAIN:
	case EINPROGRESS:
		return MO_EAGAIN;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ENOTCONN:
		return MO_ECANCELED;
	case ECONNREFUSED:
		return MO_EDENIED;
	case EADDRINUSE:
		return MO_EBUSY;
	default:
		return os_errno(e);
	}
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int set_option(int fd, int level, int option)
{
	int on = 1;
	return setsockopt(fd, level, option, &on, sizeof on) == 0 ? 0 : net_errno(errno);
}

static int new_socket(int *ret_fd)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return net_errno(errno);
	*ret_fd = fd;
	return 0;
}

int net_listen(int *ret_fd, uint16_t port)
{
	int fd = -1;
	struct sockaddr_in a = loopback(port);
	int r = new_socket(&fd);
	if (r)
		return r;
	/* A restart finds its port again while old connections linger. */
	r = set_option(fd, SOL_SOCKET, SO_REUSEADDR);
	if (!r && (bind(fd, (const struct sockaddr *)&a, sizeof a) != 0 || listen(fd, NET_BACKLOG) != 0))
		r = net_errno(errno);
	if (r) {
		net_close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int net_pair(int *ret_ours, int *ret_theirs)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return net_errno(errno);
	if (fcntl(fd[0], F_SETFL, O_NONBLOCK) != 0) {
		int r = net_errno(errno);
		net_close(fd[0]);
		net_close(fd[1]);
		return r;
	}
	*ret_ours = fd[0];
	*ret_theirs = fd[1];
	return 0;
}

int net_port(int fd, uint16_t *ret_port)
{
	struct sockaddr_in a = {0};
	socklen_t n = sizeof a;
	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return net_errno(errno);
	*ret_port = ntohs(a.sin_port);
	return 0;
}

int net_accept(int *ret_fd, int listener)
{
	int fd;
	/* A connection that went away while it waited is not the listener's failure. */
	do
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return net_errno(errno);
	int r = set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	if (r) {
		net_close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int net_connect(int *ret_fd, uint16_t port)
{
	int fd = -1;
	struct sockaddr_in a = loopback(port);
	int r = new_socket(&fd);
	if (r)
		return r;
	r = set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	/* EINTR: the connection goes on by itself, as with EINPROGRESS. */
	if (!r && connect(fd, (const struct sockaddr *)&a, sizeof a) != 0 && errno != EINPROGRESS && errno != EINTR)
		r = net_errno(errno);
	if (r) {
		net_close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int net_connected(int fd)
{
	struct sockaddr_in a;
	int e = 0;
	socklen_t n = sizeof e;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
		return net_errno(errno);
	if (e)
		return net_errno(e);
	n = sizeof a;
	if (getpeername(fd, (struct sockaddr *)&a, &n) == 0)
		return 0;
	return errno == ENOTCONN ? MO_EAGAIN : net_errno(errno);
}

int net_read(int fd, void *p, size_t n, size_t *ret_n)
{
	ssize_t k;
	do
		k = recv(fd, p, n, 0);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return net_errno(errno);
	*ret_n = (size_t)k;
	return 0;
}

int net_write(int fd, const void *p, size_t n, size_t *ret_n)
{
	ssize_t k;
	do
		k = send(fd, p, n, MSG_NOSIGNAL);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return net_errno(errno);
	*ret_n = (size_t)k;
	return 0;
}

int net_shutdown(int fd) { return shutdown(fd, SHUT_WR) == 0 ? 0 : net_errno(errno); }

void net_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* What is left until `until`, for ppoll; NULL: for ever. */
static const struct timespec *left(struct timespec *t, int64_t timeout_ns, int64_t until)
{
	if (timeout_ns < 0)
		return NULL;
	int64_t ns = until - mono_now();
	if (ns < 0)
		ns = 0;
	*t = (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
	return t;
}

int net_poll(struct net_poll *p, size_t n, int64_t timeout_ns, size_t *ret_ready)
{
	struct timespec t;
	int64_t until = 0;
	if (n > NET_POLL_MAX)
		return MO_ELIMIT;
	struct pollfd *fds = calloc(n ? n : 1, sizeof *fds);
	if (!fds)
		return MO_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		fds[i].fd = p[i].fd;
		fds[i].events = (short)((p[i].want_read ? POLLIN : 0) | (p[i].want_write ? POLLOUT : 0));
	}
	if (timeout_ns >= 0 && __builtin_add_overflow(mono_now(), timeout_ns, &until))
		until = INT64_MAX;
	int ready;
	do
		ready = ppoll(fds, (nfds_t)n, left(&t, timeout_ns, until), NULL);
	while (ready < 0 && errno == EINTR);
	int r = ready < 0 ? net_errno(errno) : ready == 0 ? MO_ETIMEOUT : 0;
	for (size_t i = 0; i < n; i++) {
		bool broken = !r && (fds[i].revents & (POLLERR | POLLHUP | POLLNVAL));
		p[i].readable = !r && p[i].want_read && (broken || (fds[i].revents & POLLIN));
		p[i].writable = !r && p[i].want_write && (broken || (fds[i].revents & POLLOUT));
	}
	if (!r)
		*ret_ready = (size_t)ready;
	free(fds);
	return r;
}
