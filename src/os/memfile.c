#include "os/priv/memfile.h"

#include <stdlib.h>
#include <string.h>

struct mempage {
	uint32_t refs; /* 1 or 2: the images that show it */
	uint8_t b[MEMFILE_PAGE_BYTES];
};

struct memop {
	struct memop *next;
	bool resize;
	uint64_t offset, n;  /* a write */
	uint64_t size_after; /* of the file */
	uint8_t data[];
};

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

static void page_drop(struct mempage **p)
{
	if (*p && --(*p)->refs == 0)
		free(*p);
	*p = NULL;
}

/* The page of an image, made its own and writable; NULL without memory (nothing changed). */
static struct mempage *page_own(struct mempage **p)
{
	if (*p && (*p)->refs == 1)
		return *p;
	struct mempage *q = *p ? malloc(sizeof *q) : calloc(1, sizeof *q);
	if (!q)
		return NULL;
	if (*p)
		memcpy(q->b, (*p)->b, sizeof q->b);
	q->refs = 1;
	page_drop(p);
	*p = q;
	return q;
}

static void page_share(struct mempage **to, struct mempage *from)
{
	if (*to == from)
		return;
	page_drop(to);
	*to = from;
	if (from)
		from->refs++;
}

/* Zeros from `size` on. Fails only in a shared tail page (memfile_settle): then the page goes as a whole, the zeros being what matters. */
static void image_cut(struct mempage **image, size_t cap, uint64_t size)
{
	size_t i = (size_t)(size / MEMFILE_PAGE_BYTES), in = (size_t)(size % MEMFILE_PAGE_BYTES);
	if (in && i < cap && image[i]) {
		struct mempage *p = page_own(&image[i]);
		if (p)
			memset(p->b + in, 0, sizeof p->b - in);
		else
			page_drop(&image[i]);
		i++;
	} else if (in) {
		i++;
	}
	for (; i < cap; i++)
		page_drop(&image[i]);
}

/* Tables long enough for size bytes. */
static int reach(struct memfile *f, uint64_t size)
{
	if (size > MEMFILE_MAX_BYTES)
		return MO_ELIMIT;
	size_t need = (size_t)((size + MEMFILE_PAGE_BYTES - 1) / MEMFILE_PAGE_BYTES);
	if (need <= f->cap)
		return 0;
	size_t cap = f->cap ? f->cap : 4;
	while (cap < need)
		cap *= 2;
	struct mempage **now = calloc(cap, sizeof(struct mempage *)), **durable = calloc(cap, sizeof(struct mempage *));
	if (!now || !durable) {
		free(now);
		free(durable);
		return MO_ENOMEM;
	}
	if (f->cap) {
		memcpy(now, f->now, f->cap * sizeof *now);
		memcpy(durable, f->durable, f->cap * sizeof *durable);
	}
	free(f->now);
	free(f->durable);
	f->now = now;
	f->durable = durable;
	f->cap = cap;
	return 0;
}

static void forget_ops(struct memfile *f)
{
	for (struct memop *o = f->first; o;) {
		struct memop *next = o->next;
		free(o);
		o = next;
	}
	f->first = f->last = NULL;
	f->n_ops = 0;
}

static void append_op(struct memfile *f, struct memop *o)
{
	o->next = NULL;
	if (f->last)
		f->last->next = o;
	else
		f->first = o;
	f->last = o;
	f->n_ops++;
}

void memfile_free(struct memfile *f)
{
	for (size_t i = 0; i < f->cap; i++) {
		page_drop(&f->now[i]);
		page_drop(&f->durable[i]);
	}
	free(f->now);
	free(f->durable);
	forget_ops(f);
	*f = (struct memfile){0};
}

void memfile_read(const struct memfile *f, void *p, size_t n, uint64_t offset, size_t *ret_n)
{
	uint8_t *out = p;
	uint64_t left = offset < f->size ? min_u64(n, f->size - offset) : 0;
	*ret_n = (size_t)left;
	while (left) {
		size_t i = (size_t)(offset / MEMFILE_PAGE_BYTES), in = (size_t)(offset % MEMFILE_PAGE_BYTES);
		size_t k = (size_t)min_u64(left, MEMFILE_PAGE_BYTES - in);
		if (f->now[i])
			memcpy(out, f->now[i]->b + in, k);
		else
			memset(out, 0, k);
		out += k;
		offset += k;
		left -= k;
	}
}

/* Puts bytes into an image whose pages there are its own already. */
static void put(struct mempage **image, const uint8_t *data, uint64_t n, uint64_t offset)
{
	while (n) {
		size_t i = (size_t)(offset / MEMFILE_PAGE_BYTES), in = (size_t)(offset % MEMFILE_PAGE_BYTES);
		size_t k = (size_t)min_u64(n, MEMFILE_PAGE_BYTES - in);
		memcpy(image[i]->b + in, data, k);
		data += k;
		offset += k;
		n -= k;
	}
}

int memfile_write(struct memfile *f, const void *p, size_t n, uint64_t offset)
{
	if (n == 0)
		return 0;
	if (offset > MEMFILE_MAX_BYTES || n > MEMFILE_MAX_BYTES - offset)
		return MO_ELIMIT;
	int r = reach(f, offset + n);
	if (r)
		return r;
	struct memop *o = malloc(sizeof *o + n);
	if (!o)
		return MO_ENOMEM;
	/* A page of one's own shows the same bytes, so that stopping half-way changes nothing. */
	for (uint64_t i = offset / MEMFILE_PAGE_BYTES; i <= (offset + n - 1) / MEMFILE_PAGE_BYTES; i++) {
		if (!page_own(&f->now[i])) {
			free(o);
			return MO_ENOMEM;
		}
	}
	memcpy(o->data, p, n);
	o->resize = false;
	o->offset = offset;
	o->n = n;
	if (offset + n > f->size)
		f->size = offset + n;
	o->size_after = f->size;
	put(f->now, o->data, n, offset);
	append_op(f, o);
	return 0;
}

