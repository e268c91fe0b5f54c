/* cmake/cppcheck_macros.h: loops of uthash and jansson, told to cppcheck (scripts/check-static), which does not read
 * system headers. Not part of any build. */
#define HASH_ITER(hh, head, el, tmp)      for ((el) = (head), (tmp) = (head); (el); (el) = (tmp))
#define DL_FOREACH_SAFE(head, el, tmp)    for ((el) = (head), (tmp) = (head); (el); (el) = (tmp))
#define LL_FOREACH_SAFE(head, el, tmp)    for ((el) = (head), (tmp) = (head); (el); (el) = (tmp))
#define DL_FOREACH(head, el)              for ((el) = (head); (el); (el) = (el)->next)
#define LL_FOREACH(head, el)              for ((el) = (head); (el); (el) = (el)->next)
#define HASH_FIND(hh, head, key, len, el) ((el) = (head))
#define json_object_foreach(object, key, value)                                                                        \
	for ((key) = json_object_iter_key(object); (key) && ((value) = json_object_get(object, key));                  \
		(key) = json_object_iter_key(object))
#define json_array_foreach(array, i, value)                                                                            \
	for ((i) = 0; (i) < json_array_size(array) && ((value) = json_array_get(array, i)); (i)++)
