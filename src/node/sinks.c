#include "node/sinks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/num.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "os/address.h"
#include "os/crypto.h"
#include "os/vfs.h"

#define TOKEN_PREFIX "sink-"
#define DOC_ARENA_MAX (1u << 20)
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"

static int bad(struct diag *d, enum mo_msg msg, const char *field, struct span value, const char *expected)
{
	diag_set(d, MO_EINVAL, msg);
	diag_field(d, span_str(field));
	diag_value(d, value);
	diag_expected(d, expected);
	return MO_EINVAL;
}

int sink_name_check(struct span name, struct diag *d)
{
	bool ok = name.n >= 1 && name.n <= SINK_NAME_MAX && utf8_valid(name) && span_trim(name).n == name.n;
	for (size_t i = 0; i < name.n && ok; i++)
		ok = name.p[i] >= 0x20 && name.p[i] != 0x7f && name.p[i] != '/';
	return ok ? 0 : bad(d, MSG_SINK_NAME, "name", name, "1..64");
}

/* ---- the url ---- */

struct url {
	bool https;
	struct span origin, host; /* host: of an IPv6 address without its brackets */
};

/* RFC 3986, as much of it as an http url without user and fragment has. */
static bool url_split(struct url *ret, struct span s)
{
	*ret = (struct url){.https = span_starts(s, "https://")};
	if (!ret->https && !span_starts(s, "http://"))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '#' || s.p[i] == '\\' || s.p[i] == '"' || s.p[i] == '<' || s.p[i] == '>')
			return false;
	size_t at = ret->https ? 8 : 7, end = at;
	while (end < s.n && s.p[end] != '/' && s.p[end] != '?')
		end++;
	struct span authority = span_sub(s, at, end - at), port = span_of(NULL, 0);
	ret->origin = span_sub(s, 0, end);
	if (span_find(authority, 0, '@') < authority.n)
		return false;
	if (authority.n && authority.p[0] == '[') {
		size_t close = span_find(authority, 0, ']');
		if (close >= authority.n)
			return false;
		ret->host = span_sub(authority, 1, close - 1);
		if (close + 1 < authority.n && authority.p[close + 1] != ':')
			return false;
		if (close + 2 < authority.n)
			port = span_sub(authority, close + 2, authority.n - close - 2);
		char text[64];
		if (ret->host.n >= sizeof text)
			return false;
		memcpy(text, ret->host.p, ret->host.n);
		text[ret->host.n] = 0;
		if (address_read(text, NULL, 0) == ADDRESS_NONE)
			return false;
	} else {
		size_t colon = span_find(authority, 0, ':');
		ret->host = span_sub(authority, 0, colon < authority.n ? colon : authority.n);
		if (colon < authority.n)
			port = span_sub(authority, colon + 1, authority.n - colon - 1);
		for (size_t i = 0; i < ret->host.n; i++) {
			uint8_t c = ret->host.p[i];
			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
				return false;
		}
	}
	int64_t n;
	return ret->host.n && (!port.p || (num_i64(&n, port) == 0 && n >= 1 && n <= 65535));
}

static bool is_loopback(struct span host)
{
	char text[64];
	if (span_is(host, "localhost"))
		return true;
	if (host.n >= sizeof text)
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = 0;
	return address_read(text, NULL, 0) == ADDRESS_LOOPBACK;
}

struct span sink_origin(const char *url)
{
	struct url u;
	return url_split(&u, span_str(url)) ? u.origin : span_of("", 0);
}

bool sink_same_origin(const char *a, const char *b)
{
	struct span x = sink_origin(a), y = sink_origin(b);
	return x.n && span_eq(x, y);
}

/* ---- the document ---- */

static const char known[] = "url, what, enabled, plain, rate, timeout_ms, keep_hours, behind_max, ca, token, from";

static int read_text(char *out, size_t size, const struct json_value *root, const char *name, struct diag *d)
{
	struct span s;
	int err = json_get_str(root, name, &s, d);
	if (err != 0)
		return err;
	if (s.n >= size || memchr(s.p, 0, s.n))
		return bad(d, MSG_SINK_VALUE, name, s, "");
	memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return 0;
}

static int read_number(int64_t *out, const struct json_value *root, const char *name, int64_t lo, int64_t hi, int64_t fallback, struct diag *d)
{
	char range[48];
	int err = json_get_i64(root, name, out, d);
	if (err == MO_ENOENT) {
		*out = fallback;
		return 0;
	}
	if (err == 0 && (*out < lo || *out > hi)) {
		const struct json_value *v = json_member(root, name);
		snprintf(range, sizeof range, "%lld..%lld", (long long)lo, (long long)hi);
		return bad(d, MSG_SINK_VALUE, name, v->text, range);
	}
	return err;
}

static int read_flag(bool *out, const struct json_value *root, const char *name, bool fallback, struct diag *d)
{
	int err = json_get_bool(root, name, out, d);
	if (err == MO_ENOENT) {
		*out = fallback;
		return 0;
	}
	return err;
}

