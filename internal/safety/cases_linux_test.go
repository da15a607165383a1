package safety

import (
	"os"
	"syscall"
	"time"

	"github.com/gosched/gosched/internal/testenv"
)

// cases are all of them, in the order in which they are tried.
var cases = []scenario{
	{"attach and detach", true, attachAndDetach},
	{"windows under a budget", false, windows},
	{"sampling without probes", true, sampled},
	{"killed while it attaches", true, killedAttaching},
	{"killed while it records", true, killedRecording},
	{"killed while it detaches", true, killedDetaching},
	{"killed under a budget", false, killedInWindows},
	{"two recorders", true, twoRecorders},
	{"children by fork and exec", false, children},
	{"children by fork alone", false, forks},
	{"replaces itself", false, replaces},
	{"opens a plugin", false, opensPlugin},
	{"C opens a Go library", false, opensLibrary},
	{"panics", true, dies("panic", "exit status 2")},
	{"follows a nil pointer", false, dies("nil", "exit status 2")},
	{"os.Exit", false, dies("exit", "exit status 7")},
	{"SIGSEGV", false, killedBy(syscall.SIGSEGV, "exit status 2")},
	{"SIGKILL", true, killedBy(syscall.SIGKILL, "signal: killed")},
	{"stopped and continued", true, stopped},
	{"traced by another", false, traced},
	{"all of its cgroup's memory", false, allMemory},
	{"little locked memory", false, limited("ulimit -l 64", 0, 4)},
	{"few open files", true, limited("ulimit -n 24", 4)},
	{"no BTF", true, limited("mount -t tmpfs none /sys/kernel/btf", 4)},
	{"empty BTF", false, limited("mount --bind /dev/null /sys/kernel/btf/vmlinux", 4)},
	{"full disk", true, fullDisk},
	{"read-only folder", true, readOnly},
}

func attachAndDetach(tr *trial) {
	x := tr.start().ready()
	for range 3 {
		tr.record(x, "-d", "150ms").ends(0)
		x.goesOn()
	}
	x.unharmed()
}

func windows(tr *trial) {
	if !tr.haveFlag("max-overhead") {
		tr.skip("there is no budget")
	}
	x := tr.start().ready()
	for _, budget := range []string{"1%", "5%"} {
		tr.record(x, "-d", "3s", "--max-overhead", budget).ends(0)
		x.goesOn()
	}
	x.unharmed()
}

func sampled(tr *trial) {
	x := tr.start().ready()
	tr.record(x, "-d", "500ms", "--sample", "200/s").ends(0)
	r := tr.record(x, "--sample", "200/s")
	time.Sleep(tr.between(100*time.Millisecond, 500*time.Millisecond))
	r.kill()
	x.unharmed()
}

func killedAttaching(tr *trial) {
	x := tr.start().ready()
	for range 3 {
		r := tr.record(x)
		time.Sleep(tr.between(0, 600*time.Millisecond))
		r.kill()
		x.goesOn()
	}
	x.unharmed()
}

func killedRecording(tr *trial) {
	x := tr.start().ready()
	r := tr.record(x)
	if r.attached() {
		time.Sleep(tr.between(0, 300*time.Millisecond))
	}
	r.kill()
	x.unharmed()
}

// killedDetaching kills a recorder when it has begun to take its probes off, or at any time before.
func killedDetaching(tr *trial) {
	x := tr.start().ready()
	for n := range 2 {
		r := tr.record(x)
		if r.attached() {
			full := x.changedBytes()
			_ = r.Process.Signal(syscall.SIGINT)
			for until := time.Now().Add(3 * time.Second); n > 0 && x.changedBytes() == full; {
				if time.Now().After(until) {
					break
				}
			}
			if n == 0 {
				time.Sleep(tr.between(0, 100*time.Millisecond))
			}
		}
		r.kill()
		x.goesOn()
		x.clean()
	}
	x.unharmed()
}

func killedInWindows(tr *trial) {
	if !tr.haveFlag("max-overhead") {
		tr.skip("there is no budget")
	}
	x := tr.start().ready()
	r := tr.record(x, "--max-overhead", "2%")
	if r.attached() {
		time.Sleep(tr.between(0, 2*time.Second))
	}
	r.kill()
	x.unharmed()
}

