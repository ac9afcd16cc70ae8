/* Any bytes as a driver's configuration: an error that names something, or a
 * driver whose signals hold together. */
#include <assert.h>

#include "driver/modbus/modbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct driver *dr = NULL;
	struct diag d = {0};
	int err = modbus_driver.open(&dr, span_of(p, n), &d);
	assert((err == 0) == (dr != NULL));
	if (err) {
		assert(err == MO_EINVAL || err == MO_ELIMIT || err == MO_ENOMEM);
		assert(d.err == err && d.msg != MSG_NONE);
		return 0;
	}
	size_t signals;
	const struct driver_signal *s = modbus_driver.signals(dr, &signals);
	assert(signals <= MODBUS_SIGNALS_MAX);
	for (size_t i = 0; i < signals; i++)
		assert(s[i].name[0] && s[i].label && s[i].unit && s[i].type >= DV_F64 && s[i].type <= DV_STR && s[i].poll_ns > 0);
	struct driver_now now = {0, 0};
	assert(!modbus_driver.settled(dr, now));
	modbus_driver.connected(dr, now);
	assert(modbus_driver.output(dr).n == 12);
	modbus_driver.close(dr);
	return 0;
}
