/* People: one name is one person, keys are durable before names, what ends otherwise leaves nobody, erasing goes on after a kill, a damaged file of keys costs
 * only what was damaged. */
#include "fixture.h"

#include "base/utf8.h"
#include "store/people.h"
#include "store/priv/impl.h"
#include "store/priv/migrations.h"

#define KEYS "node/" PEOPLE_FILE
#define BAD "node/" PEOPLE_BAD
#define WAL DB_PATH "-wal"
#define COPY(n) DB_PATH ".v" #n

static struct span file(struct fixture *f, const char *path, uint8_t **p)
{
	size_t n = 0;
	*p = NULL;
	int err = vfs_slurp(f->vfs, p, &n, path, 1u << 22, NULL);
	assert_true(err == 0 || err == MO_ENOENT);
	return span_of(*p, n);
}

static bool holds(struct fixture *f, const char *path, const void *bytes, size_t n)
{
	uint8_t *p;
	struct span s = file(f, path, &p);
	bool found = s.n && memmem(s.p, s.n, bytes, n);
	free(p);
	return found;
}

static bool anywhere(struct fixture *f, const char *text)
{
	static const char *const paths[] = {DB_PATH, WAL, COPY(1), COPY(2), COPY(3), KEYS, BAD};
	bool found = false;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		found |= holds(f, paths[i], text, strlen(text));
	return found;
}

/* "name" of a pseudonym; "-": nobody's. */
static const char *name_of(struct fixture *f, const char *code)
{
	static char out[300];
	struct buf b;
	buf_init(&b, 0);
	int err = people_name(store_people(f->s), S(code), &b);
	assert_true(err == 0 || err == MO_ENOENT);
	snprintf(out, sizeof out, "%.*s", err ? 1 : (int)b.n, err ? "-" : (const char *)b.p);
	buf_free(&b);
	return out;
}

static enum store_did make(struct fixture *f, const char *name, char code[PSEUDONYM_TEXT])
{
	enum store_did did = STORE_SAME;
	OK(store_begin(f->s, &f->d));
	OK(store_person(f->s, S(name), code, &did, &f->d));
	OK(store_commit(f->s, &f->d));
	return did;
}

static void erase_one(struct fixture *f, const char *code, bool both)
{
	struct store_erase e = {.pseudonym = S(code), .who = S("kim"), .reason = S("퇴사"), .now_ns = T0};
	OK(store_begin(f->s, &f->d));
	OK(store_erase_begin(f->s, &e, &f->d));
	OK(store_commit(f->s, &f->d));
	if (!both)
		return;
	OK(store_begin(f->s, &f->d));
	OK(store_erase_end(f->s, S(code), T0 + NS_PER_S, &f->d));
	OK(store_commit(f->s, &f->d));
}

static const char *evidence(struct fixture *f, const char *code) { return sel(f, SQ_PERSON, "erasing who reason erased copies", A(TX(code))); }

static void test_file(void **state)
{
	struct people_key keys[2] = {{{{1}}, {2}}, {{{3}}, {4}}}, *got = NULL;
	struct buf b;
	size_t n = 0;
	bool damaged = true;
	(void)state;
	buf_init(&b, 0);
	OK(people_keys_write(&b, keys, 2));
	assert_int_equal(b.n, PEOPLE_HEAD + 2 * PEOPLE_ENTRY + 32);
	assert_memory_equal(b.p, "MoruKeys\1\0\0\0\2\0\0\0\1", 17); /* docs/formats/people.md */
	OK(people_keys_read(&got, &n, &damaged, buf_span(&b)));
	assert_int_equal(n, 2);
	assert_false(damaged);
	assert_memory_equal(got, keys, sizeof keys);
	people_keys_free(got, n);
	/* each bit: it is noticed, and costs at most the one key that it stands in */
	for (size_t bit = 0; bit < 8 * b.n; bit++) {
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		n = 9;
		damaged = false;
		int err = people_keys_read(&got, &n, &damaged, buf_span(&b));
		size_t at = bit / 8, in = at < PEOPLE_HEAD ? 2 : (at - PEOPLE_HEAD) / PEOPLE_ENTRY;
		if (at < 8)
			assert_int_equal(err, MO_ECORRUPT);
		else if (at < 12 && err)
			assert_int_equal(err, MO_EVERSION);
		else
			assert_true(err == 0 && damaged && (at < PEOPLE_HEAD || n == (in < 2 ? 1u : 2u)));
		if (!err)
			people_keys_free(got, n);
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < b.n; cut++)
		if (people_keys_read(&got, &n, &damaged, span_sub(buf_span(&b), 0, cut)) == 0) {
			assert_true(damaged && n <= 2);
			people_keys_free(got, n);
		}
	buf_free(&b);
	static const char *const codes[] = {"P-7K3F", "P-0000", "P-ZZZZ"}, *const none[] = {"", "P-", "P-7K3", "P-7K3FF", "p-7K3F", "P-7k3f", "P-7I3F", "P-7O3F", "P_7K3F", "김온달"};
	for (size_t i = 0; i < 3; i++)
		assert_true(people_is_pseudonym(S(codes[i])));
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(people_is_pseudonym(S(none[i])));
}

