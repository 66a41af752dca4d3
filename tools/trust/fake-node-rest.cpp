// The rest of Node-API that napi.h names, which nothing here calls. node_api.h is left out: it
// declares them with their arguments.
#include <cstdlib>

#define PSTMO_NEVER_CALLED(name) \
  extern "C" void name() { std::abort(); }

PSTMO_NEVER_CALLED(napi_create_object)
PSTMO_NEVER_CALLED(napi_define_properties)
PSTMO_NEVER_CALLED(napi_create_reference)
PSTMO_NEVER_CALLED(napi_delete_reference)
PSTMO_NEVER_CALLED(napi_get_reference_value)
PSTMO_NEVER_CALLED(napi_is_exception_pending)
PSTMO_NEVER_CALLED(napi_get_and_clear_last_exception)
PSTMO_NEVER_CALLED(napi_get_last_error_info)
PSTMO_NEVER_CALLED(napi_create_type_error)
PSTMO_NEVER_CALLED(napi_create_error)
PSTMO_NEVER_CALLED(napi_fatal_error)
PSTMO_NEVER_CALLED(napi_throw)
PSTMO_NEVER_CALLED(napi_typeof)
PSTMO_NEVER_CALLED(napi_has_property)
PSTMO_NEVER_CALLED(napi_get_property)
PSTMO_NEVER_CALLED(napi_get_named_property)
PSTMO_NEVER_CALLED(napi_get_value_string_utf8)
PSTMO_NEVER_CALLED(napi_call_function)
PSTMO_NEVER_CALLED(napi_open_escapable_handle_scope)
PSTMO_NEVER_CALLED(napi_close_escapable_handle_scope)
PSTMO_NEVER_CALLED(napi_escape_handle)
PSTMO_NEVER_CALLED(napi_open_handle_scope)
PSTMO_NEVER_CALLED(napi_close_handle_scope)
PSTMO_NEVER_CALLED(napi_close_callback_scope)
PSTMO_NEVER_CALLED(napi_async_destroy)
