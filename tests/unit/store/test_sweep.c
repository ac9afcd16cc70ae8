/* What rules of retention take from the store: exactly that, told by the feed, and never a blob that something refers to or that comes again. */
#include "fixture.h"

#include "os/crypto.h"
#include "store/priv/impl.h"
#include "store/sweep.h"

#define DAY NS_PER_DAY

static struct store_swept w;

static void begin(struct fixture *f)
{
	OK(store_begin(f->s, &f->d));
	store_swept_init(&w);
}

static int64_t number(struct fixture *f, const char *sql)
{
	int64_t v = -1;
	OK(db_get_i64(&f->s->db, sql, &v, &f->d));
	return v;
}

static void findings(void *arg, const struct diag *d)
{
	printf("check: %s %s\n", d->file, d->arg[0].text);
	++*(unsigned *)arg;
}

static void is_sound(struct fixture *f)
{
	unsigned n = 0;
	OK(store_check(f->r, NULL, findings, &n, &f->d));
	assert_int_equal(n, 0);
	assert_int_equal(number(f, "SELECT count(*) FROM sweeping"), 0);
}

/* ---- cases ---- */

static int64_t put_case(struct fixture *f, const char *cause, enum case_state to, int64_t t)
{
	struct store_case c = {.asset = S("P-1"), .cause = span_str(cause), .kind = S("stop"), .begin_ns = t - DAY, .end_ns = T_NONE, .raised_ns = t, .evidence = S("{\"n\":1}")};
	enum store_did did;
	int64_t id = 0;
	OK(store_begin(f->s, &f->d));
	OK(store_put_case(f->s, &c, &id, &did, &f->d));
	OK(store_case_state(f->s, id, CASE_SEEN, &(struct store_case_note){.who = S("kim"), .note = S("봄")}, t, &f->d));
	if (to != CASE_SEEN)
		OK(store_case_state(f->s, id, to, &(struct store_case_note){.who = S("kim"), .note = S("끝"), .person = S("이영희")}, t, &f->d));
	OK(store_commit(f->s, &f->d));
	return id;
}

