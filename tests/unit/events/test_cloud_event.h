/* tests/unit/events/test_cloud_event.h -- the pure part's tests, run by test_events.c */
#ifndef TESTS_UNIT_EVENTS_TEST_CLOUD_EVENT_H
#define TESTS_UNIT_EVENTS_TEST_CLOUD_EVENT_H

void test_event_is_cloud_events_json(void **state);
void test_hostile_text_stays_json(void **state);
void test_what_does_not_fit_is_refused(void **state);
void test_times(void **state);
void test_signature_is_hmac_over_time_and_body(void **state);
void test_patterns(void **state);

#endif
