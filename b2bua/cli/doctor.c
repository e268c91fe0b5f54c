/* b2bua/cli/doctor.c -- the list of findings */
#include "b2bua/cli/doctor.h"

#include "lib/base/clock.h"
#include "lib/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void doctor_find(struct doctor *d, enum doctor_verdict verdict, const char *check, const char *subject,
	const char *advice, const char *fmt, ...)
{
	struct doctor_finding *grown, *f;
	va_list ap;

	pthread_mutex_lock(&d->lock);
	grown = realloc(d->findings, (d->count + 1) * sizeof(*grown));
	if (grown) {
		d->findings = grown;
		f = &grown[d->count++];
		*f = (struct doctor_finding){.verdict = verdict, .check = check, .advice = advice};
		(void)str_copy(f->subject, sizeof(f->subject), subject);
		va_start(ap, fmt);
		(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
		va_end(ap);
	} else {
		d->out_of_memory = true;
	}
	pthread_mutex_unlock(&d->lock);
}

void doctor_find_until(struct doctor *d, const char *check, const char *subject, int64_t until)
{
	const int64_t day = 86400, now = (int64_t)(clock_wall_ms() / 1000), days = (until - now) / day;

	if (until <= now)
		doctor_find(d, DOCTOR_FAILED, check, subject, "Renew it.", "the certificate has run out");
	else if (days < DOCTOR_CERTIFICATE_DAYS)
		doctor_find(d, DOCTOR_WARNING, check, subject, "Renew it.", "the certificate runs out in %lld days",
			(long long)days);
	else
		doctor_find(d, DOCTOR_OK, check, subject, "", "the certificate is good for %lld days", (long long)days);
}
