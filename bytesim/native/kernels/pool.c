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
#define try_lock(x) TryAcquireSRWLockExclusive(x)
#define give_way() SwitchToThread()
#define wait_for(signal, x) SleepConditionVariableSRW(signal, x, INFINITE, 0)
#define wake_all(signal) WakeAllConditionVariable(signal)
#define RESULT DWORD WINAPI
#else
#include <pthread.h>
#include <sched.h>
typedef pthread_t Thread;
typedef pthread_mutex_t Lock;
typedef pthread_cond_t Signal;
#define LOCK_START PTHREAD_MUTEX_INITIALIZER
#define SIGNAL_START PTHREAD_COND_INITIALIZER
#define lock(x) pthread_mutex_lock(x)
#define unlock(x) pthread_mutex_unlock(x)
#define try_lock(x) (pthread_mutex_trylock(x) == 0)
#define give_way() sched_yield()
#define wait_for(signal, x) pthread_cond_wait(signal, x)
#define wake_all(signal) pthread_cond_broadcast(signal)
#define RESULT void *
#endif

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#define PAUSE _mm_pause()
#elif defined(__aarch64__) && defined(__GNUC__)
#define PAUSE __asm__ volatile("yield")
#else
#define PAUSE ((void)0)
#endif

#define MOST_THREADS 64
#define SPINS 20000

static Lock guard = LOCK_START;   /* of the signal, for threads that sleep */
static Lock in_use = LOCK_START;  /* held while an operation is shared, and while threads are started */
static Signal begun = SIGNAL_START;
static int32_t started = 0; /* threads that run, without the caller */
static int32_t first_round[MOST_THREADS];
static atomic_int working = 0; /* threads that work in this round, without the caller */
static atomic_int wanted = 1, round_number = 0, next_part = 0, active = 0, asleep = 0;
static Work current_work;
static const void *current_argument;
static int32_t current_count;

static void take_parts(int32_t worker) {
  for (int part = atomic_fetch_add(&next_part, 1); part < current_count; part = atomic_fetch_add(&next_part, 1))
    current_work(current_argument, part, worker);
}

static RESULT serve(void *given) {
  const int number = (int)(intptr_t)given;
  int seen = first_round[number];
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
    seen++; /* the caller waits for every thread, so no round is missed */
    if (number <= atomic_load(&working)) take_parts(number);
    atomic_fetch_sub(&active, 1);
  }
  return 0;
}

#if !defined(_WIN32)
/* A child process has none of the threads. */
static void forget_threads(void) {
  started = 0;
  pthread_mutex_init(&guard, NULL);
  pthread_mutex_init(&in_use, NULL);
  pthread_cond_init(&begun, NULL);
  atomic_store(&wanted, 1);
  atomic_store(&asleep, 0);
  atomic_store(&active, 0);
}
#endif

static int32_t start_threads(int32_t count) {
  while (started + 1 < count) {
    const int32_t number = started + 1;
    first_round[number] = atomic_load(&round_number);
#if defined(_WIN32)
    Thread thread = CreateThread(NULL, 0, serve, (void *)(intptr_t)number, 0, NULL);
    if (thread == NULL) break;
    CloseHandle(thread);
#else
    static int registered = 0;
    Thread thread;
    if (!registered) registered = pthread_atfork(NULL, NULL, forget_threads) == 0;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)number) != 0) break;
    pthread_detach(thread);
#endif
    started++;
  }
  return started + 1 < count ? started + 1 : count;
}

/* Set the number of threads that work, the caller's included. Returns how many there are. */
int32_t bytesim_use_threads(int32_t count) {
  count = count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : count;
  lock(&in_use);
  count = start_threads(count);
  atomic_store(&wanted, count);
  unlock(&in_use);
  return count;
}

void bytesim_for_all(Work work, const void *argument, int32_t count, int32_t most) {
  /* Another thread of Python may be using the pool: then this one works alone. */
  if (most < 2 || atomic_load(&wanted) == 1 || count == 1 || !try_lock(&in_use)) {
    for (int32_t part = 0; part < count; part++) work(argument, part, 0);
    return;
  }
  current_work = work;
  current_argument = argument;
  current_count = count;
  atomic_store(&next_part, 0);
  atomic_store(&working, (atomic_load(&wanted) < most ? atomic_load(&wanted) : most) - 1);
  atomic_store(&active, started);
  atomic_fetch_add(&round_number, 1);
  if (atomic_load(&asleep)) {
    lock(&guard);
    wake_all(&begun);
    unlock(&guard);
  }
  take_parts(0);
  for (int spins = 0; atomic_load(&active); spins++)
    if (spins < SPINS)
      PAUSE;
    else
      give_way();
  unlock(&in_use);
}
