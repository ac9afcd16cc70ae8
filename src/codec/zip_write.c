/* See zip.h. Numbers of sections are those of APPNOTE.TXT 6.3.9. */
#include "codec/zip.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/utf8.h"
#include "codec/priv/zip.h"

#define OUT_BYTES 65536u
#define LEVEL 6
#define MEMORY_LEVEL 8
#define FLAG_UTF8 0x0800u
#define STORED 0u
#define DEFLATED 8u
#define VERSION 20u       /* deflate (4.4.3.2) */
#define VERSION_ZIP64 45u
#define DATE_1980 0x0021u
#define ID_ZIP64 0x0001u
#define ID_PADDING 0xD935u /* of Android's aligned archives: readers pass over it */
#define EXTRA_BYTES 20u
#define LOCAL_BYTES 30u
#define BIG UINT64_C(0xFFFFFFFF) /* where this stands, ZIP64 has it (4.4.8) */

struct zip_writer {
	struct zip_sink sink;
	uint64_t at;           /* bytes given so far */
	struct buf directory, head;
	uint64_t members;
	/* the member under way */
	bool open;
	char name[ZIP_NAME_MAX];
	struct zip_entry e;
	z_stream stream;
	bool has_stream;
	uint8_t *out;
};

int zip_new(struct zip_writer **ret, const struct zip_sink *sink)
{
	struct zip_writer *z = calloc(1, sizeof *z);
	if (!z)
		return MO_ENOMEM;
	z->sink = *sink;
	buf_init(&z->directory, 0);
	buf_init(&z->head, 0);
	z->out = malloc(OUT_BYTES);
	/* Raw deflate: negative window (zlib.h, deflateInit2). */
	z->has_stream = z->out && deflateInit2(&z->stream, LEVEL, Z_DEFLATED, -MAX_WBITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
	if (!z->has_stream) {
		zip_free(z);
		return MO_ENOMEM;
	}
	*ret = z;
	return 0;
}

void zip_free(struct zip_writer *z)
{
	if (!z)
		return;
	if (z->has_stream)
		(void)deflateEnd(&z->stream);
	buf_free(&z->directory);
	buf_free(&z->head);
	free(z->out);
	free(z);
}

uint64_t zip_bytes(const struct zip_writer *z) { return z->at; }

static int give(struct zip_writer *z, struct span s)
{
	int err = s.n ? z->sink.write(z->sink.arg, s, z->at) : 0;
	if (err == 0)
		z->at += s.n;
	return err;
}

/* No part that leads out of where somebody unpacks it, and nothing that another system reads as a way or an end. */
static bool is_name(struct span s)
{
	if (s.n == 0 || s.n > ZIP_NAME_MAX || !utf8_valid(s) || s.p[s.n - 1] == '/')
		return false;
	for (size_t i = 0; i < s.n;) {
		size_t end = span_find(s, i, '/');
		struct span part = span_sub(s, i, end - i);
		if (part.n == 0 || span_is(part, ".") || span_is(part, ".."))
			return false;
		i = end + 1;
	}
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == '\\' || s.p[i] == ':')
			return false;
	return true;
}

/* 4.3.7. Sizes that do not fit stand in the extra field, whose room is there from the beginning. */
void zip_local(struct buf *out, const struct zip_entry *e)
{
	bool big = e->raw >= BIG || e->packed >= BIG;
	buf_u32(out, 0x04034b50u);
	buf_u16(out, big ? VERSION_ZIP64 : VERSION);
	buf_u16(out, FLAG_UTF8);
	buf_u16(out, e->deflate ? DEFLATED : STORED);
	buf_u16(out, 0);
	buf_u16(out, DATE_1980);
	buf_u32(out, e->crc);
	buf_u32(out, big ? (uint32_t)BIG : (uint32_t)e->packed);
	buf_u32(out, big ? (uint32_t)BIG : (uint32_t)e->raw);
	buf_u16(out, (uint16_t)e->name.n);
	buf_u16(out, EXTRA_BYTES);
	buf_add(out, e->name);
	buf_u16(out, big ? ID_ZIP64 : ID_PADDING);
	buf_u16(out, EXTRA_BYTES - 4);
	buf_u64(out, big ? e->raw : 0);
	buf_u64(out, big ? e->packed : 0);
}

/* 4.3.12; 4.5.3: only what does not fit stands in the ZIP64 field, in this order. Made by: FAT, so that nothing is said of rights. */
void zip_central(struct buf *out, const struct zip_entry *e)
{
	bool big = e->raw >= BIG || e->packed >= BIG, far = e->start >= BIG;
	uint16_t extra = (uint16_t)((big ? 16u : 0u) + (far ? 8u : 0u));
	buf_u32(out, 0x02014b50u);
	buf_u16(out, big || far ? VERSION_ZIP64 : VERSION);
	buf_u16(out, big || far ? VERSION_ZIP64 : VERSION);
	buf_u16(out, FLAG_UTF8);
	buf_u16(out, e->deflate ? DEFLATED : STORED);
	buf_u16(out, 0);
	buf_u16(out, DATE_1980);
	buf_u32(out, e->crc);
	buf_u32(out, big ? (uint32_t)BIG : (uint32_t)e->packed);
	buf_u32(out, big ? (uint32_t)BIG : (uint32_t)e->raw);
	buf_u16(out, (uint16_t)e->name.n);
	buf_u16(out, extra ? (uint16_t)(extra + 4) : 0);
	buf_u16(out, 0); /* comment */
	buf_u16(out, 0); /* disk */
	buf_u16(out, 0); /* attributes */
	buf_u32(out, 0);
	buf_u32(out, far ? (uint32_t)BIG : (uint32_t)e->start);
	buf_add(out, e->name);
	if (!extra)
		return;
	buf_u16(out, ID_ZIP64);
	buf_u16(out, extra);
	if (big) {
		buf_u64(out, e->raw);
		buf_u64(out, e->packed);
	}
	if (far)
		buf_u64(out, e->start);
}

