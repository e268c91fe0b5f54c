# add_module(NAME SOURCES ... [DEPENDS our modules] [LIBRARIES third-party])
#
# One static library a folder. DEPENDS is the dependency rule: scripts/check-deps reads these calls and fails where a file
# includes a folder that its module does not name, or that is not on a lower level.
function(add_module name)
  cmake_parse_arguments(M "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(${name} STATIC ${M_SOURCES})
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${M_DEPENDS} PRIVATE ${M_LIBRARIES} Threads::Threads)
endfunction()

# tests_want(LABEL TARGET...): the programs that the tests of this label run; `--target tests_LABEL` builds just these.
function(tests_want label)
  if(NOT TARGET tests_${label})
    add_custom_target(tests_${label})
  endif()
  add_dependencies(tests_${label} ${ARGN})
endfunction()

# add_unit_test(NAME SOURCES ... DEPENDS ... [LIBRARIES ...] [LABELS ...]): one cmocka program, run by CTest.
function(add_unit_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;DEPENDS;LIBRARIES;LABELS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300) # a safety net for machines that stand still, not a claim about time
  endif()
  add_executable(test_${name} ${T_SOURCES})
  target_include_directories(test_${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(test_${name} PRIVATE ${T_DEPENDS} dep::cmocka ${T_LIBRARIES} Threads::Threads m)
  add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "unit;${T_LABELS}")
  foreach(label ${T_LABELS})
    tests_want(${label} test_${name})
  endforeach()
endfunction()

# add_fuzz_target(NAME SOURCES ... DEPENDS ...): with WATRUNK_FUZZ a libFuzzer program; always a replay of its corpus
# (tests/fuzz/corpus/NAME) as a test, under whatever sanitizers the build has.
function(add_fuzz_target name)
  cmake_parse_arguments(F "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_executable(fuzz_${name} ${F_SOURCES})
  target_include_directories(fuzz_${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(fuzz_${name} PRIVATE ${F_DEPENDS} ${F_LIBRARIES} Threads::Threads m)
  if(WATRUNK_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} -max_total_time=2 -timeout=5 -rss_limit_mb=1024 -print_final_stats=0
      "${CMAKE_CURRENT_BINARY_DIR}/corpus-${name}" "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/corpus-${name}")
  else()
    target_sources(fuzz_${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c")
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
  endif()
  set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 120 LABELS "fuzz")
endfunction()
