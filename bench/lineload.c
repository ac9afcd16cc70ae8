/* Line protocol from a factory's machines to one server: N keep-alive
 * connections, each with one POST under way, every batch the same bytes for
 * every server. One thread, epoll; what is sent is made before the clock runs
 * (machines) or while the server works (year).
 *
 *   lineload PORT PATH machines CONNECTIONS BATCHES [LATER]   batches of 1,000 lines, ten values a line, 25 machines a connection, from LATER s
 *                                                             behind 2026-01-01 on (default 0)
 *   lineload PORT PATH year POINTS                    one noisy signal at 1 Hz from 2026-01-01 on, 20,000 lines a batch
 *
 * Prints one line: requests, lines, values, bytes, seconds, the median and 99th percentile of the time from the
 * first byte sent to the acknowledgement. Status 1 when any answer was not 204. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64u
#define MACHINES 25u /* of one connection */
#define LINES 1000u  /* of one batch */
#define YEAR_LINES 20000u
#define LINE_BYTES 256u
#define ANSWER_MAX 4096u
#define FIRST_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

struct batch {
	char *p;
	size_t n;
};
struct conn {
	int fd;
	struct batch b;
	size_t sent, got;
	uint64_t number; /* batches begun */
	int64_t begun_ns;
	int busy;
	char answer[ANSWER_MAX];
};
struct load {
	const char *port, *path;
	int year;
	int64_t later_s;
	unsigned n_conns;
	uint64_t batches, points; /* wanted in all */
	uint64_t begun, done, lines, values, bytes;
	struct batch *ready; /* machines: made beforehand */
	float *took_us;
	struct conn conns[CONNECTIONS_MAX];
	int ep;
};

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* splitmix64: the same numbers for every server. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static size_t head(const struct load *l, char *out, size_t body)
{
	return (size_t)sprintf(out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", l->path, l->port, body);
}

/* Head before body without moving either: the body is written behind the longest head. */
static int finish(const struct load *l, struct batch *b, char *room, char *body, size_t n)
{
	char h[1024];
	size_t n_head = head(l, h, n);
	b->p = body - n_head;
	if (b->p < room)
		return -1;
	memcpy(b->p, h, n_head);
	b->n = n_head + n;
	return 0;
}

/* Seven floats, two integers, a boolean: an injection machine's second. */
static int machines_batch(const struct load *l, struct batch *b, unsigned conn, uint64_t k)
{
	char *room = malloc(1024 + LINES * LINE_BYTES), *body = room + 1024, *o = body;
	if (!room)
		return -1;
	for (unsigned i = 0; i < LINES; i++) {
		unsigned machine = conn * MACHINES + i % MACHINES;
		int64_t s = FIRST_S + l->later_s + (int64_t)(k * (LINES / MACHINES) + i / MACHINES);
		uint64_t r = mix((uint64_t)s * 65536 + machine), q = mix(r);
		o += sprintf(o,
			"press,line=A,machine=MLD-%03u pressure=%u.%02u,cushion=%u.%02u,melt=%u.%u,mould=%u.%u,speed=%u.%u,force=%u.%03u,power=%u.%02u,"
			"cycles=%lldi,alarm=%ui,automatic=%s %lld000000000\n",
			machine, 80 + (unsigned)(r & 15), (unsigned)(r >> 4 & 63), 5 + (unsigned)(r >> 10 & 1), (unsigned)(r >> 11 & 63),
			228 + (unsigned)(r >> 17 & 7), (unsigned)(r >> 20 & 7), 58 + (unsigned)(r >> 23 & 3), (unsigned)(r >> 25 & 7), 45 + (unsigned)(r >> 28 & 7),
			(unsigned)(r >> 31 & 7), 12 + (unsigned)(q & 3), (unsigned)(q >> 2 & 511), 21 + (unsigned)(q >> 11 & 7), (unsigned)(q >> 14 & 63),
			(long long)(s - FIRST_S) / 30, q >> 20 & 255 ? 0u : 17u, q >> 28 & 63 ? "true" : "false", (long long)s);
	}
	return finish(l, b, room, body, (size_t)(o - body));
}

static int year_batch(const struct load *l, struct batch *b, uint64_t k)
{
	uint64_t from = k * YEAR_LINES, n = l->points - from < YEAR_LINES ? l->points - from : YEAR_LINES;
	char *room = malloc(1024 + YEAR_LINES * 64), *body = room + 1024, *o = body;
	if (!room)
		return -1;
	for (uint64_t i = from; i < from + n; i++) {
		uint64_t r = mix(i);
		/* Noise of four digits on a day's swing. */
		int64_t milli = 50000 + (int64_t)(i % 86400) * 10000 / 86400 + (int64_t)(r % 8192) - 4096;
		o += sprintf(o, "year value=%lld.%03lld %lld000000000\n", (long long)(milli / 1000), (long long)(milli % 1000), (long long)(FIRST_S + (int64_t)i));
	}
	return finish(l, b, room, body, (size_t)(o - body));
}

static int connect_to(struct load *l, unsigned i)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(l->port, NULL, 10)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = i};
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&a, sizeof a) < 0 && errno != EINPROGRESS) || epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &e) < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	l->conns[i].fd = fd;
	return 0;
}