void zip_end_records(struct buf *out, uint64_t members, uint64_t start, uint64_t n)
{
	bool many = members >= 0xFFFF, big = many || start >= BIG || n >= BIG;
	if (big) {
		buf_u32(out, 0x06064b50u); /* 4.3.14 */
		buf_u64(out, 44);
		buf_u16(out, VERSION_ZIP64);
		buf_u16(out, VERSION_ZIP64);
		buf_u32(out, 0);
		buf_u32(out, 0);
		buf_u64(out, members);
		buf_u64(out, members);
		buf_u64(out, n);
		buf_u64(out, start);
		buf_u32(out, 0x07064b50u); /* 4.3.15 */
		buf_u32(out, 0);
		buf_u64(out, start + n);
		buf_u32(out, 1);
	}
	buf_u32(out, 0x06054b50u); /* 4.3.16 */
	buf_u16(out, 0);
	buf_u16(out, 0);
	buf_u16(out, many ? 0xFFFF : (uint16_t)members);
	buf_u16(out, many ? 0xFFFF : (uint16_t)members);
	buf_u32(out, n >= BIG ? (uint32_t)BIG : (uint32_t)n);
	buf_u32(out, start >= BIG ? (uint32_t)BIG : (uint32_t)start);
	buf_u16(out, 0);
}

int zip_begin(struct zip_writer *z, struct span name, bool deflates)
{
	assert(!z->open);
	if (!is_name(name))
		return MO_EINVAL;
	if (z->members == ZIP_MEMBERS_MAX)
		return MO_ELIMIT;
	memcpy(z->name, name.p, name.n);
	z->e = (struct zip_entry){.name = span_of(z->name, name.n), .deflate = deflates, .start = z->at, .crc = (uint32_t)crc32(0, NULL, 0)};
	z->open = true;
	(void)deflateReset(&z->stream); /* of a stream that was made: never fails (zlib.h) */
	buf_reset(&z->head);
	zip_local(&z->head, &z->e);
	return z->head.err ? z->head.err : give(z, buf_span(&z->head));
}

/* What deflate has ready goes out; with Z_FINISH all of it. */
static int pump(struct zip_writer *z, int flush)
{
	int rc, err = 0;
	do {
		z->stream.next_out = z->out;
		z->stream.avail_out = OUT_BYTES;
		rc = deflate(&z->stream, flush);
		if (rc == Z_STREAM_ERROR)
			return MO_EBUG;
		size_t n = OUT_BYTES - z->stream.avail_out;
		err = give(z, span_of(z->out, n));
		z->e.packed += n;
	} while (err == 0 && z->stream.avail_out == 0);
	return err;
}

int zip_write(struct zip_writer *z, struct span bytes)
{
	int err = 0;
	assert(z->open);
	while (bytes.n && err == 0) {
		size_t n = bytes.n < (1u << 30) ? bytes.n : 1u << 30; /* zlib counts in unsigned int */
		z->e.crc = (uint32_t)crc32(z->e.crc, bytes.p, (uInt)n);
		z->e.raw += n;
		if (z->e.deflate) {
			z->stream.next_in = (Bytef *)(uintptr_t)bytes.p; /* not written to (zlib.h has no const there) */
			z->stream.avail_in = (uInt)n;
			err = pump(z, Z_NO_FLUSH);
		} else {
			err = give(z, span_of(bytes.p, n));
			z->e.packed += n;
		}
		bytes = span_of(bytes.p + n, bytes.n - n);
	}
	return err;
}

int zip_end(struct zip_writer *z)
{
	int err = 0;
	assert(z->open);
	if (z->e.deflate) {
		z->stream.avail_in = 0;
		err = pump(z, Z_FINISH);
	}
	if (err == 0) {
		buf_reset(&z->head);
		zip_local(&z->head, &z->e);
		err = z->head.err ? z->head.err : z->sink.write(z->sink.arg, buf_span(&z->head), z->e.start);
	}
	if (err != 0)
		return err;
	zip_central(&z->directory, &z->e);
	z->members++;
	z->open = false;
	return z->directory.err;
}

int zip_finish(struct zip_writer *z)
{
	uint64_t start = z->at;
	assert(!z->open);
	int err = give(z, buf_span(&z->directory));
	buf_reset(&z->head);
	zip_end_records(&z->head, z->members, start, z->directory.n);
	return err != 0 ? err : z->head.err ? z->head.err : give(z, buf_span(&z->head));
}
