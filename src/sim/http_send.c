#include "sim/http_send.h"

#include <strings.h>

#include "base/civil.h"
#include "base/num.h"
#include "os/clock.h"
#include "os/net.h"

#define RETRY_NS (100 * NS_PER_MS)
#define HEAD_MAX 16384u
#define READ_BYTES 65536u

static struct span line_of(struct span in, size_t *at)
{
	for (size_t i = *at; i + 1 < in.n; i++)
		if (in.p[i] == '\r' && in.p[i + 1] == '\n') {
			struct span s = span_of(in.p + *at, i - *at);
			*at = i + 2;
			return s;
		}
	return (struct span){NULL, 0};
}

static bool named(struct span line, const char *name, struct span *value)
{
	size_t n = strlen(name);
	if (line.n <= n || line.p[n] != ':' || strncasecmp((const char *)line.p, name, n) != 0)
		return false;
	*value = span_trim(span_sub(line, n + 1, line.n));
	return true;
}

static long chunks(struct span in, size_t at, struct buf *joined)
{
	buf_reset(joined);
	for (;;) {
		struct span line = line_of(in, &at);
		if (!line.p)
			return 0;
		size_t size = 0, digits = 0;
		for (; digits < line.n && digits < 7; digits++) {
			unsigned c = line.p[digits] | 0x20u; /* letters in lower case, digits as they are */
			unsigned v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16u;
			if (v == 16)
				break;
			size = size * 16 + v;
		}
		if (digits == 0 || size > HTTP_REPLY_MAX)
			return -1;
		if (size == 0) { /* trailers up to the empty line */
			for (;;) {
				line = line_of(in, &at);
				if (!line.p)
					return 0;
				if (line.n == 0)
					return (long)at;
			}
		}
		if (in.n - at < size + 2)
			return 0;
		buf_add(joined, span_of(in.p + at, size));
		at += size + 2;
	}
}

long http_reply_parse(struct http_reply *ret, struct span in, struct buf *joined)
{
	size_t at = 0;
	struct span line = line_of(in, &at), value;
	if (!line.p)
		return in.n > HEAD_MAX ? -1 : 0;
	if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0)
		return -1;
	uint64_t status, length = 0;
	if (num_u64(&status, span_sub(line, 9, 3)) < 0)
		return -1;
	bool chunked = false;
	ret->close = false;
	for (;;) {
		line = line_of(in, &at);
		if (!line.p)
			return in.n > HEAD_MAX && at > HEAD_MAX ? -1 : 0;
		if (line.n == 0)
			break;
		if (named(line, "content-length", &value)) {
			if (num_u64(&length, value) < 0 || length > HTTP_REPLY_MAX)
				return -1;
		} else if (named(line, "transfer-encoding", &value))
			chunked = value.n >= 7 && strncasecmp((const char *)value.p + value.n - 7, "chunked", 7) == 0;
		else if (named(line, "connection", &value))
			ret->close = value.n == 5 && strncasecmp((const char *)value.p, "close", 5) == 0;
	}
	ret->status = (int)status;
	if (status == 204 || status == 304) {
		ret->body = (struct span){NULL, 0};
		return (long)at;
	}
	if (status >= 100 && status < 200) { /* 100 Continue: the answer follows */
		long more = http_reply_parse(ret, span_sub(in, at, in.n), joined);
		return more > 0 ? (long)at + more : more;
	}
	if (chunked) {
		long end = chunks(in, at, joined);
		ret->body = buf_span(joined);
		return end;
	}
	if (in.n - at < length)
		return 0;
	ret->body = span_of(in.p + at, length);
	return (long)(at + length);
}

int http_conn_init(struct http_conn *c, const char *url)
{
	memset(c, 0, sizeof *c);
	c->fd = -1;
	struct span s = span_str(url);
	if (!span_starts(s, "http://"))
		return MO_EINVAL;
	s = span_sub(s, 7, s.n);
	if (s.n && s.p[s.n - 1] == '/')
		s.n--;
	size_t colon = span_find(s, 0, ':');
	uint64_t port;
	if (colon == 0 || colon >= s.n || num_u64(&port, span_sub(s, colon + 1, s.n)) < 0 || port == 0 || port > 65535)
		return MO_EINVAL;
	struct span host = span_sub(s, 0, colon);
	if (!span_is(host, "127.0.0.1") && !span_is(host, "localhost"))
		return MO_EINVAL;
	c->port = (uint16_t)port;
	buf_init(&c->out, 0);
	buf_init(&c->in, HTTP_REPLY_MAX + HEAD_MAX);
	buf_init(&c->joined, HTTP_REPLY_MAX);
	return 0;
}

