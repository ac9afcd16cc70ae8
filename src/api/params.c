/* Parameters of a request: read from the query, held against the route's row, given to its handler. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/priv/api.h"
#include "base/num.h"
#include "base/utf8.h"
#include "codec/text.h"

int api_decode(struct span *ret, struct arena *a, struct span s, bool plus)
{
	struct buf b;
	buf_init(&b, 0);
	int err = percent_decode(&b, s, plus);
	if (b.err)
		err = b.err;
	if (err == 0 && !utf8_valid(buf_span(&b)))
		err = MO_EINVAL;
	if (err == 0) {
		struct span copy = arena_dup(a, buf_span(&b));
		if (copy.p)
			*ret = copy;
		else
			err = MO_ENOMEM;
	}
	buf_free(&b);
	return err;
}

/* Whether "{name}" stands in the row's path. */
static bool in_path(const struct api_route *r, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{'))
		if (strncmp(p + 1, name, n) == 0 && p[n + 1] == '}')
			return true;
	return false;
}

int api_parse_query(struct api_call *c, struct span q)
{
	for (size_t i = 0; i < q.n;) {
		size_t amp = span_find(q, i, '&');
		struct span part = span_sub(q, i, amp - i);
		i = amp + 1;
		if (part.n == 0)
			continue;
		if (c->n_params == API_PARAMS_MAX)
			return diag_set(c->d, MO_EINVAL, MSG_API_PARAMS);
		size_t eq = span_find(part, 0, '=');
		struct api_pair *p = &c->params[c->n_params];
		int err = api_decode(&p->name, &c->arena, span_sub(part, 0, eq), true);
		if (err == 0)
			err = api_decode(&p->value, &c->arena, span_sub(part, eq + 1, part.n), true);
		if (err == MO_ENOMEM)
			return diag_set(c->d, err, MSG_OUT_OF_MEMORY);
		if (err == 0) {
			c->n_params++;
		} else {
			diag_set(c->d, MO_EINVAL, MSG_API_QUERY);
			diag_value(c->d, part);
			return MO_EINVAL;
		}
	}
	return 0;
}

struct span api_param(const struct api_call *c, const char *name)
{
	for (size_t i = 0; i < c->n_params; i++)
		if (span_is(c->params[i].name, name))
			return c->params[i].value;
	return span_of(NULL, 0);
}

static int bad_param(struct api_call *c, const char *name, struct span value, const char *expected)
{
	diag_set(c->d, MO_EINVAL, MSG_API_PARAM);
	diag_field(c->d, span_str(name));
	diag_value(c->d, value);
	diag_expected(c->d, expected);
	return MO_EINVAL;
}

int api_param_i64(struct api_call *c, const char *name, int64_t fallback, int64_t lo, int64_t hi, int64_t *ret)
{
	struct span s = api_param(c, name);
	*ret = fallback;
	if (!s.p || s.n == 0)
		return 0;
	if (num_i64(ret, s) == 0 && *ret >= lo && *ret <= hi)
		return 0;
	char range[64];
	snprintf(range, sizeof range, "%lld..%lld", (long long)lo, (long long)hi);
	return bad_param(c, name, s, range);
}

int api_param_f64(struct api_call *c, const char *name, double fallback, double *ret)
{
	struct span s = api_param(c, name);
	*ret = fallback;
	if (!s.p || s.n == 0 || (num_f64(ret, s) == 0 && isfinite(*ret)))
		return 0;
	return bad_param(c, name, s, "a number");
}

int api_param_time(struct api_call *c, const char *name, int64_t fallback, int64_t *ret)
{
	struct span s = api_param(c, name);
	int64_t ms;
	*ret = fallback;
	if (!s.p || s.n == 0)
		return 0;
	if (num_i64(&ms, s) == 0 && ms > INT64_MIN / NS_PER_MS && ms < INT64_MAX / NS_PER_MS) {
		*ret = ms * NS_PER_MS;
		return 0;
	}
	if (rfc3339_parse(ret, s) == 0)
		return 0;
	return bad_param(c, name, s, "2026-11-22T08:10:00+09:00");
}

int api_param_series(struct api_call *c, const char *name, series_id *ret)
{
	struct span s = api_param(c, name);
	struct uuid u;
	if (!s.p || uuid_parse(&u, s) != 0)
		return bad_param(c, name, s, "UUID");
	if (sdb_find_uuid(node_sdb(c->node), &u, ret) == 0)
		return 0;
	diag_set(c->d, MO_ENOENT, MSG_API_NO_SERIES);
	diag_value(c->d, s);
	return MO_ENOENT;
}

bool api_one_of(const char *values, struct span text)
{
	struct span all = span_str(values);
	for (size_t i = 0; i < all.n;) {
		size_t end = span_find(all, i, ',');
		if (span_eq(span_trim(span_sub(all, i, end - i)), text))
			return text.n > 0;
		i = end + 1;
	}
	return false;
}

int api_missing(struct api_call *c, const char *name)
{
	diag_set(c->d, MO_EINVAL, MSG_API_PARAM_MISSING);
	diag_field(c->d, span_str(name));
	return MO_EINVAL;
}

/* A parameter that the row does not name is a slip of the asker's, which an answer about everything would hide. Only our own interface is
 * as strict: InfluxDB's clients send what they like, and the page is asked for with anything behind it. */
static int unknown_param(struct api_call *c, struct span name)
{
	struct buf known;
	buf_init(&known, DIAG_TEXT_MAX);
	for (size_t i = 0; i < sizeof c->route->params / sizeof *c->route->params && c->route->params[i].name; i++)
		if (!in_path(c->route, c->route->params[i].name))
			buf_printf(&known, "%s%s", known.n ? ", " : "", c->route->params[i].name);
	diag_set(c->d, MO_EINVAL, known.n ? MSG_API_PARAM_UNKNOWN : MSG_API_PARAM_NONE);
	diag_field(c->d, name);
	buf_addc(&known, 0);
	diag_expected(c->d, known.err ? "" : (const char *)known.p);
	buf_free(&known);
	return MO_EINVAL;
}

/* Those of the query: behind the path's own. */
static int check_names(struct api_call *c, size_t from)
{
	const struct api_route *r = c->route;
	if (!span_starts(span_str(r->path), "/api/v1/"))
		return 0;
	for (size_t i = from; i < c->n_params; i++) {
		size_t k = 0;
		while (k < sizeof r->params / sizeof *r->params && r->params[k].name && (!span_is(c->params[i].name, r->params[k].name) || in_path(r, r->params[k].name)))
			k++;
		if (k == sizeof r->params / sizeof *r->params || !r->params[k].name)
			return unknown_param(c, c->params[i].name);
	}
	return 0;
}

int api_check_params(struct api_call *c, size_t from)
{
	const struct api_route *r = c->route;
	int named = check_names(c, from);
	if (named != 0)
		return named;
	for (size_t i = 0; i < sizeof r->params / sizeof *r->params && r->params[i].name; i++) {
		const struct api_param *p = &r->params[i];
		struct span s = api_param(c, p->name);
		int64_t n;
		double x;
		if (s.n == 0) {
			if (!p->required)
				continue;
			return api_missing(c, p->name);
		}
		int err = 0;
		if (p->type == PARAM_INT)
			err = api_param_i64(c, p->name, p->lo, p->lo, p->hi, &n);
		else if (p->type == PARAM_NUMBER)
			err = api_param_f64(c, p->name, 0, &x);
		else if (p->type == PARAM_TIME)
			err = api_param_time(c, p->name, 0, &n);
		else if (p->type == PARAM_FLAG && !api_one_of("0, 1", s))
			err = bad_param(c, p->name, s, "0, 1");
		else if (p->type == PARAM_ENUM && !api_one_of(p->about, s))
			err = bad_param(c, p->name, s, p->about);
		if (err != 0)
			return err;
	}
	return 0;
}