/* The next batch of a connection; 1 when there is none. */
static int begin(struct load *l, unsigned i)
{
	struct conn *c = &l->conns[i];
	c->busy = 0;
	if (l->begun >= l->batches)
		return 1;
	if (l->year) {
		if (year_batch(l, &c->b, l->begun) < 0)
			return -1;
	} else {
		if (c->number >= l->batches / l->n_conns)
			return 1;
		c->b = l->ready[i * (l->batches / l->n_conns) + c->number];
	}
	c->number++;
	l->begun++;
	c->sent = c->got = 0;
	c->busy = 1;
	c->begun_ns = now_ns();
	return 0;
}

/* -1: broken; 0: waiting; 1: acknowledged. */
static int answer(struct conn *c)
{
	for (;;) {
		ssize_t n = recv(c->fd, c->answer + c->got, ANSWER_MAX - 1 - c->got, 0);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->got += (size_t)n;
		c->answer[c->got] = 0;
		if (n == 0 || c->got == ANSWER_MAX - 1 || !c->busy)
			return -1;
		if (strstr(c->answer, "\r\n\r\n")) {
			if (strncmp(c->answer, "HTTP/1.1 204", 12) == 0 && c->sent == c->b.n)
				return 1;
			fprintf(stderr, "lineload: not a 204: %s\n", c->answer);
			return -1;
		}
	}
}

static int step(struct load *l, unsigned i)
{
	struct conn *c = &l->conns[i];
	for (;;) {
		while (c->busy && c->sent < c->b.n) {
			ssize_t n = send(c->fd, c->b.p + c->sent, c->b.n - c->sent, MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				return -1;
			if (n < 0)
				break;
			c->sent += (size_t)n;
		}
		int r = answer(c);
		if (r <= 0)
			return r;
		l->took_us[l->done++] = (float)(now_ns() - c->begun_ns) / 1e3f;
		l->bytes += c->b.n;
		if (l->year)
			free(strstr(c->b.p, "\r\n\r\n") + 4 - 1024);
		r = begin(l, i);
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return x < y ? -1 : x > y;
}

static int prepare(struct load *l, int argc, char **argv)
{
	if ((argc == 6 || argc == 7) && strcmp(argv[3], "machines") == 0) {
		l->later_s = argc == 7 ? strtoll(argv[6], NULL, 10) : 0;
		l->n_conns = (unsigned)strtoul(argv[4], NULL, 10);
		if (l->n_conns == 0 || l->n_conns > CONNECTIONS_MAX)
			return -1;
		l->batches = strtoull(argv[5], NULL, 10) / l->n_conns * l->n_conns;
		l->lines = l->batches * LINES;
		l->values = l->lines * 10;
		l->ready = calloc(l->batches + 1, sizeof *l->ready);
	} else if (argc == 5 && strcmp(argv[3], "year") == 0) {
		l->year = 1;
		l->n_conns = 1; /* one machine sends in order */
		l->points = l->lines = l->values = strtoull(argv[4], NULL, 10);
		l->batches = (l->points + YEAR_LINES - 1) / YEAR_LINES;
	}
	l->took_us = calloc(l->batches + 1, sizeof *l->took_us);
	if (l->batches == 0 || !l->took_us || (!l->year && !l->ready))
		return -1;
	uint64_t each = l->batches / l->n_conns;
	for (unsigned i = 0; l->ready && i < l->n_conns; i++)
		for (uint64_t k = 0; k < each; k++)
			if (machines_batch(l, &l->ready[i * each + k], i, k) < 0)
				return -1;
	return 0;
}

int main(int argc, char **argv)
{
	static struct load l;
	if (argc >= 4) {
		l.port = argv[1];
		l.path = argv[2];
	}
	l.ep = epoll_create1(EPOLL_CLOEXEC);
	if (argc < 5 || l.ep < 0 || strlen(argv[2]) > 512 || prepare(&l, argc, argv) < 0) {
		fprintf(stderr, "usage: lineload PORT PATH machines CONNECTIONS BATCHES [LATER] | lineload PORT PATH year POINTS\n");
		return 2;
	}
	int64_t t0 = now_ns();
	for (unsigned i = 0; i < l.n_conns; i++)
		if (connect_to(&l, i) < 0 || begin(&l, i) < 0) {
			fprintf(stderr, "lineload: connection %u: %s\n", i, strerror(errno));
			return 1;
		}
	while (l.done < l.batches) {
		struct epoll_event ready[CONNECTIONS_MAX];
		int n = epoll_wait(l.ep, ready, CONNECTIONS_MAX, 30000);
		if (n == 0) {
			fprintf(stderr, "lineload: no answer for 30 s\n");
			return 1;
		}
		for (int i = 0; i < n; i++)
			if (step(&l, ready[i].data.u32) < 0) {
				fprintf(stderr, "lineload: a connection broke after %llu answers\n", (unsigned long long)l.done);
				return 1;
			}
	}
	double took = (double)(now_ns() - t0) / 1e9;
	qsort(l.took_us, l.done, sizeof *l.took_us, by_size);
	printf("requests=%llu lines=%llu values=%llu bytes=%llu seconds=%.3f p50_us=%.0f p99_us=%.0f\n", (unsigned long long)l.done,
		(unsigned long long)l.lines, (unsigned long long)l.values, (unsigned long long)l.bytes, took, (double)l.took_us[l.done / 2],
		(double)l.took_us[l.done * 99 / 100]);
	return 0;
}
