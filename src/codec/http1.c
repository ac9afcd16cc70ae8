/* request-line = method SP request-target SP HTTP-version CRLF
 * head = request-line *( field-name ":" OWS field-value OWS CRLF ) CRLF  (RFC 9112, 2.1, 3, 5).
 * Lines are judged as they become whole, the head as a whole at its end. */
#include "codec/http1.h"

#include <strings.h>

#include "base/num.h"

static const char *const methods[HTTP_METHODS] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

const char *http1_method_name(enum http1_method m)
{
	return (unsigned)m < HTTP_METHODS ? methods[m] : "?";
}

static bool same(struct span a, const char *b)
{
	size_t n = strlen(b);
	return a.n == n && (n == 0 || strncasecmp((const char *)a.p, b, n) == 0);
}

struct span http1_header(const struct http1_head *h, const char *name)
{
	for (size_t i = 0; i < h->n_headers; i++)
		if (same(h->headers[i].name, name))
			return h->headers[i].value;
	return (struct span){NULL, 0};
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* tchar of RFC 9110, 5.6.2. */
static bool is_tchar(uint8_t c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_tchar(s.p[i]))
			return false;
	return s.n > 0;
}

/* Visible, blank, tab or obs-text: what a field value may hold. */
static bool is_field_byte(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static int bad(int *ret_status)
{
	return *ret_status = 400, MO_EPROTO;
}

static int status(int *ret_status, int value, int err)
{
	return *ret_status = value, err;
}

/* uri-host [ ":" port ] of RFC 9110, 7.2; empty is allowed. */
static bool is_host(struct span s)
{
	size_t i = 0;
	if (s.n && s.p[0] == '[') {
		for (i = 1; i < s.n && s.p[i] != ']'; i++)
			if (!is_alnum(s.p[i]) && !strchr(":.-_~!$&'()*+,;=", s.p[i]))
				return false;
		if (i == s.n)
			return false;
		i++;
	} else {
		for (; i < s.n && s.p[i] != ':'; i++)
			if (!is_alnum(s.p[i]) && (!s.p[i] || !strchr("-._~!$&'()*+,;=%", s.p[i])))
				return false;
	}
	if (i < s.n && s.p[i++] != ':')
		return false;
	for (; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

/* Splits the target into path and query; *ret_authority is that of the absolute form, p == NULL without. */
static bool split_target(struct http1_head *h, struct span *ret_authority)
{
	struct span t = h->target;
	*ret_authority = (struct span){NULL, 0};
	if (h->method == HTTP_OPTIONS && span_is(t, "*")) {
		h->path = t;
		h->query = (struct span){NULL, 0};
		return true;
	}
	if (t.p[0] != '/') {
		size_t scheme = same(span_sub(t, 0, 7), "http://") ? 7 : same(span_sub(t, 0, 8), "https://") ? 8 : 0;
		if (!scheme)
			return false;
		size_t end = scheme;
		while (end < t.n && t.p[end] != '/' && t.p[end] != '?')
			end++;
		*ret_authority = span_sub(t, scheme, end - scheme);
		if (ret_authority->n == 0 || !is_host(*ret_authority))
			return false;
		t = span_sub(t, end, t.n);
	}
	size_t q = span_find(t, 0, '?');
	h->path = span_sub(t, 0, q);
	h->query = q < t.n ? span_sub(t, q + 1, t.n) : (struct span){NULL, 0};
	if (h->path.n == 0) /* "http://host?query": the path is "/" (RFC 9110, 4.2.3) */
		h->path = SPAN_LIT("/");
	return true;
}

static int request_line(struct http1_head *h, struct span line, struct span *ret_authority, int *ret_status)
{
	size_t a = span_find(line, 0, ' ');
	size_t b = a < line.n ? span_find(line, a + 1, ' ') : line.n;
	struct span method = span_sub(line, 0, a), version = span_sub(line, b + 1, line.n);
	if (b >= line.n || !is_token(method))
		return bad(ret_status);
	h->target = span_sub(line, a + 1, b - a - 1);
	if (h->target.n > HTTP1_TARGET_MAX)
		return status(ret_status, 414, MO_ELIMIT);
	if (h->target.n == 0)
		return bad(ret_status);
	for (size_t i = 0; i < h->target.n; i++)
		if (h->target.p[i] <= 0x20 || h->target.p[i] >= 0x7f || h->target.p[i] == '#')
			return bad(ret_status);
	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' || version.p[5] < '0' || version.p[5] > '9' ||
	        version.p[7] < '0' || version.p[7] > '9')
		return bad(ret_status);
	if (version.p[5] != '1')
		return status(ret_status, 505, MO_EPROTO);
	h->minor = version.p[7] == '0' ? 0 : 1; /* a higher minor version is read as the highest we know (RFC 9110, 2.5) */
	for (unsigned m = 0; m < HTTP_METHODS; m++)
		if (span_is(method, methods[m])) {
			h->method = (enum http1_method)m;
			return split_target(h, ret_authority) ? 0 : bad(ret_status);
		}
	return status(ret_status, 501, MO_EPROTO);
}

static struct span trim(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_sub(s, 1, s.n);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static int field_line(struct http1_head *h, struct span line, int *ret_status)
{
	size_t colon = span_find(line, 0, ':');
	struct span name = span_sub(line, 0, colon), value = trim(span_sub(line, colon + 1, line.n));
	if (colon == line.n || !is_token(name)) /* also obs-fold, and blanks before the colon */
		return bad(ret_status);
	for (size_t i = 0; i < value.n; i++)
		if (!is_field_byte(value.p[i]))
			return bad(ret_status);
	if (h->n_headers == HTTP1_HEADERS_MAX)
		return status(ret_status, 431, MO_ELIMIT);
	h->headers[h->n_headers++] = (struct http1_header){name, value};
	return 0;
}

/* The next member of a comma-separated list, trimmed; false at its end. */
static bool list_next(struct span *list, struct span *ret)
{
	if (list->n == 0)
		return false;
	size_t comma = span_find(*list, 0, ',');
	*ret = trim(span_sub(*list, 0, comma));
	*list = span_sub(*list, comma + 1, list->n);
	return true;
}

/* ";q=0.5" in thousandths (RFC 9110 12.4.2); without one 1000, -1: not of that form. */
static int weight(struct span params)
{
	params = trim(params);
	if (params.n == 0)
		return 1000;
	params = trim(span_sub(params, 1, params.n)); /* the semicolon */
	if (params.n < 3 || params.n > 7 || (params.p[0] | 0x20) != 'q' || params.p[1] != '=' || (params.p[2] != '0' && params.p[2] != '1') ||
	        (params.n > 3 && params.p[3] != '.'))
		return -1;
	int q = 1000 * (params.p[2] - '0'), unit = 100;
	for (size_t i = 4; i < params.n; i++, unit /= 10) {
		if (params.p[i] < '0' || params.p[i] > '9')
			return -1;
		q += unit * (params.p[i] - '0');
	}
	return q <= 1000 ? q : -1;
}

bool http1_accepts_gzip(struct span list)
{
	int gzip = -1, any = -1, identity = -1;
	struct span member;
	while (list_next(&list, &member)) {
		size_t semicolon = span_find(member, 0, ';');
		struct span name = trim(span_sub(member, 0, semicolon));
		int q = weight(span_sub(member, semicolon, member.n));
		if (q < 0)
			continue; /* says nothing that could be kept to */
		if (same(name, "gzip") || same(name, "x-gzip")) /* the same by 8.4.1.3 */
			gzip = q;
		else if (same(name, "identity"))
			identity = q;
		else if (span_is(name, "*"))
			any = q;
	}
	if (gzip < 0)
		gzip = any;
	return gzip > 0 && gzip >= identity;
}

/* Where the body ends (RFC 9112, 6). */
static int framing(struct http1_head *h, int *ret_status)
{
	size_t n_lengths = 0, n_codings = 0, n_chunked = 0;
	struct span length = {NULL, 0}, last = {NULL, 0};
	for (size_t i = 0; i < h->n_headers; i++) {
		struct span v = h->headers[i].value, one;
		if (same(h->headers[i].name, "content-length")) {
			n_lengths++;
			length = v;
		} else if (same(h->headers[i].name, "transfer-encoding")) {
			if (v.n == 0)
				return bad(ret_status);
			while (list_next(&v, &one)) {
				if (one.n == 0)
					continue;
				n_codings++;
				n_chunked += same(one, "chunked");
				last = one;
			}
			if (n_codings == 0)
				return bad(ret_status);
		}
	}
	if (n_codings) {
		if (n_lengths || h->minor == 0 || n_chunked > 1 || !same(last, "chunked"))
			return bad(ret_status);
		if (n_codings > 1)
			return status(ret_status, 501, MO_EPROTO);
		h->chunked = true;
	}
	if (n_lengths) {
		/* num_u64 would take a sign. */
		if (n_lengths > 1 || length.n == 0 || length.p[0] < '0' || length.p[0] > '9' || num_u64(&h->content_length, length))
			return bad(ret_status);
		h->has_length = true;
	}
	return 0;
}

static int whole(struct http1_head *h, struct span authority, int *ret_status)
{
	size_t n_hosts = 0;
	struct span host = {NULL, 0};
	bool close = false, keep = false;
	for (size_t i = 0; i < h->n_headers; i++) {
		struct span v = h->headers[i].value, one;
		if (same(h->headers[i].name, "host")) {
			n_hosts++;
			host = v;
		} else if (same(h->headers[i].name, "connection")) {
			while (list_next(&v, &one)) {
				close |= same(one, "close");
				keep |= same(one, "keep-alive");
			}
		} else if (same(h->headers[i].name, "expect") && h->minor == 1) {
			h->expect_continue |= same(v, "100-continue");
		}
	}
	if (n_hosts > 1 || (n_hosts == 0 && h->minor == 1) || !is_host(host))
		return bad(ret_status);
	/* A client must send the authority as Host (RFC 9112, 3.2.2); two different ones are an attempt to be seen as two. */
	if (authority.p && n_hosts && (host.n != authority.n || strncasecmp((const char *)host.p, (const char *)authority.p, host.n) != 0))
		return bad(ret_status);
	h->keep_alive = !close && (h->minor == 1 || keep);
	return framing(h, ret_status);
}

/* What can be said of a line that has not ended yet. */
static int partial(struct span line, size_t line_at, bool is_request, int *ret_status)
{
	for (size_t i = 0; i < line.n; i++) {
		/* A CR may still get its LF. */
		if (!is_field_byte(line.p[i]) && !(line.p[i] == '\r' && i + 1 == line.n))
			return bad(ret_status);
	}
	if (is_request && line.n > HTTP1_TARGET_MAX) {
		size_t a = span_find(line, 0, ' ');
		if (a < line.n && span_find(line, a + 1, ' ') - a - 1 > HTTP1_TARGET_MAX)
			return status(ret_status, 414, MO_ELIMIT);
	}
	return line_at + line.n >= HTTP1_HEAD_MAX ? status(ret_status, 431, MO_ELIMIT) : MO_EAGAIN;
}

int http1_parse_head(struct http1_head *ret, struct span in, size_t *ret_eaten, int *ret_status)
{
	struct span authority = {NULL, 0};
	bool is_request = true;
	size_t at = 0;
	*ret = (struct http1_head){.content_length = 0};
	if (in.n >= 2 && in.p[0] == '\r' && in.p[1] == '\n')
		at = 2;
	for (;;) {
		struct span rest = span_sub(in, at, in.n);
		size_t lf = span_find(rest, 0, '\n');
		if (lf == rest.n)
			return partial(rest, at, is_request, ret_status);
		if (lf == 0 || rest.p[lf - 1] != '\r')
			return bad(ret_status);
		struct span line = span_sub(rest, 0, lf - 1);
		if (is_request) {
			int e = request_line(ret, line, &authority, ret_status);
			if (e)
				return e;
		}
		if (at + lf + 1 > HTTP1_HEAD_MAX)
			return status(ret_status, 431, MO_ELIMIT);
		at += lf + 1;
		if (!is_request) {
			if (line.n == 0)
				break;
			int e = field_line(ret, line, ret_status);
			if (e)
				return e;
		}
		is_request = false;
	}
	int e = whole(ret, authority, ret_status);
	if (e == 0)
		*ret_eaten = at;
	return e;
}