int memfile_resize(struct memfile *f, uint64_t size_bytes)
{
	int r = reach(f, size_bytes);
	if (r || size_bytes == f->size)
		return r;
	size_t tail = (size_t)(size_bytes / MEMFILE_PAGE_BYTES);
	struct memop *o = malloc(sizeof *o);
	if (!o)
		return MO_ENOMEM;
	if (size_bytes < f->size) {
		if (size_bytes % MEMFILE_PAGE_BYTES && f->now[tail] && !page_own(&f->now[tail])) {
			free(o);
			return MO_ENOMEM;
		}
		image_cut(f->now, f->cap, size_bytes);
	}
	*o = (struct memop){.resize = true, .size_after = size_bytes};
	f->size = size_bytes;
	append_op(f, o);
	return 0;
}

void memfile_sync(struct memfile *f)
{
	uint64_t size = f->durable_size, cut = UINT64_MAX;
	for (const struct memop *o = f->first; o; o = o->next) {
		if (o->resize) {
			if (o->size_after < size)
				cut = min_u64(cut, o->size_after / MEMFILE_PAGE_BYTES);
		} else {
			for (uint64_t i = o->offset / MEMFILE_PAGE_BYTES; i <= (o->offset + o->n - 1) / MEMFILE_PAGE_BYTES; i++)
				page_share(&f->durable[i], f->now[i]);
		}
		size = o->size_after;
	}
	for (; cut < f->cap; cut++)
		page_share(&f->durable[cut], f->now[cut]);
	f->durable_size = f->size;
	forget_ops(f);
}

/* A point between two of n operations: none and all are as likely as everything between. */
static uint64_t draw_point(uint64_t random, uint64_t n)
{
	switch (random & 3) {
	case 0:
		return 0;
	case 1:
		return n;
	default:
		return (random >> 2) % (n + 1);
	}
}

/* SplitMix64's mix: a number per sector that does not depend on the order of asking. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* The sectors of write number i that survive go into the durable image. Without memory a sector is lost, which is one of the draws. */
static void keep_sectors(struct memfile *f, const struct memop *o, uint64_t i, uint64_t base)
{
	uint64_t at = o->offset, end = o->offset + o->n;
	while (at < end) {
		uint64_t sector = at / MEMFILE_SECTOR_BYTES;
		uint64_t k = min_u64(end, (sector + 1) * MEMFILE_SECTOR_BYTES) - at;
		if (i < draw_point(mix(base ^ mix(sector)), f->n_ops) && page_own(&f->durable[at / MEMFILE_PAGE_BYTES]))
			put(f->durable, o->data + (at - o->offset), k, at);
		at += k;
	}
}

static void settle(struct memfile *f, struct prng *r, bool lose_all)
{
	if (f->first && !lose_all) {
		uint64_t base = prng_u64(r), sizes = draw_point(prng_u64(r), f->n_ops), i = 0;
		uint64_t size = f->durable_size, kept = f->durable_size;
		for (const struct memop *o = f->first; o; o = o->next, i++) {
			bool shrinks = o->resize && o->size_after < size;
			if (i >= sizes && shrinks)
				break;
			if (shrinks)
				image_cut(f->durable, f->cap, o->size_after);
			if (!o->resize)
				keep_sectors(f, o, i, base);
			size = o->size_after;
			if (i < sizes)
				kept = size;
		}
		image_cut(f->durable, f->cap, kept);
		f->durable_size = kept;
	}
	forget_ops(f);
}

void memfile_settle(struct memfile *f, struct prng *r)
{
	if (f->first)
		f->lost = true;
	settle(f, r, false);
}

void memfile_crash(struct memfile *f, struct prng *r, bool lose_all)
{
	bool changed = f->first || f->lost;
	if (!changed)
		return;
	/* First, so that every durable page is its image's own and no cut needs memory. */
	for (size_t i = 0; i < f->cap; i++)
		page_drop(&f->now[i]);
	settle(f, r, lose_all);
	for (size_t i = 0; i < f->cap; i++)
		page_share(&f->now[i], f->durable[i]);
	f->size = f->durable_size;
	f->lost = false;
}

int memfile_flip(struct memfile *f, uint64_t bit)
{
	if (bit / 8 >= f->durable_size)
		return MO_EINVAL;
	size_t i = (size_t)(bit / 8 / MEMFILE_PAGE_BYTES), in = (size_t)(bit / 8 % MEMFILE_PAGE_BYTES);
	uint8_t mask = (uint8_t)(1u << (bit % 8));
	if (f->durable[i] && f->durable[i] == f->now[i]) {
		f->now[i]->b[in] ^= mask;
		return 0;
	}
	struct mempage *d = page_own(&f->durable[i]);
	if (!d)
		return MO_ENOMEM;
	struct mempage *p = bit / 8 < f->size ? page_own(&f->now[i]) : NULL;
	if (bit / 8 < f->size && !p)
		return MO_ENOMEM;
	d->b[in] ^= mask;
	if (p)
		p->b[in] ^= mask;
	return 0;
}
