package ab

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// letters is an order with a letter a run: b for base, h for head.
func letters(order []Side) string {
	var text strings.Builder
	for _, s := range order {
		text.WriteByte(s[0])
	}
	return text.String()
}

func TestABOrder(t *testing.T) {
	for n, want := range map[int]string{0: "", 1: "bh", 2: "bhhb", 3: "bhhbhb", 4: "bhhbhbbh", 5: "bhhbhbbhbh",
		6: "bhhbhbbhbhhb"} {
		if got := letters(order(n)); got != want {
			t.Errorf("%d of each are recorded as %s; want %s", n, got, want)
		}
	}
}

func TestABOrderIsInBalance(t *testing.T) {
	for n := range 50 {
		order := order(n)
		if len(order) != 2*n {
			t.Fatalf("%d of each are %d runs", n, len(order))
		}
		for block := range slices.Chunk(order, 4) {
			if strings.Count(letters(block), "b")*2 != len(block) {
				t.Errorf("%d of each have a block %s", n, letters(block))
			}
		}
	}
}

func TestABPlan(t *testing.T) {
	var got []string
	for _, run := range planOf(1, 3) {
		got = append(got, run.name()+" "+run.file())
	}
	want := []string{
		"warm-up 1 of 2 warm-up-01-base", "warm-up 2 of 2 warm-up-02-head",
		"run 1 of 6 01-base", "run 2 of 6 02-head", "run 3 of 6 03-head", "run 4 of 6 04-base", "run 5 of 6 05-head",
		"run 6 of 6 06-base",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the plan is\n%s; want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if many := planOf(0, 50); many[0].file() != "001-base" || many[99].file() != "100-base" {
		t.Errorf("a hundred runs are called %s to %s", many[0].file(), many[99].file())
	}
}

func TestTimeLeft(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name          string
		warmUps, runs int
		took          []time.Duration
		want          time.Duration
		known         bool
	}{
		{"nothing has run", 1, 2, nil, 0, false},
		{"one warm-up stands for all", 1, 2, []time.Duration{2 * s}, 5 * 2 * s, true},
		{"each side's warm-up for its recordings", 1, 1, []time.Duration{2 * s, 4 * s}, 6 * s, true},
		{"a recording for recordings of the other side", 1, 1, []time.Duration{2 * s, 4 * s, 7 * s}, 7 * s, true},
		{"each side's recordings for its own", 0, 2, []time.Duration{2 * s, 4 * s}, 4*s + 2*s, true},
		{"their mean", 0, 3, []time.Duration{1 * s, 4 * s, 6 * s, 3 * s}, 5*s + 2*s, true},
		{"all have run", 0, 1, []time.Duration{s, s}, 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, known := timeLeft(planOf(test.warmUps, test.runs), test.took)
			if got != test.want || known != test.known {
				t.Errorf("timeLeft = %v, %v; want %v, %v", got, known, test.want, test.known)
			}
		})
	}
}

func TestClockText(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "00:00", 31600 * time.Millisecond: "00:32",
		61 * time.Second: "01:01", 3*time.Hour + 62*time.Second: "3:01:02"} {
		if got := clockText(d); got != want {
			t.Errorf("clockText(%v) = %s; want %s", d, got, want)
		}
	}
}
