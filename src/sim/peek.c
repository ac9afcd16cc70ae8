#include "sim/peek.h"

#define DEPTH_MAX 64

static size_t blanks(struct span s, size_t at)
{
	while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t' || s.p[at] == '\n' || s.p[at] == '\r'))
		at++;
	return at;
}

/* Past the string that begins at `at`; s.n when it has no end. */
static size_t past_string(struct span s, size_t at)
{
	for (at++; at < s.n; at++) {
		if (s.p[at] == '\\')
			at++;
		else if (s.p[at] == '"')
			return at + 1;
	}
	return s.n;
}

/* Past the value that begins at `at`. */
static size_t past_value(struct span s, size_t at)
{
	int depth = 0;
	while (at < s.n) {
		uint8_t c = s.p[at];
		if (c == '"') {
			at = past_string(s, at);
		} else if (c == '{' || c == '[') {
			if (++depth > DEPTH_MAX)
				return s.n;
			at++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return at;
			depth--;
			at++;
		} else if (c == ',' && depth == 0) {
			return at;
		} else {
			at++;
			if (depth > 0 || (at < s.n && s.p[at] != ',' && s.p[at] != '}' && s.p[at] != ']'))
				continue;
		}
		if (depth == 0)
			return at;
	}
	return s.n;
}

static struct span value_at(struct span s, size_t at)
{
	size_t end = past_value(s, at);
	return span_trim(span_sub(s, at, end - at));
}

static bool member(struct span *ret, struct span s, struct span name)
{
	size_t at = blanks(s, 0);
	if (at >= s.n || s.p[at] != '{')
		return false;
	at = blanks(s, at + 1);
	while (at < s.n && s.p[at] == '"') {
		size_t end = past_string(s, at);
		struct span key = span_sub(s, at + 1, end >= at + 2 ? end - at - 2 : 0);
		at = blanks(s, end);
		if (at >= s.n || s.p[at] != ':')
			return false;
		at = blanks(s, at + 1);
		if (span_eq(key, name)) {
			*ret = value_at(s, at);
			return true;
		}
		at = blanks(s, past_value(s, at));
		if (at < s.n && s.p[at] == ',')
			at = blanks(s, at + 1);
	}
	return false;
}

static bool descend(struct span *ret, struct span json, const char *path)
{
	struct span rest = span_str(path);
	*ret = json;
	while (rest.n > 0) {
		size_t dot = span_find(rest, 0, '.');
		if (!member(ret, *ret, span_sub(rest, 0, dot)))
			return false;
		rest = dot < rest.n ? span_sub(rest, dot + 1, rest.n) : (struct span){NULL, 0};
	}
	return true;
}

bool peek(struct span *ret, struct span json, const char *path)
{
	struct span v;
	if (!descend(&v, json, path))
		return false;
	if (v.n >= 2 && v.p[0] == '"')
		v = span_sub(v, 1, v.n - 2);
	*ret = v;
	return true;
}

bool peek_each(struct span json, const char *path, void (*fn)(void *arg, struct span element), void *arg)
{
	struct span v;
	if (!descend(&v, json, path))
		return false;
	size_t at = blanks(v, 0);
	if (at >= v.n || v.p[at] != '[')
		return false;
	at = blanks(v, at + 1);
	while (at < v.n && v.p[at] != ']') {
		size_t end = past_value(v, at);
		fn(arg, span_sub(v, at, end - at));
		at = blanks(v, end);
		if (at < v.n && v.p[at] == ',')
			at = blanks(v, at + 1);
		else if (at >= v.n || v.p[at] != ']')
			return false;
	}
	return true;
}