static void test_same_person(void **state)
{
	struct fixture *f = *state;
	char a[PSEUDONYM_TEXT], b[PSEUDONYM_TEXT], c[PSEUDONYM_TEXT];
	assert_int_equal(make(f, "김온달", a), STORE_NEW);
	assert_true(people_is_pseudonym(S(a)));
	assert_int_equal(make(f, " 김온달 ", b), STORE_SAME);
	assert_string_equal(a, b);
	assert_int_equal(make(f, "\u1100\u1175\u11b7\u110b\u1169\u11ab\u1103\u1161\u11af", b), STORE_SAME); /* decomposed */
	assert_string_equal(a, b);
	assert_int_equal(make(f, a, b), STORE_SAME);
	assert_int_equal(make(f, "박혁거세", c), STORE_NEW);
	assert_string_not_equal(a, c);
	assert_string_equal(name_of(f, a), "김온달");
	fx_reopen(f);
	assert_string_equal(name_of(f, a), "김온달");
	assert_string_equal(name_of(f, c), "박혁거세");
	assert_false(anywhere(f, "온달") || anywhere(f, "혁거세"));
}

static void test_records(void **state)
{
	struct fixture *f = *state;
	struct record r = r_event("e", "note", T0), op = r_operation("o", "MLD-01", T0, T_NONE), ch = r_characteristic("c", "L", "weight", 1);
	enum store_did did;
	r.event.asset = S("MLD-01");
	r.event.person = op.operation.person = ch.characteristic.person = S("김온달");
	r.event.text = S("손을 다쳤습니다");
	assert_int_equal(put1(f, r), STORE_NEW);
	assert_int_equal(put1(f, op), STORE_NEW);
	assert_int_equal(put1(f, ch), STORE_NEW);
	assert_int_equal(put1(f, r), STORE_SAME);
	assert_int_equal(put1(f, ch), STORE_SAME);
	char code[PSEUDONYM_TEXT];
	assert_int_equal(make(f, "김온달", code), STORE_SAME);
	r.event.person = ch.characteristic.person = S(code); /* as good as the name */
	assert_int_equal(put1(f, r), STORE_SAME);
	assert_int_equal(put1(f, ch), STORE_SAME);
	fx_reopen(f);
	assert_int_equal(put1(f, r), STORE_SAME);
	assert_false(anywhere(f, "온달") || anywhere(f, "다쳤"));
	/* a record that is there already with somebody else: refused, and that somebody is not made */
	r.event.person = ch.characteristic.person = S("새사람");
	OK(store_begin(f->s, &f->d));
	assert_int_equal(put_at(f, &r, T0, &did), MO_EEXIST);
	assert_int_equal(put_at(f, &ch, T0, &did), MO_EEXIST);
	OK(store_commit(f->s, &f->d));
	char alone[PSEUDONYM_TEXT + 1];
	snprintf(alone, sizeof alone, "%s\n", code);
	assert_string_equal(sel(f, SQ_PEOPLE, "pseudonym", A(NIL, sarg_i(9))), alone);
	/* after erasing: the text cannot be sealed any more, the pseudonym alone goes on */
	erase_one(f, code, true);
	r = r_event("e2", "note", T0);
	r.event.asset = S("MLD-01");
	r.event.person = S(code);
	r.event.text = S("x");
	OK(store_begin(f->s, &f->d));
	assert_int_equal(put_at(f, &r, T0, &did), MO_EINVAL);
	assert_int_equal(f->d.msg, MSG_STORE_PERSON_KEYLESS);
	r.event.text = S("");
	OK(put_at(f, &r, T0, &did));
	OK(store_commit(f->s, &f->d));
}

