/* mhd.h - GNU libmicrohttpd, loaded when a server starts: no other command needs it, nor the libraries that
 * it needs in turn. */
#ifndef SERVE_MHD_H
#define SERVE_MHD_H

#include <microhttpd.h>

#include "base/error.h"

#define MHD_FUNCTIONS(F)           \
  F(start_daemon)                  \
  F(stop_daemon)                   \
  F(quiesce_daemon)                \
  F(create_response_from_buffer)   \
  F(create_response_from_callback) \
  F(add_response_header)           \
  F(queue_response)                \
  F(destroy_response)              \
  F(suspend_connection)            \
  F(resume_connection)             \
  F(get_connection_info)           \
  F(lookup_connection_value)

typedef struct Mhd {
#define F(name) __typeof__(&MHD_##name) name;
  MHD_FUNCTIONS(F)
#undef F
} Mhd;

/* Loads it once per process. NULL if the system does not have it. */
const Mhd *mhd_load(Error *);

#endif
