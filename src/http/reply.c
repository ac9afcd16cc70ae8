/* The response's side of one exchange. A whole answer is one sendmsg of head
 * and body; only what the socket does not take is kept. */
#include "http/reply.h"

#include <assert.h>
#include <strings.h>

#include "base/civil.h"
#include "http/priv/conn.h"
#include "os/clock.h"

static const struct reason {
	int status;
	const char *code, *text;
} reasons[] = {
        {200, "", "OK"},
        {201, "", "Created"},
        {202, "", "Accepted"},
        {204, "", "No Content"},
        {206, "", "Partial Content"},
        {301, "", "Moved Permanently"},
        {302, "", "Found"},
        {303, "", "See Other"},
        {304, "", "Not Modified"},
        {307, "", "Temporary Redirect"},
        {308, "", "Permanent Redirect"},
        {400, "bad_request", "Bad Request"},
        {401, "", "Unauthorized"},
        {403, "", "Forbidden"},
        {404, "", "Not Found"},
        {405, "", "Method Not Allowed"},
        {406, "", "Not Acceptable"},
        {408, "request_timeout", "Request Timeout"},
        {409, "", "Conflict"},
        {410, "", "Gone"},
        {411, "", "Length Required"},
        {412, "", "Precondition Failed"},
        {413, "content_too_large", "Content Too Large"},
        {414, "uri_too_long", "URI Too Long"},
        {415, "", "Unsupported Media Type"},
        {416, "", "Range Not Satisfiable"},
        {417, "", "Expectation Failed"},
        {421, "", "Misdirected Request"},
        {422, "", "Unprocessable Content"},
        {428, "", "Precondition Required"},
        {429, "", "Too Many Requests"},
        {431, "header_fields_too_large", "Request Header Fields Too Large"},
        {500, "", "Internal Server Error"},
        {501, "not_implemented", "Not Implemented"},
        {502, "", "Bad Gateway"},
        {503, "service_unavailable", "Service Unavailable"},
        {504, "", "Gateway Timeout"},
        {505, "http_version_not_supported", "HTTP Version Not Supported"},
        {507, "", "Insufficient Storage"},
};

static const struct reason *reason_of(int status)
{
	static const struct reason other = {0, "", "Status"};

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return &reasons[i];
	return &other;
}

int http_protocol_error(size_t i)
{
	for (size_t k = 0; k < sizeof reasons / sizeof reasons[0]; k++)
		if (*reasons[k].code && i-- == 0)
			return reasons[k].status;
	return 0;
}

const char *reply_reason(int status)
{
	return reason_of(status)->text;
}

/* The head under construction, in the server's one buffer: nothing between its begin and its sending calls anybody. */
struct out {
	uint8_t *p;
	size_t n;
	bool over;
};

static void out_add(struct out *o, const void *p, size_t n)
{
	if (n > SERVER_HEAD_OUT_BYTES - o->n) {
		o->over = true;
		return;
	}
	if (n > 0)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void out_str(struct out *o, const char *s)
{
	out_add(o, s, strlen(s));
}

static void out_u64(struct out *o, uint64_t v)
{
	uint8_t d[20];
	size_t i = sizeof d;

	do
		d[--i] = (uint8_t)('0' + v % 10);
	while ((v /= 10) > 0);
	out_add(o, d + i, sizeof d - i);
}

#define OUT_LIT(o, s) out_add((o), "" s, sizeof(s) - 1)

static void two(char *at, int v)
{
	at[0] = (char)('0' + v / 10 % 10);
	at[1] = (char)('0' + v % 10);
}

/* IMF-fixdate (RFC 9110 5.6.7), made anew once a second. */
static void date_line(struct http_server *s)
{
	static const char days[] = "MonTueWedThuFriSatSun", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t now_ns = wall_now(), now_s = now_ns / NS_PER_S;
	struct civil c;

	if (now_s == s->date_s)
		return;
	s->date_s = now_s;
	civil_from_ns(&c, now_ns);
	memcpy(s->date, "Date: Mon, 00 Jan 0000 00:00:00 GMT\r\n", 38);
	memcpy(s->date + 6, days + (size_t)3 * (size_t)civil_weekday(now_s / 86400), 3);
	two(s->date + 11, c.day);
	memcpy(s->date + 14, months + (size_t)3 * (size_t)(c.month - 1), 3);
	two(s->date + 18, c.year / 100);
	two(s->date + 20, c.year);
	two(s->date + 23, c.hour);
	two(s->date + 26, c.minute);
	two(s->date + 29, c.second);
	s->date_n = 37;
}

static void head_begin(struct out *o, struct http_server *s, int status)
{
	*o = (struct out){s->head_out, 0, false};
	if (status == 200) {
		OUT_LIT(o, "HTTP/1.1 200 OK\r\n");
	} else {
		OUT_LIT(o, "HTTP/1.1 ");
		out_u64(o, (uint64_t)status);
		OUT_LIT(o, " ");
		out_str(o, reply_reason(status));
		OUT_LIT(o, "\r\n");
	}
	date_line(s);
	out_add(o, s->date, s->date_n);
}

static bool name_ok(const char *name)
{
	static const char *const ours[] = {"Date", "Content-Length", "Connection", "Transfer-Encoding"};

	if (!*name)
		return false;
	for (const char *p = name; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("!#$%&'*+-.^_`|~", *p)))
			return false;
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strcasecmp(name, ours[i]) == 0)
			return false;
	return true;
}