static void test_cases(void **state)
{
	struct fixture *f = *state;
	int64_t old = put_case(f, "a", CASE_CLOSED, T0), open = put_case(f, "b", CASE_SEEN, T0), done = put_case(f, "c", CASE_DONE, T0);
	int64_t edge = put_case(f, "d", CASE_CLOSED, T0 + 10 * DAY);
	assert_int_equal(old, 1);
	OK(store_would_sweep_cases(f->r, T0 + 10 * DAY, (store_swept_init(&w), &w), &f->d));
	assert_int_equal(w.n, 1);
	assert_true(w.from_ns == T0 && w.to_ns == T0);
	begin(f);
	OK(store_sweep_cases(f->s, T0 + 10 * DAY, T0 + 40 * DAY, &w, &f->d));
	OK(store_commit(f->s, &f->d));
	assert_int_equal(w.n, 1);
	assert_true(w.from_ns == T0 && w.to_ns == T0);
	assert_string_equal(sel(f, SQ_CASES, "id state", A(NIL, NIL, NIL, sarg_i(9))), "4|closed\n3|done\n2|seen\n");
	assert_int_equal(open + done + edge, 9);
	assert_int_equal(number(f, "SELECT count(*) FROM case_history WHERE case_id=1"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM case_history"), 3 + 2 + 3);
	assert_int_equal(number(f, "SELECT count(*) FROM change WHERE noun='case' AND key='1' AND did='removed'"), 1);
	assert_int_equal(number(f, "SELECT count(*) FROM change"), number(f, "SELECT max(number) FROM change"));
	assert_non_null(strstr(sel(f, SQ_COUNTS, NULL, NULL, 0), "case|3\n"));
	is_sound(f);
	/* Slices: more than one takes. */
	for (unsigned i = 0; i < SWEEP_CASES + 3; i++) {
		char cause[16];
		snprintf(cause, sizeof cause, "x%u", i);
		put_case(f, cause, CASE_CLOSED, T0 + DAY);
	}
	begin(f);
	assert_int_equal(store_sweep_cases(f->s, T0 + 2 * DAY, T0 + 40 * DAY, &w, &f->d), MO_EAGAIN);
	assert_int_equal(w.n, SWEEP_CASES);
	OK(store_commit(f->s, &f->d));
	begin(f);
	OK(store_sweep_cases(f->s, T0 + 2 * DAY, T0 + 40 * DAY, &w, &f->d));
	assert_int_equal(w.n, 3);
	store_rollback(f->s);
	assert_int_equal(number(f, "SELECT count(*) FROM cases"), 6);
	is_sound(f);
}

/* ---- audit ---- */

static void audit(struct fixture *f, int64_t t)
{
	OK(store_begin(f->s, &f->d));
	OK(store_audit(f->s, t, S("kim"), S("x"), S("y"), S("{}"), &f->d));
	OK(store_commit(f->s, &f->d));
}

static void test_audit(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 10; i++)
		audit(f, T0 + i * DAY);
	audit(f, T0); /* its clock went back: it lies behind younger ones, so it stays */
	OK(store_would_sweep_audit(f->r, T0 + 4 * DAY, (store_swept_init(&w), &w), &f->d));
	assert_true(w.n == 4 && w.last == 4);
	begin(f);
	OK(store_sweep_audit(f->s, T0 + 4 * DAY, T0 + 400 * DAY, &w, &f->d));
	OK(store_commit(f->s, &f->d));
	assert_true(w.n == 4 && w.last == 4 && w.from_ns == T0 && w.to_ns == T0 + 3 * DAY);
	assert_int_equal(number(f, "SELECT min(id)*100+count(*) FROM audit"), 507);
	assert_int_equal(number(f, "SELECT max(id)-min(id)+1-count(*) FROM audit"), 0); /* no hole */
	begin(f);
	OK(store_sweep_audit(f->s, T0 + 4 * DAY, T0 + 400 * DAY, &w, &f->d));
	assert_true(w.n == 0 && w.from_ns == T_NONE);
	/* Whoever else deletes is refused, in a slice too: what is younger, and what is not swept. */
	assert_int_not_equal(db_exec(&f->s->db, "DELETE FROM audit WHERE id=5", NULL), 0);
	OK(db_exec(&f->s->db, "INSERT INTO sweeping VALUES('audit', 0)", NULL));
	assert_int_not_equal(db_exec(&f->s->db, "DELETE FROM audit WHERE id=5", NULL), 0);
	store_rollback(f->s);
	assert_int_equal(number(f, "SELECT count(*) FROM audit"), 7);
	for (unsigned i = 0; i < SWEEP_AUDIT; i++)
		if (i == 0)
			begin(f);
		else
			OK(store_audit(f->s, T0, S("kim"), S("x"), S("y"), S("{}"), &f->d));
	OK(store_commit(f->s, &f->d));
	begin(f);
	assert_int_equal(store_sweep_audit(f->s, T0 + 400 * DAY, T0 + 800 * DAY, &w, &f->d), MO_EAGAIN);
	assert_int_equal(w.n, SWEEP_AUDIT);
	store_rollback(f->s);
	is_sound(f);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	put_case(f, "a", CASE_CLOSED, T0);
	put_case(f, "b", CASE_DONE, T0);
	begin(f);
	assert_int_not_equal(db_exec(&f->s->db, "DELETE FROM case_history", NULL), 0);
	assert_int_not_equal(db_exec(&f->s->db, "DELETE FROM cases", NULL), 0);
	OK(db_exec(&f->s->db, "INSERT INTO sweeping VALUES('case', 9223372036854775807)", NULL));
	assert_int_not_equal(db_exec(&f->s->db, "DELETE FROM case_history WHERE case_id=2", NULL), 0);
	assert_int_not_equal(db_exec(&f->s->db, "DELETE FROM cases WHERE id=2", NULL), 0);
	store_rollback(f->s);
	assert_int_equal(number(f, "SELECT count(*) FROM cases"), 2);
}

/* ---- blobs ---- */

static void blob(struct fixture *f, const char *bytes, char hex[65])
{
	struct blob_writer *b = NULL;
	uint8_t sha[32];
	bool within = f->s->open;
	OK(blob_begin(f->s, &b, &f->d));
	OK(blob_write(b, span_str(bytes), &f->d));
	if (!within)
		OK(store_begin(f->s, &f->d));
	OK(blob_end(b, f->s, S("text/csv"), S("a.csv"), sha, &f->d));
	if (!within)
		OK(store_commit(f->s, &f->d));
	blob_abort(b);
	blob_hex(hex, sha);
}

static bool has_file(struct fixture *f, const char *hex)
{
	char path[128];
	struct vfs_stat st;
	snprintf(path, sizeof path, "node/blobs/%.2s/%s", hex, hex + 2);
	int err = vfs_stat(f->vfs, path, &st);
	assert_true(err == 0 || err == MO_ENOENT);
	return err == 0;
}

static bool has_row(struct fixture *f, const char *hex)
{
	char sql[160];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM blob WHERE lower(hex(sha256))='%.64s'", hex);
	return number(f, sql) == 1;
}

static struct blob_marks *marks(struct fixture *f, int64_t before)
{
	struct blob_marks *m = NULL;
	int err;
	OK(blob_marks_new(&m, f->r, before, &f->d));
	while ((err = blob_marks_step(m, f->r, &f->d)) == MO_EAGAIN)
		;
	OK(err);
	return m;
}

static void sweep(struct fixture *f, struct blob_marks *m, int64_t now)
{
	int err = MO_EAGAIN;
	store_swept_init(&w);
	while (err == MO_EAGAIN) {
		OK(store_begin(f->s, &f->d));
		err = store_sweep_blobs(f->s, m, now, &w, &f->d);
		OK(store_commit(f->s, &f->d));
	}
	OK(err);
}

static void files(struct fixture *f)
{
	int err = MO_EAGAIN;
	while (err == MO_EAGAIN) {
		OK(store_begin(f->s, &f->d));
		err = store_sweep_files(f->s, &f->d);
		OK(store_commit(f->s, &f->d));
	}
	OK(err);
}

/* One of each that may refer, and its digest in upper case, beside other digits, in a version that is no more. */
static void test_referred(void **state)
{
	struct fixture *f = *state;
	char hex[10][65], orphan[65], json[160], upper[65];
	struct record r;
	uint8_t sha[32];
	enum store_did did;
	int64_t version;
	for (unsigned i = 0; i < 10; i++) {
		char text[8];
		snprintf(text, sizeof text, "blob %u", i);
		blob(f, text, hex[i]);
	}
	blob(f, "orphan", orphan);
	OK(store_begin(f->s, &f->d));
	for (size_t i = 0; i < 32; i++) {
		unsigned v;
		sscanf(hex[0] + 2 * i, "%2x", &v);
		sha[i] = (uint8_t)v;
	}
	OK(store_put_import(f->s, S("i-1"), S("a.csv"), sha, S("done"), S("{}"), T0, &f->d));
	snprintf(json, sizeof json, "{\"result\":{\"refused_file\":\"%s\"}}", hex[1]);
	OK(store_put_import(f->s, S("i-2"), S("a.csv"), NULL, S("done"), span_str(json), T0, &f->d));
	for (size_t i = 0; i < 65; i++)
		upper[i] = (char)(hex[2][i] >= 'a' ? hex[2][i] - 32 : hex[2][i]);
	snprintf(json, sizeof json, "{\"picture\":\"%s\"}", upper);
	r = r_event("e-1", "note", T0);
	r.event.data = span_str(json);
	r.event.asset = S("M");
	OK(put_at(f, &r, T0, &did));
	snprintf(json, sizeof json, "0%s", hex[3]); /* with a digit before it */
	r = r_event("e-2", "note", T0);
	r.event.text = span_str(json);
	r.event.asset = S("M");
	OK(put_at(f, &r, T0, &did));
	r = r_operation("o-1", "M", T0, T0 + 1);
	r.operation.standard_version = span_str(hex[4]);
	OK(put_at(f, &r, T0, &did));
	r = r_characteristic("c-1", "L", "w", 1);
	r.characteristic.spec_version = span_str(hex[5]);
	OK(put_at(f, &r, T0, &did));
	r = r_lot("F", "L-9");
	r.lot.place = span_str(hex[6]);
	OK(put_at(f, &r, T0, &did));
	snprintf(json, sizeof json, "{\"doc\":\"%s\"}", hex[7]);
	OK(store_put_doc(f->s, DOC_SETTING, S("x"), span_str(json), -1, S("kim"), T0, &version, &f->d));
	OK(store_put_doc(f->s, DOC_SETTING, S("x"), S("{}"), -1, S("kim"), T0, &version, &f->d)); /* an undo would bring it back */
	OK(store_commit(f->s, &f->d));
	int64_t id = put_case(f, "a", CASE_SEEN, T0);
	OK(store_begin(f->s, &f->d));
	OK(store_case_state(f->s, id, CASE_SEEN, &(struct store_case_note){.who = S("kim"), .note = span_str(hex[8])}, T0, &f->d));
	r = r_asset("A", hex[9], ASSET_MACHINE);
	OK(put_at(f, &r, T0, &did));
	OK(store_commit(f->s, &f->d));
	struct blob_marks *m = marks(f, T0 + 400 * DAY);
	store_swept_init(&w);
	blob_marks_would(m, &w);
	assert_true(w.n == 1 && w.bytes == 6);
	sweep(f, m, T0 + 400 * DAY);
	assert_true(w.n == 1 && w.bytes == 6);
	assert_true(has_file(f, orphan)); /* its row goes first */
	files(f);
	blob_marks_free(m);
	for (unsigned i = 0; i < 10; i++)
		assert_true(has_row(f, hex[i]) && has_file(f, hex[i]));
	assert_true(!has_row(f, orphan) && !has_file(f, orphan));
	assert_int_equal(number(f, "SELECT count(*) FROM change WHERE noun='blob' AND did='removed'"), 1);
	is_sound(f);
}

/* What comes, or is referred to, between the marks and the sweep. */
static void test_meanwhile(void **state)
{
	struct fixture *f = *state;
	char again[65], named[65], within[65], young[65], gone[65], json[160];
	enum store_did did;
	store_time(f->s, T0);
	blob(f, "again", again);
	blob(f, "named", named);
	blob(f, "within", within);
	blob(f, "gone", gone);
	store_time(f->s, T0 + 30 * DAY); /* nothing was written for a month: it is the clock that tells when this one came */
	blob(f, "young", young);
	struct blob_marks *m = marks(f, T0 + 20 * DAY);
	store_swept_init(&w);
	blob_marks_would(m, &w);
	assert_int_equal(w.n, 4);
	store_time(f->s, T0 + 31 * DAY);
	blob(f, "again", again); /* its import's row comes only after the sweep */
	snprintf(json, sizeof json, "{\"p\":\"%s\"}", named);
	struct record r = r_event("e-1", "note", T0);
	r.event.data = span_str(json);
	r.event.asset = S("M");
	OK(store_begin(f->s, &f->d));
	OK(put_at(f, &r, T0, &did));
	OK(store_commit(f->s, &f->d));
	begin(f);
	r = r_event("e-2", "note", T0);
	r.event.text = span_str(within);
	r.event.asset = S("M");
	OK(put_at(f, &r, T0, &did)); /* in the same round of the store thread */
	OK(store_sweep_blobs(f->s, m, T0 + 31 * DAY, &w, &f->d));
	assert_int_equal(w.n, 1);
	OK(store_commit(f->s, &f->d));
	assert_true(has_row(f, again) && has_row(f, named) && has_row(f, within) && has_row(f, young) && !has_row(f, gone));
	files(f);
	assert_true(has_file(f, again) && has_file(f, named) && has_file(f, within) && has_file(f, young) && !has_file(f, gone));
	blob_marks_free(m);
	is_sound(f);
}

/* Equal bytes that come while their file is on its way out. */
static void test_comes_again(void **state)
{
	struct fixture *f = *state;
	char a[65], b[65];
	blob(f, "a", a);
	blob(f, "b", b);
	struct blob_marks *m = marks(f, T0);
	sweep(f, m, T0);
	assert_int_equal(w.n, 2);
	blob(f, "a", a); /* before its file went */
	assert_int_equal(number(f, "SELECT count(*) FROM blob_gone"), 2);
	begin(f);
	OK(store_sweep_files(f->s, &f->d));
	assert_true(has_file(f, a) && !has_file(f, b));
	blob(f, "b", b); /* after, in the same transaction */
	OK(store_commit(f->s, &f->d));
	assert_true(has_row(f, a) && has_row(f, b) && has_file(f, a) && has_file(f, b));
	/* One that did not commit leaves a file without a row, which still goes. */
	sweep(f, m, T0);
	assert_int_equal(w.n, 0); /* they came, and are done in these marks */
	blob_marks_free(m);
	m = marks(f, T0 + 1); /* which is when they came */
	sweep(f, m, T0);
	assert_int_equal(w.n, 2);
	OK(store_begin(f->s, &f->d));
	blob(f, "a", a);
	OK(store_sweep_files(f->s, &f->d));
	store_rollback(f->s);
	files(f);
	assert_true(!has_file(f, a) && !has_file(f, b) && number(f, "SELECT count(*) FROM blob_gone") == 0);
	blob_marks_free(m);
	is_sound(f);
}

static void test_resume(void **state)
{
	struct fixture *f = *state;
	char hex[SWEEP_BLOBS + 4][65], text[8];
	for (unsigned i = 0; i < SWEEP_BLOBS + 4; i++) {
		snprintf(text, sizeof text, "%u", i);
		blob(f, text, hex[i]);
	}
	struct blob_marks *m = marks(f, T0);
	begin(f);
	assert_int_equal(store_sweep_blobs(f->s, m, T0, &w, &f->d), MO_EAGAIN);
	assert_int_equal(w.n, SWEEP_BLOBS);
	OK(store_commit(f->s, &f->d));
	sweep(f, m, T0);
	assert_int_equal(w.n, 4);
	blob_marks_free(m);
	assert_true(has_file(f, hex[0]));
	fx_reopen(f); /* killed before the files went */
	for (unsigned i = 0; i < SWEEP_BLOBS + 4; i++)
		assert_false(has_file(f, hex[i]));
	assert_int_equal(number(f, "SELECT count(*) FROM blob_gone"), 0);
	is_sound(f);
}

/* More changes than a slice looks at: nothing goes until the marks have caught up. Tables of a schema to come keep what they refer to by a key. */
static void test_caught_up(void **state)
{
	struct fixture *f = *state;
	char hex[65];
	enum store_did did;
	blob(f, "a", hex);
	struct blob_marks *m = marks(f, T0);
	OK(store_begin(f->s, &f->d));
	for (unsigned i = 0; i < 600; i++) {
		char number[16];
		snprintf(number, sizeof number, "L-%u", i);
		struct record r = r_lot("F", number);
		OK(put_at(f, &r, T0, &did));
	}
	OK(store_commit(f->s, &f->d));
	begin(f);
	assert_int_equal(store_sweep_blobs(f->s, m, T0, &w, &f->d), MO_ESTATE);
	store_rollback(f->s);
	assert_int_equal(w.n, 0);
	while (blob_marks_step(m, f->r, &f->d) == MO_EAGAIN)
		;
	OK(db_exec(&f->s->db, "CREATE TABLE thing(of BLOB REFERENCES blob(sha256)); INSERT INTO thing SELECT sha256 FROM blob", &f->d));
	struct blob_marks *later = marks(f, T0 + DAY);
	blob_marks_would(later, (store_swept_init(&w), &w));
	assert_int_equal(w.n, 0);
	blob_marks_free(later);
	OK(db_exec(&f->s->db, "DELETE FROM thing; CREATE TABLE picture(id INTEGER PRIMARY KEY, blob BLOB) STRICT; INSERT INTO picture(blob) SELECT sha256 FROM blob", &f->d));
	later = marks(f, T0 + DAY);
	blob_marks_would(later, (store_swept_init(&w), &w));
	assert_int_equal(w.n, 0);
	OK(db_exec(&f->s->db, "DELETE FROM picture", &f->d));
	blob_marks_free(later);
	later = marks(f, T0 + DAY);
	OK(db_exec(&f->s->db, "INSERT INTO picture(blob) SELECT sha256 FROM blob", &f->d)); /* since the marks, and no change feed tells of it */
	sweep(f, later, T0);
	assert_int_equal(w.n, 0);
	blob_marks_free(later);
	OK(db_exec(&f->s->db, "DELETE FROM picture", &f->d));
	sweep(f, m, T0);
	assert_int_equal(w.n, 1);
	blob_marks_free(m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_cases), TEST(test_audit), TEST(test_refused), TEST(test_referred), TEST(test_meanwhile), TEST(test_comes_again),
		TEST(test_resume), TEST(test_caught_up)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
