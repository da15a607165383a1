package container

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Roots are where the host's files can be: the recorder may be in a container itself that sees the
// host's first process.
var Roots = []string{"/", "/proc/1/root"}

// file is a file that a runtime keeps of a container.
type file struct {
	runtime string
	path    string // ID stands for the container's id, * for any name
	parse   func([]byte) (Container, bool)
}

// files are looked for in their order: a container whose cgroup does not say whose it is, in all.
var files = []file{
	{Docker, "var/lib/docker/containers/ID/config.v2.json", parseDocker},
	{Containerd, "run/containerd/io.containerd.runtime.v2.task/*/ID/config.json", parseOCI},
	{CRIO, "run/containers/storage/overlay-containers/ID/userdata/config.json", parseOCI},
	{CRIO, "var/lib/containers/storage/overlay-containers/ID/userdata/config.json", parseOCI},
	{Podman, "run/containers/storage/overlay-containers/ID/userdata/config.json", parseOCI},
	{Podman, "var/lib/containers/storage/overlay-containers/ID/userdata/config.json", parseOCI},
}

// Describe fills in what the runtime's files say of a container, as far as they can be read.
func Describe(c Container, roots ...string) Container {
	for _, root := range roots {
		for _, f := range files {
			if c.Runtime != "" && c.Runtime != f.runtime {
				continue
			}
			pattern := filepath.Join(root, strings.Replace(f.path, "ID", c.ID, 1))
			found, err := filepath.Glob(pattern)
			if err != nil || len(found) == 0 {
				continue
			}
			raw, err := read(found[0])
			if err != nil {
				continue
			}
			said, ok := f.parse(raw)
			if !ok {
				continue
			}
			said.ID, said.PodUID, said.Runtime = c.ID, c.PodUID, f.runtime
			return said
		}
	}
	return c
}

// maxBytes is how long a runtime's file may be.
const maxBytes = 1 << 20

var errFile = errors.New("not a file of a container")

func read(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errFile
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if len(raw) > maxBytes {
		return nil, errFile
	}
	return raw, err
}

// parseDocker reads Docker's config.v2.json. In a pod, labels say what Kubernetes calls things.
func parseDocker(raw []byte) (Container, bool) {
	var doc struct {
		Name   string
		Config struct {
			Image  string
			Labels map[string]string
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return Container{}, false
	}
	c := Container{Name: strings.TrimPrefix(doc.Name, "/"), Image: doc.Config.Image}
	c.take(doc.Config.Labels)
	return c.clean(), true
}

// parseOCI reads the config.json of an OCI bundle, whose annotations the runtimes make.
func parseOCI(raw []byte) (Container, bool) {
	var doc struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return Container{}, false
	}
	var c Container
	c.take(doc.Annotations)
	return c.clean(), true
}

// notes are the annotations and labels that say something, with the field that they are for. The
// first that is there holds.
var notes = []struct {
	key   string
	field func(*Container) *string
}{
	{"io.kubernetes.cri.container-name", func(c *Container) *string { return &c.Name }},
	{"io.kubernetes.container.name", func(c *Container) *string { return &c.Name }},
	{"nerdctl/name", func(c *Container) *string { return &c.Name }},
	{"io.kubernetes.cri.image-name", func(c *Container) *string { return &c.Image }},
	{"io.kubernetes.cri-o.ImageName", func(c *Container) *string { return &c.Image }},
	{"io.kubernetes.cri.sandbox-name", func(c *Container) *string { return &c.Pod }},
	{"io.kubernetes.pod.name", func(c *Container) *string { return &c.Pod }},
	{"io.kubernetes.cri.sandbox-namespace", func(c *Container) *string { return &c.Namespace }},
	{"io.kubernetes.pod.namespace", func(c *Container) *string { return &c.Namespace }},
}

// take takes what annotations say.
func (c *Container) take(said map[string]string) {
	taken := map[*string]bool{}
	for _, n := range notes {
		if field := n.field(c); said[n.key] != "" && !taken[field] {
			*field, taken[field] = said[n.key], true
		}
	}
}

// maxText is how long a name may be.
const maxText = 256

// clean cuts what is too long, and what does not belong into a name.
func (c Container) clean() Container {
	for _, field := range []*string{&c.Name, &c.Image, &c.Pod, &c.Namespace} {
		text := strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, strings.ToValidUTF8(*field, ""))
		if len(text) > maxText {
			text = strings.ToValidUTF8(text[:maxText], "")
		}
		*field = text
	}
	return c
}
