/* Targets, pieces, manifests: what is written is read back; what is not whole is refused by name; a restore writes nowhere else. */
#include <stdio.h>
#include <stdlib.h>

#include "cm.h"

#include "base/civil.h"
#include "node/archive.h"
#include "os/crypto.h"
#include "os/memvfs.h"

static const struct uuid ours = {{1, 2, 3}}, other = {{9}};

static struct vfs *mem(void)
{
	struct vfs *v = NULL;
	assert_int_equal(memvfs_new(&v, 1), 0);
	return v;
}

static struct archive *target(struct vfs *v)
{
	struct archive *a = NULL;
	struct diag d = {0};
	assert_int_equal(archive_open(&a, v, "t", ARCHIVE_MAKE, &ours, &d), 0);
	return a;
}

static void fill(struct archive_snapshot *s, int64_t t_ns)
{
	archive_snapshot_init(s);
	s->node = ours;
	s->folder_version = 1;
	snprintf(s->program, sizeof s->program, "test");
	s->t_ns = t_ns;
}

static void file(struct archive *a, struct archive_snapshot *s, const char *path, const char *key, struct span bytes)
{
	struct archive_file f = {.path = (char *)path, .key = (char *)key, .size_bytes = bytes.n, .chunk_bytes = ARCHIVE_CHUNK_MIN};
	struct diag d = {0};
	struct buf list;
	uint8_t digest[32];
	buf_init(&list, 0);
	assert_int_equal(sha256_of(f.sha256, bytes), 0);
	for (uint64_t i = 0; i < archive_pieces(&f); i++) {
		assert_int_equal(archive_put(a, span_sub(bytes, i * ARCHIVE_CHUNK_MIN, ARCHIVE_CHUNK_MIN), digest, &d), 0);
		buf_add(&list, span_of(digest, 32));
	}
	if (archive_pieces(&f) > 1)
		assert_int_equal(archive_put(a, buf_span(&list), f.list, &d), 0);
	assert_int_equal(archive_add(s, &f), 0);
	buf_free(&list);
}

/* ---- paths and ids ---- */

