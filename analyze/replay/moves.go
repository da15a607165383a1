package replay

import "github.com/gosched/gosched/format"

// Move is a transition that a goroutine may make.
type Move struct {
	From, To format.State
	Name     string // one word for it
	// Coverage are the classes of transitions that must be covered for it to be seen
	// always. Without the first it is not seen at all, and where a row has it nevertheless, the
	// recorder inferred it from a later move. (The scheduler readies some goroutines as it runs
	// them, which is inferred from their park and their run.)
	Coverage []format.Transition
	Meaning  string
	why      Why // why the goroutine is runnable after it; WhyYielded means that the row's reason says it
}

// moves is the table of legal moves. What is not here is illegal.
var moves = []Move{
	{format.StateNotExist, format.StateRunnable, "create", []format.Transition{format.TransitionCreate},
		"a go statement made it", WhyCreated},
	{format.StateNotExist, format.StateWaiting, "create parked", []format.Transition{format.TransitionCreate,
		format.TransitionCoroutines},
		"a coroutine was made (iter.Pull)", 0},
	{format.StateNotExist, format.StateSyscall, "enter from C", []format.Transition{format.TransitionCgo},
		"a C thread came into Go", 0},
	{format.StateRunnable, format.StateRunning, "run", []format.Transition{format.TransitionRun},
		"a thread with a P took it", 0},
	{format.StateRunnable, format.StateWaiting, "park new", []format.Transition{format.TransitionCoroutines},
		"a new coroutine was set aside (go1.22 newcoro)", 0},
	{format.StateRunning, format.StateRunnable, "yield", []format.Transition{format.TransitionYield},
		"it was preempted or gave up its P",
		WhyYielded},
	{format.StateRunning, format.StateWaiting, "park", []format.Transition{format.TransitionPark,
		format.TransitionCoroutines}, "it began to wait", 0},
	{format.StateRunning, format.StateSyscall, "syscall", []format.Transition{format.TransitionSyscalls,
		format.TransitionCgo}, "it entered the kernel, or C",
		0},
	{format.StateRunning, format.StateNotExist, "exit", []format.Transition{format.TransitionExit},
		"it returned from its entry function", 0},
	{format.StateWaiting, format.StateRunnable, "ready", []format.Transition{format.TransitionReady,
		format.TransitionRun, format.TransitionPark},
		"what it waited for happened", WhyWoken},
	{format.StateWaiting, format.StateRunning, "switch", []format.Transition{format.TransitionCoroutines},
		"a coroutine switched to it on the same thread", 0},
	{format.StateSyscall, format.StateRunning, "syscall exit", []format.Transition{format.TransitionSyscalls,
		format.TransitionCgo},
		"it came back and had a P at once", 0},
	{format.StateSyscall, format.StateRunnable, "syscall exit blocked", []format.Transition{format.TransitionSyscalls,
		format.TransitionCgo},
		"it came back and no P was free", WhySyscallExit},
	{format.StateSyscall, format.StateNotExist, "leave to C", []format.Transition{format.TransitionCgo},
		"a C thread left Go", 0},
}

const numStates = int(format.StateWaiting) + 1

// pair indexes a transition between known states.
func pair(from, to format.State) int { return int(from&7)<<3 | int(to&7) }

// acts say what a move does to the model, as bits, so that the walk's inner loop asks a table and
// not the states.
type acts uint16

const (
	actIllegal  acts = 1 << iota // no goroutine makes this move
	actSlow                      // it makes or ends a goroutine
	actHandOut                   // the span it ends is wanted
	actDetails                   // the span it begins is wanted with details
	actLeave                     // the goroutine has or may have had a P
	actRun                       // the goroutine gets a P
	actYield                     // why it is runnable is in the row's reason
	actRunnable                  // it begins a scheduling delay
	actInferred                  // it is not recorded: a row with it is late by an unknown time
)

// model is what is legal in one process, given what its recording could see, and what the walk
// wants of it.
type model struct {
	acts    [64]acts                    // by pair
	whys    [64]Why                     // by pair
	implied [numStates][numStates]bool  // from one state to another by moves that may be missing alone
	sudden  [numStates]bool             // a goroutine may come into the state by a move that is missing
	missing [format.NumTransitions]bool // from the trace
}

// newModel is the model of a process of which the recording misses some classes, and these.
func newModel(p *format.Process, wants Wants, also ...format.Transition) *model {
	m := &model{}
	for _, t := range format.Transitions() {
		_, m.missing[t] = p.Missing(t)
	}
	for _, t := range also {
		m.missing[t] = true
	}
	for i := range m.acts {
		m.acts[i] = actIllegal | actSlow
	}
	for i := range moves {
		mv := &moves[i]
		m.whys[pair(mv.From, mv.To)] = mv.why
		m.acts[pair(mv.From, mv.To)] = mv.acts(wants)
		m.implied[mv.From][mv.To] = m.mayMiss(mv)
		m.sudden[mv.To] = m.sudden[mv.To] || m.mayMiss(mv)
		if m.missing[mv.Coverage[0]] {
			m.acts[pair(mv.From, mv.To)] |= actInferred | actSlow
		}
	}
	m.close()
	return m
}

func (mv *Move) acts(wants Wants) acts {
	var a acts
	for _, c := range []struct {
		when bool
		act  acts
	}{
		{mv.From == format.StateNotExist || mv.To == format.StateNotExist, actSlow},
		{wants.States.Has(mv.From), actHandOut},
		{wants.States.Has(mv.To) && wants.Details, actDetails},
		{mv.From == format.StateRunning || mv.From == format.StateSyscall, actLeave},
		{mv.To == format.StateRunning, actRun},
		{mv.why == WhyYielded, actYield},
		{mv.To == format.StateRunnable, actRunnable},
	} {
		if c.when {
			a |= c.act
		}
	}
	return a
}

func (m *model) mayMiss(mv *Move) bool {
	for _, t := range mv.Coverage {
		if m.missing[t] {
			return true
		}
	}
	return false
}

// close makes implied transitive. A goroutine that does not exist is never passed through: ids are
// not reused.
func (m *model) close() {
	for k := range m.implied {
		if format.State(k) == format.StateNotExist {
			continue
		}
		for i := range m.implied {
			for j := range m.implied {
				m.implied[i][j] = m.implied[i][j] || m.implied[i][k] && m.implied[k][j]
			}
		}
	}
}

// occupiesWhole says that every move that takes or leaves a P is covered, so that two goroutines on
// one P would be a contradiction.
func (m *model) occupiesWhole() bool {
	for _, t := range []format.Transition{format.TransitionRun, format.TransitionPark, format.TransitionYield,
		format.TransitionExit, format.TransitionSyscalls, format.TransitionCoroutines, format.TransitionCgo} {
		if m.missing[t] {
			return false
		}
	}
	return true
}