static void topics(struct buf *out)
{
	for (unsigned i = 0; i < PUBLISHERS; i++)
		if (PUBLISHER_TOPICS & publisher_bit((enum publisher)i))
			buf_printf(out, "%s%s", i ? ", " : "", publisher_row((enum publisher)i)->name);
}

static int read_what(publisher_set *out, const struct json_value *root, struct diag *d)
{
	char expected[DIAG_TEXT_MAX];
	struct buf all;
	const struct json_value *list = json_member(root, "what"), *wrong = list;
	buf_init(&all, 0);
	topics(&all);
	snprintf(expected, sizeof expected, "%.*s", (int)(all.err ? 0 : all.n), all.p ? (const char *)all.p : "");
	buf_free(&all);
	*out = 0;
	if (list && list->type == JSON_ARRAY) {
		wrong = list->child ? NULL : list;
		for (const struct json_value *v = list->child; v && !wrong; v = v->next) {
			unsigned i = 0;
			while (i < PUBLISHERS && !(v->type == JSON_STRING && span_is(v->text, publisher_row((enum publisher)i)->name)))
				i++;
			if (i == PUBLISHERS || !(PUBLISHER_TOPICS & publisher_bit((enum publisher)i)))
				wrong = v;
			else
				*out |= publisher_bit((enum publisher)i);
		}
	} else if (!list) {
		return bad(d, MSG_SINK_MISSING, "what", span_of("", 0), expected);
	}
	return wrong ? bad(d, MSG_SINK_VALUE, "what", wrong->type == JSON_STRING ? wrong->text : span_of("", 0), expected) : 0;
}

static int read_url(struct sink_config *c, const struct json_value *root, struct diag *d)
{
	static const char expected[] = "https://…, http://127.0.0.1…";
	struct url u;
	int err = read_text(c->url, sizeof c->url, root, "url", d);
	if (err == MO_ENOENT)
		return bad(d, MSG_SINK_MISSING, "url", span_of("", 0), expected);
	if (err != 0)
		return err;
	if (!url_split(&u, span_str(c->url)))
		return bad(d, MSG_SINK_URL, "url", sink_origin(c->url), expected);
	return u.https || c->plain || is_loopback(u.host) ? 0 : bad(d, MSG_SINK_PLAIN, "url", u.origin, expected);
}

static int read_root(struct sink_config *c, const struct json_value *root, bool given, struct diag *d)
{
	static const char *const names[] = {"url", "what", "enabled", "plain", "rate", "timeout_ms", "keep_hours", "behind_max", "ca", "token", "from"};
	if (root->type != JSON_OBJECT)
		return bad(d, MSG_SINK_VALUE, "", span_of("", 0), "{…}");
	for (const struct json_value *v = root->child; v; v = v->next) {
		size_t i = 0;
		while (i < sizeof names / sizeof *names && !span_is(v->name, names[i]))
			i++;
		/* What a newer program stored beside is left alone; what a person writes is not passed over. */
		if (given && i == sizeof names / sizeof *names)
			return bad(d, MSG_SINK_UNKNOWN, "", v->name, known);
	}
	int err;
	if ((err = read_flag(&c->plain, root, "plain", false, d)) || (err = read_flag(&c->enabled, root, "enabled", true, d)) || (err = read_url(c, root, d)) ||
		(err = read_what(&c->what, root, d)) || (err = read_number(&c->rate, root, "rate", 1, SINK_RATE_MAX, SINK_RATE, d)) ||
		(err = read_number(&c->timeout_ms, root, "timeout_ms", SINK_TIMEOUT_MIN_MS, SINK_TIMEOUT_MAX_MS, SINK_TIMEOUT_MS, d)) ||
		(err = read_number(&c->keep_hours, root, "keep_hours", 1, SINK_KEEP_HOURS_MAX, SINK_KEEP_HOURS, d)) ||
		(err = read_number(&c->behind_max, root, "behind_max", 1, SINK_BEHIND_MAX, SINK_BEHIND, d)))
		return err;
	err = read_text(c->ca, sizeof c->ca, root, "ca", d);
	if (err == 0 && c->ca[0] && !strstr(c->ca, PEM_BEGIN))
		return bad(d, MSG_SINK_VALUE, "ca", span_of("", 0), PEM_BEGIN);
	if (err == MO_ENOENT)
		err = 0;
	if (err == 0 && !given && (err = read_text(c->token_file, sizeof c->token_file, root, "token_file", d)) == MO_ENOENT)
		err = 0;
	return err;
}

int sink_read(struct sink_config *ret, struct span json, bool given, struct diag *d)
{
	struct arena a;
	struct json_value *root;
	struct sink_config *c = calloc(1, sizeof *c);
	if (!c)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	arena_init(&a, DOC_ARENA_MAX);
	int err = json_parse(&root, &a, json, d);
	if (err == 0)
		err = read_root(c, root, given, d);
	if (err == 0)
		*ret = *c;
	arena_wipe(&a); /* it may hold a token */
	arena_free(&a);
	free(c);
	return err;
}

