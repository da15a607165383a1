package delay

import (
	"encoding/json"
	"testing"
)

func TestAPartThatIsNoMoreIsUnknown(t *testing.T) {
	var d Delay
	if err := json.Unmarshal([]byte(`{"stw_ns":1,"p_idle_off_cpu_ns":20,"unknown_ns":300}`), &d); err != nil {
		t.Fatal(err)
	}
	if want := (Delay{PartSTW: 1, PartUnknown: 320}); d != want {
		t.Errorf("got %v, want %v", d, want)
	}
}
