/* The InfluxDB 1.x doors: /ping, /write (line protocol), /query.
 *
 * A body is gathered in pieces and handed to the log thread, one piece at a
 * time and in order; there it is unpacked, split into lines, resolved and
 * appended. The answer follows the sync of the last piece: 204 means durable.
 * A line that cannot be taken is named with its reason (the first 100 of them);
 * the others stay (partial write), as in InfluxDB 1.8. */
#include "api/priv/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "codec/gzip.h"
#include "codec/lineproto.h"
#include "codec/text.h"

#define WRITE_PIECE (256u << 10)  /* handed over at once */
#define WRITE_WAITING (1u << 20)  /* gathered while a piece is with the log thread; then the socket waits */
#define WRITE_BODY_MAX (UINT64_C(1) << 32)
#define UNPACKED_MAX (UINT64_C(8) << 30)
#define GZIP_RATIO_MAX 200u
#define CACHE_SERIES_MAX 1000000u
#define CACHE_CLOCKS_MAX 4096u
#define LOOK_AGAIN_MAX 4096u   /* bytes that each line may be looked through anew for the end of an open string */
#define LINES_NAMED 100u /* of those that were refused */

/* ---- from a line's raw series bytes to ids; log thread only, one for the node ---- */
struct cached_field {
	uint8_t *key; /* raw */
	uint32_t n;
	uint8_t type, kind;
	series_id id;
};
struct cached {
	struct cached_field *fields;
	size_t n, cap;
	struct offset *clock; /* of the machine that sends it; NULL past CACHE_CLOCKS_MAX */
};
struct line_cache {
	struct map by_series; /* raw series bytes -> index */
	struct cached *all;
	size_t n, cap;
};

struct line_cache *line_cache_new(void)
{
	struct line_cache *k = calloc(1, sizeof *k);
	if (k)
		map_init(&k->by_series);
	return k;
}

void line_cache_free(struct line_cache *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++) {
		for (size_t f = 0; f < k->all[i].n; f++)
			free(k->all[i].fields[f].key);
		free(k->all[i].fields);
		free(k->all[i].clock);
	}
	free(k->all);
	map_free(&k->by_series);
	free(k);
}

static struct cached *cache_series(struct line_cache *k, struct span series)
{
	uint64_t *at = map_get(&k->by_series, series);
	if (at)
		return &k->all[*at];
	if (k->n >= CACHE_SERIES_MAX)
		return NULL;
	if (k->n == k->cap) {
		size_t cap = k->cap ? 2 * k->cap : 256;
		struct cached *p = realloc(k->all, cap * sizeof *p);
		if (!p)
			return NULL;
		k->all = p;
		k->cap = cap;
	}
	if (map_put(&k->by_series, series, k->n) != 0)
		return NULL;
	k->all[k->n] = (struct cached){.clock = k->n < CACHE_CLOCKS_MAX ? calloc(1, sizeof(struct offset)) : NULL};
	return &k->all[k->n++];
}

static struct cached_field *cache_find(struct cached *s, size_t hint, struct span key, enum lineproto_type type, enum series_kind kind)
{
	if (hint < s->n) {
		struct cached_field *f = &s->fields[hint];
		if (f->n == key.n && f->type == type && f->kind == kind && memcmp(f->key, key.p, key.n) == 0)
			return f;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct cached_field *f = &s->fields[i];
		if (f->n == key.n && f->type == type && f->kind == kind && memcmp(f->key, key.p, key.n) == 0)
			return f;
	}
	return NULL;
}

static int cache_add(struct cached *s, struct span key, enum lineproto_type type, enum series_kind kind, series_id id)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 8;
		struct cached_field *p = realloc(s->fields, cap * sizeof *p);
		if (!p)
			return MO_ENOMEM;
		s->fields = p;
		s->cap = cap;
	}
	uint8_t *copy = malloc(key.n ? key.n : 1);
	if (!copy)
		return MO_ENOMEM;
	memcpy(copy, key.p, key.n);
	s->fields[s->n++] = (struct cached_field){copy, (uint32_t)key.n, (uint8_t)type, (uint8_t)kind, id};
	return 0;
}

