/* See api.h: from a request to its route, its parameters and its answer.
 *
 * A call lives from head() to the later of done() and its work's end:
 *   head -> (body) -> end -> loop | worker | stream -> api_finish -> done -> freed */
#include "api/priv/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/backup.h"
#include "api/importer.h"
#include "base/num.h"
#include "os/crypto.h"

/* ---- routing ---- */
/* 0; MO_ENOENT: another path; with c its names are kept, MO_EINVAL: one cannot be read; MO_ENOMEM. */
static int match(const char *pattern, struct span path, struct api_call *c)
{
	size_t i = 0;
	const char *p = pattern;
	for (; *p; p++) {
		if (*p != '{') {
			if (i >= path.n || path.p[i] != (uint8_t)*p)
				return MO_ENOENT;
			i++;
			continue;
		}
		const char *end = strchr(p, '}');
		size_t to = span_find(path, i, '/');
		if (to == i || !end)
			return MO_ENOENT;
		if (c && c->n_params < API_PARAMS_MAX) {
			struct api_pair *q = &c->params[c->n_params];
			q->name = span_of(p + 1, (size_t)(end - p - 1));
			int err = api_decode(&q->value, &c->arena, span_sub(path, i, to - i), false);
			if (err != 0)
				return err;
			c->n_params++;
		}
		i = to;
		p = end;
	}
	return i == path.n ? 0 : MO_ENOENT;
}

/* Prefixes that are interfaces, present or to come: never the page. */
static bool reserved(struct span path)
{
	static const char *const prefixes[] = {"/api", "/aas", "/dsp", "/prometheus", "/v1", "/write", "/query", "/ping", "/metrics", "/healthz"};
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		size_t n = strlen(prefixes[i]);
		if (span_starts(path, prefixes[i]) && (path.n == n || path.p[n] == '/'))
			return true;
	}
	return false;
}

const struct api_route *api_route_find(enum http1_method m, struct span path, char allow[64])
{
	size_t n = 0;
	allow[0] = 0;
	for (size_t i = 0; i < api_routes_n; i++) {
		const struct api_route *r = &api_routes[i];
		/* The page takes what no other route names; a path of ours with another method is not the page's. */
		if (r->path[0] == '*' ? allow[0] || reserved(path) : match(r->path, path, NULL) != 0)
			continue;
		if (r->method == m || (m == HTTP_HEAD && r->method == HTTP_GET))
			return r;
		int more = snprintf(allow + n, 64 - n, "%s%s%s", n ? ", " : "", http1_method_name(r->method), r->method == HTTP_GET ? ", HEAD" : "");
		n += (size_t)more;
	}
	return NULL;
}

static const char *const header_names[API_HEADERS_N] = {API_HEADERS};

struct span api_header(const struct api_call *c, const char *name)
{
	if (c->route->run != RUN_WORKER)
		return http1_header(http_head(c->pass.x), name);
	for (size_t i = 0; i < API_HEADERS_N; i++)
		if (strcmp(header_names[i], name) == 0)
			return c->headers[i];
	return span_of(NULL, 0);
}

