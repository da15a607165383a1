package governor

// Sums are what a recording has cost until now.
type Sums struct {
	ElapsedNS  float64
	TargetNS   float64 // the processes' own CPU time
	HitsNS     float64 // what hits took of it
	RecorderNS float64 // with attaching and detaching
	AttachNS   float64
	OnNS       float64             // how long anything was attached
	Windows    int64               // how often it came on
	DroppedNS  [NumClasses]float64 // how long a class was left out while others were on
	OffNS      [NumCauses]float64  // how long nothing was on
	Offs       [NumCauses]int64    // how often
	HitNS      [NumClasses]float64 // what a hit costs
	Hits       [NumClasses]Hits    // since the recording began

	offWhy Cause
}

// add takes a time in which a plan held.
func (s *Sums) add(plan *Plan, d *delta, attachNS float64, wanted [NumClasses]bool) {
	s.ElapsedNS += d.dt
	s.TargetNS += d.targetNS
	s.HitsNS += d.allNS
	s.RecorderNS += d.recorderNS + attachNS
	s.AttachNS += attachNS
	if !plan.Any() {
		s.OffNS[plan.Why] += d.dt
		if s.offWhy != plan.Why {
			s.Offs[plan.Why]++
		}
		s.offWhy = plan.Why
		return
	}
	s.offWhy = CauseNone
	s.OnNS += d.dt
	for c := range wanted {
		if wanted[c] && !plan.On[c] {
			s.DroppedNS[c] += d.dt
		}
	}
}

// Overhead is what it has cost as a share of the processes' own CPU time; 0 where they had none.
func (s *Sums) Overhead() float64 {
	if s.TargetNS <= 0 {
		return 0
	}
	return (s.HitsNS + s.RecorderNS) / s.TargetNS
}

// AllowedCPUs is what it might cost by a configuration in CPU-seconds a second, with what starting may
// take.
func (s *Sums) AllowedCPUs(cfg *Config) float64 {
	if s.ElapsedNS <= 0 {
		return 0
	}
	return max(cfg.MaxOverhead*s.TargetNS/s.ElapsedNS, cfg.FloorCPUs, cfg.MaxCPUs) + startNS/s.ElapsedNS
}

// CPUs is what it has cost in CPU-seconds a second.
func (s *Sums) CPUs() float64 {
	if s.ElapsedNS <= 0 {
		return 0
	}
	return (s.HitsNS + s.RecorderNS) / s.ElapsedNS
}

// Sums are those up to the last reading.
func (g *Governor) Sums() Sums {
	s := g.sums
	s.HitNS = g.load.hitNS
	for c := range s.Hits {
		now, began := g.last.Hits[c], g.began.Hits[c]
		s.Hits[c] = Hits{now.Count - began.Count, now.Timed - began.Timed, now.NS - began.NS}
	}
	return s
}
