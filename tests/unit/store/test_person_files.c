/* Files about people: any length comes back, nothing that was changed, cut, or moved opens, nobody without the key opens any, what was erased or removed is
 * gone. */
#include "fixture.h"

#include "os/crypto.h"
#include "store/person_file.h"
#include "store/priv/impl.h"

#define HEAD "\xff\xd8\xff\xe0 a face "

static void bytes_of(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 >> 3);
	memcpy(p, HEAD, strlen(HEAD) < n ? strlen(HEAD) : n);
}

static void person(struct fixture *f, const char *name, char code[PSEUDONYM_TEXT])
{
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	OK(store_person(f->s, S(name), code, &did, &f->d));
	OK(store_commit(f->s, &f->d));
}

static int give(struct fixture *f, const char *code, const char *media, struct span bytes, size_t step, const char *name, struct uuid *ret)
{
	struct person_file_writer *w = NULL;
	struct person_file_said said = {.name = S(name), .who = S("kim"), .now_ns = T0};
	OK(store_begin(f->s, &f->d));
	int err = person_file_begin(f->s, &w, S(code), S(media), &f->d);
	for (size_t at = 0; !err && at < bytes.n; at += step)
		err = person_file_write(w, span_sub(bytes, at, step), &f->d);
	if (!err)
		err = person_file_end(w, f->s, &said, ret, &f->d);
	if (!err)
		err = store_commit(f->s, &f->d);
	else
		store_rollback(f->s);
	person_file_abort(w);
	return err;
}

static int open_it(struct fixture *f, const char *code, const struct uuid *file, struct buf *out, struct buf *name)
{
	struct person_file p = {0};
	int err = person_file_open(&p, f->r, store_people(f->s), S(code), file, &f->d);
	if (!err && name)
		buf_add(name, buf_span(&p.name));
	for (uint64_t i = 0; !err && i < p.chunks; i++)
		err = person_file_read(&p, out, &f->d);
	if (!err)
		assert_int_equal(out->n, p.plain);
	person_file_close(&p);
	return err;
}

static char *sealed_path(struct fixture *f, const struct uuid *file)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	char code[PSEUDONYM_TEXT];
	struct store_arg all[] = {sarg_null(), sarg_i(100)};
	char *path = NULL;
	OK(store_select(f->r, &cur, SQ_PEOPLE, all, 2, &f->d));
	OK(table_next(cur, &b, &f->d));
	for (size_t i = 0; i < b.n_rows && !path; i++) {
		struct table_cursor *one = NULL;
		struct table_batch row;
		snprintf(code, sizeof code, "%.*s", (int)b.cols[0].str[i].n, (const char *)b.cols[0].str[i].p);
		struct store_arg a[] = {sarg_s(S(code)), sarg_b(span_of(file->b, 16))};
		OK(store_select(f->r, &one, SQ_PERSON_FILE, a, 2, &f->d));
		OK(table_next(one, &row, &f->d));
		if (row.n_rows)
			path = blob_path("node", row.cols[2].str[0].p);
		table_close(one);
	}
	table_close(cur);
	assert_non_null(path);
	return path;
}

