// Package container tells which container a process is in, from the names that container runtimes
// give their cgroups, and what the runtime's own files say of it. Both is what other programs wrote:
// what is not understood is left out.
package container

import (
	"path"
	"strings"
)

// Container is what is known of one.
type Container struct {
	ID      string // 64 hexadecimal digits
	Runtime string // as in the table of runtimes; "": its cgroup does not say
	PodUID  string // of Kubernetes; "": it is in no pod, or its cgroup does not say

	// What the runtime's files say; "": nothing.
	Name      string // in a pod, the container's name there
	Image     string
	Pod       string
	Namespace string // the pod's
}

// The runtimes.
const (
	Docker     = "docker"
	Containerd = "containerd"
	CRIO       = "cri-o"
	Podman     = "podman"
)

// scopes say how runtimes name the cgroup of a container: with systemd "docker-ID.scope", and some
// without it "crio-ID".
var scopes = []struct{ prefix, runtime string }{
	{"docker-", Docker},
	{"cri-containerd-", Containerd},
	{"nerdctl-", Containerd},
	{"crio-", CRIO},
	{"libpod-", Podman},
}

// parents say whose the containers are whose cgroups are named by the id alone, by the name of the
// cgroup above.
var parents = map[string]string{"docker": Docker}

// idLength is how long the ids of all these runtimes are.
const idLength = 64

// Of finds the container of a cgroup in its path, the innermost where they are nested.
func Of(cgroup string) (Container, bool) {
	elements := strings.Split(path.Clean("/"+cgroup), "/")
	for i := len(elements) - 1; i > 0; i-- {
		id, runtime := idIn(elements[i])
		if id == "" {
			continue
		}
		if runtime == "" {
			runtime = parents[elements[i-1]]
		}
		return Container{ID: id, Runtime: runtime, PodUID: podUID(elements[:i])}, true
	}
	return Container{}, false
}

// idIn finds the id in a cgroup's name, and whose it is as far as the name says.
func idIn(name string) (id, runtime string) {
	name = strings.TrimSuffix(name, ".scope")
	for _, s := range scopes {
		if rest, ok := strings.CutPrefix(name, s.prefix); ok {
			name, runtime = rest, s.runtime
			break
		}
	}
	// containerd has "kubepods-…:cri-containerd:ID" where the two disagree about systemd
	if parts := strings.Split(name, ":"); len(parts) == 3 && parts[1] == "cri-containerd" {
		name, runtime = parts[2], Containerd
	}
	if !isID(name) {
		return "", ""
	}
	return name, runtime
}

func isID(s string) bool {
	return len(s) == idLength && strings.Trim(s, "0123456789abcdef") == ""
}

// podUID is the pod's in the names of the cgroups above a container's: "pod1234-…", or with systemd
// "kubepods-burstable-pod1234_….slice".
func podUID(above []string) string {
	for i := len(above) - 1; i > 0; i-- {
		name, systemd := strings.CutSuffix(above[i], ".slice")
		if at := strings.LastIndex(name, "-pod"); systemd && at >= 0 {
			name = strings.ReplaceAll(name[at+1:], "_", "-")
		}
		if uid, ok := strings.CutPrefix(name, "pod"); ok && isUID(uid) {
			return uid
		}
	}
	return ""
}

// isUID says whether it looks like a UUID, or a static pod's hash.
func isUID(s string) bool {
	return (len(s) == 36 || len(s) == 32) && strings.Trim(s, "0123456789abcdef-") == ""
}
