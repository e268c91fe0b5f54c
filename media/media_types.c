#include "media/media_types.h"

const char *media_failure_name(enum media_failure f)
{
	switch (f) {
	case MEDIA_FAIL_NONE: return "none";
	case MEDIA_FAIL_ICE: return "ice_timeout";
	case MEDIA_FAIL_DTLS: return "dtls_failed";
	case MEDIA_FAIL_CONSENT: return "consent_lost";
	case MEDIA_FAIL_WA_SILENT: return "wa_silent";
	case MEDIA_FAIL_SIP_SILENT: return "sip_silent";
	case MEDIA_FAIL_RESOURCES: return "no_resources";
	}
	return "unknown";
}

const char *media_digit_way_name(enum media_digit_way way)
{
	switch (way) {
	case DIGIT_BY_EVENT: return "rfc4733";
	case DIGIT_BY_TONE: return "inband";
	case DIGIT_BY_INFO: return "info";
	case MEDIA_DIGIT_WAYS: break;
	}
	return "unknown";
}
