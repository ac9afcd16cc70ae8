#include "driver/driver.h"

const char *driver_state_name(enum driver_state s)
{
	static const char *const names[DRIVER_STATES] = {"offline", "connecting", "online"};
	return (unsigned)s < DRIVER_STATES ? names[s] : "?";
}
