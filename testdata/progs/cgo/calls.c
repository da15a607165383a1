#include <pthread.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "calls.h"

long increment(long n) { return n + 1; }

long nap(long microseconds) {
	usleep(microseconds);
	return 1;
}

void call_back(long depth) { goCallback(depth); }

static void *thread_main(void *times) {
	for (long i = 0; i < (long)times; i++)
		goCallback(-1);
	return 0;
}

int threads_call_back(int threads, int times) {
	pthread_t ids[64];
	int started = 0, failed = 0;

	for (int i = 0; i < threads && i < 64; i++) {
		if (pthread_create(&ids[started], 0, thread_main, (void *)(long)times) == 0)
			started++;
		else
			failed++;
	}
	for (int i = 0; i < started; i++)
		pthread_join(ids[i], 0);
	return failed;
}
