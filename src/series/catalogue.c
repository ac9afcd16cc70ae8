/* Catalogue: header; then length:u32 | crc32c(offset, length, payload):u32 | payload, without padding. */
#include "series/priv/catalogue.h"

#include "base/crc32c.h"

size_t def_bytes(const struct series_def *def)
{
	return DEF_HEAD + def->key.n + def->unit.n;
}

void def_put(uint8_t *out, series_id id, const struct series_def *def)
{
	st32(out, id);
	out[4] = (uint8_t)def->type;
	out[5] = (uint8_t)def->kind;
	st16(out + 6, (uint16_t)def->key.n);
	st16(out + 8, (uint16_t)def->unit.n);
	st16(out + 10, 0);
	memcpy(out + 12, def->uuid.b, 16);
	memcpy(out + DEF_HEAD, def->key.p, def->key.n);
	if (def->unit.n)
		memcpy(out + DEF_HEAD + def->key.n, def->unit.p, def->unit.n);
}

int def_get(series_id *ret_id, struct series_def *ret, struct span s)
{
	if (s.n < DEF_HEAD)
		return MO_ECORRUPT;
	const uint8_t *p = s.p;
	size_t key = ld16(p + 6), unit = ld16(p + 8);
	uint32_t id = ld32(p);
	if (id == 0 || id > SERIES_COUNT_MAX || p[4] < SERIES_F64 || p[4] > SERIES_STR || p[5] < SERIES_CLOCK || p[5] > SERIES_SEQUENCE ||
	        key == 0 || key > SERIES_KEY_MAX || unit > SERIES_KEY_MAX || ld16(p + 10) != 0 || s.n != DEF_HEAD + key + unit)
		return MO_ECORRUPT;
	*ret_id = id;
	ret->type = (enum series_type)p[4];
	ret->kind = (enum series_kind)p[5];
	memcpy(ret->uuid.b, p + 12, 16);
	ret->key = span_of(p + DEF_HEAD, key);
	ret->unit = span_of(p + DEF_HEAD + key, unit);
	return 0;
}

static uint32_t record_crc(uint64_t offset, const uint8_t *rec, size_t n)
{
	uint8_t seed[12];
	st64(seed, offset);
	memcpy(seed + 8, rec, 4);
	return crc32c(crc32c(0, span_of(seed, sizeof seed)), span_of(rec + CAT_RECORD_HEAD, n));
}

void cat_put(struct buf *out, uint64_t base, series_id id, const struct series_def *def)
{
	size_t n = def_bytes(def);
	uint8_t *p = buf_reserve(out, CAT_RECORD_HEAD + n);
	if (!p)
		return;
	st32(p, (uint32_t)n);
	def_put(p + CAT_RECORD_HEAD, id, def);
	st32(p + 4, record_crc(base + out->n, p, n));
	out->n += CAT_RECORD_HEAD + n;
}

static int walk(
        const uint8_t *m, size_t n, uint64_t trusted, int (*fn)(void *, series_id, const struct series_def *), void *arg, size_t *ret_at)
{
	size_t at = FHEADER_BYTES;
	series_id next = 1;
	int r = 0;
	while (r == 0 && at < n && n - at > CAT_RECORD_HEAD && at < trusted) {
		size_t len = ld32(m + at);
		series_id id;
		struct series_def def;
		if (len > n - at - CAT_RECORD_HEAD || ld32(m + at + 4) != record_crc(at, m + at, len) ||
		        def_get(&id, &def, span_of(m + at + CAT_RECORD_HEAD, len)) != 0 || id != next)
			break;
		r = fn(arg, id, &def);
		at += CAT_RECORD_HEAD + len;
		next++;
	}
	*ret_at = at;
	return r;
}

int cat_load(struct vfs *v, const char *path, uint64_t trusted, int (*fn)(void *arg, series_id id, const struct series_def *def), void *arg,
        uint64_t *ret_bytes, struct diag *d)
{
	struct vfs_file *f = NULL;
	const uint8_t *m = NULL;
	uint64_t size = 0;
	struct fheader h;
	int r = vfs_open(v, &f, path, VFS_READ, d);
	if (r != 0)
		return r;
	r = vfs_size(f, &size);
	if (r == 0 && (size < FHEADER_BYTES || (trusted != UINT64_MAX && size < trusted)))
		r = series_say_corrupt(d, path, "size", size);
	size_t n = (size_t)(size < trusted ? size : trusted);
	if (r == 0)
		r = f->ops->map(f, n, &m);
	if (r != 0)
		goto out;
	r = fheader_check(&h, span_of(m, n), FILE_CAT, path, d);
	size_t at = 0;
	if (r == 0)
		r = walk(m, n, trusted, fn, arg, &at);
	if (r == 0 && trusted != UINT64_MAX && at != trusted)
		r = series_say_corrupt(d, path, "record", at);
	if (r == 0)
		*ret_bytes = at;
	f->ops->unmap(f, m, n);
out:
	vfs_close(f);
	return series_say_os(d, r, "read", path);
}

int cat_append(struct vfs *v, const char *dir, const char *path, uint64_t at, struct span records, uint64_t *ret_at, struct diag *d)
{
	struct vfs_file *f = NULL;
	bool fresh = at == 0;
	int r = vfs_open(v, &f, path, VFS_WRITE | VFS_CREATE, d);
	if (r == 0)
		r = vfs_truncate(f, at);
	if (r == 0 && fresh) {
		uint8_t head[FHEADER_BYTES];
		fheader_put(head, &(struct fheader){FILE_CAT, FORMAT_VERSION, 0, 0, 0, 0, 0});
		r = vfs_pwrite(f, head, sizeof head, 0);
		at = FHEADER_BYTES;
	}
	if (r == 0)
		r = vfs_pwrite(f, records.p, records.n, at);
	if (r == 0)
		r = vfs_sync(f);
	vfs_close(f);
	if (r == 0 && fresh)
		r = vfs_sync_dir(v, dir);
	if (r == 0)
		*ret_at = at + records.n;
	return series_say_os(d, r, "write", path);
}
