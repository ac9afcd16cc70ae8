/* Joining, the limits of the protocol and of the configuration, splitting. */
#include "cm.h"

#include "base/civil.h"
#include "driver/modbus/priv/plan.h"

#define ITEMS_MAX 2100
static struct modbus_item items[ITEMS_MAX];
static const struct modbus_item *order[ITEMS_MAX];
static struct modbus_batch batch[ITEMS_MAX];
static size_t n_items;

static int reset(void **state)
{
	(void)state;
	n_items = 0;
	return 0;
}

static void add(enum modbus_table table, unsigned address, unsigned length, int64_t poll_ms)
{
	items[n_items] = (struct modbus_item){.signal = (uint32_t)n_items,
	        .table = table,
	        .address = (uint16_t)address,
	        .length = (uint16_t)length,
	        .poll_ns = poll_ms * NS_PER_MS};
	order[n_items] = &items[n_items];
	n_items++;
}

static void is(const struct modbus_batch *b, enum modbus_table table, unsigned start, unsigned quantity, uint32_t n)
{
	assert_int_equal(b->table, table);
	assert_int_equal(b->start, start);
	assert_int_equal(b->quantity, quantity);
	assert_int_equal(b->n, n);
	assert_true(b->next_ns == INT64_MIN);
}

static void test_join(void **state)
{
	(void)state;
	add(MODBUS_HOLDING, 120, 2, 1000);
	add(MODBUS_HOLDING, 100, 1, 1000);
	add(MODBUS_HOLDING, 109, 2, 1000); /* 101..108: a gap of 8 */
	add(MODBUS_INPUT, 101, 1, 1000);
	add(MODBUS_HOLDING, 101, 1, 5000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 4);
	is(&batch[0], MODBUS_HOLDING, 100, 11, 2);
	is(&batch[1], MODBUS_HOLDING, 120, 2, 1); /* a gap of 9 */
	is(&batch[2], MODBUS_HOLDING, 101, 1, 1);
	assert_true(batch[2].poll_ns == 5000 * NS_PER_MS);
	is(&batch[3], MODBUS_INPUT, 101, 1, 1);
}

static void test_none(void **state)
{
	(void)state;
	assert_int_equal(modbus_plan(batch, order, 0, 125, 8), 0);
}

static void test_registers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 126; i++)
		add(MODBUS_HOLDING, i, 1, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 2);
	is(&batch[0], MODBUS_HOLDING, 0, 125, 125);
	is(&batch[1], MODBUS_HOLDING, 125, 1, 1);
	/* A value is never cut: 62 pairs are 124 registers. */
	n_items = 0;
	for (unsigned i = 0; i < 63; i++)
		add(MODBUS_HOLDING, 2 * i, 2, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 2);
	is(&batch[0], MODBUS_HOLDING, 0, 124, 62);
	/* A device that takes fewer. */
	n_items = 0;
	for (unsigned i = 0; i < 10; i++)
		add(MODBUS_INPUT, i, 1, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 4, 8), 3);
	is(&batch[2], MODBUS_INPUT, 8, 2, 2);
	/* The last register of the table. */
	n_items = 0;
	add(MODBUS_HOLDING, 65535, 1, 1000);
	add(MODBUS_HOLDING, 65528, 4, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 1);
	is(&batch[0], MODBUS_HOLDING, 65528, 8, 2);
}

static void test_bits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2001; i++)
		add(MODBUS_COIL, i, 1, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 2);
	is(&batch[0], MODBUS_COIL, 0, 2000, 2000);
	is(&batch[1], MODBUS_COIL, 2000, 1, 1);
	/* A gap of 8 registers is one of 128 bits. */
	n_items = 0;
	add(MODBUS_DISCRETE, 0, 1, 1000);
	add(MODBUS_DISCRETE, 129, 1, 1000);
	add(MODBUS_DISCRETE, 259, 1, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 2);
	is(&batch[0], MODBUS_DISCRETE, 0, 130, 2);
}

static void test_overlap(void **state)
{
	(void)state;
	add(MODBUS_HOLDING, 10, 8, 1000);
	add(MODBUS_HOLDING, 11, 1, 1000); /* inside the first */
	add(MODBUS_HOLDING, 18, 1, 1000);
	add(MODBUS_HOLDING, 10, 1, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 0), 1);
	is(&batch[0], MODBUS_HOLDING, 10, 9, 4);
}

static void test_split(void **state)
{
	(void)state;
	struct modbus_batch rest;
	add(MODBUS_HOLDING, 10, 1, 1000);
	add(MODBUS_HOLDING, 10, 1, 1000);
	add(MODBUS_HOLDING, 12, 2, 1000);
	add(MODBUS_HOLDING, 20, 1, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 1);
	batch[0].image = 100;
	assert_true(modbus_plan_split(&batch[0], &rest, order));
	is(&batch[0], MODBUS_HOLDING, 10, 1, 2);
	is(&rest, MODBUS_HOLDING, 12, 9, 2);
	assert_int_equal(batch[0].image, 100);
	assert_int_equal(rest.image, 104);
	struct modbus_batch last;
	assert_true(modbus_plan_split(&rest, &last, order));
	is(&rest, MODBUS_HOLDING, 12, 2, 1);
	is(&last, MODBUS_HOLDING, 20, 1, 1);
	assert_int_equal(last.image, 120);
	/* One address: nothing to cut. */
	assert_false(modbus_plan_split(&batch[0], &rest, order));
	assert_false(modbus_plan_split(&last, &rest, order));
	/* The only cut lies at an end. */
	n_items = 0;
	for (unsigned i = 0; i < 7; i++)
		add(MODBUS_HOLDING, 5, 1, 1000);
	add(MODBUS_HOLDING, 6, 1, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 1);
	assert_true(modbus_plan_split(&batch[0], &rest, order));
	is(&batch[0], MODBUS_HOLDING, 5, 1, 7);
	is(&rest, MODBUS_HOLDING, 6, 1, 1);
	n_items = 0;
	add(MODBUS_HOLDING, 4, 1, 1000);
	for (unsigned i = 0; i < 7; i++)
		add(MODBUS_HOLDING, 5, 1, 1000);
	assert_int_equal(modbus_plan(batch, order, n_items, 125, 8), 1);
	assert_true(modbus_plan_split(&batch[0], &rest, order));
	is(&batch[0], MODBUS_HOLDING, 4, 1, 1);
	is(&rest, MODBUS_HOLDING, 5, 1, 7);
}

static void test_next(void **state)
{
	(void)state;
	assert_true(modbus_plan_next(0, 1000) == 1000);
	assert_true(modbus_plan_next(999, 1000) == 1000);
	assert_true(modbus_plan_next(1000, 1000) == 2000);
	assert_true(modbus_plan_next(-1, 1000) == 0);
	assert_true(modbus_plan_next(-1000, 1000) == 0);
	assert_true(modbus_plan_next(INT64_MAX, 1000) == INT64_MAX);
	assert_true(modbus_plan_next(INT64_MIN + 1000, 1000) > INT64_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_join, reset), cmocka_unit_test_setup(test_none, reset),
	        cmocka_unit_test_setup(test_registers, reset), cmocka_unit_test_setup(test_bits, reset),
	        cmocka_unit_test_setup(test_overlap, reset), cmocka_unit_test_setup(test_split, reset),
	        cmocka_unit_test_setup(test_next, reset)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
