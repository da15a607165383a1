package report

// Tone says whether a value is good news or bad. Text has it as colour, Markdown and HTML as weight
// too.
type Tone uint8

// The tones.
const (
	ToneNone   Tone = iota
	ToneWorse       // red
	ToneBetter      // green
	ToneUnsure      // yellow
)
