# After linking: fails where the addon FILE calls a function of ours that has no body, which would otherwise only show as "undefined
# symbol" when Node loads it. NM lists the symbols that are left to be found elsewhere, as those of Node are.
if(NOT NM)
  message(STATUS "Not checked for missing kernels: CMake found no nm.")
  return()
endif()
execute_process(COMMAND ${NM} -u -C ${FILE} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n *(U )?pstmo::[^\n]*" missing "\n${symbols}")
if(missing)
  file(REMOVE ${FILE})  # else the next build takes it as made
  string(REGEX REPLACE ";?\n *(U )?" "\n  " missing "${missing}")
  message(FATAL_ERROR "Declared and never defined (an operation needs a kernel on each device, docs/adding-an-op.md):${missing}")
endif()
