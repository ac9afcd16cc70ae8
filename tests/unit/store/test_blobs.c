/* Blobs: named by content, whole or not there; the tree digest by the example of RFC 6962 made by hand. */
#include "fixture.h"

#include "os/crypto.h"
#include "store/priv/impl.h"

static void hex_is(const uint8_t *p, const char *expected)
{
	char hex[65];
	blob_hex(hex, p);
	assert_string_equal(hex, expected);
}

static void write_all(struct fixture *f, struct span bytes, size_t step, uint8_t sha[32])
{
	struct blob_writer *w = NULL;
	OK(blob_begin(f->s, &w, &f->d));
	for (size_t at = 0; at < bytes.n; at += step)
		OK(blob_write(w, span_sub(bytes, at, step), &f->d));
	OK(store_begin(f->s, &f->d));
	OK(blob_end(w, f->s, S("image/png"), S("사진.png"), sha, &f->d));
	OK(store_commit(f->s, &f->d));
	blob_abort(w);
}

static int count(void *arg, const char *name)
{
	(void)name;
	++*(unsigned *)arg;
	return 0;
}

static unsigned names(struct fixture *f, const char *path)
{
	unsigned n = 0;
	int err = vfs_list(f->vfs, path, count, &n);
	assert_true(err == 0 || err == MO_ENOENT);
	return n;
}

static void test_write(void **state)
{
	struct fixture *f = *state;
	uint8_t sha[32], again[32], got[8];
	struct vfs_file *file = NULL;
	uint64_t size = 0;
	write_all(f, S("abc"), 1, sha);
	hex_is(sha, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2, B.1 */
	OK(store_open_blob(f->r, sha, &file, &size, &f->d));
	assert_int_equal(size, 3);
	OK(vfs_read_full(file, got, 3, 0));
	assert_memory_equal(got, "abc", 3);
	vfs_close(file);
	struct vfs_stat st;
	OK(vfs_stat(f->vfs, "node/blobs/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &st));
	write_all(f, S("abc"), 3, again);
	assert_memory_equal(sha, again, 32);
	assert_int_equal(names(f, "node/blobs"), 1);
	assert_string_equal(sel(f, SQ_COUNTS, NULL, NULL, 0), "blob|1\n");
	sha[0] ^= 1;
	assert_int_equal(store_open_blob(f->r, sha, &file, &size, &f->d), MO_ENOENT);
	write_all(f, S(""), 1, sha);
	hex_is(sha, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void leaf(uint8_t out[32], struct span s)
{
	struct sha256 *h = NULL;
	OK(sha256_new(&h));
	OK(sha256_update(h, span_of("\0", 1)));
	OK(sha256_update(h, s));
	OK(sha256_final(h, out));
	sha256_free(h);
}

static void node(uint8_t out[32], const uint8_t *a, const uint8_t *b)
{
	uint8_t text[65] = {1};
	memcpy(text + 1, a, 32);
	memcpy(text + 33, b, 32);
	OK(sha256_of(out, span_of(text, sizeof text)));
}

static void test_tree(void **state)
{
	struct fixture *f = *state;
	size_t n = (2u << 20) + 5; /* three leaves: ((1 2) 3) */
	uint8_t *p = malloc(n), sha[32], a[32], b[32], c[32], ab[32], root[32];
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 + i / 4096);
	write_all(f, span_of(p, n), 300000, sha);
	leaf(a, span_of(p, 1u << 20));
	leaf(b, span_of(p + (1u << 20), 1u << 20));
	leaf(c, span_of(p + (2u << 20), 5));
	node(ab, a, b);
	node(root, ab, c);
	struct db db;
	sqlite3_stmt *st = NULL;
	OK(db_open(&db, f->vfs, DB_PATH, false, NULL, 0, &f->d));
	OK(sqlite3_prepare_v2(db.sq, "SELECT tree, leaves FROM blob", -1, &st, NULL));
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_memory_equal(sqlite3_column_blob(st, 0), root, 32);
	assert_int_equal(sqlite3_column_bytes(st, 1), 96);
	sqlite3_finalize(st);
	db_close(&db);
	free(p);
}

static void test_unfinished(void **state)
{
	struct fixture *f = *state;
	struct blob_writer *w = NULL;
	uint8_t sha[32];
	OK(blob_begin(f->s, &w, &f->d));
	OK(blob_write(w, S("half"), &f->d));
	assert_int_equal(blob_end(w, f->s, S(""), S(""), sha, &f->d), MO_ESTATE); /* no transaction */
	assert_int_equal(names(f, "node/blobs"), 1);
	blob_abort(w);
	assert_int_equal(names(f, "node/blobs"), 0);
	blob_abort(NULL);
	/* one that a killed process left goes at the next start */
	struct vfs_file *file = NULL;
	OK(vfs_open(f->vfs, &file, "node/blobs/new-1", VFS_WRITE | VFS_CREATE, &f->d));
	vfs_close(file);
	fx_reopen(f);
	assert_int_equal(names(f, "node/blobs"), 0);
	/* a rolled-back row leaves its file, which the same bytes find again */
	for (int i = 0; i < 2; i++) {
		OK(blob_begin(f->s, &w, &f->d));
		OK(blob_write(w, S("bytes"), &f->d));
		OK(store_begin(f->s, &f->d));
		OK(blob_end(w, f->s, S(""), S(""), sha, &f->d));
		assert_int_equal(blob_end(w, f->s, S(""), S(""), sha, &f->d), MO_ESTATE);
		blob_abort(w);
		uint64_t size;
		if (i == 0) {
			store_rollback(f->s);
			assert_int_equal(store_open_blob(f->r, sha, &file, &size, &f->d), MO_ENOENT);
		} else {
			OK(store_commit(f->s, &f->d));
			OK(store_open_blob(f->r, sha, &file, &size, &f->d));
			vfs_close(file);
		}
	}
}

static void say(void *arg, const struct diag *d) { *(enum mo_msg *)arg = d->msg; }

static void test_checked(void **state)
{
	struct fixture *f = *state;
	uint8_t sha[32];
	enum mo_msg msg = MSG_NONE;
	write_all(f, S("abc"), 3, sha);
	const char *path = "node/blobs/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	OK(store_check(f->r, NULL, say, &msg, &f->d));
	assert_int_equal(msg, MSG_NONE);
	OK(memvfs_flip(f->vfs, path, 3));
	OK(store_check(f->r, NULL, say, &msg, &f->d));
	assert_int_equal(msg, MSG_STORE_CHECK_BLOB_DIFFERS);
	OK(vfs_unlink(f->vfs, path));
	OK(store_check(f->r, NULL, say, &msg, &f->d));
	assert_int_equal(msg, MSG_STORE_CHECK_BLOB_MISSING);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_write), T(test_tree), T(test_unfinished), T(test_checked)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
