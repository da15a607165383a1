package stats

import "math/bits"

// Buckets an octave is divided into, and its binary logarithm.
const (
	subBits    = 7
	subBuckets = 1 << subBits
)

// NumBuckets is the number of buckets that values of 63 bits can fall into.
const NumBuckets = (63-subBits-1)*subBuckets + 2*subBuckets

// Bucket is the number of the bucket of v; a negative v counts as 0.
//
// In SQL, with L the bit length of v: shift = greatest(L − 8, 0); bucket = shift·128 + (v >>
// shift).
func Bucket(v int64) int {
	if v < 0 {
		return 0
	}
	shift := bits.Len64(uint64(v)|(subBuckets-1)) - (subBits + 1)
	shift = max(shift, 0)
	return shift<<subBits + int(uint64(v)>>shift)
}

// Bounds are the smallest and the largest value of a bucket, both inside.
func Bounds(bucket int) (lo, hi int64) {
	bucket = min(max(bucket, 0), NumBuckets-1)
	shift := max(bucket>>subBits-1, 0)
	lo = int64(bucket-shift<<subBits) << shift
	return lo, lo + int64(1)<<shift - 1
}

// Octave is the number of the octave that a bucket is in. A histogram takes 2 kB for each octave
// that is not empty.
func Octave(bucket int) int { return bucket >> subBits }