static int keep_headers(struct api_call *c, const struct http1_head *h)
{
	for (size_t i = 0; i < API_HEADERS_N; i++) {
		struct span v = http1_header(h, header_names[i]);
		if (v.p && !(c->headers[i] = arena_dup(&c->arena, v)).p)
			return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	return 0;
}

int api_object(struct api_call *c, struct json_value **ret)
{
	int err = json_parse(ret, &c->arena, buf_span(&c->body), c->d);
	if (err != 0 || (*ret)->type == JSON_OBJECT)
		return err;
	return diag_set(c->d, MO_EINVAL, MSG_API_OBJECT);
}

/* Letters of a media type have no case. */
static bool same_type(struct span lower, struct span type)
{
	if (lower.n != type.n)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if ((type.p[i] >= 'A' && type.p[i] <= 'Z' ? type.p[i] | 0x20 : type.p[i]) != lower.p[i])
			return false;
	return true;
}

bool api_takes_type(const struct api_route *r, struct span content_type)
{
	struct span type = span_trim(span_sub(content_type, 0, span_find(content_type, 0, ';'))), list = span_str(r->body_type);
	bool any = (r->flags & ROUTE_ANY_TYPE) != 0;
	for (size_t i = 0; i < list.n && !any;) {
		size_t end = span_find(list, i, ',');
		any = same_type(span_trim(span_sub(list, i, end - i)), type);
		i = end + 1;
	}
	return any;
}

/* What the head says of the body, before a byte of it is read. */
static int check_body(struct api_call *c, const struct http1_head *h)
{
	const struct api_route *r = c->route;
	bool has = h->chunked || (h->has_length && h->content_length > 0);
	if (!r->body_limit || !has)
		return 0;
	if (!api_takes_type(r, http1_header(h, "Content-Type"))) {
		diag_set(c->d, MO_EINVAL, MSG_API_BODY_TYPE);
		diag_value(c->d, http1_header(h, "Content-Type"));
		diag_expected(c->d, r->body_type);
		c->status = 415;
		return MO_EINVAL;
	}
	if (h->has_length && h->content_length > r->body_limit) {
		char n[24];
		diag_set(c->d, MO_ELIMIT, MSG_API_BODY_LARGE);
		snprintf(n, sizeof n, "%llu", (unsigned long long)h->content_length);
		diag_value(c->d, span_str(n));
		snprintf(n, sizeof n, "%llu", (unsigned long long)r->body_limit);
		diag_expected(c->d, n);
		return MO_ELIMIT;
	}
	return 0;
}

/* Host and Origin name the node itself, so that a page elsewhere cannot make a browser ask it (DNS rebinding). */
bool api_is_loopback(struct span host)
{
	size_t colon = host.n && host.p[0] == '[' ? span_find(host, 0, ']') + 1 : span_find(host, 0, ':');
	struct span name = span_sub(host, 0, colon);
	if (colon < host.n && host.p[colon] != ':')
		return false;
	static const char localhost[] = "localhost";
	size_t same = 0;
	while (same < name.n && same < sizeof localhost - 1 && (name.p[same] | 0x20) == localhost[same])
		same++;
	if (span_is(name, "[::1]") || (same == name.n && same == sizeof localhost - 1))
		return true;
	/* 127.0.0.0/8, in numbers alone: 127.evil.example is a name that anybody may own. */
	bool numbers = span_starts(name, "127.") && name.n <= 15;
	for (size_t i = 0; i < name.n; i++)
		numbers &= name.p[i] == '.' || (name.p[i] >= '0' && name.p[i] <= '9');
	return numbers;
}

/* A Host header without its port, an IPv6 address without its brackets. */
static struct span host_name(struct span host)
{
	if (host.n && host.p[0] == '[')
		return span_sub(host, 1, span_find(host, 0, ']') - 1);
	return span_sub(host, 0, span_find(host, 0, ':'));
}

static int check_origin(struct api_call *c, const struct http1_head *h)
{
	struct span host = http1_header(h, "Host"), origin = http1_header(h, "Origin");
	if (http_from_unix(c->pass.x))
		return 0;
	/* Gateways call the node what they like; a browser, which says where its page comes from, has no business there. */
	if (http_door(c->pass.x) == DOOR_INGEST)
		return origin.p ? diag_set(c->d, MO_EDENIED, MSG_API_ORIGIN) : 0;
	bool tls = http_is_tls(c->pass.x);
	/* A name of its certificate is the node's as well: a page elsewhere has no certificate for it. */
	if (!api_is_loopback(host) && !(tls && node_has_name(c->node, host_name(host)))) {
		diag_set(c->d, MO_EDENIED, MSG_API_HOST);
		diag_value(c->d, host);
		return MO_EDENIED;
	}
	if (!origin.p || span_is(origin, "null"))
		return origin.p && h->method != HTTP_GET && h->method != HTTP_HEAD ? diag_set(c->d, MO_EDENIED, MSG_API_ORIGIN) : 0;
	const char *scheme = tls ? "https://" : "http://";
	struct span rest = span_starts(origin, scheme) ? span_sub(origin, strlen(scheme), origin.n) : span_of(NULL, 0);
	if (!span_eq(rest, host)) {
		diag_set(c->d, MO_EDENIED, MSG_API_ORIGIN);
		diag_value(c->d, origin);
		return MO_EDENIED;
	}
	return 0;
}

/* ---- answers ---- */
int api_status(int err)
{
	switch (err) {
	case 0: return 200;
	case MO_EINVAL:
	case MO_EPROTO: return 400;
	case MO_EDENIED: return 403;
	case MO_ENOENT: return 404;
	case MO_EEXIST:
	case MO_ESTATE: return 409;
	case MO_ELIMIT: return 413;
	case MO_EAGAIN:
	case MO_EBUSY:
	case MO_ETIMEOUT:
	case MO_ECANCELED: return 503;
	case MO_EFULL: return 507;
	default: return 500;
	}
}

void api_words(struct json_writer *w, const struct diag *d)
{
	if (d->msg == MSG_NONE) {
		jw_null(w);
		return;
	}
	struct buf b;
	buf_init(&b, 0);
	jw_object(w);
	jw_key(w, "code");
	jw_cstr(w, words_code(d->msg));
	jw_key(w, "ko");
	words_render(&b, WORDS_KO, d);
	jw_str(w, buf_span(&b));
	buf_reset(&b);
	jw_key(w, "en");
	words_render(&b, WORDS_EN, d);
	jw_str(w, buf_span(&b));
	jw_object_end(w);
	buf_free(&b);
}

void api_problem_members(struct json_writer *w, const struct diag *d)
{
	struct buf b;
	buf_init(&b, 0);
	jw_key(w, "code");
	jw_cstr(w, d->msg == MSG_NONE ? mo_err_name(d->err) : words_code(d->msg));
	jw_key(w, "detail");
	jw_object(w);
	jw_key(w, "ko");
	words_render(&b, WORDS_KO, d);
	jw_str(w, buf_span(&b));
	buf_reset(&b);
	jw_key(w, "en");
	words_render(&b, WORDS_EN, d);
	jw_str(w, buf_span(&b));
	jw_object_end(w);
	buf_free(&b);
	if (d->line) {
		jw_key(w, "line");
		jw_u64(w, d->line);
	}
	if (d->field[0]) {
		jw_key(w, "field");
		jw_cstr(w, d->field);
	}
	if (d->value[0]) {
		jw_key(w, "value");
		jw_cstr(w, d->value);
	}
	if (d->expected[0]) {
		jw_key(w, "expected");
		jw_cstr(w, d->expected);
	}
}

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {408, "Request Timeout"}, {409, "Conflict"}, {413, "Content Too Large"},
		{415, "Unsupported Media Type"}, {422, "Unprocessable Content"}, {429, "Too Many Requests"}, {414, "URI Too Long"},
		{431, "Request Header Fields Too Large"}, {500, "Internal Server Error"}, {501, "Not Implemented"}, {503, "Service Unavailable"}, {505, "HTTP Version Not Supported"},
		{507, "Insufficient Storage"}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Error";
}