func twoRecorders(tr *trial) {
	x := tr.start().ready()
	first, second := tr.record(x), tr.record(x)
	both := first.attached() && second.attached()
	if !both {
		tr.harm("two recorders: %s; %s", &first.notes, &second.notes)
	}
	ends := []*recorder{first, second}
	tr.rng.Shuffle(2, func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
	if tr.rng.Intn(2) == 0 {
		ends[0].kill()
	} else {
		_ = ends[0].Process.Signal(syscall.SIGINT)
		ends[0].ends(0)
	}
	x.goesOn()
	_ = ends[1].Process.Signal(syscall.SIGINT)
	ends[1].ends(0)
	x.unharmed()
}

// aWhile records a program several times while it does what might go wrong.
func aWhile(tr *trial, x *target) {
	for range 3 {
		tr.record(x, "-d", tr.between(50*time.Millisecond, 500*time.Millisecond).String()).ends(0)
	}
	r := tr.record(x)
	time.Sleep(tr.between(0, time.Second))
	r.kill()
}

func children(tr *trial) {
	x := tr.start("-children", "3").ready()
	aWhile(tr, x)
	x.unharmed()
}

func forks(tr *trial) {
	p := testenv.Program{Name: "endure", Toolchain: tr.toolchain, Mode: testenv.Cgo}
	x := tr.startBuilt(p, "-forks", "2").ready()
	aWhile(tr, x)
	x.unharmed()
}

// replaces has a program call exec while it is recorded: the recording ends, the program goes on.
func replaces(tr *trial) {
	x := tr.start().ready()
	for range 3 {
		r := tr.record(x)
		if tr.rng.Intn(3) > 0 {
			r.attached()
		} else {
			time.Sleep(tr.between(0, 300*time.Millisecond))
		}
		if _, err := x.in.Write([]byte("exec\n")); err != nil {
			tr.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		x.goesOn()
		_ = r.Process.Signal(syscall.SIGINT)
		r.ends(0, 4, 2, -1)
	}
	x.unharmed()
}

// opens records a program that opens a library at the first line, and works at the second. What
// has probes before is the library too.
func opens(tr *trial, path, library string, early int) {
	x := tr.startCommand(path, library)
	if got, err := "", error(nil); early > 0 {
		if got, err = x.ask("go on"); got != "open" {
			tr.harm("the program says %q, %v", got, err)
		}
	}
	r := tr.record(x)
	if !r.attached() {
		tr.harm("gosched does not record: %s", &r.notes)
	}
	want := []string{"open", "done"}[early:]
	for _, answer := range want {
		if got, err := x.ask("go on"); got != answer {
			tr.harm("the program says %q, not %q: %v", got, answer, err)
		}
		tr.sum.answers++
	}
	if tr.rng.Intn(2) == 0 {
		r.kill()
	} else {
		_ = r.Process.Signal(syscall.SIGINT)
		r.ends(0)
	}
	x.before = tr.seeProcess(x.Process.Pid)
	x.clean()
	_ = x.in.Close()
	x.ends("exit status 0")
}

func opensPlugin(tr *trial) {
	host, plugin := testenv.BuildPlugin(tr, "")
	opens(tr, host, plugin, 0)
}

func opensLibrary(tr *trial) {
	lib := testenv.BuildCLibrary(tr, "")
	opens(tr, lib.Opens, lib.Library, 1)
}

// dies has a program end of itself while it is recorded.
func dies(how, want string) func(*trial) {
	return func(tr *trial) {
		x := tr.start().ready()
		r := tr.record(x)
		r.attached()
		time.Sleep(tr.between(0, 200*time.Millisecond))
		if _, err := x.in.Write([]byte(how + "\n")); err != nil {
			tr.Fatal(err)
		}
		x.ends(want)
		r.ends(0)
	}
}

// killedBy has another end the program while it is recorded.
func killedBy(sig os.Signal, want string) func(*trial) {
	return func(tr *trial) {
		x := tr.start().ready()
		r := tr.record(x)
		r.attached()
		time.Sleep(tr.between(0, 200*time.Millisecond))
		if err := x.Process.Signal(sig); err != nil {
			tr.Fatal(err)
		}
		x.ends(want)
		r.ends(0)
	}
}

// stopped has another stop and continue the program all the time.
func stopped(tr *trial) {
	x := tr.start().ready()
	stop, done := make(chan struct{}), make(chan struct{})
	seed := tr.between(time.Millisecond, 30*time.Millisecond)
	go func() {
		defer close(done)
		for {
			_ = x.Process.Signal(syscall.SIGSTOP)
			time.Sleep(seed)
			_ = x.Process.Signal(syscall.SIGCONT)
			select {
			case <-stop:
				return
			case <-time.After(seed / 2):
			}
		}
	}()
	tr.record(x, "-d", "300ms").ends(0)
	r := tr.record(x)
	time.Sleep(tr.between(0, 700*time.Millisecond))
	r.kill()
	close(stop)
	<-done
	x.unharmed()
}

// limited records with less than gosched wants: it records or refuses, with one of the exit codes.
func limited(how string, codes ...int) func(*trial) {
	return func(tr *trial) {
		x := tr.start().ready()
		tr.shell(x, how, tr.output()).refuses(codes...)
		x.unharmed()
	}
}

func fullDisk(tr *trial) {
	x := tr.start().ready()
	mount := "mount -t tmpfs -o size=200k none " + tr.dir
	tr.shell(x, mount, tr.output()).refuses(2)
	x.unharmed()
}

func readOnly(tr *trial) {
	x := tr.start().ready()
	mount := "mount -t tmpfs -o ro none " + tr.dir
	tr.shell(x, mount, tr.output()).refuses(2)
	x.unharmed()
}