static int head_fields(struct out *o, const struct http_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span v = fields[i].value;

		if (!name_ok(fields[i].name))
			return MO_EINVAL;
		for (size_t k = 0; k < v.n; k++)
			if (v.p[k] == '\r' || v.p[k] == '\n' || v.p[k] == '\0')
				return MO_EINVAL;
		out_str(o, fields[i].name);
		OUT_LIT(o, ": ");
		out_add(o, v.p, v.n);
		OUT_LIT(o, "\r\n");
	}
	return 0;
}

/* RFC 9110 15.3.5, 15.4.5: these never have a body. */
static bool bodyless(const struct http_x *x, int status)
{
	return x->head.method == HTTP_HEAD || status == 204 || status == 304;
}

static void head_end(struct out *o, struct http_x *x)
{
	if (x->close)
		OUT_LIT(o, "Connection: close\r\n");
	else if (x->head.minor == 0)
		OUT_LIT(o, "Connection: keep-alive\r\n");
	OUT_LIT(o, "\r\n");
}

/* Whether another request can follow has to be said now. */
static void decide_close(struct http_x *x, bool ended)
{
	bool left = x->unsent_100 || (!x->head.chunked && x->left > SERVER_DROP_MAX_BYTES);

	if (x->c->s->draining || (x->req != REQ_DONE && left && (ended || !x->want)))
		x->close = true;
}

static int may_begin(const struct http_x *x, int status)
{
	if (x->c->broken || x->done_told)
		return MO_ECANCELED;
	if (x->res != RES_NONE)
		return MO_ESTATE;
	return status < 200 || status > 599 ? MO_EINVAL : 0;
}

static void after(struct http_x *x)
{
	if (!x->c->in_turn)
		conn_kick(x->c);
}

static int reply_whole(struct http_x *x, int status, const struct http_field *fields, size_t n_fields, struct span body, bool ref)
{
	struct conn *c = x->c;
	struct out o;
	struct iovec iov[2];
	int r = may_begin(x, status);

	if (r < 0)
		return r;
	head_begin(&o, c->s, status);
	r = head_fields(&o, fields, n_fields);
	if (r < 0)
		return r;
	if (status != 204 && status != 304) {
		OUT_LIT(&o, "Content-Length: ");
		out_u64(&o, body.n);
		OUT_LIT(&o, "\r\n");
	}
	decide_close(x, true);
	head_end(&o, x);
	if (o.over)
		return MO_ELIMIT;
	x->res = RES_ENDED;
	iov[0] = (struct iovec){o.p, o.n};
	iov[1] = sock_iov(body);
	r = sock_send(c, iov, body.n == 0 || bodyless(x, status) ? 1 : 2, ref);
	after(x);
	return r;
}

int http_reply(struct http_x *x, int status, const struct http_field *fields, size_t n_fields, struct span body)
{
	return reply_whole(x, status, fields, n_fields, body, false);
}

int http_reply_ref(struct http_x *x, int status, const struct http_field *fields, size_t n_fields, struct span body)
{
	return reply_whole(x, status, fields, n_fields, body, true);
}

int http_reply_begin(struct http_x *x, int status, const struct http_field *fields, size_t n_fields)
{
	struct conn *c = x->c;
	struct out o;
	int r = may_begin(x, status);

	if (r < 0)
		return r;
	head_begin(&o, c->s, status);
	r = head_fields(&o, fields, n_fields);
	if (r < 0)
		return r;
	x->bodyless = bodyless(x, status);
	x->chunked_out = x->head.minor >= 1 && status != 204 && status != 304;
	if (x->chunked_out)
		OUT_LIT(&o, "Transfer-Encoding: chunked\r\n");
	else if (!x->bodyless)
		x->close = true; /* HTTP/1.0: the end of the body is the end of the connection */
	decide_close(x, false);
	head_end(&o, x);
	if (o.over)
		return MO_ELIMIT;
	x->res = RES_STREAM;
	r = sock_queue(c, span_of(o.p, o.n)); /* goes out with the first piece, or at the end of the turn */
	after(x);
	return r;
}