/* ---- one request ---- */
struct write_door {
	struct wjob job;
	struct loop_post post;
	struct api_call *c;
	/* loop */
	struct buf gathering;
	bool busy, ended, paused, failed;
	int err;
	/* log thread, while busy */
	struct buf piece;
	bool last;
	struct gunzip *gunzip;
	struct lineproto *lp;
	struct buf carry; /* a line cut at the piece's end */
	bool open;        /* the carry's first line: a string of it holds an LF, and what closes it has not come yet */
	size_t vain;      /* so many bytes that follow were looked through in vain for the end of a string: lines that begin there end at their LF */
	struct buf scratch;
	struct sbatch *batch;
	int64_t arrival_ns;
	uint64_t line, lines_bad, points;
	struct diag *bad; /* the first LINES_NAMED of lines_bad; n_bad of them */
	size_t n_bad, cap_bad;
	struct diag d;
};

static int unescaped(struct buf *out, struct span raw, size_t *at, size_t *n)
{
	*at = out->n;
	lineproto_unescape(out, raw);
	*n = out->n - *at;
	return out->err;
}

/* Defines the series of one field of a line. Asset: the tag `asset`, else the measurement. */
static int resolve(struct write_door *q, const struct lineproto_line *l, const struct lineproto_field *f, enum series_kind kind, series_id *ret, struct diag *d)
{
	struct buf *b = &q->scratch;
	size_t at[2 * LINEPROTO_TAGS_MAX + 2], n[2 * LINEPROTO_TAGS_MAX + 2];
	struct span kv[2 * LINEPROTO_TAGS_MAX];
	buf_reset(b);
	int err = unescaped(b, l->measurement, &at[0], &n[0]);
	if (err == 0)
		err = unescaped(b, f->key, &at[1], &n[1]);
	for (size_t i = 0; i < l->n_tags && err == 0; i++) {
		err = unescaped(b, l->tags[i].key, &at[2 + 2 * i], &n[2 + 2 * i]);
		if (err == 0)
			err = unescaped(b, l->tags[i].value, &at[3 + 2 * i], &n[3 + 2 * i]);
	}
	if (err != 0)
		return MO_ENOMEM;
	for (size_t i = 0; i < 2 * l->n_tags; i++)
		kv[i] = span_of(b->p + at[2 + i], n[2 + i]);
	struct point_key k = {.type = (enum series_type)f->type, .kind = kind, .source = SPAN_LIT("http")};
	k.asset = span_of(b->p + at[0], n[0]);
	k.signal = span_of(b->p + at[1], n[1]);
	for (size_t i = 0; i < l->n_tags; i++)
		if (span_is(kv[2 * i], "asset"))
			k.asset = kv[2 * i + 1];
	struct buf key;
	buf_init(&key, SERIES_KEY_MAX);
	series_key_write(&key, span_of(b->p + at[0], n[0]), kv, l->n_tags, k.signal);
	k.key = buf_span(&key);
	err = key.err ? diag_set(d, key.err, MSG_LINE_KEY) : node_resolve(q->c->node, &k, ret, d);
	buf_free(&key);
	return err;
}

/* Keeps what is wrong with a line; without memory it is still counted. */
static void keep_bad(struct write_door *q, const struct diag *d)
{
	if (q->n_bad == LINES_NAMED)
		return;
	if (q->n_bad == q->cap_bad) {
		size_t cap = q->cap_bad ? q->cap_bad * 4 : 2;
		cap = cap < LINES_NAMED ? cap : LINES_NAMED;
		struct diag *p = realloc(q->bad, cap * sizeof *p);
		if (!p)
			return;
		q->bad = p;
		q->cap_bad = cap;
	}
	q->bad[q->n_bad++] = *d;
}

static int flush(struct write_door *q, struct writer *w, struct diag *d)
{
	struct sdb_appended did;
	if (sbatch_points(q->batch) == 0)
		return 0;
	int err = writer_append(w, q->batch, &did, d);
	sbatch_reset(q->batch);
	sbatch_set_arrival(q->batch, q->arrival_ns);
	if (err == 0 && did.refused) {
		q->lines_bad += did.refused;
		keep_bad(q, d);
	}
	return err;
}

static void bad_line(struct write_door *q, const struct diag *d, struct span line)
{
	size_t n = q->n_bad;
	q->lines_bad++;
	keep_bad(q, d);
	if (q->n_bad == n)
		return;
	diag_line(&q->bad[n], q->line, d->column);
	if (!q->bad[n].value[0])
		diag_value(&q->bad[n], line);
}

