#include <stdlib.h>

#include "base/num.h"
#include "query/priv/index.h"

int series_index_new(struct series_index **ret, struct sdb *db)
{
	struct series_index *x = calloc(1, sizeof *x);
	if (!x)
		return MO_ENOMEM;
	if (pthread_rwlock_init(&x->lock, NULL) != 0) {
		free(x);
		return MO_ENOMEM;
	}
	x->db = db;
	arena_init(&x->a, 0);
	map_init(&x->measurements);
	map_init(&x->sets);
	*ret = x;
	return 0;
}

void series_index_free(struct series_index *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n_all; i++) {
		struct ix_measurement *m = x->all[i];
		for (size_t k = 0; k < m->n_sets; k++)
			free(m->sets[k]->fields);
		free(m->sets);
		free(m->fields.names);
		free(m->tags.names);
	}
	free(x->all);
	map_free(&x->measurements);
	map_free(&x->sets);
	arena_free(&x->a);
	pthread_rwlock_destroy(&x->lock);
	free(x);
}

/* Room for one more of `size` bytes each. */
static int room(void **list, size_t n, size_t *cap, size_t size)
{
	size_t bytes, more = *cap ? *cap * 2 : 4;
	if (n < *cap)
		return 0;
	void *p = size_mul(&bytes, more, size) ? realloc(*list, bytes) : NULL;
	if (!p)
		return MO_ENOMEM;
	*list = p;
	*cap = more;
	return 0;
}

/* The first place whose name is not less. */
static size_t place(const struct ix_names *x, struct span name)
{
	size_t lo = 0, hi = x->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (span_cmp(x->names[mid], name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool ix_has(const struct ix_names *x, struct span name)
{
	size_t at = place(x, name);
	return at < x->n && span_eq(x->names[at], name);
}

struct span ix_tag(const struct ix_set *s, struct span key)
{
	for (size_t i = 0; i < s->n_tags; i++)
		if (span_eq(s->tags[i].key, key))
			return s->tags[i].value;
	return span_of(NULL, 0);
}

static int names_add(struct ix_names *x, struct span name)
{
	size_t at = place(x, name);
	if (at < x->n && span_eq(x->names[at], name))
		return 0;
	void *list = x->names;
	int err = room(&list, x->n, &x->cap, sizeof *x->names);
	x->names = list;
	if (err)
		return err;
	memmove(x->names + at + 1, x->names + at, (x->n - at) * sizeof *x->names);
	x->names[at] = name;
	x->n++;
	return 0;
}

/* Without escapes: the bytes as they are where there is none, else a copy in the arena. p == NULL: no memory. */
static struct span plain(struct series_index *x, struct span raw)
{
	struct buf b;
	if (span_find(raw, 0, '\\') == raw.n)
		return raw;
	buf_init(&b, 0);
	key_plain(&b, raw);
	struct span r = b.err ? span_of(NULL, 0) : arena_dup(&x->a, buf_span(&b));
	buf_free(&b);
	return r;
}

static int measurement_use(struct series_index *x, struct span raw, struct ix_measurement **ret)
{
	struct span name = plain(x, raw);
	if (!name.p)
		return MO_ENOMEM;
	uint64_t *at = map_get(&x->measurements, name);
	if (at) {
		*ret = (struct ix_measurement *)(uintptr_t)*at;
		return 0;
	}
	void *list = x->all;
	int err = room(&list, x->n_all, &x->cap_all, sizeof(struct ix_measurement *));
	x->all = list;
	struct ix_measurement *m = err ? NULL : arena_calloc(&x->a, 1, sizeof *m);
	if (!m)
		return MO_ENOMEM;
	m->name = name;
	if ((err = map_put(&x->measurements, name, (uintptr_t)m)))
		return err;
	x->all[x->n_all++] = m;
	*ret = m;
	return 0;
}

static int set_use(struct series_index *x, struct ix_measurement *m, const struct key_parts *k, struct span raw, struct ix_set **ret)
{
	uint64_t *known = map_get(&x->sets, raw);
	if (known) {
		*ret = (struct ix_set *)(uintptr_t)*known;
		return 0;
	}
	struct ix_set *s = arena_calloc(&x->a, 1, sizeof *s);
	struct key_tag *tags = arena_calloc(&x->a, k->n_tags ? k->n_tags : 1, sizeof *tags);
	if (!s || !tags)
		return MO_ENOMEM;
	*s = (struct ix_set){.tags = tags, .n_tags = k->n_tags, .raw = raw};
	int err = 0;
	for (size_t i = 0; i < k->n_tags && !err; i++) {
		tags[i] = (struct key_tag){plain(x, k->tags[i].key), plain(x, k->tags[i].value)};
		err = tags[i].key.p && tags[i].value.p ? names_add(&m->tags, tags[i].key) : MO_ENOMEM;
	}
	void *list = m->sets;
	if (!err)
		err = room(&list, m->n_sets, &m->cap_sets, sizeof(struct ix_set *));
	m->sets = list;
	if (!err)
		err = map_put(&x->sets, raw, (uintptr_t)s);
	if (err)
		return err;
	size_t at = m->n_sets;
	while (at > 0 && span_cmp(m->sets[at - 1]->raw, raw) > 0)
		at--;
	memmove(m->sets + at + 1, m->sets + at, (m->n_sets - at) * sizeof *m->sets);
	m->sets[at] = s;
	m->n_sets++;
	*ret = s;
	return 0;
}

/* May be called again for the same id after a failure: each step finds what is there. */
static int add(struct series_index *x, series_id id)
{
	struct series_def def;
	struct key_parts *k = malloc(sizeof *k);
	struct ix_measurement *m;
	struct ix_set *s;
	int err = k ? sdb_get_def(x->db, id, &def) : MO_ENOMEM;
	if (err)
		goto out;
	if (key_split(k, def.key) != 0)
		goto out; /* a series of another naming: InfluxQL has no way to ask for it */
	struct span raw = span_sub(def.key, 0, (size_t)(k->field.p - def.key.p) - 1), field = plain(x, k->field);
	if (!field.p)
		err = MO_ENOMEM;
	if (err || (err = measurement_use(x, k->measurement, &m)) || (err = set_use(x, m, k, raw, &s)) || (err = names_add(&m->fields, field)))
		goto out;
	void *list = s->fields;
	err = room(&list, s->n_fields, &s->cap_fields, sizeof *s->fields);
	s->fields = list;
	if (!err)
		s->fields[s->n_fields++] = (struct ix_field){field, id, def.type};
out:
	free(k);
	return err;
}

int series_index_refresh(struct series_index *x)
{
	int err = 0;
	series_id max = sdb_max_id(x->db);
	pthread_rwlock_rdlock(&x->lock);
	bool all = x->seen >= max;
	pthread_rwlock_unlock(&x->lock);
	if (all)
		return 0;
	pthread_rwlock_wrlock(&x->lock);
	while (x->seen < max && !err) {
		err = add(x, x->seen + 1);
		if (!err)
			x->seen++;
	}
	pthread_rwlock_unlock(&x->lock);
	return err;
}