/* What was made in a transaction or savepoint that is taken back is nobody; what was made beside it stays. */
static void test_taken_back(void **state)
{
	struct fixture *f = *state;
	char a[PSEUDONYM_TEXT], b[PSEUDONYM_TEXT], again[PSEUDONYM_TEXT];
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	OK(store_person(f->s, S("가"), a, &did, &f->d));
	store_rollback(f->s);
	OK(store_begin(f->s, &f->d));
	OK(store_person(f->s, S("나"), b, &did, &f->d));
	OK(store_savepoint(f->s, &f->d));
	OK(store_person(f->s, S("다"), a, &did, &f->d));
	store_undo(f->s);
	OK(store_person(f->s, S("나"), again, &did, &f->d));
	assert_string_equal(b, again);
	assert_int_equal(did, STORE_SAME);
	OK(store_commit(f->s, &f->d));
	assert_int_equal(make(f, "다", again), STORE_NEW);
	assert_string_equal(name_of(f, again), "다");
	assert_string_equal(name_of(f, b), "나");
	fx_reopen(f);
	assert_string_equal(name_of(f, b), "나");
	bool damaged;
	assert_int_equal(people_keyless(store_people(f->s), &damaged), 0);
}

static void test_erase(void **state)
{
	struct fixture *f = *state;
	char a[PSEUDONYM_TEXT], b[PSEUDONYM_TEXT];
	struct store_erase e = {.who = S("kim"), .reason = S("김온달 퇴사"), .now_ns = T0};
	make(f, "김온달", a);
	make(f, "박혁거세", b);
	OK(store_begin(f->s, &f->d));
	OK(store_target_put(f->s, S("/t1"), NULL, 0, T0, &f->d));
	e.pseudonym = S(a);
	assert_int_equal(store_erase_begin(f->s, &e, &f->d), MO_EINVAL);
	assert_int_equal(f->d.msg, MSG_STORE_ERASE_REASON);
	e.pseudonym = S("P-????");
	assert_int_equal(store_erase_begin(f->s, &e, &f->d), MO_ENOENT);
	assert_int_equal(store_erase_end(f->s, S(a), T0, &f->d), MO_ENOENT); /* which nobody asked for */
	OK(store_commit(f->s, &f->d));
	assert_string_equal(name_of(f, a), "김온달");
	uint8_t *p, secret[AEAD_KEY];
	struct span keys = file(f, KEYS, &p);
	memcpy(secret, keys.p + PEOPLE_HEAD + 16, sizeof secret);
	free(p);
	assert_true(holds(f, KEYS, secret, sizeof secret));
	erase_one(f, a, true);
	assert_false(holds(f, KEYS, secret, sizeof secret));
	assert_string_equal(name_of(f, a), "-");
	assert_string_equal(name_of(f, b), "박혁거세");
	assert_string_equal(evidence(f, a), "T+0|kim|퇴사|T+1|0\n");
	erase_one(f, a, true); /* again: as it was */
	assert_string_equal(evidence(f, a), "T+0|kim|퇴사|T+1|0\n");
	/* a target is done when it holds the key no more, and not before */
	struct people_key old = {{{0}}, {0}};
	struct span uuid = S(sel(f, SQ_PERSON, "uuid", A(TX(a))));
	OK(uuid_parse(&old.person, span_sub(uuid, 0, 36)));
	OK(store_begin(f->s, &f->d));
	OK(store_target_put(f->s, S("/t1"), &old, 1, T0 + 5 * NS_PER_S, &f->d));
	OK(store_commit(f->s, &f->d));
	assert_string_equal(sel(f, SQ_ERASURE_TARGETS, NULL, A(sarg_i(1))), "/t1|-\n");
	OK(store_begin(f->s, &f->d));
	OK(store_target_put(f->s, S("/t1"), NULL, 0, T0 + 6 * NS_PER_S, &f->d));
	OK(store_commit(f->s, &f->d));
	assert_string_equal(sel(f, SQ_ERASURE_TARGETS, NULL, A(sarg_i(1))), "/t1|T+6\n");
	fx_reopen(f);
	assert_string_equal(name_of(f, a), "-");
	bool damaged;
	assert_int_equal(people_keyless(store_people(f->s), &damaged), 0);
}

/* Killed between the two steps: the next start does the second. */
static void test_resumed(void **state)
{
	struct fixture *f = *state;
	char a[PSEUDONYM_TEXT];
	make(f, "김온달", a);
	erase_one(f, a, false);
	assert_string_equal(name_of(f, a), "김온달");
	fx_reopen(f);
	assert_string_equal(name_of(f, a), "-");
	assert_non_null(strstr(evidence(f, a), "T+0|kim|퇴사|T"));
}

