#include "media/sip_pin.h"

static enum sip_pin_change release(struct sip_pin *p)
{
	bool was_on = p->on;

	p->on = p->proven = false;
	p->since_us = p->heard_us = 0;
	return was_on ? SIP_PIN_RELEASE : SIP_PIN_AS_BEFORE;
}

static bool paused(const struct sip_pin *p, uint64_t now_us)
{
	return now_us >= p->heard_us + SIP_PIN_PAUSE_MS * UINT64_C(1000);
}

enum sip_pin_change sip_pin_heard(struct sip_pin *p, const struct addr *from, uint64_t now_us)
{
	bool goes_on = p->heard_us && addr_equal(&p->at, from);

	if (p->on && goes_on) {
		p->proven = true;
		p->heard_us = now_us;
		return SIP_PIN_AS_BEFORE;
	}
	if (p->on) /* it lay in the socket when that was connected */
		return release(p);
	if (!goes_on || paused(p, now_us)) {
		p->at = *from;
		p->since_us = now_us;
	}
	p->heard_us = now_us;
	if (p->never || now_us < p->since_us + SIP_PIN_AFTER_MS * UINT64_C(1000))
		return SIP_PIN_AS_BEFORE;
	p->on = true;
	return SIP_PIN_CONNECT;
}

enum sip_pin_change sip_pin_reset(struct sip_pin *p)
{
	p->never = false;
	return release(p);
}

enum sip_pin_change sip_pin_tick(struct sip_pin *p, uint64_t now_us)
{
	if (!p->on || !paused(p, now_us))
		return SIP_PIN_AS_BEFORE;
	p->never = !p->proven;
	return release(p);
}

uint64_t sip_pin_deadline(const struct sip_pin *p)
{
	return p->on ? p->heard_us + SIP_PIN_PAUSE_MS * UINT64_C(1000) : UINT64_MAX;
}
