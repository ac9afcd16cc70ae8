/* What all files of the series folder share: header, names, little-endian
 * numbers (docs/formats/series.md). */
#ifndef MO_SERIES_FORMAT_H
#define MO_SERIES_FORMAT_H

#include "base/diag.h"
#include "os/vfs.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "columns are read where they lie: little-endian machines only"
#endif

#define FHEADER_BYTES 64u
#define FORMAT_VERSION 1u
#define FNAME_MAX 40u

enum file_kind { FILE_NONE, FILE_LOG, FILE_SEG, FILE_CAT, FILE_MAN };
#define FLAG_LOG_FIRST 1u /* first log file after a start */

struct fheader {
	enum file_kind kind;
	uint32_t version, flags;
	uint64_t a, b, c, d;
};

void fheader_put(uint8_t out[FHEADER_BYTES], const struct fheader *h);
/* MO_EINVAL: no magic of ours; MO_ECORRUPT; MO_EVERSION (ret->version is set then). */
MO_MUST_USE int fheader_get(struct fheader *ret, struct span s);
/* The same with words. `want` FILE_NONE takes every kind. */
MO_MUST_USE int fheader_check(struct fheader *ret, struct span s, enum file_kind want, const char *path, struct diag *d);

/* "log-0123456789abcdef", "seg-…"; the others have no number. */
void fname_format(char out[FNAME_MAX], enum file_kind kind, uint64_t number);
/* FILE_NONE for a name that is none of ours (.bad and .tmp among them). */
enum file_kind fname_parse(const char *name, uint64_t *ret_number);
bool fname_ends(const char *name, const char *end);

/* dir/NAME(kind, number) and dir/NAME.suffix; malloc'ed. */
char *fpath(const char *dir, enum file_kind kind, uint64_t number);
char *fpath_suffix(const char *path, const char *suffix);
/* Renames path to path.bad and syncs the folder. */
MO_MUST_USE int file_set_aside(struct vfs *v, const char *dir, const char *path);

int series_say_nomem(struct diag *d);
/* Words for an error of the operating system (or for no memory) where nobody said any yet; gives r back, 0 as well. */
int series_say_os(struct diag *d, int r, const char *operation, const char *path);
/* MO_ECORRUPT with the place. */
int series_say_corrupt(struct diag *d, const char *path, const char *field, uint64_t offset);

static inline uint16_t ld16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint32_t ld32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint64_t ld64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline int64_t ldi64(const uint8_t *p)
{
	return (int64_t)ld64(p);
}
static inline double ldf64(const uint8_t *p)
{
	double v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline void st16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof v);
}
static inline void st32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof v);
}
static inline void st64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof v);
}
static inline void sti64(uint8_t *p, int64_t v)
{
	memcpy(p, &v, sizeof v);
}
static inline void stf64(uint8_t *p, double v)
{
	memcpy(p, &v, sizeof v);
}
static inline bool all_zero(const uint8_t *p, size_t n)
{
	uint8_t x = 0;
	for (size_t i = 0; i < n; i++)
		x |= p[i];
	return x == 0;
}

/* The key of a point. Order: time, then sequence number (0 for kind clock). */
struct pkey {
	int64_t t;
	uint64_t seq;
};
static inline bool pkey_less(struct pkey a, struct pkey b)
{
	return a.t < b.t || (a.t == b.t && a.seq < b.seq);
}
static inline bool pkey_eq(struct pkey a, struct pkey b)
{
	return a.t == b.t && a.seq == b.seq;
}

#endif
