#ifndef COGVLM_MAPPING_FAULT_H
#define COGVLM_MAPPING_FAULT_H

// Makes a fault in a mapped file an error: when a file is cut off while it is mapped, or its disk fails, the
// process names the file on standard error and leaves with `status`. Other faults end it as they would.
void mapping_fault_install(int status);

#endif
