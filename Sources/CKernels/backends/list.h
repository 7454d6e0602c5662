// Every backend, the slowest first: an instruction set is a file in this folder and a line here.

#ifndef COG_BACKEND_LIST_H
#define COG_BACKEND_LIST_H

#define COG_BACKENDS(X)                                                                                      \
  X(portable)                                                                                                \
  X(avx2)                                                                                                    \
  X(avx_vnni)                                                                                                \
  X(avx512_vnni)                                                                                             \
  X(amx)                                                                                                     \
  X(neon)                                                                                                    \
  X(neon_i8mm)

#endif
