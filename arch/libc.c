/* SPDX-License-Identifier: BSD-2-Clause */
/* What newlib asks of a kernel, and no more. */
#include "arch/panic.h"

_Noreturn void abort(void);
_Noreturn void __assert_func(const char *file, int line, const char *function,
                             const char *expression);
_Noreturn void __stack_chk_fail(void);
int *__errno(void);

/* Replaced by entropy_init(); what a smashed stack is known by until then. */
uintptr_t __stack_chk_guard = 0x00d06e01a5c39b7e;

void abort(void)
{
    panic("abort");
}

void __assert_func(const char *file, int line, const char *function,
                   const char *expression)
{
    panic("%s:%d: %s: not so: %s", file, line, function, expression);
}

void __stack_chk_fail(void)
{
    panic("a stack frame was overwritten");
}

/* Only the background calls what sets it. */
int *__errno(void)
{
    static int number;

    return &number;
}
