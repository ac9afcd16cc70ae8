#include "sim/hub.h"

#include "os/clock.h"
#include "os/net.h"

#define REDIAL_NS (20 * NS_PER_MS) /* how often a connection that must be made again is looked after */

int hub_init(struct hub *h)
{
	memset(h, 0, sizeof *h);
	for (size_t i = 0; i < HUB_READERS_MAX; i++)
		h->reader[i].fd = -1;
	for (size_t i = 0; i < SIM_MACHINES; i++)
		h->listener[i] = -1;
	int err = 0;
	for (size_t i = 0; i < SIM_MACHINES && err == 0; i++)
		if (sim_machine_at(i)->door == DOOR_MODBUS) {
			err = net_listen(&h->listener[i], 0);
			if (err == 0)
				err = net_port(h->listener[i], &h->port[i]);
		}
	if (err < 0)
		hub_free(h);
	return err;
}

void hub_deaf(struct hub *h)
{
	for (size_t i = 0; i < SIM_MACHINES; i++) {
		net_close(h->listener[i]);
		h->listener[i] = -1;
	}
	for (size_t i = 0; i < HUB_READERS_MAX; i++) {
		net_close(h->reader[i].fd);
		h->reader[i].fd = -1;
	}
}

void hub_free(struct hub *h) { hub_deaf(h); }

int hub_watch(struct hub *h, struct http_conn *c)
{
	if (h->n_conns == HUB_CONNS_MAX)
		return MO_ELIMIT;
	h->conn[h->n_conns++] = c;
	return 0;
}

static void reader_end(struct hub_reader *r)
{
	net_close(r->fd);
	r->fd = -1;
}

static void reader_new(struct hub *h, size_t machine, int64_t now_ns)
{
	int fd;
	if (net_accept(&fd, h->listener[machine]) < 0)
		return;
	struct hub_reader *r = &h->reader[0];
	for (size_t i = 0; i < HUB_READERS_MAX; i++) {
		if (h->reader[i].fd < 0) {
			r = &h->reader[i];
			break;
		}
		if (h->reader[i].used_ns < r->used_ns)
			r = &h->reader[i];
	}
	if (r->fd >= 0)
		reader_end(r);
	*r = (struct hub_reader){.fd = fd, .machine = machine, .used_ns = now_ns};
}

static void reader_go_on(struct hub *h, struct hub_reader *r, int64_t now_ns)
{
	size_t got = 0;
	int err = net_read(r->fd, r->in + r->n, sizeof r->in - r->n, &got);
	if (err == MO_EAGAIN)
		return;
	if (err < 0 || got == 0) {
		reader_end(r);
		return;
	}
	r->n += got;
	r->used_ns = now_ns;
	for (;;) {
		uint8_t out[MB_FRAME_MAX];
		size_t n_out, sent = 0;
		long eaten = mb_answer(&h->regs[r->machine], span_of(r->in, r->n), out, &n_out);
		if (eaten == 0)
			return;
		/* An answer is far smaller than a socket's buffer: a peer that does not read loses its connection. */
		if (eaten < 0 || net_write(r->fd, out, n_out, &sent) < 0 || sent != n_out) {
			reader_end(r);
			return;
		}
		h->reads[r->machine]++;
		r->n -= (size_t)eaten;
		memmove(r->in, r->in + eaten, r->n);
	}
}

int hub_wait(struct hub *h, int64_t timeout_ns)
{
	struct net_poll at[SIM_MACHINES + HUB_READERS_MAX + HUB_CONNS_MAX];
	size_t what[SIM_MACHINES + HUB_READERS_MAX + HUB_CONNS_MAX], k = 0, ready = 0;
	for (size_t i = 0; i < h->n_conns; i++) {
		const struct http_conn *c = h->conn[i];
		if (c->state != HTTP_BUSY)
			continue;
		if (c->fd >= 0) {
			at[k] = (struct net_poll){.fd = c->fd, .want_read = true, .want_write = c->connecting || c->sent < c->out.n};
			what[k++] = i;
		} else if (timeout_ns < 0 || timeout_ns > REDIAL_NS)
			timeout_ns = REDIAL_NS;
	}
	size_t readers = k;
	for (size_t i = 0; i < HUB_READERS_MAX; i++)
		if (h->reader[i].fd >= 0) {
			at[k] = (struct net_poll){.fd = h->reader[i].fd, .want_read = true};
			what[k++] = i;
		}
	size_t listeners = k;
	for (size_t i = 0; i < SIM_MACHINES; i++)
		if (h->listener[i] >= 0) {
			at[k] = (struct net_poll){.fd = h->listener[i], .want_read = true};
			what[k++] = i;
		}
	int err = net_poll(at, k, timeout_ns, &ready);
	if (err < 0 && err != MO_ETIMEOUT && err != MO_EAGAIN)
		return err;
	int64_t now = mono_now();
	for (size_t i = 0; i < k && ready > 0; i++) {
		if (!at[i].readable && !at[i].writable)
			continue;
		if (i >= listeners)
			reader_new(h, what[i], now);
		else if (i >= readers)
			reader_go_on(h, &h->reader[what[i]], now);
		else
			http_go_on(h->conn[what[i]], now);
	}
	for (size_t i = 0; i < h->n_conns; i++)
		if (http_is_due(h->conn[i], now))
			http_go_on(h->conn[i], now);
	return 0;
}
