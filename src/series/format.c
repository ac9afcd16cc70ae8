#include "series/priv/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"

static const char magic[][9] = {"", "morusLOG", "morusSEG", "morusCAT", "morusMAN"};

void fheader_put(uint8_t out[FHEADER_BYTES], const struct fheader *h)
{
	memset(out, 0, FHEADER_BYTES);
	memcpy(out, magic[h->kind], 8);
	st32(out + 8, FORMAT_VERSION);
	st32(out + 12, h->flags);
	st64(out + 16, h->a);
	st64(out + 24, h->b);
	st64(out + 32, h->c);
	st64(out + 40, h->d);
	st32(out + 60, crc32c(0, span_of(out, 60)));
}

int fheader_get(struct fheader *ret, struct span s)
{
	struct fheader h = {FILE_NONE, 0, 0, 0, 0, 0, 0};
	if (s.n < 8)
		return MO_EINVAL;
	for (int k = FILE_LOG; k <= FILE_MAN; k++)
		if (memcmp(s.p, magic[k], 8) == 0)
			h.kind = (enum file_kind)k;
	if (h.kind == FILE_NONE)
		return MO_EINVAL;
	if (s.n < FHEADER_BYTES || ld32(s.p + 60) != crc32c(0, span_of(s.p, 60)))
		return MO_ECORRUPT;
	h.version = ld32(s.p + 8);
	if (h.version != FORMAT_VERSION) {
		ret->version = h.version;
		return MO_EVERSION;
	}
	h.flags = ld32(s.p + 12);
	h.a = ld64(s.p + 16);
	h.b = ld64(s.p + 24);
	h.c = ld64(s.p + 32);
	h.d = ld64(s.p + 40);
	if ((h.flags & ~(h.kind == FILE_LOG ? FLAG_LOG_FIRST : 0u)) != 0 || !all_zero(s.p + 48, 12))
		return MO_ECORRUPT;
	*ret = h;
	return 0;
}

int fheader_check(struct fheader *ret, struct span s, enum file_kind want, const char *path, struct diag *d)
{
	struct fheader h = {FILE_NONE, 0, 0, 0, 0, 0, 0};
	int r = fheader_get(&h, s);
	if (r == MO_EVERSION) {
		diag_set(d, r, MSG_SERIES_FILE_VERSION);
		diag_file(d, path);
		diag_int(d, 0, h.version);
		diag_expected(d, "1");
		return r;
	}
	if (r == 0 && want != FILE_NONE && h.kind != want)
		r = MO_ECORRUPT;
	if (r == MO_EINVAL && want == FILE_NONE) {
		diag_set(d, r, MSG_SERIES_NOT_OURS);
		diag_file(d, path);
		return r;
	}
	if (r != 0)
		return series_say_corrupt(d, path, "header", 0);
	*ret = h;
	return 0;
}

void fname_format(char out[FNAME_MAX], enum file_kind kind, uint64_t number)
{
	switch (kind) {
	case FILE_LOG:
		snprintf(out, FNAME_MAX, "log-%016" PRIx64, number);
		break;
	case FILE_SEG:
		snprintf(out, FNAME_MAX, "seg-%016" PRIx64, number);
		break;
	case FILE_CAT:
		snprintf(out, FNAME_MAX, "catalogue");
		break;
	case FILE_MAN:
		snprintf(out, FNAME_MAX, "manifest");
		break;
	case FILE_NONE:
		out[0] = 0;
		break;
	}
}

enum file_kind fname_parse(const char *name, uint64_t *ret_number)
{
	*ret_number = 0;
	if (strcmp(name, "catalogue") == 0)
		return FILE_CAT;
	if (strcmp(name, "manifest") == 0)
		return FILE_MAN;
	enum file_kind kind = strncmp(name, "log-", 4) == 0 ? FILE_LOG : strncmp(name, "seg-", 4) == 0 ? FILE_SEG : FILE_NONE;
	if (kind == FILE_NONE || strlen(name) != 20)
		return FILE_NONE;
	uint64_t v = 0;
	for (int i = 4; i < 20; i++) {
		char c = name[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10u : 99u;
		if (digit > 15)
			return FILE_NONE;
		v = v << 4 | digit;
	}
	*ret_number = v;
	return kind;
}

bool fname_ends(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	return n > m && strcmp(name + n - m, end) == 0;
}

char *fpath(const char *dir, enum file_kind kind, uint64_t number)
{
	char name[FNAME_MAX];
	fname_format(name, kind, number);
	return vfs_join(dir, name);
}

char *fpath_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);
	char *s = malloc(n + m + 1);
	if (s) {
		memcpy(s, path, n);
		memcpy(s + n, suffix, m + 1);
	}
	return s;
}

int file_set_aside(struct vfs *v, const char *dir, const char *path)
{
	char *bad = fpath_suffix(path, ".bad");
	if (!bad)
		return MO_ENOMEM;
	int r = vfs_rename(v, path, bad);
	if (r == 0)
		r = vfs_sync_dir(v, dir);
	free(bad);
	return r;
}

int series_say_nomem(struct diag *d)
{
	return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
}

int series_say_os(struct diag *d, int r, const char *operation, const char *path)
{
	if (r == 0 || !d || (d->msg != MSG_NONE && d->err == r))
		return r;
	if (r == MO_ENOMEM)
		return series_say_nomem(d);
	diag_set(d, r, MSG_OS_ERROR);
	diag_file(d, path);
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(r)));
	return r;
}

int series_say_corrupt(struct diag *d, const char *path, const char *field, uint64_t offset)
{
	diag_set(d, MO_ECORRUPT, MSG_SERIES_FILE_CORRUPT);
	diag_file(d, path);
	diag_field(d, span_str(field));
	diag_int(d, 0, (int64_t)offset);
	return MO_ECORRUPT;
}