/* The number of a cycle line ("_cycle=123i"), or 0. */
static uint64_t cycle_of(const struct lineproto_line *l)
{
	for (size_t i = 0; i < l->n_fields; i++)
		if (l->fields[i].type == LP_I64 && span_is(l->fields[i].key, "_cycle") && l->fields[i].i64 > 0)
			return (uint64_t)l->fields[i].i64;
	return 0;
}

/* Ids of all fields first, so that a line is taken whole or not at all. */
static int store_line(struct write_door *q, struct writer *w, const struct lineproto_line *l, struct span text, struct diag *d)
{
	int err = 0;
	uint64_t seq = cycle_of(l);
	enum series_kind kind = seq ? SERIES_SEQUENCE : SERIES_CLOCK;
	int64_t t = l->has_time ? l->t_ns : q->arrival_ns;
	struct cached *s = cache_series(q->c->api->lines, l->series);
	series_id ids[LINEPROTO_FIELDS_MAX];
	if (!s)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	uint8_t quality = node_time_quality(q->c->node, s->clock, t, q->arrival_ns, false);
	for (size_t i = 0; i < l->n_fields; i++) {
		const struct lineproto_field *f = &l->fields[i];
		struct cached_field *known = cache_find(s, i, f->key, f->type, kind);
		ids[i] = known ? known->id : 0;
		if (known || (seq && span_is(f->key, "_cycle")))
			continue;
		err = resolve(q, l, f, kind, &ids[i], d);
		if (err == 0)
			err = cache_add(s, f->key, f->type, kind, ids[i]);
		if (err == MO_EEXIST || err == MO_ELIMIT || err == MO_EINVAL) {
			bad_line(q, d, text);
			return 0;
		}
		if (err != 0)
			return err;
	}
	for (size_t i = 0; i < l->n_fields; i++) {
		const struct lineproto_field *f = &l->fields[i];
		if (!ids[i])
			continue;
		struct sbatch_point p = {.id = ids[i], .type = (enum series_type)f->type, .quality = quality, .t_ns = t, .seq = seq, .arrival_ns = T_NONE};
		switch (f->type) {
		case LP_F64: p.v.f64 = f->f64; break;
		case LP_I64: p.v.i64 = f->i64; break;
		case LP_BOOL: p.v.b = f->b; break;
		case LP_STR: p.v.str = f->str; break;
		}
		err = sbatch_add(q->batch, &p);
		if (err == MO_ELIMIT) {
			err = flush(q, w, d);
			if (err == 0)
				err = sbatch_add(q->batch, &p);
		}
		if (err != 0)
			return err;
		q->points++;
	}
	return 0;
}

/* The line at the begin of `s`. *used: its bytes with its LF, or 0 when its end has not come yet. */
static int take_line(struct write_door *q, struct writer *w, struct span s, bool last, size_t *used, struct diag *d)
{
	struct lineproto_line l;
	const uint8_t *lf = memchr(s.p, '\n', s.n);
	size_t n = lf ? (size_t)(lf - s.p) : s.n, more = 0;
	*used = 0;
	q->open = false;
	if (!lf && !last)
		return 0;
	diag_clear(d);
	int err = lineproto_parse(q->lp, span_sub(s, 0, n), &l, d);
	if (err == MO_EAGAIN) {
		size_t end = 0;
		d->err = err = MO_EINVAL; /* unless the string goes on */
		int how = lf && !q->vain ? lineproto_joined(&end, s, n, last) : MO_EINVAL;
		if (how == MO_EAGAIN) {
			q->open = true;
			return 0;
		}
		if (how == 0) {
			how = lineproto_parse(q->lp, span_sub(s, 0, end), &l, NULL);
			if (how == MO_ENOMEM)
				return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		}
		if (how == 0) {
			for (size_t i = n; i < end; i++)
				more += s.p[i] == '\n';
			n = end;
			err = 0;
		} else if (!q->vain && end > n + LOOK_AGAIN_MAX) {
			q->vain = end;
		}
	}
	*used = n < s.n ? n + 1 : n;
	q->vain -= q->vain < *used ? q->vain : *used;
	q->line++;
	struct span text = span_sub(s, 0, n);
	if (err == 0) {
		err = store_line(q, w, &l, text, d);
	} else if (err != MO_ENOENT) {
		bad_line(q, d, text);
		return err == MO_ENOMEM ? err : 0;
	}
	q->line += more;
	return err == MO_ENOENT ? 0 : err;
}