/* An older state of the store, as a backup has it, with the keys as they are now. */
static void test_older_store(void **state)
{
	struct fixture *f = *state;
	char a[PSEUDONYM_TEXT], b[PSEUDONYM_TEXT];
	uint8_t *db, *wal;
	make(f, "김온달", a);
	make(f, "박혁거세", b);
	struct span was = file(f, DB_PATH, &db), was_wal = file(f, DB_PATH "-wal", &wal);
	erase_one(f, a, true);
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
	OK(vfs_replace(f->vfs, DB_PATH, was, false, &f->d));
	OK(vfs_replace(f->vfs, DB_PATH "-wal", was_wal, false, &f->d));
	fx_reopen(f);
	bool damaged;
	assert_string_equal(name_of(f, a), "-");
	assert_string_equal(name_of(f, b), "박혁거세");
	assert_int_equal(people_keyless(store_people(f->s), &damaged), 1);
	assert_false(damaged);
	char again[PSEUDONYM_TEXT];
	assert_int_equal(make(f, "김온달", again), STORE_NEW); /* nobody knows that it was the same */
	assert_string_not_equal(a, again);
	free(db);
	free(wal);
}

static void count_finding(void *arg, const struct diag *d)
{
	assert_int_equal(d->msg, MSG_STORE_CHECK_KEYS);
	++*(unsigned *)arg;
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;
	char a[PSEUDONYM_TEXT], b[PSEUDONYM_TEXT];
	uint8_t *p;
	bool damaged = false;
	make(f, "김온달", a);
	make(f, "박혁거세", b);
	struct span keys = file(f, KEYS, &p);
	((uint8_t *)p)[PEOPLE_HEAD + 20] ^= 4;
	OK(vfs_replace(f->vfs, KEYS, keys, true, &f->d));
	fx_reopen(f);
	assert_int_equal(people_keyless(store_people(f->s), &damaged), 1);
	assert_true(damaged);
	assert_string_equal(name_of(f, b), "박혁거세");
	assert_true(holds(f, "node/" PEOPLE_BAD, keys.p, keys.n));
	unsigned findings = 0;
	OK(store_check(f->r, NULL, count_finding, &findings, &f->d));
	assert_int_equal(findings, 1);
	erase_one(f, a, true); /* and the damaged file goes with what is erased */
	assert_false(holds(f, "node/" PEOPLE_BAD, "MoruKeys", 8));
	findings = 0;
	OK(store_check(f->r, NULL, count_finding, &findings, &f->d));
	assert_int_equal(findings, 0);
	free(p);
	OK(vfs_replace(f->vfs, KEYS, SPAN_LIT("MoruKeys\2\0\0\0\0\0\0\0"), true, &f->d));
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
	struct store *s = NULL;
	assert_int_equal(store_open(&s, f->vfs, DB_PATH, &f->d), MO_EVERSION);
	assert_int_equal(f->d.msg, MSG_STORE_PEOPLE_NEWER);
	OK(vfs_replace(f->vfs, KEYS, SPAN_LIT("rubbish"), true, &f->d));
	fx_reopen(f);
	assert_string_equal(name_of(f, b), "-");
}

static const struct migration before[] = {{store_schema_v1}, {store_schema_v2}};

/* Rows as the version before left them, with names in plain. */
static void test_migration(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	struct db db;
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
	OK(vfs_unlink(f->vfs, DB_PATH));
	OK(store_open_with(&s, f->vfs, DB_PATH, before, 2, &f->d));
	store_close(s);
	OK(db_open(&db, f->vfs, DB_PATH, false, NULL, 0, &f->d));
	for (int i = 0; i < 200; i++) {
		char sql[160];
		snprintf(sql, sizeof sql, "INSERT INTO person(uuid,code) VALUES(randomblob(16),'온달%d');", i);
		OK(db_exec(&db, sql, &f->d));
	}
	OK(db_exec(&db, "INSERT INTO audit(t,who,what,target,detail) VALUES(1,'local','backup','/t1','{}');", &f->d));
	db_close(&db);
	assert_true(anywhere(f, "온달"));
	fx_reopen(f);
	assert_string_equal(sel(f, SQ_PEOPLE, "erased", A(NIL, sarg_i(1))), "-\n");
	assert_false(holds(f, DB_PATH, "온달", 6) || holds(f, DB_PATH "-wal", "온달", 6));
	assert_true(holds(f, DB_PATH ".v2", "온달", 6)); /* until somebody is erased */
	char a[PSEUDONYM_TEXT];
	for (int i = 0; i < 200; i++) {
		char name[32];
		snprintf(name, sizeof name, "온달%d", i);
		assert_int_equal(make(f, name, a), STORE_SAME);
		assert_string_equal(name_of(f, a), name);
	}
	erase_one(f, a, true);
	assert_false(anywhere(f, "온달"));
	assert_string_equal(evidence(f, a), "T+0|kim|퇴사|T+1|1\n");
	assert_string_equal(sel(f, SQ_ERASURE_TARGETS, NULL, A(sarg_i(1))), "/t1|-\n"); /* where a backup was made before */
}

