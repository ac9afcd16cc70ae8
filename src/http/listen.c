#include "http/priv/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 4096 /* the system takes less where it is set so (net.core.somaxconn) */

static int refused(int *fd, const char *what, const char *where, struct diag *d)
{
	int e = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	if (e == EADDRINUSE) {
		(void)diag_set(d, MO_EBUSY, MSG_HTTP_ADDRESS_TAKEN);
		diag_text(d, 0, span_str(where));
		return MO_EBUSY;
	}
	return diag_errno(d, e, what, where);
}

int listen_tcp(int *ret_fd, uint16_t *ret_port, const char *address, uint16_t port, struct diag *d)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a;
	socklen_t n;
	const int one = 1;
	char where[INET6_ADDRSTRLEN + 16];
	int fd = -1;

	memset(&a, 0, sizeof a);
	if (inet_pton(AF_INET, address, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		n = sizeof a.in;
		snprintf(where, sizeof where, "%s:%u", address, (unsigned)port);
	} else if (inet_pton(AF_INET6, address, &a.in6.sin6_addr) == 1) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(port);
		n = sizeof a.in6;
		snprintf(where, sizeof where, "[%s]:%u", address, (unsigned)port);
	} else {
		(void)diag_set(d, MO_EINVAL, MSG_HTTP_BAD_ADDRESS);
		diag_value(d, span_str(address));
		diag_expected(d, "127.0.0.1, ::1");
		return MO_EINVAL;
	}
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refused(&fd, "socket", where, d);
	/* TCP_NODELAY is inherited by accepted sockets: an answer is one write and must not wait for anything. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		return refused(&fd, "setsockopt", where, d);
	if (a.sa.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
		return refused(&fd, "setsockopt", where, d);
	if (bind(fd, &a.sa, n) < 0)
		return refused(&fd, "bind", where, d);
	if (listen(fd, LISTEN_BACKLOG) < 0)
		return refused(&fd, "listen", where, d);
	if (getsockname(fd, &a.sa, &n) < 0)
		return refused(&fd, "getsockname", where, d);
	*ret_port = ntohs(a.sa.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
	*ret_fd = fd;
	return 0;
}

void listen_unlink(const char *path)
{
	struct stat st;

	if (path && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

int listen_unix(int *ret_fd, const char *path, struct diag *d)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	int fd;

	if (n >= sizeof a.sun_path) {
		(void)diag_set(d, MO_ELIMIT, MSG_HTTP_SOCKET_PATH_LONG);
		diag_file(d, path);
		diag_int(d, 0, (int64_t)sizeof a.sun_path - 1);
		return MO_ELIMIT;
	}
	memcpy(a.sun_path, path, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refused(&fd, "socket", path, d);
	/* The mode of the descriptor before bind() is that of the file: never a moment open to others. */
	if (fchmod(fd, 0600) < 0)
		return refused(&fd, "chmod", path, d);
	listen_unlink(path);
	if (bind(fd, (const struct sockaddr *)&a, sizeof a) < 0)
		return refused(&fd, "bind", path, d);
	if (listen(fd, LISTEN_BACKLOG) < 0)
		return refused(&fd, "listen", path, d);
	*ret_fd = fd;
	return 0;
}

int listen_accept(int *ret_fd, int listen_fd)
{
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno == EAGAIN)
			return MO_EAGAIN;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			return MO_EIO;
		/* Anything else is about that one connection (accept(2)), gone before it was taken. */
		if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO && errno != ENETDOWN && errno != EHOSTDOWN &&
		        errno != EHOSTUNREACH && errno != ENETUNREACH && errno != ENONET && errno != ENOPROTOOPT && errno != EOPNOTSUPP &&
		        errno != EPERM)
			return MO_EIO;
	}
}
