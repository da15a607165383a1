package referee

// window is how many moves of each side are aligned at a time. It bounds the work and the memory of
// two lists that have nothing in common; lists with fewer than half a window of differences in a
// row align as well as without it.
const window = 1024

// pair joins a move of the one list with a move of the other; -1 stands for none.
type pair struct{ a, b int }

// align pairs the equal elements of two lists, in order, leaving out as few as it can.
func align[T comparable](a, b []T) []pair {
	var pairs []pair
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		for i < len(a) && j < len(b) && a[i] == b[j] {
			pairs = append(pairs, pair{i, j})
			i, j = i+1, j+1
		}
		if i == len(a) && j == len(b) {
			break
		}
		wa, wb := a[i:min(i+window, len(a))], b[j:min(j+window, len(b))]
		script := alignWindow(wa, wb)
		last := i+len(wa) == len(a) && j+len(wb) == len(b)
		di, dj := 0, 0
		for _, p := range script {
			if !last && (di >= window/2 || dj >= window/2) {
				break
			}
			pairs = append(pairs, shifted(p, i, j))
			if p.a >= 0 {
				di++
			}
			if p.b >= 0 {
				dj++
			}
		}
		i, j = i+di, j+dj
	}
	return pairs
}

func shifted(p pair, i, j int) pair {
	if p.a >= 0 {
		p.a += i
	}
	if p.b >= 0 {
		p.b += j
	}
	return p
}

// alignWindow is the greedy algorithm of Myers, "An O(ND) Difference Algorithm and Its Variations"
// (1986).
func alignWindow[T comparable](a, b []T) []pair {
	n, m := len(a), len(b)
	limit := n + m
	v := make([]int, 2*limit+2)
	var history [][]int
	for d := 0; d <= limit; d++ {
		history = append(history, append([]int(nil), v[limit-d:limit+d+2]...))
		for k := -d; k <= d; k += 2 {
			x := 0
			if k == -d || k != d && v[limit+k-1] < v[limit+k+1] {
				x = v[limit+k+1]
			} else {
				x = v[limit+k-1] + 1
			}
			y := x - k
			for x < n && y < m && a[x] == b[y] {
				x, y = x+1, y+1
			}
			v[limit+k] = x
			if x >= n && y >= m {
				return backtrack(history, n, m, d)
			}
		}
	}
	return nil // not reached: n+m edits always suffice
}

// backtrack walks from the end to the beginning through the furthest points that each number of
// edits reached.
func backtrack(history [][]int, x, y, d int) []pair {
	var pairs []pair
	for ; d >= 0; d-- {
		v := history[d] // v[i] belongs to diagonal i-d
		k := x - y
		prev := k - 1
		if k == -d || k != d && v[k-1+d] < v[k+1+d] {
			prev = k + 1
		}
		px := 0
		if d > 0 {
			px = v[prev+d]
		}
		py := px - prev
		if d == 0 {
			py = 0
		}
		for x > px && y > py {
			x, y = x-1, y-1
			pairs = append(pairs, pair{x, y})
		}
		if d > 0 {
			if x == px {
				y--
				pairs = append(pairs, pair{-1, y})
			} else {
				x--
				pairs = append(pairs, pair{x, -1})
			}
		}
	}
	for i, j := 0, len(pairs)-1; i < j; i, j = i+1, j-1 {
		pairs[i], pairs[j] = pairs[j], pairs[i]
	}
	return pairs
}