/* All lines of `s` whose end is known. */
static int take_lines(struct write_door *q, struct writer *w, struct span s, bool last, size_t *used, struct diag *d)
{
	int err = 0;
	size_t n = 1;
	*used = 0;
	while (err == 0 && n && *used < s.n) {
		err = take_line(q, w, span_of(s.p + *used, s.n - *used), last, &n, d);
		*used += n;
	}
	return err;
}

static int carry(struct write_door *q, struct span s, struct diag *d)
{
	buf_add(&q->carry, s);
	return q->carry.err ? diag_set(d, MO_ELIMIT, MSG_LINE_LONG) : 0;
}

static int take_text(struct write_door *q, struct writer *w, struct span s, struct diag *d)
{
	int err = 0;
	size_t used;
	while (err == 0 && q->carry.n && s.n) {
		/* To the end of the line; where a string is open, enough to be sure where it ends. */
		size_t n = q->open ? LINEPROTO_JOINED_MAX : span_find(s, 0, '\n') + 1;
		n = n < s.n ? n : s.n;
		err = carry(q, span_sub(s, 0, n), d);
		s = span_sub(s, n, s.n);
		if (err == 0)
			err = take_lines(q, w, buf_span(&q->carry), false, &used, d);
		if (err == 0)
			buf_consume(&q->carry, used);
	}
	if (err != 0 || s.n == 0)
		return err;
	err = take_lines(q, w, s, false, &used, d);
	return err != 0 ? err : carry(q, span_sub(s, used, s.n), d);
}

static int write_run(struct wjob *j, struct writer *w, struct diag *d)
{
	struct write_door *q = (struct write_door *)((char *)j - offsetof(struct write_door, job));
	struct span in = buf_span(&q->piece), out;
	int err = 0;
	q->arrival_ns = clock_now(node_clock(q->c->node));
	sbatch_reset(q->batch);
	sbatch_set_arrival(q->batch, q->arrival_ns);
	if (!q->gunzip) {
		err = take_text(q, w, in, d);
	} else {
		gunzip_feed(q->gunzip, in);
		if (q->last)
			gunzip_end(q->gunzip);
		while ((err = gunzip_next(q->gunzip, &out, d)) == 0)
			if ((err = take_text(q, w, out, d)) != 0)
				break;
		if (err == MO_EAGAIN || (err == MO_ENOENT && q->last))
			err = 0;
	}
	if (err == 0 && q->last && q->carry.n) {
		size_t used;
		err = take_lines(q, w, buf_span(&q->carry), true, &used, d);
		buf_reset(&q->carry);
	}
	return err != 0 ? err : flush(q, w, d);
}

static void door_free(struct write_door *q)
{
	if (!q)
		return;
	buf_free(&q->gathering);
	buf_free(&q->piece);
	buf_free(&q->carry);
	buf_free(&q->scratch);
	free(q->bad);
	gunzip_free(q->gunzip);
	lineproto_free(q->lp);
	sbatch_free(q->batch);
	free(q);
}

/* The sentence InfluxDB's clients know, then ours; then each line by its number. */
static void partial(struct api_call *c, struct write_door *q)
{
	static const struct diag none = {.line = 0};
	const struct diag *first = q->n_bad ? &q->bad[0] : &none;
	struct buf text;
	buf_init(&text, 0);
	buf_adds(&text, first->err == MO_EEXIST ? "partial write: field type conflict: " : q->points ? "partial write: unable to parse: " : "unable to parse: ");
	words_render(&text, WORDS_EN, first);
	if (first->line && first->column)
		buf_printf(&text, " (line %llu, column %llu)", (unsigned long long)first->line, (unsigned long long)first->column);
	else if (first->line)
		buf_printf(&text, " (line %llu)", (unsigned long long)first->line);
	buf_printf(&text, " dropped=%llu", (unsigned long long)q->lines_bad);
	jw_object(&c->w);
	jw_key(&c->w, "error");
	jw_str(&c->w, buf_span(&text));
	jw_key(&c->w, "dropped");
	jw_u64(&c->w, q->lines_bad);
	jw_key(&c->w, "errors");
	jw_array(&c->w);
	for (size_t i = 0; i < q->n_bad; i++) {
		jw_object(&c->w);
		api_problem_members(&c->w, &q->bad[i]);
		jw_object_end(&c->w);
	}
	jw_array_end(&c->w);
	jw_object_end(&c->w);
	if (text.err)
		c->out.err = text.err;
	buf_free(&text);
	c->status = 400;
}