void sink_write(struct buf *out, const struct sink_config *c, bool shown)
{
	struct json_writer w;
	json_writer_init(&w, out);
	jw_object(&w);
	jw_key(&w, "url");
	jw_cstr(&w, c->url);
	jw_key(&w, "what");
	jw_array(&w);
	for (unsigned i = 0; i < PUBLISHERS; i++)
		if (c->what & publisher_bit((enum publisher)i))
			jw_cstr(&w, publisher_row((enum publisher)i)->name);
	jw_array_end(&w);
	jw_key(&w, "enabled");
	jw_bool(&w, c->enabled);
	jw_key(&w, "plain");
	jw_bool(&w, c->plain);
	jw_key(&w, "rate");
	jw_i64(&w, c->rate);
	jw_key(&w, "timeout_ms");
	jw_i64(&w, c->timeout_ms);
	jw_key(&w, "keep_hours");
	jw_i64(&w, c->keep_hours);
	jw_key(&w, "behind_max");
	jw_i64(&w, c->behind_max);
	if (c->ca[0]) {
		jw_key(&w, "ca");
		jw_cstr(&w, c->ca);
	}
	if (shown) {
		jw_key(&w, "token");
		jw_bool(&w, c->token_file[0] != 0);
	} else if (c->token_file[0]) {
		jw_key(&w, "token_file");
		jw_cstr(&w, c->token_file);
	}
	jw_object_end(&w);
}

/* ---- tokens ---- */

int sink_token_check(struct span token, struct diag *d)
{
	bool ok = token.n >= 1 && token.n <= SINK_TOKEN_MAX;
	for (size_t i = 0; i < token.n && ok; i++)
		ok = token.p[i] > 0x20 && token.p[i] < 0x7f;
	return ok ? 0 : bad(d, MSG_SINK_TOKEN, "token", span_of("", 0), "ASCII 1..4096");
}

int sink_token_put(const struct folder *f, char name[SINK_FILE_MAX], struct span token, int64_t now_ns, struct diag *d)
{
	struct uuid id;
	char text[UUID_TEXT], file[SINK_FILE_MAX];
	int err = os_uuid(&id, now_ns);
	if (err != 0)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	uuid_format(text, &id);
	snprintf(file, sizeof file, "secrets/" TOKEN_PREFIX "%s", text);
	char *path = folder_path(f, file);
	err = path ? vfs_replace(f->vfs, path, token, true, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	free(path);
	if (err == 0)
		memcpy(name, file, sizeof file);
	return err;
}

int sink_token_get(const struct folder *f, const char *name, char **ret, struct diag *d)
{
	uint8_t *p = NULL;
	size_t n = 0;
	char *path = folder_path(f, name);
	int err = path ? vfs_slurp(f->vfs, &p, &n, path, SINK_TOKEN_MAX, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	free(path);
	if (err == 0 && sink_token_check(span_of(p, n), d) != 0) { /* it would break the request's head */
		crypto_wipe(p, n);
		free(p);
		err = MO_ENOENT;
	} else if (err == 0) {
		*ret = (char *)p;
	}
	return err;
}

void sink_token_drop(const struct folder *f, const char *name)
{
	char *path = name[0] ? folder_path(f, name) : NULL;
	int err = path ? vfs_unlink(f->vfs, path) : 0;
	(void)err;
	free(path);
}

struct cleaning {
	const struct folder *f;
	const char (*keep)[SINK_FILE_MAX];
	size_t n;
	struct buf drop; /* NUL-ended names */
};

static int on_secret(void *arg, const char *name)
{
	struct cleaning *c = arg;
	if (strncmp(name, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0)
		return 0;
	for (size_t i = 0; i < c->n; i++)
		if (strncmp(c->keep[i], "secrets/", 8) == 0 && strcmp(c->keep[i] + 8, name) == 0)
			return 0;
	buf_add(&c->drop, span_of(name, strlen(name) + 1));
	return 0;
}

void sink_tokens_clean(const struct folder *f, const char (*keep)[SINK_FILE_MAX], size_t n)
{
	struct cleaning c = {.f = f, .keep = keep, .n = n};
	buf_init(&c.drop, 0);
	char *dir = folder_path(f, "secrets");
	int err = dir ? vfs_list(f->vfs, dir, on_secret, &c) : MO_ENOMEM;
	for (size_t i = 0; err == 0 && !c.drop.err && i < c.drop.n;) {
		const char *name = (const char *)c.drop.p + i;
		char *path = vfs_join(dir, name);
		err = path ? vfs_unlink(f->vfs, path) : MO_ENOMEM;
		free(path);
		i += strlen(name) + 1;
	}
	free(dir);
	buf_free(&c.drop);
}
