/* A small load generator: N keep-alive connections on loopback, each with one
 * GET under way, for so many seconds or requests, whichever ends first. One
 * thread, epoll; the same tool loads every side of a comparison.
 *
 *   httpload PORT PATH CONNECTIONS SECONDS REQUESTS
 *
 * Prints one line: requests, seconds, requests/s, body bytes/s, and the median,
 * 99th percentile and longest latency in microseconds. Status 1 when any answer was not 200 or a
 * connection broke. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 20000u
#define HEAD_MAX 8192u
#define BUCKETS 4096u /* of latency: 64 per doubling of microseconds */

struct conn {
	int fd;
	size_t n_head; /* bytes of head so far; the head is kept until whole */
	uint64_t left; /* of the body; valid when in_body */
	int in_body;
	int64_t sent_ns;
	char head[HEAD_MAX];
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static unsigned bucket_of(int64_t us)
{
	unsigned e;

	if (us < 64)
		return us < 0 ? 0 : (unsigned)us;
	e = 63u - (unsigned)__builtin_clzll((uint64_t)us);
	return (e - 5) * 64 + (unsigned)((uint64_t)us >> (e - 6) & 63);
}

static double us_of(unsigned bucket)
{
	return bucket < 64 ? bucket : (double)(64 + bucket % 64) * (double)(UINT64_C(1) << (bucket / 64 - 1));
}

static double quantile(const uint64_t *count, uint64_t all, double q)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
		if ((seen += count[i]) > (uint64_t)((double)all * q))
			return us_of(i);
	return 0;
}

/* Content-Length of a 200 whose head is whole; -1 otherwise. */
static int64_t body_length(const char *head)
{
	const char *p = head;

	if (strncmp(head, "HTTP/1.1 200", 12) != 0)
		return -1;
	while ((p = strstr(p, "\r\n")) != NULL) {
		p += 2;
		if (strncasecmp(p, "Content-Length:", 15) == 0)
			return strtoll(p + 15, NULL, 10);
	}
	return -1;
}

int main(int argc, char **argv)
{
	static char bytes[1 << 18];
	static uint64_t count[BUCKETS];
	char request[2048];
	unsigned n_conns;
	uint64_t done = 0, body = 0, most;
	int64_t begun, end, longest = 0;
	int ep, n_request;
	struct conn *conns;
	struct sockaddr_in a = {.sin_family = AF_INET};
	double took;

	if (argc != 6) {
		fprintf(stderr, "usage: httpload PORT PATH CONNECTIONS SECONDS REQUESTS\n");
		return 2;
	}
	a.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	n_conns = (unsigned)strtoul(argv[3], NULL, 10);
	most = strtoull(argv[5], NULL, 10);
	n_request = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAccept: */*\r\n\r\n", argv[2], argv[1]);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (n_conns == 0 || n_conns > CONNECTIONS_MAX || n_request < 0 || (size_t)n_request >= sizeof request || ep < 0) {
		fprintf(stderr, "httpload: 1 to %u connections, a path under 1,900 bytes\n", CONNECTIONS_MAX);
		return 2;
	}
	conns = calloc(n_conns, sizeof *conns);
	if (!conns)
		return 2;
	for (unsigned i = 0; i < n_conns; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
		const int one = 1;

		conns[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (conns[i].fd < 0 || connect(conns[i].fd, (struct sockaddr *)&a, sizeof a) < 0 ||
		        epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &e) < 0) {
			fprintf(stderr, "httpload: connection %u: %s\n", i, strerror(errno));
			return 1;
		}
		setsockopt(conns[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	begun = now_ns();
	end = begun + (int64_t)(strtod(argv[4], NULL) * 1e9);
	for (unsigned i = 0; i < n_conns; i++) {
		conns[i].sent_ns = now_ns();
		if (send(conns[i].fd, request, (size_t)n_request, MSG_NOSIGNAL) != n_request)
			return 1;
	}
	while (done < most && now_ns() < end) {
		struct epoll_event ready[256];
		int n = epoll_wait(ep, ready, 256, 100);

		for (int i = 0; i < n; i++) {
			struct conn *c = &conns[ready[i].data.u32];
			ssize_t got = recv(c->fd, bytes, sizeof bytes, 0);
			size_t at = 0;

			if (got <= 0) {
				fprintf(stderr, "httpload: a connection ended after %llu answers\n", (unsigned long long)done);
				return 1;
			}
			if (!c->in_body) {
				size_t part = (size_t)got < HEAD_MAX - 1 - c->n_head ? (size_t)got : HEAD_MAX - 1 - c->n_head;
				size_t had = c->n_head;
				char *blank;
				int64_t length;

				memcpy(c->head + had, bytes, part);
				c->n_head += part;
				c->head[c->n_head] = '\0';
				blank = strstr(c->head, "\r\n\r\n");
				if (!blank) {
					if (c->n_head == HEAD_MAX - 1)
						return 1;
					continue;
				}
				blank[2] = '\0';
				length = body_length(c->head);
				if (length < 0) {
					fprintf(stderr, "httpload: not a 200 with a length: %.60s\n", c->head);
					return 1;
				}
				c->in_body = 1;
				c->left = (uint64_t)length;
				at = (size_t)(blank + 4 - c->head) - had;
			}
			if ((uint64_t)got - at > c->left) {
				fprintf(stderr, "httpload: more bytes than announced\n");
				return 1;
			}
			c->left -= (uint64_t)got - at;
			body += (uint64_t)got - at;
			if (c->left == 0) {
				int64_t now = now_ns(), us = (now - c->sent_ns) / 1000;
				unsigned b = bucket_of(us);

				count[b < BUCKETS ? b : BUCKETS - 1]++;
				if (us > longest)
					longest = us;
				done++;
				c->in_body = 0;
				c->n_head = 0;
				c->sent_ns = now;
				if (send(c->fd, request, (size_t)n_request, MSG_NOSIGNAL) != n_request)
					return 1;
			}
		}
	}
	took = (double)(now_ns() - begun) / 1e9;
	printf("requests=%llu seconds=%.3f requests_per_s=%.0f bytes_per_s=%.0f p50_us=%.0f p99_us=%.0f longest_us=%lld\n",
	        (unsigned long long)done, took, (double)done / took, (double)body / took, quantile(count, done, 0.5),
	        quantile(count, done, 0.99), (long long)longest);
	return 0;
}
