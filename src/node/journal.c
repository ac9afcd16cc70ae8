/* The ring: entries one after another in a circle of bytes, the oldest dropped for the newest.
 *
 *   entry  len:u32 | number:u64 t_ns:u64 level:u8 err:u32 msg:u32 line:u64 column:u64 file field value expected arg[4] | len:u32
 *   text   n:u16 bytes          arg  kind:u8, then u64 (integer, bits of a real) or a text
 *
 * head and tail count bytes since the start; len stands at both ends so that it is read from the newest back. */
#include "node/journal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/num.h"
#include "os/clock.h"

#define LEN_BYTES 4u
#define ENTRY_MAX 4096u /* more than all texts of a diag together */

struct limit {
	int64_t next_ns;   /* when its next line would be due if it had been said one every JOURNAL_REFILL_NS */
	uint64_t left_out; /* not yet said */
	enum journal_level level; /* of the last one left out */
};
struct journal {
	pthread_mutex_t mu;
	struct journal_options opt;
	uint64_t number;
	struct journal_stats stats;
	struct limit limits[MSG_COUNT];
	struct buf entry; /* room for one, made beforehand: a line cannot fail for want of memory */
	uint8_t *ring;
	uint64_t head, tail;
};

_Static_assert(sizeof(struct diag) < ENTRY_MAX, "an entry has room for a whole diag");

static const char *const names[JOURNAL_LEVELS] = {"info", "warn", "error"};

const char *journal_level_name(enum journal_level level) { return names[level]; }

static enum journal_level level_of(const char *name)
{
	enum journal_level l = JOURNAL_INFO;
	while (l < JOURNAL_ERROR && strcmp(names[l], name) != 0)
		l++;
	return l;
}

int journal_new(struct journal **ret, const struct journal_options *opt)
{
	struct journal *j = calloc(1, sizeof *j);
	if (!j)
		return MO_ENOMEM;
	pthread_mutex_init(&j->mu, NULL);
	buf_init(&j->entry, ENTRY_MAX);
	j->ring = malloc(JOURNAL_BYTES);
	if (!j->ring || !buf_reserve(&j->entry, ENTRY_MAX)) {
		journal_free(j);
		return MO_ENOMEM;
	}
	j->opt = *opt;
	*ret = j;
	return 0;
}

/* ---- the ring ---- */
static void ring_in(struct journal *j, uint64_t at, struct span s)
{
	size_t o = (size_t)(at % JOURNAL_BYTES), first = s.n < JOURNAL_BYTES - o ? s.n : JOURNAL_BYTES - o;
	memcpy(j->ring + o, s.p, first);
	memcpy(j->ring, s.p + first, s.n - first);
}

static void ring_out(const struct journal *j, uint64_t at, uint8_t *to, size_t n)
{
	size_t o = (size_t)(at % JOURNAL_BYTES), first = n < JOURNAL_BYTES - o ? n : JOURNAL_BYTES - o;
	memcpy(to, j->ring + o, first);
	memcpy(to + first, j->ring, n - first);
}

static uint32_t len_at(const struct journal *j, uint64_t at)
{
	uint8_t b[LEN_BYTES];
	ring_out(j, at, b, sizeof b);
	struct rd r = rd_of(span_of(b, sizeof b));
	return rd_u32(&r);
}

static void put_text(struct buf *b, const char *s)
{
	struct span t = span_str(s);
	buf_u16(b, (uint16_t)t.n);
	buf_add(b, t);
}

static void get_text(struct rd *r, char *to, size_t size)
{
	struct span s = rd_bytes(r, rd_u16(r));
	assert(s.n < size);
	memcpy(to, s.p ? s.p : (const uint8_t *)"", s.n);
	to[s.n] = 0;
}

static void keep(struct journal *j, enum journal_level level, const struct diag *d, int64_t t_ns)
{
	struct buf *b = &j->entry;
	buf_reset(b);
	buf_u64(b, j->number);
	buf_u64(b, (uint64_t)t_ns);
	buf_addc(b, (uint8_t)level);
	buf_u32(b, (uint32_t)d->err);
	buf_u32(b, (uint32_t)d->msg);
	buf_u64(b, d->line);
	buf_u64(b, d->column);
	put_text(b, d->file);
	put_text(b, d->field);
	put_text(b, d->value);
	put_text(b, d->expected);
	for (unsigned i = 0; i < DIAG_ARGS_MAX; i++) {
		const struct diag_arg *a = &d->arg[i];
		uint64_t bits = (uint64_t)a->i;
		if (a->kind == DIAG_REAL)
			memcpy(&bits, &a->r, sizeof bits);
		buf_addc(b, (uint8_t)a->kind);
		if (a->kind == DIAG_TEXT)
			put_text(b, a->text);
		else if (a->kind != DIAG_NONE)
			buf_u64(b, bits);
	}
	assert(b->err == 0); /* ENTRY_MAX has room for all of it */
	uint64_t need = b->n + 2 * LEN_BYTES;
	while (j->head + need - j->tail > JOURNAL_BYTES)
		j->tail += len_at(j, j->tail) + 2 * LEN_BYTES;
	uint8_t len[LEN_BYTES] = {(uint8_t)b->n, (uint8_t)(b->n >> 8), 0, 0};
	ring_in(j, j->head, span_of(len, sizeof len));
	ring_in(j, j->head + LEN_BYTES, buf_span(b));
	ring_in(j, j->head + LEN_BYTES + b->n, span_of(len, sizeof len));
	j->head += need;
}

