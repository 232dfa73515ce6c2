// SPDX-License-Identifier: Apache-2.0
// What fork leaves behind: the process that came of it, and the one thread that came over. It is C because handlers of
// fork, constructors and variables of a thread have no Swift spelling.
#ifndef ESSCHER_CFORKSTATE_H
#define ESSCHER_CFORKSTATE_H

/// 1 in a process that was forked, itself or its parents, from one in which this code was loaded; else 0.
int cforkstate_is_child(void);

/// 1 on the thread of a child that came over from its parent; 0 on every thread that began in the child, and in a
/// process that was not forked.
///
/// Locks of Swift's runtime (`swift_once`) and of `Mutex` hand themselves over by the kernel's number of the thread,
/// which is asked for once a thread. On this one it is the parent's: where another thread waits for such a lock, it
/// cannot be given back.
int cforkstate_is_forking_thread(void);

/// Runs `body` on up to `count` new threads at once, signals of the process blocked there, and returns when all have ended.
///
/// Returns how many there were: fewer where the system has no more, also none.
int cforkstate_run_on_new_threads(int count, void (*_Nonnull body)(void *_Nonnull context),
                                  void *_Nonnull context);

#endif