static void write_problem(struct buf *out, int status, const struct diag *d, bool influx)
{
	struct json_writer w;
	struct buf text;
	buf_reset(out);
	json_writer_init(&w, out);
	jw_object(&w);
	jw_key(&w, "type");
	jw_cstr(&w, "about:blank");
	jw_key(&w, "title");
	jw_cstr(&w, status_text(status));
	jw_key(&w, "status");
	jw_i64(&w, status);
	api_problem_members(&w, d);
	if (influx) {
		buf_init(&text, 0);
		words_render(&text, WORDS_EN, d);
		jw_key(&w, "error");
		jw_str(&w, buf_span(&text));
		buf_free(&text);
	}
	jw_object_end(&w);
}

static void call_free(struct api_call *c)
{
	*(c->prev ? &c->prev->next : &c->api->calls) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (c->route && c->route->stream && c->route->stream->drop)
		c->route->stream->drop(c);
	if (c->let_go)
		c->let_go(c);
	if (c->route && (c->route->flags & ROUTE_SECRET)) {
		arena_wipe(&c->arena);
		if (c->body.p)
			crypto_wipe(c->body.p, c->body.cap);
		if (c->out.p)
			crypto_wipe(c->out.p, c->out.cap);
	}
	crypto_wipe(c->cookie, sizeof c->cookie);
	atomic_fetch_sub(&c->api->held_bytes, c->held_bytes);
	arena_free(&c->arena);
	buf_free(&c->body);
	buf_free(&c->out);
	free(c->d);
	free(c);
}