void http_conn_free(struct http_conn *c)
{
	net_close(c->fd);
	c->fd = -1;
	buf_free(&c->out);
	buf_free(&c->in);
	buf_free(&c->joined);
}

int http_start(struct http_conn *c, const char *method, const char *path, const char *type, const char *key, const struct buf *body)
{
	if (c->state == HTTP_BUSY)
		return MO_EBUSY;
	buf_reset(&c->out);
	buf_reset(&c->in);
	buf_printf(&c->out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", method, path, c->port);
	if (type)
		buf_printf(&c->out, "Content-Type: %s\r\n", type);
	if (key)
		buf_printf(&c->out, "Idempotency-Key: %s\r\n", key);
	if (body)
		buf_printf(&c->out, "Content-Length: %zu\r\n", body->n);
	buf_adds(&c->out, "\r\n");
	if (body)
		buf_add(&c->out, buf_span(body));
	if (c->out.err)
		return c->out.err;
	c->sent = 0;
	c->state = HTTP_BUSY;
	c->since_ns = mono_now();
	http_go_on(c, c->since_ns);
	return 0;
}

static void cut_off(struct http_conn *c, int64_t now_ns)
{
	net_close(c->fd);
	c->fd = -1;
	c->connecting = false;
	c->sent = 0;
	buf_reset(&c->in);
	if (c->state == HTTP_BUSY)
		c->retries++;
	c->retry_ns = now_ns + RETRY_NS;
}

static bool patient(const struct http_conn *c, int64_t now_ns) { return c->patience_ns <= 0 || now_ns - c->since_ns <= c->patience_ns; }

bool http_is_due(const struct http_conn *c, int64_t now_ns) { return c->state == HTTP_BUSY && ((c->fd < 0 && now_ns >= c->retry_ns) || !patient(c, now_ns)); }

static void receive(struct http_conn *c, int64_t now_ns)
{
	for (;;) {
		uint8_t *at = buf_reserve(&c->in, READ_BYTES);
		size_t n = 0;
		int err = at ? net_read(c->fd, at, READ_BYTES, &n) : MO_ENOMEM;
		if (err == MO_EAGAIN)
			return;
		if (err < 0 || n == 0) {
			cut_off(c, now_ns);
			return;
		}
		c->in.n += n;
		long whole = http_reply_parse(&c->reply, buf_span(&c->in), &c->joined);
		if (whole < 0) {
			cut_off(c, now_ns);
			return;
		}
		if (whole > 0) {
			c->state = HTTP_DONE;
			if (c->reply.close) {
				net_close(c->fd);
				c->fd = -1;
				c->retry_ns = 0;
			}
			return;
		}
	}
}

void http_go_on(struct http_conn *c, int64_t now_ns)
{
	if (c->state != HTTP_BUSY)
		return;
	if (!patient(c, now_ns)) {
		cut_off(c, now_ns);
		c->state = HTTP_FAILED;
		return;
	}
	if (c->fd < 0) {
		if (now_ns < c->retry_ns)
			return;
		c->connecting = true;
		if (net_connect(&c->fd, c->port) < 0)
			c->fd = -1;
	}
	int err = c->fd < 0 ? MO_EDENIED : c->connecting ? net_connected(c->fd) : 0;
	c->connecting = err == MO_EAGAIN;
	while (err == 0 && c->sent < c->out.n) {
		size_t n = 0;
		err = net_write(c->fd, c->out.p + c->sent, c->out.n - c->sent, &n);
		c->sent += n;
	}
	if (err == MO_EAGAIN)
		return;
	if (err < 0) {
		cut_off(c, now_ns);
		return;
	}
	receive(c, now_ns);
}
