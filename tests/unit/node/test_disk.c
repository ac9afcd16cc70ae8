/* The states of a disk that fills up and is emptied, in files in memory. */
#include "cm.h"

#include "node/disk.h"
#include "os/memvfs.h"

#define MB (UINT64_C(1) << 20)

static const struct disk_marks marks = {.percent = {[DISK_WARN] = 85, [DISK_SPARE] = 90, [DISK_NO_BLOBS] = 93, [DISK_NO_VALUES] = 96}, .reserve_bytes = MB};

static enum disk_state at(enum disk_state was, uint64_t used_mb) { return disk_judge(&marks, was, (1000 - used_mb) * MB, 1000 * MB); }

static void test_marks(void **state)
{
	static const struct {
		uint64_t used;
		enum disk_state s;
	} rows[] = {{0, DISK_PLENTY}, {849, DISK_PLENTY}, {850, DISK_WARN}, {899, DISK_WARN}, {900, DISK_SPARE}, {929, DISK_SPARE}, {930, DISK_NO_BLOBS},
		{959, DISK_NO_BLOBS}, {960, DISK_NO_VALUES}, {1000, DISK_NO_VALUES}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(at(DISK_PLENTY, rows[i].used), rows[i].s);
	assert_int_equal(disk_judge(&marks, DISK_NO_VALUES, 0, 0), DISK_PLENTY); /* tells no size */
	assert_int_equal(disk_judge(&marks, DISK_PLENTY, UINT64_MAX, UINT64_MAX), DISK_PLENTY);
	assert_int_equal(disk_judge(&marks, DISK_PLENTY, 0, UINT64_MAX), DISK_NO_VALUES);
}

/* Two percent less than what made it so, and no flicker in between. */
static void test_hysteresis(void **state)
{
	(void)state;
	assert_int_equal(at(DISK_NO_VALUES, 959), DISK_NO_VALUES);
	assert_int_equal(at(DISK_NO_VALUES, 940), DISK_NO_VALUES);
	assert_int_equal(at(DISK_NO_VALUES, 939), DISK_NO_BLOBS);
	assert_int_equal(at(DISK_NO_BLOBS, 939), DISK_NO_BLOBS);
	assert_int_equal(at(DISK_NO_BLOBS, 910), DISK_NO_BLOBS);
	assert_int_equal(at(DISK_NO_BLOBS, 909), DISK_SPARE);
	assert_int_equal(at(DISK_SPARE, 879), DISK_WARN);
	assert_int_equal(at(DISK_WARN, 830), DISK_WARN);
	assert_int_equal(at(DISK_WARN, 829), DISK_PLENTY);
	assert_int_equal(at(DISK_NO_VALUES, 100), DISK_PLENTY); /* emptied at once */
	assert_int_equal(at(DISK_WARN, 970), DISK_NO_VALUES);
}

/* A small disk has its steps by what is free. */
static void test_reserve(void **state)
{
	struct disk_marks m = marks;
	(void)state;
	m.reserve_bytes = 8 * (int64_t)MB;
	uint64_t size = 50 * MB; /* 85 % would leave 7.5 MB */
	assert_int_equal(disk_judge(&m, DISK_PLENTY, 33 * MB, size), DISK_PLENTY);
	assert_int_equal(disk_judge(&m, DISK_PLENTY, 31 * MB, size), DISK_WARN);
	assert_int_equal(disk_judge(&m, DISK_PLENTY, 23 * MB, size), DISK_SPARE);
	assert_int_equal(disk_judge(&m, DISK_PLENTY, 15 * MB, size), DISK_NO_BLOBS);
	assert_int_equal(disk_judge(&m, DISK_PLENTY, 8 * MB, size), DISK_NO_BLOBS);
	assert_int_equal(disk_judge(&m, DISK_PLENTY, 8 * MB - 1, size), DISK_NO_VALUES);
	/* Left when a quarter of the reserve more is free. */
	assert_int_equal(disk_judge(&m, DISK_NO_VALUES, 10 * MB - 1, size), DISK_NO_VALUES);
	assert_int_equal(disk_judge(&m, DISK_NO_VALUES, 10 * MB, size), DISK_NO_BLOBS);
}

static struct {
	int n;
	enum disk_state from, to;
} heard;

static void said(void *arg, enum disk_state from, enum disk_state to)
{
	(void)arg;
	heard.n++;
	heard.from = from;
	heard.to = to;
}

static int64_t now_ns = NS_PER_S;

static enum disk_state look(struct disk *k)
{
	now_ns += DISK_LOOK_NS;
	disk_look(k, now_ns);
	return disk_state(k);
}

static void test_fills_and_empties(void **state)
{
	struct vfs *v;
	struct vfs_file *f;
	struct disk *k;
	struct diag d;
	struct disk_now now;
	struct memvfs_faults full = {.space_bytes = 1000 * MB};
	(void)state;
	assert_int_equal(memvfs_new(&v, 1), 0);
	memvfs_set_faults(v, &full);
	assert_int_equal(vfs_mkdir(v, "n", false), 0);
	assert_int_equal(vfs_open(v, &f, "n/f", VFS_WRITE | VFS_CREATE, &d), 0);
	assert_int_equal(disk_new(&k, v, "n", &marks, said, NULL), 0);
	disk_read(k, &now);
	assert_false(now.known);
	assert_int_equal(look(k), DISK_PLENTY);
	static const struct {
		uint64_t mb;
		enum disk_state s;
		bool allows[DISK_WANTS];
	} rows[] = {{849, DISK_PLENTY, {true, true, true}}, {850, DISK_WARN, {true, true, true}}, {900, DISK_SPARE, {false, true, true}},
		{930, DISK_NO_BLOBS, {false, false, true}}, {960, DISK_NO_VALUES, {false, false, false}}, {945, DISK_NO_VALUES, {false, false, false}},
		{935, DISK_NO_BLOBS, {false, false, true}}, {10, DISK_PLENTY, {true, true, true}}};
	uint64_t refused[DISK_WANTS] = {0};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum disk_state was = disk_state(k);
		heard.n = 0;
		assert_int_equal(vfs_truncate(f, rows[i].mb * MB), 0);
		assert_int_equal(look(k), rows[i].s);
		assert_int_equal(heard.n, was != rows[i].s);
		if (heard.n) {
			assert_int_equal(heard.from, was);
			assert_int_equal(heard.to, rows[i].s);
		}
		for (unsigned w = 0; w < DISK_WANTS; w++) {
			diag_clear(&d);
			assert_int_equal(disk_allows(k, (enum disk_want)w, &d), rows[i].allows[w] ? 0 : MO_EFULL);
			assert_int_equal(d.msg == MSG_NONE, rows[i].allows[w]);
			refused[w] += !rows[i].allows[w];
		}
		disk_read(k, &now);
		assert_true(now.known);
		assert_int_equal(now.free_bytes, (1000 - rows[i].mb) * MB);
		assert_int_equal(now.size_bytes, 1000 * MB);
		for (unsigned w = 0; w < DISK_WANTS; w++)
			assert_int_equal(now.refused[w], refused[w]);
	}
	/* No more often than DISK_LOOK_NS. */
	assert_int_equal(vfs_truncate(f, 970 * MB), 0);
	disk_look(k, now_ns + DISK_LOOK_NS - 1);
	assert_int_equal(disk_state(k), DISK_PLENTY);
	/* A look that fails leaves all as it was. */
	struct memvfs_faults broken = {.fail_at = 1, .err = MO_EIO, .forever = true};
	memvfs_set_faults(v, &broken);
	assert_int_equal(look(k), DISK_PLENTY);
	memvfs_set_faults(v, &full);
	assert_int_equal(look(k), DISK_NO_VALUES);
	/* Other marks hold from the next look on. */
	struct disk_marks m = {.percent = {[DISK_WARN] = 100, [DISK_SPARE] = 100, [DISK_NO_BLOBS] = 100, [DISK_NO_VALUES] = 100}, .reserve_bytes = (int64_t)MB};
	disk_set_marks(k, &m);
	assert_int_equal(look(k), DISK_PLENTY);
	disk_lost(k, 7);
	disk_taken(k, 9);
	disk_read(k, &now);
	assert_int_equal(now.lost, 7);
	assert_int_equal(now.taken_bytes, 9);
	disk_free(k);
	vfs_close(f);
	vfs_free(v);
	assert_int_equal(disk_allows(NULL, DISK_VALUES, NULL), 0);
	disk_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_marks), cmocka_unit_test(test_hysteresis), cmocka_unit_test(test_reserve), cmocka_unit_test(test_fills_and_empties)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
