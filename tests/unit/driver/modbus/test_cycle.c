/* The counter unwrapped, and the parts of a long block read together. */
#include "cm.h"

#include "driver/modbus/priv/cycle.h"

static void test_counter(void **state)
{
	(void)state;
	static const struct {
		unsigned bits;
		uint64_t first, raw;
		bool fresh;
		uint64_t seq;
		bool gap;
	} rows[] = {
	        {16, 10, 10, false, 0, false},
	        {16, 10, 11, true, 11, false},
	        {16, 10, 12, true, 12, true},
	        {16, 10, 60000, true, 60000, true},    /* a jump, however far, is a jump */
	        {16, 65535, 0, true, 65536, false},    /* wrapped */
	        {16, 65534, 2, true, 65538, true},     /* wrapped and jumped */
	        {16, 65535, 4094, true, 69630, true},  /* just within the share that counts as wrapping */
	        {16, 65535, 4095, true, 65536, true},  /* no longer: restarted */
	        {16, 40000, 1, true, 40001, true},     /* restarted */
	        {16, 40000, 39999, true, 40001, true}, /* ran backwards by one */
	        {16, 40000, 0, false, 0, false},       /* restarted, no cycle made yet */
	        {32, 4294967295u, 0, true, 4294967296u, false},
	        {32, 4294967290u, 5, true, 4294967301u, true},
	        {32, 312000, 1, true, 312001, true},
	        {64, UINT64_MAX - 1, UINT64_MAX, true, UINT64_MAX, false},
	        {64, 1000, 1, true, 1001, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct modbus_counter c = {.bits = rows[i].bits};
		uint64_t seq = 77;
		bool gap = true;
		assert_true(modbus_counter_step(&c, rows[i].first, &seq, &gap));
		assert_true(seq == rows[i].first);
		assert_false(gap);
		bool fresh = modbus_counter_step(&c, rows[i].raw, &seq, &gap);
		if (fresh != rows[i].fresh || (fresh && (seq != rows[i].seq || gap != rows[i].gap)))
			fail_msg("row %zu: fresh %d seq %llu gap %d", i, fresh, (unsigned long long)seq, gap);
	}
}

static void test_counter_from_zero(void **state)
{
	(void)state;
	struct modbus_counter c = {.bits = 16};
	uint64_t seq;
	bool gap;
	/* Nothing made yet; a clock value has the number 0, a cycle never. */
	assert_false(modbus_counter_step(&c, 0, &seq, &gap));
	assert_true(modbus_counter_step(&c, 1, &seq, &gap));
	assert_int_equal(seq, 1);
	assert_false(gap);
	for (unsigned i = 2; i <= 500; i++)
		assert_true(modbus_counter_step(&c, i, &seq, &gap));
	/* Restarted at 0: the first cycle after it is 501, with a gap; the next is plain. */
	assert_false(modbus_counter_step(&c, 0, &seq, &gap));
	assert_false(modbus_counter_step(&c, 0, &seq, &gap));
	assert_true(modbus_counter_step(&c, 1, &seq, &gap));
	assert_int_equal(seq, 501);
	assert_true(gap);
	assert_true(modbus_counter_step(&c, 2, &seq, &gap));
	assert_int_equal(seq, 502);
	assert_false(gap);
	/* Restarted again at once. */
	assert_true(modbus_counter_step(&c, 1, &seq, &gap));
	assert_int_equal(seq, 503);
	assert_true(gap);
}

/* A block of counter 200 (u32), value 300, value 400: three parts. */
static struct modbus_item items[3];
static struct arena arena;

static void make(struct modbus_cycle *c)
{
	arena_init(&arena, 0);
	items[0] = (struct modbus_item){
	        .signal = 0, .table = MODBUS_HOLDING, .type = MODBUS_U16, .address = 300, .length = 1, .poll_ns = 1000};
	items[1] = (struct modbus_item){
	        .signal = 1, .table = MODBUS_HOLDING, .type = MODBUS_U16, .address = 400, .length = 1, .poll_ns = 1000};
	items[2] = (struct modbus_item){
	        .signal = MODBUS_NO_SIGNAL, .table = MODBUS_HOLDING, .type = MODBUS_U32, .address = 200, .length = 2, .poll_ns = 1000};
	assert_int_equal(modbus_cycle_init(c, &arena, items, 3, 125, 8), 0);
}

static enum modbus_cycle_step answer(struct modbus_cycle *c, unsigned address, const char *bytes, uint64_t *seq, bool *gap)
{
	struct modbus_batch *b = modbus_cycle_next(c, 0);
	assert_int_equal(b->start, address);
	return modbus_cycle_answer(c, b, span_of(bytes, 2u * b->quantity), 0, seq, gap);
}

static void test_one_part(void **state)
{
	(void)state;
	struct modbus_cycle c;
	arena_init(&arena, 0);
	items[0] = (struct modbus_item){
	        .signal = 0, .table = MODBUS_HOLDING, .type = MODBUS_U16, .address = 260, .length = 1, .poll_ns = 1000};
	items[1] = (struct modbus_item){
	        .signal = MODBUS_NO_SIGNAL, .table = MODBUS_HOLDING, .type = MODBUS_U16, .address = 200, .length = 1, .poll_ns = 1000};
	/* A gap of 59 does not matter inside a block that fits. */
	assert_int_equal(modbus_cycle_init(&c, &arena, items, 2, 125, 8), 0);
	assert_int_equal(c.n_parts, 1);
	assert_int_equal(c.part[0].quantity, 61);
	arena_free(&arena);
}

static void test_parts(void **state)
{
	(void)state;
	struct modbus_cycle c;
	uint64_t seq = 0;
	bool gap = true;
	make(&c);
	assert_int_equal(c.n_parts, 3);
	modbus_cycle_begin(&c);
	assert_int_equal(answer(&c, 200, "\0\0\0\7", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 300, "\0\1", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 400, "\0\2", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 200, "\0\0\0\7", &seq, &gap), MODBUS_CYCLE_NEW);
	assert_int_equal(seq, 7);
	assert_false(gap);
	assert_false(c.reading);
	assert_memory_equal(modbus_cycle_bytes(&c, &c.part[1], &items[0]), "\0\1", 2);
	assert_memory_equal(modbus_cycle_bytes(&c, &c.part[2], &items[1]), "\0\2", 2);
	/* The same counter: the rest is not asked for. */
	modbus_cycle_begin(&c);
	assert_int_equal(answer(&c, 200, "\0\0\0\7", &seq, &gap), MODBUS_CYCLE_SAME);
	/* It moves while the rest is read: once more, with the new number. */
	modbus_cycle_begin(&c);
	assert_int_equal(answer(&c, 200, "\0\0\0\x08", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 300, "\0\3", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 400, "\0\4", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 200, "\0\0\0\x09", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 300, "\0\5", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 400, "\0\6", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 200, "\0\0\0\x09", &seq, &gap), MODBUS_CYCLE_NEW);
	assert_int_equal(seq, 9);
	assert_true(gap);
	arena_free(&arena);
}

static void test_moving(void **state)
{
	(void)state;
	struct modbus_cycle c;
	uint64_t seq;
	bool gap;
	char counter[4] = {0, 0, 0, 1};
	make(&c);
	modbus_cycle_begin(&c);
	assert_int_equal(answer(&c, 200, counter, &seq, &gap), MODBUS_CYCLE_MORE);
	for (unsigned i = 1; i <= MODBUS_CYCLE_TRIES; i++) {
		assert_int_equal(answer(&c, 300, "\0\1", &seq, &gap), MODBUS_CYCLE_MORE);
		assert_int_equal(answer(&c, 400, "\0\2", &seq, &gap), MODBUS_CYCLE_MORE);
		counter[3]++;
		assert_int_equal(answer(&c, 200, counter, &seq, &gap), i < MODBUS_CYCLE_TRIES ? MODBUS_CYCLE_MORE : MODBUS_CYCLE_MOVING);
	}
	assert_false(c.reading);
	assert_true(c.moving);
	/* Nothing was taken: the next reading gives the cycle. */
	modbus_cycle_begin(&c);
	assert_int_equal(answer(&c, 200, counter, &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 300, "\0\1", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 400, "\0\2", &seq, &gap), MODBUS_CYCLE_MORE);
	assert_int_equal(answer(&c, 200, counter, &seq, &gap), MODBUS_CYCLE_NEW);
	assert_false(c.moving);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_counter), cmocka_unit_test(test_counter_from_zero),
	        cmocka_unit_test(test_one_part), cmocka_unit_test(test_parts), cmocka_unit_test(test_moving)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
