/* A C program that calls the Go library: caller [LIBRARY...] with -DOPENS loads the libraries
 * named when it reads the first line of its standard input, else it is linked with one. At the
 * second it has threads call the library, with Go's tracer on if TRACE names a file. It answers
 * each line when that is done, and ends with its input. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4
#define CALLS 200

#ifdef OPENS
static int (*trace)(const char *), (*call)(int);
static long (*work)(void);

static int load(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	trace = dlsym(lib, "LibraryTrace");
	call = dlsym(lib, "LibraryCall");
	work = dlsym(lib, "LibraryWork");
	return !trace || !call || !work;
}
#else
extern int LibraryTrace(const char *), LibraryCall(int);
extern long LibraryWork(void);
static int (*trace)(const char *) = LibraryTrace, (*call)(int) = LibraryCall;
static long (*work)(void) = LibraryWork;

static int load(const char *path)
{
	return 1;
}
#endif

static int line(void)
{
	char buf[64];

	return fgets(buf, sizeof(buf), stdin) != NULL;
}

static void *calls(void *arg)
{
	for (int i = 0; i < CALLS; i++)
		if (call(i) != i)
			exit(1);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *file = getenv("TRACE");
	pthread_t threads[THREADS];

	setvbuf(stdout, NULL, _IONBF, 0);
	line();
	for (int i = 1; i < argc; i++)
		if (load(argv[i]))
			return 1;
	puts("open");
	if (!line())
		return 0;
	if (file && trace(file))
		return 1;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, calls, NULL))
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (work() != THREADS * CALLS)
		return 1;
	if (file)
		trace("");
	puts("done");
	line();
	return 0;
}
