# Writes kernel files, their #include "..." resolved, into one C file with a table of them.
#
#   cmake -DSOURCES="a.cl;b.cl" -DFOLDER=kernels -DOUTPUT=kernel_sources.c -P EmbedKernels.cmake
#
# The text becomes arrays of numbers, because C promises no more than 4095 characters a literal.

cmake_minimum_required(VERSION 3.22)

# Sets <out> to the text of FOLDER/<name>, each header in it expanded where it is first included.
function(read_expanded name out)
  file(READ "${FOLDER}/${name}" rest)
  set(text "")
  while(rest MATCHES "#include \"([^\"]+)\"[^\n]*\n")
    set(directive "${CMAKE_MATCH_0}")
    set(header "${CMAKE_MATCH_1}")
    string(FIND "${rest}" "${directive}" at)
    string(LENGTH "${directive}" length)
    string(SUBSTRING "${rest}" 0 ${at} before)
    math(EXPR at "${at} + ${length}")
    string(SUBSTRING "${rest}" ${at} -1 rest)
    get_property(included GLOBAL PROPERTY included_headers)
    set(body "")
    if(NOT header IN_LIST included)
      set_property(GLOBAL APPEND PROPERTY included_headers ${header})
      read_expanded(${header} body)
    endif()
    string(APPEND text "${before}" "${body}")
  endwhile()
  set(${out} "${text}${rest}" PARENT_SCOPE)
endfunction()

set(arrays "")
set(table "")
foreach(source IN LISTS SOURCES)
  set_property(GLOBAL PROPERTY included_headers "")
  read_expanded(${source} text)
  string(HEX "${text}" digits)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${digits}")
  string(REGEX REPLACE "(................................................................................)"
         "\\1\n    " bytes "${bytes}")
  string(MAKE_C_IDENTIFIER "${source}" array)
  string(APPEND arrays "static const char ${array}[] = {\n    ${bytes}0};\n\n")
  string(APPEND table "    {\"${source}\", ${array}, sizeof ${array} - 1},\n")
endforeach()

file(WRITE "${OUTPUT}"
"// Made by EmbedKernels.cmake; changes belong in the kernel files.
#include \"opencl/kernel_sources.h\"

${arrays}const ffwd_kernel_source ffwd_kernel_sources[] = {
${table}    {0, 0, 0},
};
")