/* ---- where a name stands in plain ---- */

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static bool at_once(void *arg)
{
	++*(unsigned *)arg;
	return true;
}

/* "object key field; ..." of a name. */
static const char *places(struct fixture *f, const char *name, size_t cap, bool *all)
{
	static char out[4000];
	struct store_found found[FOUND_MAX];
	size_t n = 0, at = 0;
	OK(store_find_name(f->r, S(name), never, NULL, found, cap, &n, all, &f->d));
	out[0] = 0;
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s %s %s; ", found[i].object, found[i].key, found[i].field);
	return out;
}

static void note_text(struct fixture *f, const char *id, const char *person, const char *text, const char *data)
{
	struct record r = {.type = REC_EVENT, .event = {.id = S(id), .kind = S("note"), .t_ns = T0, .asset = S("M"), .quantity = (double)NAN, .text = S(text)}};
	enum store_did did;
	if (*person)
		r.event.person = S(person);
	if (*data)
		r.event.data = S(data);
	OK(store_begin(f->s, &f->d));
	OK(store_put_record(f->s, &r, T0, &did, &f->d));
	OK(store_commit(f->s, &f->d));
}

static void test_find(void **state)
{
	struct fixture *f = *state;
	bool all = false;
	char code[PSEUDONYM_TEXT];
	unsigned asked = 0;
	make(f, "김온달", code);
	note_text(f, "e1", "", "교대는 김온달 님", "");
	note_text(f, "e2", "", "\xe1\x84\x80\xe1\x85\xb5\xe1\x86\xb7\xe1\x84\x8b\xe1\x85\xa9\xe1\x86\xab\xe1\x84\x83\xe1\x85\xa1\xe1\x86\xaf", ""); /* in pieces */
	note_text(f, "e3", "", "ok", "{\"by\":\"\\uae40\\uc628\\ub2ec\"}"); /* escaped */
	note_text(f, "e4", "김온달", "김온달 다침", ""); /* sealed */
	note_text(f, "e5", "", "온달", "");
	note_text(f, "by 김온달", "", "OnDal KIM", "");
	const char *got = places(f, "김온달", FOUND_MAX, &all);
	assert_true(all);
	assert_non_null(strstr(got, "event e1 text; event e2 text; event e3 data; event "));
	assert_non_null(strstr(got, " id; "));
	assert_null(strstr(got, "김온달")); /* the evidence does not say it: an id stands for the key */
	assert_null(strstr(got, "e4 "));
	assert_null(strstr(got, "e5 "));
	assert_non_null(strstr(places(f, "ondal kim", FOUND_MAX, &all), " text; ")); /* letters have no case */
	assert_string_equal(places(f, "연개소문", FOUND_MAX, &all), "");
	assert_true(all);
	assert_string_equal(places(f, "김온달", 2, &all), "event e1 text; event e2 text; ");
	assert_false(all);
	/* Whoever has waited long enough ends it. */
	for (unsigned i = 0; i < 300; i++) {
		char id[16];
		snprintf(id, sizeof id, "n%u", i);
		note_text(f, id, "", "nothing", "");
	}
	struct store_found one[1];
	size_t n = 9;
	OK(store_find_name(f->r, S("연개소문"), at_once, &asked, one, 1, &n, &all, &f->d));
	assert_true(asked == 1 && n == 0 && !all);
	/* What was found stays with the erasure. */
	struct store_found found[2] = {{"event", "e1", "text"}, {"asset", "M", "name"}};
	struct store_erase e = {.pseudonym = S(code), .who = S("kim"), .reason = S("left"), .now_ns = T0, .found = found, .n_found = 2, .searched = 2};
	OK(store_begin(f->s, &f->d));
	OK(store_erase_begin(f->s, &e, &f->d));
	OK(store_erase_begin(f->s, &e, &f->d)); /* once */
	OK(store_commit(f->s, &f->d));
	assert_string_equal(sel(f, SQ_ERASURE_FOUND, NULL, A(sarg_i(1))), "event|e1|text\nasset|M|name\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_file), T(test_same_person), T(test_records), T(test_taken_back), T(test_erase), T(test_resumed),
		T(test_older_store), T(test_damaged), T(test_migration), T(test_find)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