static void test_round(void **state)
{
	static const size_t sizes[] = {12, 13, 5000, SEALED_CHUNK - 1, SEALED_CHUNK, SEALED_CHUNK + 1, 2 * SEALED_CHUNK, 2 * SEALED_CHUNK + 77};
	struct fixture *f = *state;
	uint8_t *p = malloc(3 * SEALED_CHUNK);
	char code[PSEUDONYM_TEXT], other[PSEUDONYM_TEXT];
	struct buf out, name;
	assert_non_null(p);
	buf_init(&out, 0);
	buf_init(&name, 0);
	person(f, "OnDal", code);
	person(f, "HyeokGeose", other);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct uuid file;
		bytes_of(p, sizes[i]);
		OK(give(f, code, "image/jpeg", span_of(p, sizes[i]), i % 2 ? sizes[i] : 300000, "OnDal.jpg", &file));
		buf_reset(&out);
		buf_reset(&name);
		OK(open_it(f, code, &file, &out, &name));
		assert_int_equal(out.n, sizes[i]);
		assert_memory_equal(out.p, p, sizes[i]);
		assert_int_equal(name.n, 9);
		assert_memory_equal(name.p, "OnDal.jpg", 9);
		/* In its file there is nothing of it, and the blob is named by that file. */
		uint8_t *raw = NULL, sha[32], want[32];
		size_t n = 0;
		char *path = sealed_path(f, &file), hex[65];
		OK(vfs_slurp(f->vfs, &raw, &n, path, 1u << 24, &f->d));
		assert_null(memmem(raw, n, HEAD, strlen(HEAD)));
		OK(sha256_of(sha, span_of(raw, n)));
		OK(sha256_of(want, span_of(p, sizes[i])));
		assert_memory_not_equal(sha, want, 32);
		blob_hex(hex, sha);
		assert_non_null(strstr(path, hex + 2));
		free(path);
		free(raw);
		assert_int_equal(open_it(f, other, &file, &out, NULL), MO_ENOENT);
	}
	free(p);
	buf_free(&out);
	buf_free(&name);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	char code[PSEUDONYM_TEXT];
	struct uuid file;
	person(f, "OnDal", code);
	assert_int_equal(give(f, code, "image/jpeg", S("GIF89a, a picture"), 99, "x", &file), MO_EINVAL);
	assert_int_equal(f->d.msg, MSG_STORE_FILE_TYPE);
	assert_int_equal(give(f, code, "image/jpeg", S("\xff\xd8"), 99, "x", &file), MO_EINVAL);
	assert_int_equal(give(f, code, "image/jpeg", S(""), 99, "x", &file), MO_EINVAL);
	assert_int_equal(give(f, code, "text/html", S(HEAD), 99, "x", &file), MO_EINVAL);
	assert_int_equal(give(f, code, "image/webp", S("RIFFxxxxWAVE"), 3, "x", &file), MO_EINVAL);
	assert_int_equal(give(f, "P-0000", "image/jpeg", S(HEAD), 99, "x", &file), MO_ENOENT);
	assert_int_equal(give(f, "OnDal", "image/jpeg", S(HEAD), 99, "x", &file), MO_ENOENT); /* never by name */
	OK(give(f, code, "image/webp", S("RIFFxxxxWEBP"), 3, "", &file));
	OK(give(f, code, "image/png", S("\x89PNG\r\n\x1a\n...."), 99, "", &file));
	OK(give(f, code, "application/pdf", S("%PDF-1.7...."), 1, "", &file));
	assert_string_equal(sel(f, SQ_COUNTS, NULL, NULL, 0), "blob|3\n");
}

/* Bytes flipped, cut at every edge, chunks changed in place, another file's bytes: nothing opens, nothing of it is given. */
static void test_changed(void **state)
{
	struct fixture *f = *state;
	const size_t size = 2 * SEALED_CHUNK + 100;
	const uint64_t whole = SEALED_CHUNK + AEAD_OVER;
	uint8_t *p = malloc(size), *raw = NULL, *other = NULL;
	char code[PSEUDONYM_TEXT];
	struct uuid file, second;
	struct buf out;
	size_t n = 0, m = 0;
	assert_non_null(p);
	bytes_of(p, size);
	buf_init(&out, 0);
	person(f, "OnDal", code);
	OK(give(f, code, "image/jpeg", span_of(p, size), size, "x", &file));
	OK(give(f, code, "image/jpeg", span_of(p, size), size, "x", &second));
	char *path = sealed_path(f, &file), *path2 = sealed_path(f, &second);
	OK(vfs_slurp(f->vfs, &raw, &n, path, 1u << 24, &f->d));
	OK(vfs_slurp(f->vfs, &other, &m, path2, 1u << 24, &f->d));
	uint8_t *bad = malloc(n);
	assert_non_null(bad);
	const size_t at[] = {0, 8, 12, 16, 31, 32, 47, 48, 60, SEALED_HEAD + (size_t)whole - 1, SEALED_HEAD + (size_t)whole, n - 1};
	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		memcpy(bad, raw, n);
		bad[at[i]] ^= 1;
		OK(vfs_replace(f->vfs, path, span_of(bad, n), false, &f->d));
		buf_reset(&out);
		assert_int_equal(open_it(f, code, &file, &out, NULL), MO_ECORRUPT);
		assert_int_equal(out.n % SEALED_CHUNK, 0); /* whole chunks before it, authentic, at most */
	}
	const size_t cut[] = {0, 47, 48, 48 + 27, SEALED_HEAD + (size_t)whole, SEALED_HEAD + 2 * (size_t)whole, SEALED_HEAD + (size_t)whole + 500, n - 1};
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		OK(vfs_replace(f->vfs, path, span_of(raw, cut[i]), false, &f->d));
		buf_reset(&out);
		assert_int_equal(open_it(f, code, &file, &out, NULL), MO_ECORRUPT);
	}
	memcpy(bad, raw, n); /* the first two chunks in each other's place */
	memcpy(bad + SEALED_HEAD, raw + SEALED_HEAD + whole, whole);
	memcpy(bad + SEALED_HEAD + whole, raw + SEALED_HEAD, whole);
	OK(vfs_replace(f->vfs, path, span_of(bad, n), false, &f->d));
	assert_int_equal(open_it(f, code, &file, &out, NULL), MO_ECORRUPT);
	memcpy(bad, raw, n); /* a chunk of another file */
	memcpy(bad + SEALED_HEAD, other + SEALED_HEAD, whole);
	OK(vfs_replace(f->vfs, path, span_of(bad, n), false, &f->d));
	assert_int_equal(open_it(f, code, &file, &out, NULL), MO_ECORRUPT);
	OK(vfs_replace(f->vfs, path, span_of(other, m), false, &f->d)); /* all of it */
	assert_int_equal(open_it(f, code, &file, &out, NULL), MO_ECORRUPT);
	OK(vfs_replace(f->vfs, path, span_of(raw, n), false, &f->d));
	buf_reset(&out);
	OK(open_it(f, code, &file, &out, NULL));
	assert_memory_equal(out.p, p, size);
	free(path), free(path2), free(p), free(raw), free(other), free(bad);
	buf_free(&out);
}

