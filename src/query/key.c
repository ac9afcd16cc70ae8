#include "query/priv/key.h"

/* The next byte out of `stop` that is not escaped, at or after `from`; key.n when there is none. */
static size_t find(struct span key, size_t from, const char *stop)
{
	for (size_t i = from; i < key.n; i++) {
		if (key.p[i] == '\\')
			i++;
		else if (key.p[i] && strchr(stop, key.p[i]))
			return i;
	}
	return key.n;
}

int key_split(struct key_parts *ret, struct span key)
{
	size_t at = find(key, 0, ", ");
	if (at == 0 || at == key.n)
		return MO_EINVAL;
	ret->measurement = span_sub(key, 0, at);
	ret->n_tags = 0;
	while (key.p[at] == ',') {
		size_t eq = find(key, at + 1, "=, ");
		if (eq == key.n || key.p[eq] != '=' || eq == at + 1 || ret->n_tags == KEY_TAGS_MAX)
			return MO_EINVAL;
		size_t end = find(key, eq + 1, ", ");
		if (end == key.n)
			return MO_EINVAL;
		ret->tags[ret->n_tags++] = (struct key_tag){span_sub(key, at + 1, eq - at - 1), span_sub(key, eq + 1, end - eq - 1)};
		at = end;
	}
	ret->field = span_sub(key, at + 1, key.n);
	return ret->field.n ? 0 : MO_EINVAL;
}

void key_plain(struct buf *out, struct span raw)
{
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\\' && i + 1 < raw.n && strchr(", =\\", raw.p[i + 1]) && raw.p[i + 1])
			i++;
		buf_addc(out, raw.p[i]);
	}
}