static void hand_over(struct write_door *q);

static void landed(void *arg)
{
	struct write_door *q = arg;
	struct api_call *c = q->c;
	q->busy = false;
	c->away = false; /* until the next piece is handed over */
	buf_reset(&q->piece);
	if (q->err != 0 && !q->failed) {
		q->failed = true;
		*c->d = q->d;
	}
	if (c->dead && !q->ended) {
		/* The sender is gone: what was handed over stays, the rest never came. */
		api_finish(c, 0);
		return;
	}
	if (q->failed && !q->ended) {
		/* The rest of the body is read and dropped; end() answers. */
		buf_reset(&q->gathering);
		if (q->paused)
			http_resume(c->pass.x);
		q->paused = false;
		return;
	}
	if (q->failed || (q->ended && q->last)) {
		c->status = 204;
		if (!q->failed && q->lines_bad)
			partial(c, q);
		api_finish(c, q->failed ? q->d.err ? q->d.err : MO_EIO : 0);
		return;
	}
	if (q->paused && q->gathering.n < WRITE_WAITING) {
		q->paused = false;
		if (!c->dead)
			http_resume(c->pass.x);
	}
	if (q->ended || q->gathering.n >= WRITE_PIECE)
		hand_over(q);
}

static void write_done(struct wjob *j, int err, const struct diag *d)
{
	struct write_door *q = (struct write_door *)((char *)j - offsetof(struct write_door, job));
	q->err = err;
	if (err != 0) {
		if (d)
			q->d = *d;
		q->d.err = err;
	}
	q->post.fn = landed;
	q->post.arg = q;
	loop_post(node_loop(q->c->node), &q->post);
}

static void hand_over(struct write_door *q)
{
	struct buf t = q->piece;
	q->piece = q->gathering;
	q->gathering = t;
	q->last = q->ended;
	q->busy = true;
	q->c->away = true;
	q->job.run = write_run;
	q->job.done = write_done;
	if (writer_submit(node_writer(q->c->node), &q->job) != 0) {
		diag_set(&q->d, MO_EAGAIN, MSG_API_BUSY);
		q->err = MO_EAGAIN;
		landed(q);
	}
}

static int write_begin(struct api_call *c)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {{"ns", 1}, {"n", 1}, {"u", 1000}, {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}};
	struct span precision = api_param(c, "precision");
	int64_t unit = precision.n ? 0 : 1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (span_is(precision, units[i].name))
			unit = units[i].ns;
	if (!unit) {
		diag_set(c->d, MO_EINVAL, MSG_API_PARAM);
		diag_field(c->d, SPAN_LIT("precision"));
		diag_value(c->d, precision);
		diag_expected(c->d, "ns, u, ms, s, m, h");
		return MO_EINVAL;
	}
	struct write_door *q = calloc(1, sizeof *q);
	if (!q)
		return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	c->own = q;
	q->c = c;
	buf_init(&q->carry, LINEPROTO_LINE_MAX);
	int err = lineproto_new(&q->lp, unit);
	if (err == 0)
		err = sbatch_new(&q->batch);
	struct span coding = api_header(c, "Content-Encoding");
	if (err == 0 && coding.n && !span_is(coding, "gzip") && !span_is(coding, "identity")) {
		err = diag_set(c->d, MO_EINVAL, MSG_API_ENCODING);
		diag_value(c->d, coding);
		diag_expected(c->d, "gzip, identity");
		c->status = 415;
	}
	if (err == 0 && span_is(coding, "gzip"))
		err = gunzip_new(&q->gunzip, UNPACKED_MAX, GZIP_RATIO_MAX);
	return err;
}

static int write_piece(struct api_call *c, struct span bytes)
{
	struct write_door *q = c->own;
	if (q->failed)
		return 0;
	buf_add(&q->gathering, bytes);
	if (q->gathering.err) {
		q->failed = true;
		q->d.err = diag_set(&q->d, q->gathering.err, MSG_OUT_OF_MEMORY);
		return 0;
	}
	if (!q->busy && q->gathering.n >= WRITE_PIECE)
		hand_over(q);
	if (q->gathering.n < WRITE_WAITING)
		return 0;
	q->paused = true;
	return MO_EAGAIN;
}

