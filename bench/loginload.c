/* Logins with wrong passwords at a steady pace: keep-alive connections from
 * 127.0.0.2 on, each with at most one POST /api/v1/session under way.
 *
 *   loginload PORT ADDRESSES CONNECTIONS PER_SECOND SECONDS NAME
 *
 * NAME: whose password is guessed; "-": another made-up name each time. Prints one line: how many were sent and answered with which status, and
 * the median, 99th percentile and longest time to an answer in microseconds. Status 1 when a connection broke. */
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

#define CONNECTIONS_MAX 4096u
#define ANSWERS_MAX 10000000u

struct conn {
	int fd;
	int64_t begun_ns; /* 0: free */
	size_t n;
	char answer[4096];
};

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int open_one(unsigned i, unsigned addresses, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i % addresses)};
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		return -1;
	return fd;
}

static int ask(struct conn *c, const char *port, const char *name, uint64_t k)
{
	char body[256], all[1024], made[32];
	snprintf(made, sizeof made, "name-%llu", (unsigned long long)k);
	int n = snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"wrong-password-%llu\"}", strcmp(name, "-") == 0 ? made : name, (unsigned long long)k);
	n = snprintf(all, sizeof all, "POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", port, n, body);
	c->begun_ns = now_ns();
	c->n = 0;
	return send(c->fd, all, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -1;
}

/* The status of a whole answer; 0: not yet; -1: broken. */
static int answer(struct conn *c)
{
	ssize_t got = recv(c->fd, c->answer + c->n, sizeof c->answer - 1 - c->n, 0);
	char *blank, *length;
	if (got <= 0)
		return -1;
	c->n += (size_t)got;
	c->answer[c->n] = 0;
	blank = strstr(c->answer, "\r\n\r\n");
	if (!blank)
		return 0;
	length = strstr(c->answer, "Content-Length: ");
	if (!length || length > blank)
		return -1;
	if (c->n < (size_t)(blank + 4 - c->answer) + strtoul(length + 16, NULL, 10))
		return 0;
	return atoi(c->answer + 9);
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static struct conn conns[CONNECTIONS_MAX];
	static float *us;
	uint64_t sent = 0, done = 0, status[600] = {0};
	unsigned n_conns, addresses, next = 0;
	if (argc != 7)
		goto usage;
	addresses = (unsigned)strtoul(argv[2], NULL, 10);
	n_conns = (unsigned)strtoul(argv[3], NULL, 10);
	double rate = strtod(argv[4], NULL), seconds = strtod(argv[5], NULL);
	if (addresses == 0 || n_conns == 0 || n_conns > CONNECTIONS_MAX || strlen(argv[6]) > 64)
		goto usage;
	us = malloc(ANSWERS_MAX * sizeof *us);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	if (!us || ep < 0)
		return 1;
	for (unsigned i = 0; i < n_conns; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
		conns[i].fd = open_one(i, addresses, (uint16_t)strtoul(argv[1], NULL, 10));
		if (conns[i].fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &e) < 0) {
			fprintf(stderr, "loginload: connection %u: %s\n", i, strerror(errno));
			return 1;
		}
	}
	int64_t begun = now_ns(), end = begun + (int64_t)(seconds * 1e9);
	while (now_ns() < end && done < ANSWERS_MAX) {
		struct epoll_event ready[256];
		uint64_t due = (uint64_t)((double)(now_ns() - begun) / 1e9 * rate);
		for (unsigned tried = 0; sent < due && tried < n_conns; tried++, next = (next + 1) % n_conns)
			if (!conns[next].begun_ns) {
				if (ask(&conns[next], argv[1], argv[6], sent) < 0)
					return 1;
				sent++;
			}
		int n = epoll_wait(ep, ready, 256, 1);
		for (int i = 0; i < n; i++) {
			struct conn *c = &conns[ready[i].data.u32];
			int s = answer(c);
			if (s < 0 || s >= 600) {
				fprintf(stderr, "loginload: a connection broke after %llu answers\n", (unsigned long long)done);
				return 1;
			}
			if (s == 0)
				continue;
			status[s]++;
			us[done++] = (float)(now_ns() - c->begun_ns) / 1e3f;
			c->begun_ns = 0;
		}
	}
	qsort(us, done, sizeof *us, by_size);
	printf("sent=%llu answered=%llu seconds=%.2f p50_us=%.0f p99_us=%.0f longest_us=%.0f", (unsigned long long)sent, (unsigned long long)done,
		(double)(now_ns() - begun) / 1e9, done ? us[done / 2] : 0.0, done ? us[done * 99 / 100] : 0.0, done ? us[done - 1] : 0.0);
	for (unsigned i = 0; i < 600; i++)
		if (status[i])
			printf(" status_%u=%llu", i, (unsigned long long)status[i]);
	printf("\n");
	return 0;
usage:
	fprintf(stderr, "usage: loginload PORT ADDRESSES CONNECTIONS PER_SECOND SECONDS NAME\n");
	return 2;
}
