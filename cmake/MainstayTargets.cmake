# One line per target in the folders below core/, plugins/ and resources/.

# mainstay_library(NAME SOURCES... [LINK targets...]): a static library of core/, included as "NAME/x.hpp".
function(mainstay_library name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_library(mainstay_${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_include_directories(mainstay_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core)
  target_link_libraries(mainstay_${name} PUBLIC ${arg_LINK})
endfunction()

# mainstay_plugin(NAME SOURCES... [LINK targets...]): a shared library that sees core/sdk alone.
function(mainstay_plugin name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_library(${name} MODULE ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE mainstay_sdk ${arg_LINK})
  set_target_properties(${name} PROPERTIES PREFIX ""
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${MAINSTAY_PLUGIN_OUTPUT_DIR})
  target_link_options(${name} PRIVATE -Wl,-z,defs)
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/mainstay/plugins)
  set_property(GLOBAL APPEND PROPERTY MAINSTAY_PLUGINS ${name})
endfunction()

# mainstay_program(NAME SOURCES... [LINK targets...])
function(mainstay_program name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endfunction()