static void unpack(struct journal_line *l, struct span entry)
{
	struct rd r = rd_of(entry);
	struct diag *d = &l->d;
	diag_clear(d);
	l->number = rd_u64(&r);
	l->t_ns = (int64_t)rd_u64(&r);
	l->level = (enum journal_level)rd_u8(&r);
	d->err = (int)rd_u32(&r);
	d->msg = (enum mo_msg)rd_u32(&r);
	d->line = rd_u64(&r);
	d->column = rd_u64(&r);
	get_text(&r, d->file, sizeof d->file);
	get_text(&r, d->field, sizeof d->field);
	get_text(&r, d->value, sizeof d->value);
	get_text(&r, d->expected, sizeof d->expected);
	for (unsigned i = 0; i < DIAG_ARGS_MAX; i++) {
		struct diag_arg *a = &d->arg[i];
		a->kind = (enum diag_arg_kind)rd_u8(&r);
		if (a->kind == DIAG_TEXT) {
			get_text(&r, a->text, sizeof a->text);
		} else if (a->kind != DIAG_NONE) {
			uint64_t bits = rd_u64(&r);
			a->i = (int64_t)bits;
			if (a->kind == DIAG_REAL)
				memcpy(&a->r, &bits, sizeof bits);
		}
	}
	assert(r.ok); /* nobody but keep() writes there */
}

size_t journal_read(struct journal *j, struct journal_line *ret, size_t max, uint64_t before, enum journal_level least)
{
	size_t n = 0;
	pthread_mutex_lock(&j->mu);
	for (uint64_t at = j->head; at > j->tail && n < max;) {
		uint8_t entry[ENTRY_MAX];
		uint32_t len = len_at(j, at - LEN_BYTES);
		at -= len + 2 * LEN_BYTES;
		ring_out(j, at + LEN_BYTES, entry, len);
		unpack(&ret[n], span_of(entry, len));
		if ((before == 0 || ret[n].number < before) && ret[n].level >= least)
			n++;
	}
	pthread_mutex_unlock(&j->mu);
	return n;
}

/* ---- saying ---- */
static void say(struct journal *j, enum journal_level level, const struct diag *d, int64_t t_ns)
{
	j->number++;
	j->stats.lines[level]++;
	keep(j, level, d, t_ns);
	if (j->opt.put)
		j->opt.put(j->opt.arg, names[level], d);
}

/* Takes one line from the message's limit; false: there is none left. */
static bool allowed(struct limit *m, int64_t mono_ns)
{
	int64_t begin = m->next_ns > mono_ns ? m->next_ns : mono_ns;
	if (begin - mono_ns > (int64_t)(JOURNAL_BURST - 1) * JOURNAL_REFILL_NS)
		return false;
	m->next_ns = begin + JOURNAL_REFILL_NS;
	return true;
}

static void say_left_out(struct journal *j, size_t msg, int64_t t_ns)
{
	struct limit *m = &j->limits[msg];
	struct diag d;
	char number[24];
	struct span name = span_str(j->opt.code ? j->opt.code((enum mo_msg)msg, j->opt.arg) : NULL);
	if (!name.p)
		name = span_of(number, num_format_i64(number, (int64_t)msg));
	diag_set(&d, MO_ELIMIT, MSG_LOG_LEFT_OUT);
	diag_value(&d, name);
	diag_int(&d, 0, (int64_t)(m->left_out < INT64_MAX ? m->left_out : INT64_MAX));
	m->left_out = 0;
	say(j, m->level, &d, t_ns);
}

void journal_say_at(struct journal *j, const char *level, const struct diag *d, int64_t t_ns, int64_t mono_ns)
{
	size_t msg = d->msg > MSG_NONE && d->msg < MSG_COUNT ? (size_t)d->msg : MSG_NONE;
	struct limit *m = &j->limits[msg];
	pthread_mutex_lock(&j->mu);
	if (allowed(m, mono_ns)) {
		if (m->left_out)
			say_left_out(j, msg, t_ns);
		say(j, level_of(level), d, t_ns);
	} else {
		m->left_out++;
		m->level = level_of(level);
		j->stats.left_out++;
	}
	pthread_mutex_unlock(&j->mu);
}

void journal_say(struct journal *j, const char *level, const struct diag *d) { journal_say_at(j, level, d, wall_now(), mono_now()); }

void journal_tick(struct journal *j, int64_t t_ns, int64_t mono_ns)
{
	pthread_mutex_lock(&j->mu);
	for (size_t i = 0; i < MSG_COUNT; i++)
		if (j->limits[i].left_out && allowed(&j->limits[i], mono_ns))
			say_left_out(j, i, t_ns);
	pthread_mutex_unlock(&j->mu);
}

void journal_stats(struct journal *j, struct journal_stats *ret)
{
	pthread_mutex_lock(&j->mu);
	*ret = j->stats;
	pthread_mutex_unlock(&j->mu);
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < MSG_COUNT; i++)
		if (j->limits[i].left_out)
			say_left_out(j, i, wall_now());
	pthread_mutex_destroy(&j->mu);
	buf_free(&j->entry);
	free(j->ring);
	free(j);
}
