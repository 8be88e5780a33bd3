# The decoder of ONNX files: nanopb's generator makes it of the trimmed schema, by Debian's Python.

find_package(nanopb REQUIRED CONFIG)
find_program(NANOPB_GENERATOR NAMES nanopb_generator.py nanopb_generator REQUIRED)

# Adds the generated sources to a target, and their folder to where it finds headers.
function(ffwd_generate_onnx target)
  set(schema ${CMAKE_CURRENT_SOURCE_DIR}/onnx.proto)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/generated)
  add_custom_command(OUTPUT ${folder}/onnx.pb.c ${folder}/onnx.pb.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND ${NANOPB_GENERATOR} --quiet --no-timestamp --output-dir=${folder}
            --proto-path=${CMAKE_CURRENT_SOURCE_DIR} --options-path=${CMAKE_CURRENT_SOURCE_DIR}
            onnx.proto
    DEPENDS ${schema} ${CMAKE_CURRENT_SOURCE_DIR}/onnx.options
    VERBATIM)
  # The target may be another folder's, where this rule is not known.
  add_custom_target(${target}_onnx DEPENDS ${folder}/onnx.pb.c ${folder}/onnx.pb.h)
  add_dependencies(${target} ${target}_onnx)
  target_sources(${target} PRIVATE ${folder}/onnx.pb.c ${folder}/onnx.pb.h)
  target_include_directories(${target} SYSTEM PRIVATE ${folder})
endfunction()
