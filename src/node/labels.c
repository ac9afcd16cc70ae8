/* See priv/labels.h. A set does not change once it is the node's; n->mu guards which one that is. */
#include "node/priv/labels.h"

#include <stdlib.h>

#include "base/map.h"

struct labels {
	struct arena a;
	struct map words;  /* asset NUL name -> struct device_signal in the arena */
	struct map assets; /* code -> mark of its push documents; 0: the store could not be given them */
};

int labels_new(struct labels **ret)
{
	struct labels *l = calloc(1, sizeof *l);
	if (!l)
		return MO_ENOMEM;
	arena_init(&l->a, 0);
	map_init(&l->words);
	map_init(&l->assets);
	*ret = l;
	return 0;
}

void labels_free(struct labels *l)
{
	if (!l)
		return;
	map_free(&l->words);
	map_free(&l->assets);
	arena_free(&l->a);
	free(l);
}

/* FNV-1a. */
static uint64_t mark_add(uint64_t mark, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		mark = (mark ^ s.p[i]) * UINT64_C(1099511628211);
	return mark;
}

static void key_write(struct buf *out, struct span asset, struct span name)
{
	buf_reset(out);
	buf_add(out, asset);
	buf_addc(out, 0);
	buf_add(out, name);
}

static int add_signal(struct labels *l, struct span asset, const struct device_signal *s)
{
	struct buf key;
	buf_init(&key, 0);
	key_write(&key, asset, s->name);
	int err = key.err;
	if (err == 0 && !map_get(&l->words, buf_span(&key))) {
		struct device_signal *own = arena_alloc(&l->a, sizeof *own);
		if (own) {
			*own = (struct device_signal){{NULL, 0}, arena_dup(&l->a, s->label), arena_dup(&l->a, s->unit)};
			err = own->label.p && own->unit.p ? map_put(&l->words, buf_span(&key), (uint64_t)(uintptr_t)own) : MO_ENOMEM;
		} else {
			err = MO_ENOMEM;
		}
	}
	buf_free(&key);
	return err;
}

static int mark_asset(struct labels *l, struct span asset, struct span name, int64_t version)
{
	const uint64_t *had = map_get(&l->assets, asset);
	uint64_t mark = mark_add(mark_add(had ? *had : UINT64_C(14695981039346656037), name), span_of(&version, sizeof version));
	return map_put(&l->assets, asset, mark ? mark : 1);
}

int labels_add(struct labels *l, struct span name, int64_t version, struct span json)
{
	struct arena a;
	struct json_value *root = NULL;
	struct device_signal *s = NULL;
	struct span driver, asset;
	size_t n = 0;
	arena_init(&a, 0);
	int err = json_parse(&root, &a, json, NULL);
	bool push = err == 0 && json_get_str(root, "driver", &driver, NULL) == 0 && span_is(driver, "push") &&
		json_get_str(root, "asset", &asset, NULL) == 0;
	if (push && (err = device_signals_read(&s, &n, &a, root, NULL)) == 0)
		err = mark_asset(l, asset, name, version);
	for (size_t i = 0; i < n && err == 0; i++)
		err = add_signal(l, asset, &s[i]);
	arena_free(&a);
	return err == MO_ENOMEM ? err : 0;
}

static const struct device_signal *find(const struct labels *l, struct span asset, struct span name)
{
	struct buf key;
	buf_init(&key, 0);
	key_write(&key, asset, name);
	const uint64_t *at = key.err ? NULL : map_get(&l->words, buf_span(&key));
	const struct device_signal *s = at ? (const struct device_signal *)(uintptr_t)*at : NULL;
	buf_free(&key);
	return s;
}

bool labels_find(struct node *n, struct span asset, struct span name, struct signal_words *ret)
{
	pthread_mutex_lock(&n->mu);
	const struct device_signal *s = n->labels ? find(n->labels, asset, name) : NULL;
	if (s) {
		diag_copy(ret->label, sizeof ret->label, s->label);
		diag_copy(ret->unit, sizeof ret->unit, s->unit);
	}
	pthread_mutex_unlock(&n->mu);
	return s != NULL;
}

/* ---- to the rows that are there ---- */
struct give_job {
	struct sjob job;
	const struct labels *labels;
	struct span asset;
};

static bool words_of(void *arg, struct span name, struct span *label, struct span *unit)
{
	const struct give_job *q = arg;
	const struct device_signal *s = find(q->labels, q->asset, name);
	if (!s)
		return false;
	*label = s->label;
	*unit = s->unit;
	return true;
}

static int give_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct give_job *q = (struct give_job *)j;
	return store_name_signals(s, q->asset, words_of, q, d);
}

static int give(struct node *n, const struct labels *l, struct span asset)
{
	struct give_job q = {.labels = l, .asset = asset};
	struct diag *d = calloc(1, sizeof *d);
	int err = storer_run(n->storer, give_run, &q.job, d);
	/* What the store refuses for good is said and not asked again and again. */
	if (err == MO_EINVAL && d)
		node_log(n, "error", d);
	free(d);
	return err == MO_EINVAL ? 0 : err;
}

bool labels_set(struct node *n, struct labels *l)
{
	pthread_mutex_lock(&n->mu);
	struct labels *old = n->labels;
	n->labels = l;
	pthread_mutex_unlock(&n->mu);
	bool all = true;
	const struct map_slot *at;
	for (size_t pos = 0; (at = map_next(&l->assets, &pos)) != NULL;) {
		struct span asset = span_of(at->key, at->key_len);
		const uint64_t *had = old ? map_get(&old->assets, asset) : NULL;
		if (had && *had == at->value)
			continue;
		/* After one that a full disk, say, kept from it, the others wait for the next set, too. */
		int err = all ? give(n, l, asset) : MO_EAGAIN;
		if (err != 0) {
			*map_get(&l->assets, asset) = 0;
			all = false;
		}
	}
	labels_free(old);
	return all;
}
