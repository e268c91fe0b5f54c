/* tools/loadgen/report.h
 *
 * A run's result, for people and for programs; and whether it was good enough.
 */
#ifndef TOOLS_LOADGEN_REPORT_H
#define TOOLS_LOADGEN_REPORT_H

#include "tools/loadgen/load.h"

struct report_limits {
	double loss_percent; /* each way */
	unsigned failed, violations;
};

/* Processor microseconds per call per 20 ms; NAN when nothing was measured. */
double report_cpu_us(uint64_t cpu_us, const struct load_result *res);
double report_loss_percent(const struct load_loss *loss);
/* NULL: good. Else the first thing that is not. */
const char *report_fault(const struct load_result *res, const struct report_limits *limits);
/* Sort the samples of res. */
void report_print(struct load_result *res, const char *fault);
void report_print_json(struct load_result *res, const char *fault);

#endif
