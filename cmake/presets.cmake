# cmake -DFOLDER=etc/presets -DOUT=FILE -P presets.cmake: the files of the folder as one C file (b2bua/app/preset.h).
file(GLOB files "${FOLDER}/*.yaml")
list(SORT files)
set(texts "")
set(table "")
set(count 0)
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  file(READ "${file}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR length "${digits} / 2")
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND texts "static const char text_${count}[] = {${bytes}0};\n")
  string(APPEND table "\t{\"${name}\", text_${count}, ${length}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUT}"
  "/* made from etc/presets by cmake/presets.cmake */\n#include \"b2bua/app/preset.h\"\n\n${texts}\n"
  "const struct preset_text preset_texts[] = {\n${table}};\nconst size_t preset_text_count = ${count};\n")
