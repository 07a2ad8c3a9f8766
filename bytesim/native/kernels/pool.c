/* A pool of threads that share the work of one operation.

   The caller works too. Between two operations the others spin for a while before they sleep, because the next
   operation usually follows within microseconds. */
#include "program.h"

#include <stdatomic.h>
#include <stddef.h>

#if defined(_WIN32)
#include <windows.h>
typedef HANDLE Thread;
typedef SRWLOCK Lock;
typedef CONDITION_VARIABLE Signal;
#define LOCK_START SRWLOCK_INIT
#define SIGNAL_START CONDITION_VARIABLE_INIT
#define lock(x) AcquireSRWLockExclusive(x)
#define unlock(x) ReleaseSRWLockExclusive(x)
#define wait_for(signal, x) SleepConditionVariableSRW(signal, x, INFINITE, 0)
#define wake_all(signal) WakeAllConditionVariable(signal)
#define RESULT DWORD WINAPI
#else
#include <pthread.h>
typedef pthread_t Thread;
typedef pthread_mutex_t Lock;
typedef pthread_cond_t Signal;
#define LOCK_START PTHREAD_MUTEX_INITIALIZER
#define SIGNAL_START PTHREAD_COND_INITIALIZER
#define lock(x) pthread_mutex_lock(x)
#define unlock(x) pthread_mutex_unlock(x)
#define wait_for(signal, x) pthread_cond_wait(signal, x)
#define wake_all(signal) pthread_cond_broadcast(signal)
#define RESULT void *
#endif

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#define PAUSE _mm_pause()
#else
#define PAUSE ((void)0)
#endif

#define MOST_THREADS 64
#define SPINS 20000

static Lock guard = LOCK_START;
static Signal begun = SIGNAL_START;
static int32_t started = 0; /* threads that run, without the caller */
static atomic_int wanted = 1, round_number = 0, next_part = 0, active = 0, asleep = 0;
static Work current_work;
static const void *current_argument;
static int32_t current_count;

static void take_parts(void) {
  for (int part = atomic_fetch_add(&next_part, 1); part < current_count; part = atomic_fetch_add(&next_part, 1))
    current_work(current_argument, part);
}

static RESULT serve(void *given) {
  const int number = (int)(intptr_t)given;
  int seen = atomic_load(&round_number);
  for (;;) {
    int spins = 0;
    while (atomic_load(&round_number) == seen)
      if (++spins < SPINS) {
        PAUSE;
      } else {
        lock(&guard);
        atomic_fetch_add(&asleep, 1);
        while (atomic_load(&round_number) == seen) wait_for(&begun, &guard);
        atomic_fetch_sub(&asleep, 1);
        unlock(&guard);
      }
    seen = atomic_load(&round_number);
    if (number < atomic_load(&wanted)) {
      take_parts();
      atomic_fetch_sub(&active, 1);
    }
  }
  return 0;
}

/* Set the number of threads that work, the caller's included. Returns how many there are. */
int32_t bytesim_use_threads(int32_t count) {
  count = count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : count;
  while (started + 1 < count) {
#if defined(_WIN32)
    Thread thread = CreateThread(NULL, 0, serve, (void *)(intptr_t)(started + 1), 0, NULL);
    if (thread == NULL) break;
    CloseHandle(thread);
#else
    Thread thread;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)(started + 1)) != 0) break;
    pthread_detach(thread);
#endif
    started++;
  }
  atomic_store(&wanted, started + 1 < count ? started + 1 : count);
  return atomic_load(&wanted);
}

void bytesim_for_all(Work work, const void *argument, int32_t count) {
  const int threads = atomic_load(&wanted);
  if (threads == 1 || count == 1) {
    for (int32_t part = 0; part < count; part++) work(argument, part);
    return;
  }
  current_work = work;
  current_argument = argument;
  current_count = count;
  atomic_store(&next_part, 0);
  atomic_store(&active, threads - 1);
  atomic_fetch_add(&round_number, 1);
  if (atomic_load(&asleep)) {
    lock(&guard);
    wake_all(&begun);
    unlock(&guard);
  }
  take_parts();
  while (atomic_load(&active)) PAUSE;
}