static int write_end(struct api_call *c)
{
	struct write_door *q = c->own;
	q->ended = true;
	if (q->failed && !q->busy) {
		*c->d = q->d;
		c->away = false;
		return q->d.err ? q->d.err : MO_EIO;
	}
	if (!q->busy)
		hand_over(q);
	return 0;
}

static void write_drop(struct api_call *c)
{
	door_free(c->own);
	c->own = NULL;
}

const struct api_stream write_stream = {write_begin, write_piece, write_end, write_drop};

/* ---- /ping, /query ---- */
int influx_ping(struct api_call *c)
{
	c->status = 204;
	return 0;
}

struct db_job {
	struct sjob job;
	struct span name, who;
	int64_t now_ns;
};

static int db_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct db_job *q = (struct db_job *)j;
	int64_t version;
	return store_put_doc(s, DOC_SETTING, q->name, SPAN_LIT("{\"kind\":\"database\"}"), -1, q->who, q->now_ns, &version, d);
}

#define DB_PREFIX "database:"

static int db_create(void *arg, struct span name, struct diag *d)
{
	struct api_call *c = arg;
	struct db_job q = {.now_ns = clock_now(node_clock(c->node)), .who = gate_who(&c->pass)};
	/* A page elsewhere can make a browser ask by GET; and who only reads makes nothing. */
	if (!gate_may(&c->pass, PERMISSION_WRITE) || (c->pass.known.session && c->route->method == HTTP_GET)) {
		diag_set(d, MO_EDENIED, MSG_API_NOT_PERMITTED);
		diag_text(d, 0, q.who);
		return MO_EDENIED;
	}
	char *full = arena_printf(&c->arena, DB_PREFIX "%.*s", SPAN_FMT(name));
	if (!full)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	q.name = span_str(full);
	return storer_run(node_storer(c->node), db_run, &q.job, d);
}

static int db_list(void *arg, int (*fn)(void *fn_arg, struct span name), void *fn_arg)
{
	struct api_call *c = arg;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_SETTING))), sarg_null(), sarg_i(API_PAGE_MAX)};
	int err = store_select(c->reader, &cur, SQ_DOCS, a, 3, c->d);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++)
			if (span_starts(b.cols[0].str[i], DB_PREFIX))
				err = fn(fn_arg, span_sub(b.cols[0].str[i], sizeof DB_PREFIX - 1, b.cols[0].str[i].n));
	table_close(cur);
	return err;
}

/* q may stand in the URL or in a form body; not given: p == NULL. MO_EINVAL, MO_ENOMEM. */
static int form_value(struct api_call *c, struct span *ret, const char *name)
{
	struct span body = buf_span(&c->body);
	*ret = api_param(c, name);
	if (ret->p)
		return 0;
	for (size_t i = 0; i < body.n;) {
		size_t amp = span_find(body, i, '&');
		struct span part = span_sub(body, i, amp - i);
		size_t eq = span_find(part, 0, '=');
		i = amp + 1;
		if (!span_is(span_sub(part, 0, eq), name))
			continue;
		struct buf b;
		buf_init(&b, 0);
		int err = percent_decode(&b, span_sub(part, eq + 1, part.n), true);
		if (b.err)
			err = b.err;
		if (err == 0 && !(*ret = arena_dup(&c->arena, buf_span(&b))).p)
			err = MO_ENOMEM;
		buf_free(&b);
		if (err != 0) {
			diag_set(c->d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_API_QUERY);
			diag_value(c->d, part);
		}
		return err;
	}
	return 0;
}

int influx_query(struct api_call *c)
{
	static const struct {
		const char *name;
		int64_t ns;
	} epochs[] = {{"ns", 1}, {"n", 1}, {"u", 1000}, {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}};
	struct influx_databases dbs = {db_list, db_create, c};
	struct influx_options opt = {.now_ns = clock_now(node_clock(c->node))};
	struct span q, epoch;
	int err = form_value(c, &q, "q");
	if (err == 0)
		err = form_value(c, &epoch, "epoch");
	if (err != 0)
		return err;
	for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++)
		if (span_is(epoch, epochs[i].name))
			opt.epoch_ns = epochs[i].ns;
	if (q.n == 0)
		return api_missing(c, "q");
	err = series_index_refresh(c->api->index);
	return err != 0 ? err : influxql_run(c->api->index, node_sdb(c->node), q, &dbs, &opt, &c->out, c->d);
}
