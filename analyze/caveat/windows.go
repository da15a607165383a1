package caveat

import (
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
)

// Windows is what windows stand for that an analyzer was told of: the one that has not ended too, if
// the trace has not.
func Windows(windows *stats.Windows, sum *replay.Summary) stats.Whole {
	if open := sum.Windows.Open; open != nil {
		windows = windows.With(open.WatchedNS, open.BeforeNS)
	}
	return stats.Whole{Windows: windows, AfterNS: sum.Windows.AfterNS,
		Unread: sum.Windows.Read < sum.Windows.Count}
}
