/* airs: supervised trees of WebAssembly components. This header includes the whole API. */
#ifndef AIRS_AIRS_H
#define AIRS_AIRS_H

#include <airs/application.h>
#include <airs/status.h>

#endif
