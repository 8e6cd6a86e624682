// The histogram of the generator in C (native-rtp-source.ts): hundredths of a millisecond up to a second, milliseconds above.

export const NATIVE_HISTOGRAM_SOURCE = `
#define FINE 100000
#define COARSE 40000

typedef struct { uint32_t fine[FINE], coarse[COARSE]; uint64_t count; double max; } histogram;

static void count(histogram *in, double ms) {
  if (ms < 0) ms = 0;
  in->count++;
  if (ms > in->max) in->max = ms;
  if (ms * 100 < FINE) in->fine[(int)(ms * 100)]++;
  else in->coarse[ms < COARSE ? (int)ms : COARSE - 1]++;
}

static double percentile(const histogram *of, double share) {
  if (of->count == 0) return 0;
  int64_t left = (int64_t)(of->count * share + 0.9999999);
  for (int at = 0; at < FINE; at++) if ((left -= of->fine[at]) <= 0) return (at + 0.5) / 100;
  for (int at = 0; at < COARSE; at++) if ((left -= of->coarse[at]) <= 0) return at + 0.5;
  return of->max;
}

static void print_spread(const char *name, const histogram *of) {
  printf("\\"%s\\":{\\"count\\":%llu,\\"p50\\":%f,\\"p99\\":%f,\\"p999\\":%f,\\"max\\":%f}", name, (unsigned long long)of->count,
         percentile(of, 0.5), percentile(of, 0.99), percentile(of, 0.999), of->max);
}
`;
