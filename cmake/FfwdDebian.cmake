# Run by cpack between installing and packing: what Debian asks of every package, and nothing that
# two builds of one source could differ in.

if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The licence and the changes of a package; `doc` is its folder of documents.
function(write_documents doc)
  file(MAKE_DIRECTORY ${doc})
  file(COPY_FILE ${CMAKE_CURRENT_LIST_DIR}/../LICENSE ${doc}/copyright)
  string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH, where that is set
  file(WRITE ${doc}/changelog.Debian
"ffwd (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Packed by CPack; the package ffwd lists what changed.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
endfunction()

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} COMPONENT)
  set(usr ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
  set(doc ${usr}/share/doc/${CPACK_DEBIAN_${COMPONENT}_PACKAGE_NAME})
  write_documents(${doc})
  if(component STREQUAL ffwd_command)
    file(REMOVE ${doc}/LICENSE)
    file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
  endif()
  # Changelogs and manuals are compressed, without name and time.
  file(GLOB texts ${doc}/changelog* ${usr}/share/man/*/*)
  run(gzip -9n ${texts})
  # Everybody may read, whatever the umask is.
  run(chmod -R u=rwX,go=rX ${usr})
  if(DEFINED ENV{SOURCE_DATE_EPOCH})
    run(find ${usr} -exec touch -h -d @$ENV{SOURCE_DATE_EPOCH} {} +)
  endif()
endforeach()
