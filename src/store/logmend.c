#include "store/priv/logmend.h"

#include <stdlib.h>

#include "store/priv/pages.h"

#define MAGIC 0x377f0682u  /* the lowest bit: the sums are over big-endian words */
#define FORMAT 3007000u
#define SUM_AT 16u         /* in a frame's header; in the log's it is the last 8 bytes */
#define WORDS ((8u + PAGE_BYTES) / 4u) /* that a frame's sum is over */

enum verdict {
	FRAME_OTHER, /* not of this log: an older one's, or nothing */
	FRAME_BAD,
	FRAME_WHOLE, /* what it holds is what was written, whatever became of its sum and salts */
};
struct frame {
	uint8_t verdict;
	bool exact;   /* as SQLite wants it */
	bool commit;
};
struct look {
	struct vfs *vfs;
	struct vfs_file *f;
	uint8_t head[WAL_HEADER], salts[8];
	bool big, head_whole;
	uint32_t head_sum[2]; /* as it should be */
	uint64_t n, first, last; /* frames; the first bad one and the last commit, from 0 */
	struct frame *v;
	uint8_t *frame;       /* WAL_FRAME bytes */
};

static uint32_t be(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void put_be(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void sum_frame(uint32_t s[2], const uint8_t *frame, bool big)
{
	pages_log_sum(s, frame, 8, big);
	pages_log_sum(s, frame + WAL_FRAME_HEADER, PAGE_BYTES, big);
}

static bool same(const uint32_t s[2], const uint8_t *stored) { return s[0] == be(stored) && s[1] == be(stored + 4); }

/* At most one bit of n bytes differs. */
static bool nearly(const uint8_t *a, const uint8_t *b, size_t n)
{
	int bits = 0;
	for (size_t i = 0; i < n; i++)
		bits += __builtin_popcount((unsigned)(a[i] ^ b[i]));
	return bits <= 1;
}

static int read_frame(struct look *k, uint64_t i) { return vfs_read_full(k->f, k->frame, WAL_FRAME, WAL_HEADER + i * WAL_FRAME); }

/* ---- looking ---- */

static int look_at_head(struct look *k)
{
	uint8_t one[8], two[8];
	uint32_t magic = be(k->head), s[2] = {0, 0};
	k->big = magic == (MAGIC | 1u);
	pages_log_sum(s, k->head, WAL_HEADER - 8, k->big);
	k->head_whole = (magic | 1u) == (MAGIC | 1u) && be(k->head + 4) == FORMAT && be(k->head + 8) == PAGE_BYTES && same(s, k->head + WAL_HEADER - 8);
	memcpy(k->salts, k->head + 16, 8);
	k->head_sum[0] = s[0];
	k->head_sum[1] = s[1];
	if (k->head_whole)
		return 0;
	/* What two of the first three places say. */
	int err = vfs_read_full(k->f, one, 8, WAL_HEADER + 8);
	memcpy(two, k->salts, 8);
	if (!err && k->n > 1)
		err = vfs_read_full(k->f, two, 8, WAL_HEADER + WAL_FRAME + 8);
	if (!err && nearly(one, two, 8))
		memcpy(k->salts, one, 8);
	/* The rest of it is known. */
	put_be(k->head, nearly(k->head, (const uint8_t *)"\x37\x7f\x06\x83", 4) && !nearly(k->head, (const uint8_t *)"\x37\x7f\x06\x82", 4) ? MAGIC | 1u : MAGIC);
	put_be(k->head + 4, FORMAT);
	put_be(k->head + 8, PAGE_BYTES);
	memcpy(k->head + 16, k->salts, 8);
	k->big = be(k->head) & 1u;
	k->head_sum[0] = k->head_sum[1] = 0;
	pages_log_sum(k->head_sum, k->head, WAL_HEADER - 8, k->big);
	return err;
}

static int look_at_frames(struct look *k)
{
	uint32_t stored[2] = {be(k->head + WAL_HEADER - 8), be(k->head + WAL_HEADER - 4)}, real[2] = {k->head_sum[0], k->head_sum[1]};
	bool chained = k->head_whole; /* all before are as SQLite wants them */
	int err = 0;
	for (uint64_t i = 0; i < k->n && !(err = read_frame(k, i)); i++) {
		const uint8_t *p = k->frame;
		struct frame *v = &k->v[i];
		uint32_t a[2] = {stored[0], stored[1]}, b[2] = {real[0], real[1]};
		sum_frame(a, p, k->big);
		bool by_stored = same(a, p + SUM_AT), by_real = false;
		if (!by_stored) {
			sum_frame(b, p, k->big);
			by_real = same(b, p + SUM_AT);
		}
		v->verdict = by_stored || by_real ? FRAME_WHOLE : FRAME_BAD;
		if (!nearly(p + 8, k->salts, 8))
			v->verdict = FRAME_OTHER;
		else if (by_real && !by_stored && i > 0)
			k->v[i - 1].verdict = FRAME_WHOLE; /* only its sum was hit */
		v->exact = chained && by_stored && v->verdict == FRAME_WHOLE && memcmp(p + 8, k->salts, 8) == 0 && be(p) != 0;
		v->commit = v->verdict != FRAME_OTHER && be(p + 4) != 0;
		chained = v->exact;
		memcpy(real, a, sizeof real);
		stored[0] = be(p + SUM_AT);
		stored[1] = be(p + SUM_AT + 4);
	}
	return err;
}

/* The single bits that, turned, make a frame what its sum says: how many there are, and which, counted from the first word of what the sum is over;
 * NO_BIT: none. The sum is two running ones over words x0 x1 x2 ...: s0 += x0 + s1, s1 += x1 + s0; what a change of one word does to the end of it is
 * found from behind. All is modulo 2^32, so the high bits of many words do the same to it, and it often is not known in which word one was turned. */
#define NO_BIT (~0u)
#define SUM_BIT (NO_BIT - 1u) /* of the sum itself */
struct bits {
	unsigned n, any, page, size; /* any: one of them; page, size: the one in the first and second word, the frame's page number and commit size */
};

static struct bits one_bit(const uint8_t *frame, const uint32_t before[2], bool big)
{
	uint32_t s[2] = {before[0], before[1]}, even[2] = {1, 1}, odd[2] = {0, 1};
	struct bits r = {0, NO_BIT, NO_BIT, NO_BIT};
	sum_frame(s, frame, big);
	uint32_t d0 = be(frame + SUM_AT) - s[0], d1 = be(frame + SUM_AT + 4) - s[1];
	for (unsigned pair = WORDS / 2; pair-- > 0;) {
		for (unsigned which = 0; which < 2; which++) {
			const uint32_t *w = which ? odd : even;
			unsigned word = 2 * pair + which;
			const uint8_t *p = word < 2 ? frame + 4 * word : frame + WAL_FRAME_HEADER + 4 * (word - 2);
			uint32_t x = big ? be(p) : __builtin_bswap32(be(p));
			for (unsigned b = 0; b < 32; b++) {
				uint32_t by = x >> b & 1u ? 0u - (1u << b) : 1u << b;
				if (w[0] * by != d0 || w[1] * by != d1)
					continue;
				r.n++;
				r.any = word * 32 + b;
				if (word < 2)
					*(word ? &r.size : &r.page) = r.any;
			}
		}
		even[0] += even[1];
		even[1] += even[0];
		odd[0] += odd[1];
		odd[1] += odd[0];
	}
	if (__builtin_popcount(be(frame + SUM_AT) ^ s[0]) + __builtin_popcount(be(frame + SUM_AT + 4) ^ s[1]) == 1) {
		r.any = SUM_BIT;
		r.n++;
	}
	return r;
}

static void turn(uint8_t *frame, unsigned bit, bool big)
{
	if (bit >= SUM_BIT)
		return;
	unsigned word = bit / 32, b = bit % 32;
	uint8_t *p = word < 2 ? frame + 4 * word : frame + WAL_FRAME_HEADER + 4 * (word - 2);
	p[big ? 3 - b / 8 : b / 8] ^= (uint8_t)(1u << b % 8);
}

/* The sum that the frame before stores, or the log's header. */
static int sum_before(struct look *k, uint64_t i, uint32_t ret[2])
{
	uint8_t p[8];
	int err = vfs_read_full(k->f, p, 8, i ? WAL_HEADER + (i - 1) * WAL_FRAME + SUM_AT : WAL_HEADER - 8);
	ret[0] = err ? 0 : be(p);
	ret[1] = err ? 0 : be(p + 4);
	return err;
}

/* Whether the log was damaged, and up to where it reaches. */
static int judge(struct look *k, struct log_damage *ret)
{
	uint32_t before[2];
	int err;
	k->first = 0;
	while (k->first < k->n && k->v[k->first].exact)
		k->first++;
	uint64_t total = 0;
	for (uint64_t i = k->first; i < k->n; i++)
		if (k->v[i].commit && (k->v[i].verdict == FRAME_WHOLE || i == k->first)) {
			total++;
			k->last = i;
		}
	ret->frame = k->head_whole ? k->first + 1 : 0;
	ret->commits = total;
	ret->damaged = total >= 2 || (total && (!k->head_whole || k->v[k->first].verdict == FRAME_WHOLE));
	if (total != 1 || ret->damaged || k->v[k->first].verdict != FRAME_BAD)
		return 0;
	if ((err = read_frame(k, k->first)) || (err = sum_before(k, k->first, before)))
		return err;
	ret->damaged = one_bit(k->frame, before, k->big).n > 0;
	return 0;
}

/* ---- setting right ---- */

static int write_new(struct vfs *v, const char *path, int (*fill)(void *arg, struct vfs_file *to), void *arg)
{
	struct vfs_file *to = NULL;
	int err = vfs_unlink(v, path);
	if ((err && err != MO_ENOENT) || (err = vfs_open(v, &to, path, VFS_WRITE | VFS_CREATE | VFS_EXCL, NULL)))
		return err;
	if (!(err = fill(arg, to)))
		err = vfs_sync(to);
	vfs_close(to);
	return err;
}

static int as_it_is(void *arg, struct vfs_file *to)
{
	struct look *k = arg;
	size_t n = 1;
	int err = 0;
	for (uint64_t at = 0; !err && n; at += n) {
		n = 0;
		err = vfs_pread(k->f, k->frame, WAL_FRAME, at, &n);
		if (!err && n)
			err = vfs_pwrite(to, k->frame, n, at);
	}
	return err;
}

/* Pages that the log speaks of: no page number and no size of what was committed is larger. */
static int largest(struct look *k, uint32_t *ret)
{
	uint8_t p[8];
	int err = 0;
	*ret = 0;
	for (uint64_t i = 0; i <= k->last && !err; i++) {
		if (k->v[i].verdict != FRAME_WHOLE || (err = vfs_read_full(k->f, p, 8, WAL_HEADER + i * WAL_FRAME)))
			continue;
		*ret = be(p) > *ret ? be(p) : *ret;
		*ret = be(p + 4) > *ret ? be(p + 4) : *ret;
	}
	return err;
}

/* Brings a bad frame to something that can stand in the log: what it was where it is known which one bit has turned, and all the others are whole,
 * else a page that says that it is lost. Into other the page that it may have held as well, and that is lost then too; 0: none. */
static int set_right(struct look *k, uint64_t i, uint64_t bad, uint32_t max, uint32_t *other, struct log_damage *ret)
{
	uint32_t before[2];
	*other = 0;
	int err = k->v[i].verdict == FRAME_WHOLE ? 0 : sum_before(k, i, before);
	if (err || k->v[i].verdict == FRAME_WHOLE)
		return err;
	struct bits bits = one_bit(k->frame, before, k->big);
	if (bits.n == 1 && bad == 1) {
		turn(k->frame, bits.any, k->big);
		ret->mended++;
		return 0;
	}
	if (k->v[i].verdict == FRAME_OTHER)
		return MO_ECORRUPT;
	uint32_t page = be(k->frame), size = be(k->frame + 4);
	if (bits.page != NO_BIT) {
		turn(k->frame, bits.page, k->big);
		*other = be(k->frame);
		put_be(k->frame, page);
	}
	if (bits.size != NO_BIT) { /* the larger does no harm, as long as it may be */
		turn(k->frame, bits.size, k->big);
		if (size <= max && (size > be(k->frame + 4) || be(k->frame + 4) > max))
			put_be(k->frame + 4, size);
	}
	if (page == 0 || page > max) { /* no page of this database: it can only be the other */
		page = *other;
		*other = 0;
		put_be(k->frame, page);
	}
	if (page == 0 || page > max || be(k->frame + 4) > max)
		return MO_ECORRUPT;
	if (*other > max)
		*other = 0;
	pages_lose(k->frame + WAL_FRAME_HEADER);
	return 0;
}

/* Whether no frame behind i holds the page once more. */
static int is_last(struct look *k, uint64_t i, uint32_t page, bool *ret)
{
	uint8_t p[4];
	int err = 0;
	*ret = true;
	for (uint64_t j = i + 1; j <= k->last && *ret && !err; j++)
		if (k->v[j].verdict == FRAME_WHOLE && !(err = vfs_read_full(k->f, p, 4, WAL_HEADER + j * WAL_FRAME)))
			*ret = be(p) != page;
	return err;
}

struct mending {
	struct look *k;
	struct log_damage *ret;
};

/* k->frame as the next of the new log. */
static int put_frame(struct look *k, struct vfs_file *to, uint32_t s[2], uint64_t *at)
{
	memcpy(k->frame + 8, k->salts, 8);
	sum_frame(s, k->frame, k->big);
	put_be(k->frame + SUM_AT, s[0]);
	put_be(k->frame + SUM_AT + 4, s[1]);
	int err = vfs_pwrite(to, k->frame, WAL_FRAME, *at);
	*at += WAL_FRAME;
	return err;
}

static int mended(void *arg, struct vfs_file *to)
{
	struct mending *m = arg;
	struct look *k = m->k;
	uint32_t s[2] = {k->head_sum[0], k->head_sum[1]}, max, other;
	uint64_t bad = 0, at = WAL_HEADER;
	int err = largest(k, &max);
	for (uint64_t i = k->first; i <= k->last; i++)
		bad += k->v[i].verdict != FRAME_WHOLE;
	put_be(k->head + WAL_HEADER - 8, s[0]);
	put_be(k->head + WAL_HEADER - 4, s[1]);
	if (!err)
		err = vfs_pwrite(to, k->head, WAL_HEADER, 0);
	for (uint64_t i = 0; i <= k->last && !err; i++) {
		uint64_t was = m->ret->mended;
		if ((err = read_frame(k, i)) || (err = set_right(k, i, bad, max, &other, m->ret)))
			break;
		bool gone = k->v[i].verdict != FRAME_WHOLE && was == m->ret->mended, last;
		uint32_t page = be(k->frame), size = be(k->frame + 4);
		if (gone && !(err = is_last(k, i, page, &last)))
			m->ret->lost += last;
		if (!err && other && !(err = is_last(k, i, other, &last)) && last) {
			m->ret->lost++;
			put_be(k->frame, other);
			put_be(k->frame + 4, 0);
			err = put_frame(k, to, s, &at);
			put_be(k->frame, page);
			put_be(k->frame + 4, size);
		}
		if (!err)
			err = put_frame(k, to, s, &at);
	}
	m->ret->mended += !err && !bad; /* the header, a sum or salts alone */
	return err;
}

static char *joined(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);
	char *s = malloc(n + m + 1);
	if (s) {
		memcpy(s, path, n);
		memcpy(s + n, suffix, m + 1);
	}
	return s;
}

static int replace(struct look *k, struct log_damage *ret, const char *path)
{
	struct mending m = {k, ret};
	const char *slash = strrchr(path, '/');
	char *bad = joined(path, LOG_BAD), *new = joined(path, LOG_NEW), *dir = slash ? strdup(path) : strdup(".");
	int err = bad && new && dir ? 0 : MO_ENOMEM;
	if (!err && slash)
		dir[slash == path ? 1 : slash - path] = '\0';
	if (!err && !(err = write_new(k->vfs, bad, as_it_is, k)) && !(err = vfs_sync_dir(k->vfs, dir)) && !(err = write_new(k->vfs, new, mended, &m)) &&
		!(err = vfs_rename(k->vfs, new, path)))
		err = vfs_sync_dir(k->vfs, dir);
	if (err && new)
		(void)!vfs_unlink(k->vfs, new);
	free(bad);
	free(new);
	free(dir);
	return err;
}

static int look(struct look *k, const char *path)
{
	uint64_t size = 0;
	int err = vfs_open(k->vfs, &k->f, path, VFS_READ, NULL);
	if (err || (err = vfs_size(k->f, &size)) || size < WAL_HEADER + WAL_FRAME)
		return err == MO_ENOENT ? 0 : err;
	k->n = (size - WAL_HEADER) / WAL_FRAME;
	if (k->n > SIZE_MAX / sizeof *k->v || !(k->v = calloc((size_t)k->n, sizeof *k->v)) || !(k->frame = malloc(WAL_FRAME)))
		return MO_ENOMEM;
	if ((err = vfs_read_full(k->f, k->head, WAL_HEADER, 0)) || (err = look_at_head(k)))
		return err;
	return look_at_frames(k);
}

static void look_end(struct look *k)
{
	free(k->v);
	free(k->frame);
	vfs_close(k->f);
}

int logmend_run(struct log_damage *ret, struct vfs *vfs, const char *path)
{
	struct look k = {.vfs = vfs};
	*ret = (struct log_damage){.damaged = false};
	int err = look(&k, path);
	if (!err && k.n)
		err = judge(&k, ret);
	if (!err && ret->damaged)
		err = replace(&k, ret, path);
	look_end(&k);
	return err;
}

int logmend_trim(struct vfs *vfs, const char *path)
{
	struct look k = {.vfs = vfs};
	struct vfs_file *f = NULL;
	uint64_t frames = 0;
	int err = look(&k, path);
	bool any = !err && k.n;
	for (uint64_t i = 0; any && i < k.n && k.v[i].exact; i++)
		if (k.v[i].commit)
			frames = i + 1;
	look_end(&k);
	if (!any || (err = vfs_open(vfs, &f, path, VFS_WRITE, NULL)))
		return err;
	if (!(err = vfs_truncate(f, frames ? WAL_HEADER + frames * WAL_FRAME : 0)))
		err = vfs_sync(f);
	vfs_close(f);
	return err;
}