static void paths(void **state)
{
	static const char *const good[] = {"format", "store.db-wal", "series/seg-0000000000000001", "blobs/ab/cdef", "secrets/key.pem", "A_b-C.9"};
	static const char *const bad[] = {"", "/format", "format/", "a//b", "..", "../x", "a/../b", "./a", ".hidden", "a/.b", "a/b/c/d", "a b", "a\\b", "a:b", "\xea\xb0\x80"};
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(archive_is_path(span_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (archive_is_path(span_str(bad[i])))
			fail_msg("%s is taken for a path", bad[i]);
	char longest[ARCHIVE_PATH_MAX + 2];
	memset(longest, 'a', sizeof longest);
	assert_true(archive_is_path(span_of(longest, ARCHIVE_PATH_MAX)));
	assert_false(archive_is_path(span_of(longest, ARCHIVE_PATH_MAX + 1)));
	int64_t t;
	assert_true(archive_is_id(SPAN_LIT("20261122131501-0a9f00ff")));
	assert_int_equal(archive_id_time(&t, SPAN_LIT("20261122131501-0a9f00ff")), 0);
	struct civil c;
	civil_from_ns(&c, t);
	assert_true(c.year == 2026 && c.month == 11 && c.day == 22 && c.hour == 13 && c.minute == 15 && c.second == 1);
	static const char *const no_id[] = {"20261122131501-0a9f00f", "20261122131501-0A9F00FF", "20261322131501-0a9f00ff", "20261122131501_0a9f00ff", "2026112213150 -0a9f00ff",
		"../../../../../../etc/x"};
	for (size_t i = 0; i < sizeof no_id / sizeof *no_id; i++)
		assert_false(archive_is_id(span_str(no_id[i])));
}

/* ---- manifests ---- */

static void sealed(struct buf *out, const char *body)
{
	uint8_t digest[32];
	buf_reset(out);
	buf_adds(out, body);
	assert_int_equal(sha256_of(digest, buf_span(out)), 0);
	buf_adds(out, ",\"sha256\":\"");
	for (size_t i = 0; i < 32; i++)
		buf_printf(out, "%02x", digest[i]);
	buf_adds(out, "\"}\n");
}

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOP "{\"moru_snapshot\":1,\"id\":\"20261122131501-0a9f00ff\",\"node\":\"01020300-0000-0000-0000-000000000000\",\"folder_version\":1,\"program\":\"x\"," \
	"\"time\":\"2026-11-22T13:15:01Z\",\"keys\":false,\"files\":["
#define FILE_OF(path, size, list) "{\"path\":\"" path "\",\"size\":" size ",\"mode\":\"0640\",\"sha256\":\"" HEX64 "\",\"chunk\":4096,\"list\":" list ",\"key\":\"\"}"

static void manifests_by_hand(void **state)
{
	static const struct {
		const char *body;
		int want;
	} rows[] = {
		{TOP "]", 0},
		{TOP FILE_OF("format", "7", "null") "]", 0},
		{TOP FILE_OF("a/b", "4097", "\"" HEX64 "\"") "]", 0},
		{TOP FILE_OF("format", "7", "null") "],\"later\":{\"x\":[1,{\"y\":null}]}", 0},
		{TOP FILE_OF("../format", "7", "null") "]", MO_ECORRUPT},
		{TOP FILE_OF("/format", "7", "null") "]", MO_ECORRUPT},
		{TOP FILE_OF("format", "7", "null") "," FILE_OF("format", "7", "null") "]", MO_ECORRUPT},
		{TOP FILE_OF("format", "7", "\"" HEX64 "\"") "]", MO_ECORRUPT},
		{TOP FILE_OF("a", "4097", "null") "]", MO_ECORRUPT},
		{TOP FILE_OF("a", "-1", "null") "]", MO_ECORRUPT},
		{TOP FILE_OF("a", "18446744073709551615", "\"" HEX64 "\"") "]", MO_ECORRUPT},
		{TOP "{\"path\":\"a\"}]", MO_ECORRUPT},
		{TOP "1]", MO_ECORRUPT},
		{TOP "],\"keys\":true", MO_ECORRUPT},
		{"{\"moru_snapshot\":2", MO_EVERSION},
		{"{\"moru_snapshot\":0", MO_ECORRUPT},
		{"{\"moru_snapshot\":1", MO_ECORRUPT},
		{"[1", MO_ECORRUPT},
		{"", MO_ECORRUPT},
	};
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct archive_snapshot s;
		struct diag d = {0};
		sealed(&text, rows[i].body);
		int err = archive_manifest_read(&s, buf_span(&text), "m.json", &d);
		if (err != rows[i].want)
			fail_msg("%s: %d", rows[i].body, err);
		if (err == 0) {
			archive_snapshot_free(&s);
		} else {
			assert_string_equal(d.file, "m.json");
			assert_int_not_equal(d.msg, MSG_NONE);
		}
	}
	/* Any bit but those that say nothing: the digest holds them all. */
	sealed(&text, TOP FILE_OF("format", "7", "null") "]");
	for (size_t i = 0; i < text.n * 8; i += 3) {
		struct archive_snapshot s;
		text.p[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(archive_manifest_read(&s, buf_span(&text), "m.json", NULL), MO_ECORRUPT);
		text.p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t n = 0; n < text.n; n += 5) {
		struct archive_snapshot s;
		assert_int_equal(archive_manifest_read(&s, span_of(text.p, n), "m.json", NULL), MO_ECORRUPT);
	}
	buf_free(&text);
}

static void a_snapshot_and_back(void **state)
{
	struct vfs *v = mem();
	struct archive *a = target(v);
	struct archive_snapshot s, t;
	struct diag d = {0};
	uint8_t big[3 * ARCHIVE_CHUNK_MIN + 5], back[ARCHIVE_CHUNK_MIN];
	struct buf digests;
	(void)state;
	buf_init(&digests, 0);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 7 + i / 4096);
	fill(&s, INT64_C(1763770000) * NS_PER_S + 5);
	file(a, &s, "format", "", SPAN_LIT("moru 1\n"));
	file(a, &s, "empty", "", SPAN_LIT(""));
	file(a, &s, "series/seg-1", "key-1", span_of(big, sizeof big));
	s.file[0].secret = true;
	assert_int_equal(archive_commit(a, &s, &d), 0);
	assert_true(archive_is_id(span_str(s.id)));
	assert_int_equal(archive_load_newest(a, &t, NULL, &d), 0);
	assert_string_equal(t.id, s.id);
	assert_true(uuid_eq(&t.node, &ours) && t.t_ns == s.t_ns && t.folder_version == 1 && !t.keys && t.n == 3);
	assert_true(t.file[0].secret && !t.file[1].secret);
	const struct archive_file *f = archive_find(&t, "series/seg-1");
	assert_non_null(f);
	assert_null(archive_find(&t, "series/seg-2"));
	assert_string_equal(f->key, "key-1");
	assert_int_equal(archive_digests(a, f, &digests, &d), 0);
	assert_int_equal(digests.n, 4 * 32);
	for (uint64_t i = 0; i < 4; i++) {
		size_t n = archive_piece_bytes(f, i);
		assert_int_equal(archive_get(a, digests.p + i * 32, back, n, &d), 0);
		assert_memory_equal(back, big + i * ARCHIVE_CHUNK_MIN, n);
	}
	/* The same again writes nothing but its manifest. */
	struct archive_stats before, after;
	archive_stats(a, &before);
	struct archive_snapshot again;
	fill(&again, s.t_ns);
	file(a, &again, "series/seg-1", "key-1", span_of(big, sizeof big));
	archive_stats(a, &after);
	assert_true(before.bytes == after.bytes && before.pieces == after.pieces);
	/* A later one has a greater id, though the clock stood, or ran back. */
	again.t_ns -= 1000 * NS_PER_S;
	assert_int_equal(archive_commit(a, &again, &d), 0);
	assert_true(strcmp(again.id, s.id) > 0);
	archive_snapshot_free(&again);
	archive_snapshot_free(&t);
	archive_snapshot_free(&s);
	archive_close(a);
	buf_free(&digests);
	vfs_free(v);
}

/* ---- damage ---- */

static void piece_path(char out[80], const uint8_t digest[32])
{
	size_t n = (size_t)snprintf(out, 80, "t/objects/%02x/", digest[0]);
	for (size_t i = 1; i < 32; i++)
		n += (size_t)snprintf(out + n, 80 - n, "%02x", digest[i]);
}

static void damaged_pieces_are_named(void **state)
{
	struct vfs *v = mem();
	struct archive *a = target(v);
	struct diag d = {0};
	uint8_t digest[32], back[16];
	char path[80];
	(void)state;
	assert_int_equal(archive_put(a, SPAN_LIT("sixteen bytes.."), digest, &d), 0);
	piece_path(path, digest);
	assert_int_equal(archive_get(a, digest, back, 15, &d), 0);
	assert_int_equal(memvfs_flip(v, path, 77), 0);
	assert_int_equal(archive_get(a, digest, back, 15, &d), MO_ECORRUPT);
	assert_string_equal(d.file, path);
	assert_int_equal(d.msg, MSG_BACKUP_PIECE_DAMAGED);
	assert_int_equal(archive_get(a, digest, back, 14, &d), MO_ECORRUPT);
	assert_int_equal(vfs_unlink(v, path), 0);
	assert_int_equal(archive_get(a, digest, back, 15, &d), MO_ENOENT);
	assert_string_equal(d.file, path);
	/* And it is written anew. */
	assert_int_equal(archive_put(a, SPAN_LIT("sixteen bytes.."), digest, &d), 0);
	assert_int_equal(archive_get(a, digest, back, 15, &d), 0);
	archive_close(a);
	vfs_free(v);
}

/* ---- whose and what a folder is ---- */

static void what_a_target_is(void **state)
{
	struct vfs *v = mem();
	struct archive *a = NULL, *b = NULL;
	struct diag d = {0};
	(void)state;
	/* Not there, or there without its line (a share that is not mounted): not for the schedule. */
	assert_int_equal(archive_open(&a, v, "t", ARCHIVE_WRITE, &ours, &d), MO_ENOENT);
	assert_int_equal(d.msg, MSG_BACKUP_TARGET_NONE);
	struct vfs_stat st;
	assert_int_equal(vfs_stat(v, "t", &st), MO_ENOENT);
	assert_int_equal(vfs_mkdir(v, "t", false), 0);
	assert_int_equal(archive_open(&a, v, "t", ARCHIVE_WRITE, &ours, &d), MO_ENOENT);
	assert_int_equal(vfs_rmdir(v, "t"), 0); /* nothing was written into it */
	/* What holds something else. */
	assert_int_equal(vfs_mkdir(v, "t", false), 0);
	assert_int_equal(vfs_replace(v, "t/photo", SPAN_LIT("x"), false, NULL), 0);
	assert_int_equal(archive_open(&a, v, "t", ARCHIVE_MAKE, &ours, &d), MO_ESTATE);
	assert_int_equal(d.msg, MSG_BACKUP_TARGET_NOT_EMPTY);
	assert_int_equal(vfs_unlink(v, "t/photo"), 0);
	assert_int_equal(vfs_mkdir(v, "t/lost+found", false), 0);
	a = target(v);
	assert_int_equal(archive_open(&b, v, "t", ARCHIVE_WRITE, &ours, &d), MO_EBUSY);
	assert_int_equal(d.msg, MSG_BACKUP_TARGET_BUSY);
	assert_int_equal(archive_open(&b, v, "t/", ARCHIVE_READ, NULL, &d), 0);
	assert_true(uuid_eq(archive_node(b), &ours));
	archive_close(b);
	archive_close(a);
	assert_int_equal(archive_open(&a, v, "t", ARCHIVE_MAKE, &other, &d), MO_EEXIST);
	assert_int_equal(d.msg, MSG_BACKUP_TARGET_OTHER);
	assert_int_equal(vfs_replace(v, "t/moru-backup", SPAN_LIT("moru backup 2\nwhatever\n"), false, NULL), 0);
	assert_int_equal(archive_open(&a, v, "t", ARCHIVE_READ, NULL, &d), MO_EVERSION);
	assert_int_equal(vfs_replace(v, "t/moru-backup", SPAN_LIT("hello"), false, NULL), 0);
	assert_int_equal(archive_open(&a, v, "t", ARCHIVE_READ, NULL, &d), MO_ECORRUPT);
	vfs_free(v);
}

/* ---- removing ---- */

static int count(void *arg, const char *name)
{
	(void)name;
	(*(size_t *)arg)++;
	return 0;
}

static size_t pieces(struct vfs *v)
{
	size_t n = 0;
	for (unsigned i = 0; i < 256; i++) {
		char folder[32];
		snprintf(folder, sizeof folder, "t/objects/%02x", i);
		int err = vfs_list(v, folder, count, &n);
		assert_true(err == 0 || err == MO_ENOENT);
	}
	return n;
}

static int prune(struct archive *a, size_t keep, struct diag *d)
{
	struct archive_sweep *w = NULL;
	int err = archive_prune(a, &w, keep, d);
	if (err == 0)
		do
			err = archive_sweep(w, d);
		while (err == MO_EAGAIN);
	archive_sweep_free(w);
	return err;
}

static void only_what_nobody_names_is_removed(void **state)
{
	struct vfs *v = mem();
	struct archive *a = target(v);
	struct diag d = {0};
	uint8_t big[3 * ARCHIVE_CHUNK_MIN] = {0};
	char id[4][ARCHIVE_ID], path[64];
	(void)state;
	for (uint8_t i = 0; i < 4; i++) {
		struct archive_snapshot s;
		fill(&s, (1000 + i) * NS_PER_S);
		big[0] = 1;
		big[ARCHIVE_CHUNK_MIN] = (uint8_t)(10 + i); /* one piece of three differs */
		file(a, &s, "series/seg-1", "", span_of(big, sizeof big));
		char text[16];
		snprintf(text, sizeof text, "alone %d", i);
		file(a, &s, "node.json", "", span_str(text));
		assert_int_equal(archive_commit(a, &s, &d), 0);
		memcpy(id[i], s.id, ARCHIVE_ID);
		archive_snapshot_free(&s);
	}
	uint8_t digest[32];
	assert_int_equal(archive_put(a, SPAN_LIT("left by a killed backup"), digest, &d), 0);
	assert_int_equal(vfs_replace(v, "t/objects/new-0123", SPAN_LIT("half"), false, NULL), 0);
	assert_int_equal(vfs_replace(v, "t/snapshots/20261122131501-0a9f00ff.json.tmp", SPAN_LIT("half"), false, NULL), 0);
	assert_int_equal(vfs_replace(v, "t/snapshots/note.json.tmp", SPAN_LIT("not ours"), false, NULL), 0);
	assert_int_equal(pieces(v), 2 + 4 * 3 + 1); /* two shared; a piece, a list, a small file each */
	assert_int_equal(prune(a, 2, &d), 0);
	size_t n = 0;
	char (*ids)[ARCHIVE_ID] = NULL;
	assert_int_equal(archive_list(a, &ids, &n, &d), 0);
	assert_int_equal(n, 2);
	assert_string_equal(ids[0], id[2]);
	assert_string_equal(ids[1], id[3]);
	free(ids);
	assert_int_equal(pieces(v), 2 + 2 * 3);
	struct vfs_stat st;
	assert_int_equal(vfs_stat(v, "t/objects/new-0123", &st), MO_ENOENT);
	assert_int_equal(vfs_stat(v, "t/snapshots/20261122131501-0a9f00ff.json.tmp", &st), MO_ENOENT);
	assert_int_equal(vfs_stat(v, "t/snapshots/note.json.tmp", &st), 0);
	/* While a manifest cannot be read, nobody knows what it names. */
	snprintf(path, sizeof path, "t/snapshots/%s.json", id[2]);
	assert_int_equal(memvfs_flip(v, path, 100), 0);
	assert_int_equal(archive_put(a, SPAN_LIT("left by another"), digest, &d), 0);
	assert_int_equal(prune(a, 1, &d), MO_ECORRUPT);
	assert_string_equal(d.file, path);
	assert_int_equal(pieces(v), 2 + 2 * 3 + 1);
	assert_int_equal(memvfs_flip(v, path, 100), 0);
	assert_int_equal(prune(a, 1, &d), 0);
	assert_int_equal(pieces(v), 5);
	assert_int_equal(prune(a, 1, &d), 0);
	struct archive_snapshot s;
	size_t bad = 7;
	assert_int_equal(archive_load_newest(a, &s, &bad, &d), 0);
	assert_string_equal(s.id, id[3]);
	assert_int_equal(bad, 0);
	archive_snapshot_free(&s);
	archive_close(a);
	vfs_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(paths), cmocka_unit_test(manifests_by_hand), cmocka_unit_test(a_snapshot_and_back),
		cmocka_unit_test(damaged_pieces_are_named), cmocka_unit_test(what_a_target_is), cmocka_unit_test(only_what_nobody_names_is_removed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