/* A whole answer waits in memory until its reader took it, and some never do: all of them together have a bound. MO_EAGAIN: no room. */
static int hold(struct api_call *c)
{
	struct api *a = c->api;
	if (c->out.cap < API_HELD_LEAST)
		return 0;
	uint64_t held = atomic_load(&a->held_bytes);
	if (held && held + c->out.cap > API_HELD_MAX) {
		buf_free(&c->out);
		return diag_set(c->d, MO_EAGAIN, MSG_API_BUSY);
	}
	c->held_bytes = c->out.cap;
	atomic_fetch_add(&a->held_bytes, c->held_bytes);
	if (c->route->run == RUN_WORKER && !(c->route->flags & ROUTE_SECRET) && !c->location.n) { /* what the answer was made from is not kept beside it */
		arena_free(&c->arena);
		buf_free(&c->body);
	}
	return 0;
}

void api_finish(struct api_call *c, int err)
{
	c->away = false;
	if (c->dead) {
		call_free(c);
		return;
	}
	if (c->answered)
		return;
	c->answered = true;
	if (err == 0 && c->out.err)
		err = diag_set(c->d, c->out.err, c->out.err == MO_ELIMIT ? MSG_API_ANSWER_LARGE : MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = hold(c);
	if (err != 0) {
		int status = c->status >= 400 ? c->status : api_status(err);
		if (err == MO_ESTATE && c->d->msg == MSG_SERIES_FAILED)
			status = 503; /* ours, not the asker's: it is to come again when the folder was opened anew */
		if (c->d->msg == MSG_NONE)
			diag_set(c->d, err, err == MO_ENOENT ? MSG_API_NOT_FOUND : err == MO_EAGAIN ? MSG_API_BUSY : MSG_API_FAILED);
		bool influx = c->route && (c->route->flags & ROUTE_INFLUX);
		char retry[24];
		struct gate_field f[5] = {{"Content-Type", influx ? SPAN_LIT("application/json") : SPAN_LIT("application/problem+json")},
			{"Cache-Control", SPAN_LIT("no-store")}};
		size_t n = 2;
		if (influx)
			f[n++] = (struct gate_field){"X-Influxdb-Version", SPAN_LIT(INFLUX_VERSION)};
		if (status == 405 && c->allow[0])
			f[n++] = (struct gate_field){"Allow", span_str(c->allow)};
		if (status == 401)
			f[n++] = (struct gate_field){"WWW-Authenticate", influx ? SPAN_LIT("Basic realm=\"moru\"") : SPAN_LIT("Bearer realm=\"moru\"")};
		if (status == 503)
			f[n++] = (struct gate_field){"Retry-After", SPAN_LIT("1")};
		if (status == 429)
			f[n++] = (struct gate_field){"Retry-After", span_of(retry, num_format_i64(retry, c->retry_ns / NS_PER_S + (c->retry_ns % NS_PER_S != 0)))};
		write_problem(&c->out, status, c->d, influx);
		err = gate_refuse(&c->pass, status, f, n, c->out.err ? SPAN_LIT("{}") : buf_span(&c->out));
	} else {
		struct gate_field f[6];
		size_t n = 0;
		int status = c->status ? c->status : 200;
		if (status != 204)
			f[n++] = (struct gate_field){"Content-Type", span_str(c->content ? c->content : "application/json")};
		f[n++] = (struct gate_field){"Cache-Control", SPAN_LIT("no-store")};
		if (c->route->flags & ROUTE_INFLUX)
			f[n++] = (struct gate_field){"X-Influxdb-Version", SPAN_LIT(INFLUX_VERSION)};
		if (c->location.n)
			f[n++] = (struct gate_field){"Location", c->location};
		if (c->disposition)
			f[n++] = (struct gate_field){"Content-Disposition", span_str(c->disposition)};
		if (c->cookie[0])
			f[n++] = (struct gate_field){"Set-Cookie", span_str(c->cookie)};
		err = gate_reply_ref(&c->pass, status, f, n, buf_span(&c->out));
	}
	if (err != 0)
		gate_abort(&c->pass);
}

static void finish_posted(void *arg)
{
	struct api_call *c = arg;
	if (c->d->err == 0 && c->after)
		c->after(c);
	else
		api_finish(c, c->d->err);
}

void api_finish_from(struct api_call *c, int err)
{
	c->d->err = err;
	c->post.fn = finish_posted;
	c->post.arg = c;
	loop_post(node_loop(c->node), &c->post);
}

static void on_worker(struct work *w, struct store_reader *r)
{
	struct api_call *c = (struct api_call *)w;
	c->reader = r;
	int err = c->route->handler(c);
	c->reader = NULL;
	api_finish_from(c, err);
}

/* ---- the http_handler ---- */
static void refuse(struct api_call *c, int status, int err)
{
	c->status = status;
	api_finish(c, err);
}

/* What the gate says no to, in words. */
static int denied(struct api_call *c, int err)
{
	static const enum mo_msg words[] = {[GATE_CLOSED] = MSG_API_DENIED, [GATE_UNKNOWN] = MSG_API_UNKNOWN, [GATE_NOT_PERMITTED] = MSG_API_NOT_PERMITTED,
		[GATE_CSRF] = MSG_API_CSRF};
	if (err != MO_EDENIED)
		return diag_set(c->d, err, MSG_OUT_OF_MEMORY);
	diag_set(c->d, err, words[c->pass.why]);
	diag_text(c->d, 0, gate_who(&c->pass));
	c->status = c->pass.why == GATE_UNKNOWN ? 401 : 403;
	return err;
}

struct accounts_actor api_actor(const struct api_call *c) { return (struct accounts_actor){gate_who(&c->pass), span_str(c->pass.from)}; }

static int admit(struct api_call *c, const struct http1_head *h)
{
	const struct api_route *r = api_route_find(h->method, h->path, c->allow);
	int64_t wait_ns = 0;
	bool ingest = http_door(c->pass.x) == DOOR_INGEST;
	if (ingest && !(r && (r->flags & ROUTE_INGEST))) {
		r = NULL; /* there it is not */
		c->allow[0] = 0;
	}
	c->route = r;
	const struct gate_ask ask = {r ? r->name : "none", r ? r->principals : 0, r ? r->permission : PERMISSION_NONE, r && (r->flags & ROUTE_INFLUX),
		r && (r->flags & ROUTE_INGEST)};
	int err = gate_admit(&c->pass, node_accounts(c->node), c->pass.x, &ask);
	if (err == 0 && ingest && !ingest_take(node_ingest(c->node), &wait_ns)) {
		c->status = 429;
		c->retry_ns = wait_ns;
		return diag_set(c->d, MO_EAGAIN, MSG_INGEST_LIMIT);
	}
	if (!c->route) {
		diag_set(c->d, MO_ENOENT, c->allow[0] ? MSG_API_METHOD : MSG_API_NOT_FOUND);
		diag_value(c->d, h->path);
		if (c->allow[0])
			diag_expected(c->d, c->allow);
		c->status = c->allow[0] ? 405 : 404;
		return MO_ENOENT;
	}
	if (err != 0)
		return denied(c, err);
	c->status = 0;
	err = check_origin(c, h);
	/* Names of the path come first: the query cannot stand in for them. */
	int named = err == 0 && c->route->path[0] != '*' ? match(c->route->path, h->path, c) : 0;
	if (named == MO_ENOMEM) {
		err = diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	} else if (named != 0) {
		err = diag_set(c->d, MO_EINVAL, MSG_API_QUERY);
		diag_value(c->d, h->path);
	}
	size_t of_path = c->n_params;
	if (err == 0)
		err = api_parse_query(c, h->query);
	if (err == 0)
		err = api_check_params(c, of_path);
	if (err == 0)
		err = check_body(c, h);
	if (err == 0 && c->route->run == RUN_WORKER)
		err = keep_headers(c, h);
	return err;
}

static void on_head(void *arg, struct http_x *x)
{
	struct api *a = arg;
	struct api_call *c = calloc(1, sizeof *c);
	const struct http1_head *h = http_head(x);
	if (!c || !(c->d = calloc(1, sizeof *c->d))) {
		free(c);
		return; /* end() finds no call and breaks the connection */
	}
	c->api = a;
	c->node = a->node;
	c->next = a->calls;
	if (c->next)
		c->next->prev = c;
	a->calls = c;
	c->pass.x = x;
	arena_init(&c->arena, API_ARENA_MAX);
	buf_init(&c->out, API_ANSWER_MAX);
	json_writer_init(&c->w, &c->out);
	http_set_data(x, c);
	int err = admit(c, h);
	if (err != 0) {
		refuse(c, c->status, err);
		return;
	}
	const struct api_route *r = c->route;
	buf_init(&c->body, r->body_limit);
	if (r->flags & ROUTE_SECRET)
		(void)buf_reserve(&c->body, (size_t)r->body_limit); /* a failure shows at the end */
	if (r->body_limit)
		http_want_body(x, r->body_limit);
	if (r->run == RUN_STREAM && (err = r->stream->begin(c)) != 0)
		refuse(c, c->status, err);
}

static int on_body(void *arg, struct http_x *x, struct span piece)
{
	(void)arg;
	struct api_call *c = http_data(x);
	if (!c || c->answered)
		return 0;
	if (c->route->run == RUN_STREAM)
		return c->route->stream->piece(c, piece);
	buf_add(&c->body, piece);
	return 0;
}

static void on_end(void *arg, struct http_x *x)
{
	(void)arg;
	struct api_call *c = http_data(x);
	if (!c) {
		struct gate_pass none = {.x = x};
		gate_abort(&none);
		return;
	}
	if (c->answered)
		return;
	if (c->body.err) {
		refuse(c, 0, diag_set(c->d, c->body.err, MSG_OUT_OF_MEMORY));
		return;
	}
	int err = 0;
	switch (c->route->run) {
	case RUN_LOOP:
		api_finish(c, c->route->handler(c));
		return;
	case RUN_WORKER:
		c->work.fn = on_worker;
		c->away = true;
		err = node_work(c->node, &c->work);
		break;
	case RUN_LATER:
		c->away = true;
		err = c->route->handler(c);
		break;
	case RUN_STREAM:
		c->away = true;
		err = c->route->stream->end(c);
		break;
	}
	if (err != 0)
		refuse(c, c->status, err);
}

static void on_done(void *arg, struct http_x *x, bool aborted)
{
	struct api *a = arg;
	struct api_call *c = http_data(x);
	(void)aborted;
	live_closed(node_live(a->node), x);
	if (!c)
		return;
	http_set_data(x, NULL);
	atomic_store(&c->dead, true);
	if (!c->away)
		call_free(c);
}

static void on_drained(void *arg, struct http_x *x)
{
	struct api_call *c = http_data(x);
	if (c && c->drained)
		c->drained(c);
	else
		live_drained(node_live(((struct api *)arg)->node), x);
}

static struct span on_problem(void *arg, int status)
{
	const struct api *a = arg;
	for (size_t i = 0, at = 0; i < API_PROTOCOL_ERRORS && http_protocol_error(i); at = a->problem_end[i++])
		if (http_protocol_error(i) == status)
			return span_of(a->problems.p + at, a->problem_end[i] - at);
	return span_of(NULL, 0);
}

const struct http_handler *api_handler(void)
{
	static const struct http_handler h = {on_head, on_body, on_end, on_done, on_drained, on_problem};
	return &h;
}

/* The server's protocol errors, rendered once. */
static int make_problems(struct api *a)
{
	static const struct {
		int status;
		enum mo_msg msg;
	} of[] = {{400, MSG_BAD_REQUEST}, {408, MSG_REQUEST_TIMEOUT}, {413, MSG_CONTENT_TOO_LARGE}, {414, MSG_URI_TOO_LONG},
		{431, MSG_HEADER_FIELDS_TOO_LARGE}, {501, MSG_NOT_IMPLEMENTED}, {503, MSG_SERVICE_UNAVAILABLE}, {505, MSG_HTTP_VERSION_NOT_SUPPORTED}};
	struct diag *d = calloc(1, sizeof *d);
	struct buf one;
	if (!d)
		return MO_ENOMEM;
	buf_init(&one, 0);
	for (size_t i = 0; i < API_PROTOCOL_ERRORS && http_protocol_error(i); i++) {
		diag_set(d, MO_EPROTO, MSG_API_FAILED);
		for (size_t k = 0; k < sizeof of / sizeof *of; k++)
			if (of[k].status == http_protocol_error(i))
				d->msg = of[k].msg;
		write_problem(&one, http_protocol_error(i), d, false);
		a->problem_end[i] = a->problems.n + one.n;
		buf_add(&a->problems, buf_span(&one));
	}
	int err = one.err ? one.err : a->problems.err;
	buf_free(&one);
	free(d);
	return err;
}

int api_new(struct api **ret, struct node *n, const char *version)
{
	struct api *a = calloc(1, sizeof *a);
	if (!a)
		return MO_ENOMEM;
	a->node = n;
	a->version = version;
	buf_init(&a->openapi, 0);
	buf_init(&a->problems, 0);
	atomic_init(&a->held_bytes, 0);
	atomic_init(&a->sql_runs, false);
	atomic_init(&a->check_runs, false);
	int err = series_index_new(&a->index, node_sdb(n));
	if (err == 0 && !(a->imports = import_queue_new()))
		err = MO_ENOMEM;
	if (err == 0 && !(a->lines = line_cache_new()))
		err = MO_ENOMEM;
	if (err == 0) {
		api_openapi(&a->openapi, version);
		err = a->openapi.err;
	}
	if (err == 0)
		err = make_problems(a);
	if (err != 0) {
		api_free(a);
		return err;
	}
	node_set_handler(n, api_handler(), a);
	node_set_importer(n, import_watched, n);
	node_set_words(n, api_words_json);
	*ret = a;
	return 0;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	series_index_free(a->index);
	line_cache_free(a->lines);
	import_queue_free(a->imports);
	buf_free(&a->openapi);
	buf_free(&a->problems);
	free(a);
}
