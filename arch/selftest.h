/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot tests of the protections, chosen by `selftest=NAME`. */
#ifndef ARCH_SELFTEST_H
#define ARCH_SELFTEST_H

/*
 * Run the test whose name `words` begin with.  It violates a protection, and
 * what must happen is told by debug_exit() and the last line on the console;
 * see selftest.c for the names.  An unknown name is a panic. Level: background,
 * with interrupts on and the timer running.
 */
_Noreturn void selftest_run(const char *words);

#endif
