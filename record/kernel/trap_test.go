package kernel

import (
	"testing"

	"github.com/gosched/gosched/internal/testenv"
)

func TestTrapIsMeasured(t *testing.T) {
	testenv.RequireBPF(t)
	if !haveUprobeMulti() {
		t.Skip("the kernel has no uprobe_multi that filters by process")
	}
	cost, err := MeasureTrap()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a trap costs %.0f ns, ± %.0f", cost.NS, cost.SDNS)
	if cost.NS < 50 || cost.NS > 50_000 {
		t.Errorf("a trap costs %.0f ns", cost.NS)
	}
}

func TestCostIsAMedian(t *testing.T) {
	if got := costOf([]float64{5, 1, 3, 2, 1000}); got.NS != 3 || got.SDNS < 2.9 || got.SDNS > 3 {
		t.Errorf("%+v", got)
	}
}
