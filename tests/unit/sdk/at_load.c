/* What a library can do to the process that loads it, before anybody has asked it anything. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void at_load(void) {
#if defined(CRASHES)
    raise(SIGSEGV);
#elif defined(EXITS)
    _exit(0);
#elif defined(HANGS)
    for (;;) pause();
#endif
}