static void test_erased(void **state)
{
	struct fixture *f = *state;
	char code[PSEUDONYM_TEXT];
	struct uuid file, late;
	struct buf out;
	struct person_file_writer *w = NULL;
	struct person_file_said said = {.name = S("x"), .who = S("kim"), .now_ns = T0};
	struct store_erase e = {.who = S("kim"), .reason = S("left"), .now_ns = T0};
	buf_init(&out, 0);
	person(f, "OnDal", code);
	e.pseudonym = S(code);
	OK(give(f, code, "image/jpeg", S(HEAD), 99, "OnDal", &file));
	/* One is on its way while the name is erased: it is refused at its end. */
	OK(store_begin(f->s, &f->d));
	OK(person_file_begin(f->s, &w, S(code), S("image/jpeg"), &f->d));
	OK(person_file_write(w, S(HEAD), &f->d));
	OK(store_erase_begin(f->s, &e, &f->d));
	OK(store_erase_end(f->s, S(code), T0, &f->d));
	OK(store_commit(f->s, &f->d));
	OK(store_begin(f->s, &f->d));
	assert_int_equal(person_file_end(w, f->s, &said, &late, &f->d), MO_EINVAL);
	assert_int_equal(f->d.msg, MSG_STORE_PERSON_KEYLESS);
	store_rollback(f->s);
	person_file_abort(w);
	assert_int_equal(open_it(f, code, &file, &out, NULL), MO_ENOENT);
	fx_reopen(f);
	assert_int_equal(open_it(f, code, &file, &out, NULL), MO_ENOENT);
	assert_int_equal(give(f, code, "image/jpeg", S(HEAD), 99, "x", &late), MO_EINVAL);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

static void test_removed(void **state)
{
	struct fixture *f = *state;
	char code[PSEUDONYM_TEXT], other[PSEUDONYM_TEXT];
	struct uuid a, b;
	struct buf out;
	struct vfs_stat st;
	buf_init(&out, 0);
	person(f, "OnDal", code);
	person(f, "HyeokGeose", other);
	OK(give(f, code, "image/jpeg", S(HEAD), 99, "x", &a));
	OK(give(f, code, "image/jpeg", S(HEAD), 99, "y", &b));
	char *path_a = sealed_path(f, &a), *path_b = sealed_path(f, &b);
	OK(store_begin(f->s, &f->d));
	assert_int_equal(store_person_file_drop(f->s, S(other), &a, S("kim"), T0, &f->d), MO_ENOENT);
	OK(store_person_file_drop(f->s, S(code), &a, S("kim"), T0, &f->d));
	assert_int_equal(store_person_file_drop(f->s, S(code), &a, S("kim"), T0, &f->d), MO_ENOENT);
	OK(store_commit(f->s, &f->d));
	assert_int_equal(open_it(f, code, &a, &out, NULL), MO_ENOENT);
	assert_string_equal(sel(f, SQ_COUNTS, NULL, NULL, 0), "blob|1\n");
	OK(vfs_stat(f->vfs, path_a, &st)); /* a backup may be copying it */
	OK(store_begin(f->s, &f->d));
	OK(person_file_sweep(f->s, &b, &f->d)); /* not removed: stays */
	OK(person_file_sweep(f->s, &a, &f->d));
	OK(store_commit(f->s, &f->d));
	assert_int_equal(vfs_stat(f->vfs, path_a, &st), MO_ENOENT);
	OK(open_it(f, code, &b, &out, NULL));
	/* What a kill or a backup left behind goes when the store is opened. */
	OK(store_begin(f->s, &f->d));
	OK(store_person_file_drop(f->s, S(code), &b, S("kim"), T0, &f->d));
	OK(store_commit(f->s, &f->d));
	OK(vfs_stat(f->vfs, path_b, &st));
	fx_reopen(f);
	assert_int_equal(vfs_stat(f->vfs, path_b, &st), MO_ENOENT);
	free(path_a), free(path_b);
	buf_free(&out);
}

static void test_shape(void **state)
{
	const uint64_t whole = SEALED_CHUNK + AEAD_OVER;
	static const uint64_t none[] = {0, 47, 48, 48 + 27};
	uint64_t chunks = 0, plain = 0;
	uint8_t head[SEALED_HEAD], key[AEAD_KEY] = {1};
	struct uuid u = {{1, 2, 3}}, got;
	struct buf b;
	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(sealed_shape(&chunks, &plain, none[i]), MO_ECORRUPT);
	assert_int_equal(sealed_shape(&chunks, &plain, 48 + whole + 28), MO_ECORRUPT); /* an empty chunk behind a whole one */
	OK(sealed_shape(&chunks, &plain, 48 + 28));
	assert_true(chunks == 1 && plain == 0);
	OK(sealed_shape(&chunks, &plain, 48 + whole));
	assert_true(chunks == 1 && plain == SEALED_CHUNK);
	OK(sealed_shape(&chunks, &plain, 48 + 4096 * whole + 29));
	assert_true(chunks == 4097 && plain == 4096 * (uint64_t)SEALED_CHUNK + 1);
	sealed_head_write(head, &u, key);
	OK(sealed_head_read(&got, span_of(head, sizeof head)));
	assert_true(uuid_eq(&u, &got));
	head[8] = 2;
	assert_int_equal(sealed_head_read(&got, span_of(head, sizeof head)), MO_EVERSION);
	head[8] = 0;
	assert_int_equal(sealed_head_read(&got, span_of(head, sizeof head)), MO_ECORRUPT);
	buf_init(&b, 0);
	assert_int_equal(sealed_put(&b, key, head, 0, false, S("short")), MO_ELIMIT);
	buf_free(&b);
}

/* Made by another program (Python's cryptography), by the words of docs/formats/people.md. */
static void test_literal(void **state)
{
	static const char file[] =
		"\x4d\x6f\x72\x75\x53\x65\x61\x6c\x01\x00\x00\x00\x00\x00\x10\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
		"\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x6e\x6e\x6e\x6e\x6e\x6e\x6e\x6e\x6e\x6e\x6e\x6e\x89\xa1\xb7\x3d"
		"\xbe\x42\xaa\x60\xe6\xff\x48\x88\x5e\x23\x54\xbf\x0c\x5d\x20\x35\x5f\xd6\x4f\x06\x34\x9f\x19\x94\xce";
	static const uint8_t person_key[AEAD_KEY] = "the key of a person, for a test.";
	uint8_t key[AEAD_KEY];
	struct span s = span_of(file, sizeof file - 1);
	struct buf out;
	(void)state;
	buf_init(&out, 0);
	OK(sealed_key(key, person_key, s.p));
	OK(sealed_get(&out, key, s.p, 0, true, span_sub(s, SEALED_HEAD, s.n)));
	assert_int_equal(out.n, 13);
	assert_memory_equal(out.p, "\xff\xd8\xff a picture", 13);
	buf_reset(&out);
	assert_int_equal(sealed_get(&out, key, s.p, 0, false, span_sub(s, SEALED_HEAD, s.n)), MO_ECORRUPT);
	assert_int_equal(sealed_get(&out, key, s.p, 1, true, span_sub(s, SEALED_HEAD, s.n)), MO_ECORRUPT);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_literal),
		cmocka_unit_test_setup_teardown(test_round, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_refused, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_changed, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_erased, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_removed, fx_setup, fx_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
