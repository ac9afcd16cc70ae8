#include "cm.h"

#include "plc.h"

#include <sys/socket.h>

#include "os/net.h"
#include "os/thread.h"

#define CONNS 16u

static void answer(struct plc *p, int fd)
{
	uint8_t q[12], a[9 + 250] = {0};
	size_t n;
	if (net_read(fd, q, sizeof q, &n) != 0 || n != sizeof q)
		return;
	unsigned address = q[8] * 256u + q[9], count = q[10] * 256u + q[11];
	if (count > 125) /* no request of the driver: what came was cut in two */
		return;
	uint32_t k = atomic_fetch_add(&p->answers, 1) + 1;
	memcpy(a, q, 8);
	a[4] = 0;
	a[5] = (uint8_t)(3 + 2 * count);
	a[8] = (uint8_t)(2 * count);
	for (unsigned i = 0; i < count; i++) {
		unsigned v = address + i == 0 ? k & 0x7fff : address + i;
		a[9 + 2 * i] = (uint8_t)(v >> 8);
		a[10 + 2 * i] = (uint8_t)v;
	}
	(void)!net_write(fd, a, 9 + 2 * count, &n);
}

static void *run(void *arg)
{
	struct plc *p = arg;
	struct net_poll q[CONNS + 1] = {{.fd = p->listener, .want_read = true}};
	for (unsigned i = 1; i <= CONNS; i++)
		q[i] = (struct net_poll){.fd = -1, .want_read = true};
	while (!atomic_load(&p->stop)) {
		size_t ready;
		if (net_poll(q, CONNS + 1, 20000000, &ready) != 0)
			continue;
		for (unsigned i = 1; i <= CONNS; i++) {
			char peek;
			if (q[i].fd < 0 || !q[i].readable)
				continue;
			if (recv(q[i].fd, &peek, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
				net_close(q[i].fd);
				q[i].fd = -1;
				continue;
			}
			answer(p, q[i].fd);
		}
		int fd;
		if (q[0].readable && net_accept(&fd, p->listener) == 0) {
			unsigned i = 1;
			while (i <= CONNS && q[i].fd >= 0)
				i++;
			if (i <= CONNS)
				q[i].fd = fd;
			else
				net_close(fd);
		}
	}
	for (unsigned i = 1; i <= CONNS; i++)
		net_close(q[i].fd);
	return NULL;
}

void plc_start(struct plc *p)
{
	memset(p, 0, sizeof *p);
	assert_int_equal(net_listen(&p->listener, 0), 0);
	assert_int_equal(net_port(p->listener, &p->port), 0);
	assert_int_equal(thread_start(&p->thread, "plc", run, p), 0);
}

void plc_stop(struct plc *p)
{
	atomic_store(&p->stop, true);
	thread_join(p->thread);
	net_close(p->listener);
}