int http_reply_piece(struct http_x *x, struct span piece)
{
	struct conn *c = x->c;
	char size[20];
	size_t n_size = 0;
	struct iovec iov[3];
	int r;

	if (c->broken || x->done_told)
		return MO_ECANCELED;
	if (x->res != RES_STREAM)
		return MO_ESTATE;
	if (piece.n == 0 || x->bodyless)
		return 0;
	if (sock_unsent(c) > SERVER_OUT_MAX_BYTES)
		return MO_ELIMIT;
	for (size_t v = piece.n; v > 0; v >>= 4)
		n_size++;
	for (size_t i = 0; i < n_size; i++)
		size[i] = "0123456789abcdef"[piece.n >> 4 * (n_size - 1 - i) & 15];
	size[n_size++] = '\r';
	size[n_size++] = '\n';
	iov[0] = (struct iovec){size, n_size};
	iov[1] = sock_iov(piece);
	iov[2] = sock_iov(SPAN_LIT("\r\n"));
	if (piece.n < SERVER_PIECE_COPY_BYTES && sock_unsent(c) < SERVER_OUT_LOW_BYTES)
		r = sock_gather(c, x->chunked_out ? iov : iov + 1, x->chunked_out ? 3 : 1);
	else
		r = sock_send(c, x->chunked_out ? iov : iov + 1, x->chunked_out ? 3 : 1, false);
	after(x);
	if (r == 0 && !c->broken && sock_unsent(c) > SERVER_OUT_HIGH_BYTES) {
		x->wait_drain = true;
		return MO_EAGAIN;
	}
	return r;
}

int http_reply_end(struct http_x *x)
{
	struct conn *c = x->c;
	int r = 0;

	if (c->broken || x->done_told)
		return MO_ECANCELED;
	if (x->res != RES_STREAM)
		return MO_ESTATE;
	x->res = RES_ENDED;
	if (x->chunked_out && !x->bodyless)
		r = sock_queue(c, SPAN_LIT("0\r\n\r\n"));
	after(x);
	return r;
}

void http_abort(struct http_x *x)
{
	if (x->done_told)
		return;
	x->c->broken = true;
	after(x);
}

void reply_https_only(struct conn *c)
{
	/* There is no request that a handler could have words for, and nobody's language is known: both. */
	static const char words[] = "이 포트는 TLS를 씁니다. 주소를 https:// 로 시작해 주십시오.\n"
	                            "This port speaks TLS: begin the address with https://\n";
	struct out o;
	struct iovec iov[2];

	head_begin(&o, c->s, 400);
	OUT_LIT(&o, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");
	out_u64(&o, sizeof words - 1);
	OUT_LIT(&o, "\r\nConnection: close\r\n\r\n");
	iov[0] = (struct iovec){o.p, o.n};
	iov[1] = sock_iov(span_of(words, sizeof words - 1));
	if (sock_send(c, iov, 2, false) < 0)
		c->broken = true;
}

void reply_problem(struct conn *c, int status)
{
	const struct reason *reason = reason_of(status);
	uint8_t bytes[256];
	struct out body = {bytes, 0, false}, o;
	struct iovec iov[2];
	struct span words = {NULL, 0};

	assert(*reason->code);
	if (c->s->h->problem)
		words = c->s->h->problem(c->s->arg, status);
	/* Longest reason and code together are under 100 bytes. */
	OUT_LIT(&body, "{\"type\":\"about:blank\",\"title\":\"");
	out_str(&body, reason->text);
	OUT_LIT(&body, "\",\"status\":");
	out_u64(&body, (uint64_t)status);
	OUT_LIT(&body, ",\"code\":\"");
	out_str(&body, reason->code);
	OUT_LIT(&body, "\"}");
	if (!words.p)
		words = span_of(bytes, body.n);
	head_begin(&o, c->s, status);
	OUT_LIT(&o, "Content-Type: application/problem+json\r\nContent-Length: ");
	out_u64(&o, words.n);
	OUT_LIT(&o, "\r\nConnection: close\r\n\r\n");
	iov[0] = (struct iovec){o.p, o.n};
	iov[1] = sock_iov(words);
	if (sock_send(c, iov, 2, false) < 0)
		c->broken = true; /* without an answer, then */
}
