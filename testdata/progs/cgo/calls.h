long increment(long n);
long nap(long microseconds);
void call_back(long depth);
int threads_call_back(int threads, int times);
