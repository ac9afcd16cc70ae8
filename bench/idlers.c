/* Many connections that do nothing: opens N at once, from 127.0.0.1, 127.0.0.2,
 * ... (PER of each), waits, and lets them go when standard input ends.
 *
 *   idlers PORT N PER silent|asked|tls
 *
 * silent: never send a byte. asked: one GET /healthz each, answered, kept alive. tls: the same over TLS (certificate not looked at).
 * Prints "open=N seconds=S longest_ms=L" when all stand, L the longest wait of one for its answer (silent: to be connected), and
 * "still=N" at the end: those that the server has not closed. Status 1 when one could not be opened or was answered otherwise. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define CONNECTIONS_MAX 60000u
#define PATIENCE_MS 30000

static const char request[] = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_one(unsigned i, unsigned per, uint16_t port, int blocking)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + i / per)};
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) < 0)
		return -1;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
		return -1;
	return fd;
}

/* All at once: connect, ask when connected, read until the answer's end. */
static int open_plain(int *fds, unsigned n, unsigned per, uint16_t port, int ask, double *ret_longest)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	double *begun = calloc(n, sizeof *begun);
	unsigned done = 0;
	if (ep < 0 || !begun)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		struct epoll_event e = {.events = EPOLLOUT, .data.u32 = i};
		begun[i] = now_s();
		fds[i] = open_one(i, per, port, 0);
		if (fds[i] < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e) < 0)
			return -1;
	}
	while (done < n) {
		struct epoll_event ready[256];
		int k = epoll_wait(ep, ready, 256, PATIENCE_MS);
		if (k <= 0)
			return -1;
		for (int j = 0; j < k; j++) {
			unsigned i = ready[j].data.u32;
			struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
			char answer[4096];
			int err = 0;
			socklen_t size = sizeof err;
			if (ready[j].events & EPOLLOUT) {
				if (getsockopt(fds[i], SOL_SOCKET, SO_ERROR, &err, &size) < 0 || err)
					return -1;
				if (ask && (send(fds[i], request, sizeof request - 1, MSG_NOSIGNAL) < 0 || epoll_ctl(ep, EPOLL_CTL_MOD, fds[i], &e) < 0))
					return -1;
				if (ask)
					continue;
			} else {
				ssize_t got = recv(fds[i], answer, sizeof answer, 0);
				if (got < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0)
					return -1;
			}
			if (epoll_ctl(ep, EPOLL_CTL_DEL, fds[i], NULL) < 0)
				return -1;
			if (now_s() - begun[i] > *ret_longest)
				*ret_longest = now_s() - begun[i];
			done++;
		}
	}
	free(begun);
	close(ep);
	return 0;
}

/* One after the other: what counts is what stays. */
static int open_tls(int *fds, unsigned n, unsigned per, uint16_t port, double *ret_longest)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		char answer[4096];
		double begun = now_s();
		SSL *ssl = SSL_new(ctx);
		fds[i] = open_one(i, per, port, 1);
		if (fds[i] < 0 || !ssl || SSL_set_fd(ssl, fds[i]) != 1 || SSL_connect(ssl) != 1 || SSL_write(ssl, request, sizeof request - 1) < 1 ||
			SSL_read(ssl, answer, sizeof answer) < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0)
			return -1;
		SSL_free(ssl); /* sends nothing: the server's side stands on */
		if (now_s() - begun > *ret_longest)
			*ret_longest = now_s() - begun;
	}
	SSL_CTX_free(ctx);
	return 0;
}

int main(int argc, char **argv)
{
	static int fds[CONNECTIONS_MAX];
	unsigned n = argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, per = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0, still = 0;
	struct rlimit files;
	double begun = now_s(), longest = 0;
	char c;
	if (n == 0 || n > CONNECTIONS_MAX || per == 0) {
		fprintf(stderr, "usage: idlers PORT N PER silent|asked|tls\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
	int err = strcmp(argv[4], "tls") == 0 ? open_tls(fds, n, per, port, &longest)
					      : open_plain(fds, n, per, port, strcmp(argv[4], "asked") == 0, &longest);
	if (err != 0) {
		fprintf(stderr, "idlers: %s\n", errno ? strerror(errno) : "an answer that was none");
		return 1;
	}
	printf("open=%u seconds=%.3f longest_ms=%.1f\n", n, now_s() - begun, longest * 1e3);
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	for (unsigned i = 0; i < n; i++)
		still += recv(fds[i], &c, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
	printf("still=%u\n", still);
	return 0;
}
