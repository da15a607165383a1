package container

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

var id = strings.Repeat("0123456789abcdef", 4)

const uid = "6a1b2c3d-0000-1111-2222-333344445555"

func TestCgroupsNameTheirContainers(t *testing.T) {
	systemd := "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") +
		".slice/"
	for _, test := range []struct {
		name, path string
		want       Container // without an id: none
	}{
		{"Docker without systemd", "/docker/" + id, Container{ID: id, Runtime: Docker}},
		{"Docker with systemd", "/system.slice/docker-" + id + ".scope", Container{ID: id, Runtime: Docker}},
		{"a cgroup inside a container", "/docker/" + id + "/init/x", Container{ID: id, Runtime: Docker}},
		{"a container in a container", "/docker/" + strings.Repeat("f", 64) + "/docker/" + id,
			Container{ID: id, Runtime: Docker}},
		{"containerd in a pod", systemd + "cri-containerd-" + id + ".scope",
			Container{ID: id, Runtime: Containerd, PodUID: uid}},
		{"a pod without systemd", "/kubepods/burstable/pod" + uid + "/" + id, Container{ID: id, PodUID: uid}},
		{"containerd that does not know of systemd", "/system.slice/containerd.service/kubepods-burstable-pod" +
			strings.ReplaceAll(uid, "-", "_") + ".slice:cri-containerd:" + id, Container{ID: id, Runtime: Containerd}},
		{"CRI-O", systemd + "crio-" + id + ".scope", Container{ID: id, Runtime: CRIO, PodUID: uid}},
		{"CRI-O's monitor", systemd + "crio-conmon-" + id + ".scope", Container{}},
		{"Podman", "/machine.slice/libpod-" + id + ".scope/container", Container{ID: id, Runtime: Podman}},
		{"Podman's monitor", "/machine.slice/libpod-conmon-" + id + ".scope", Container{}},
		{"nerdctl", "/system.slice/nerdctl-" + id + ".scope", Container{ID: id, Runtime: Containerd}},
		{"seen from another cgroup namespace", "/../" + id, Container{ID: id}},
		{"a task of ECS", "/ecs/task/" + id, Container{ID: id}},
		{"a service", "/system.slice/api.service", Container{}},
		{"an id that is too short", "/docker/" + id[1:], Container{}},
		{"nothing", "", Container{}},
	} {
		got, ok := Of(test.path)
		if got != test.want || ok != (test.want.ID != "") {
			t.Errorf("%s: %+v, %v; want %+v", test.name, got, ok, test.want)
		}
	}
}

func TestRuntimesFilesSayMore(t *testing.T) {
	for _, test := range []struct {
		name, path, text string
		of, want         Container
	}{
		{"Docker", "var/lib/docker/containers/" + id + "/config.v2.json",
			`{"ID":"x","Name":"/api","Config":{"Image":"shop/api:1.2","Labels":{"a":"b"}}}`,
			Container{ID: id, Runtime: Docker},
			Container{ID: id, Runtime: Docker, Name: "api", Image: "shop/api:1.2"}},
		{"containerd", "run/containerd/io.containerd.runtime.v2.task/k8s.io/" + id + "/config.json",
			`{"annotations":{"io.kubernetes.cri.container-name":"api","io.kubernetes.cri.image-name":"shop/api:1.2",` +
				`"io.kubernetes.cri.sandbox-name":"api-77","io.kubernetes.cri.sandbox-namespace":"shop"}}`,
			Container{ID: id, PodUID: uid},
			Container{ID: id, Runtime: Containerd, PodUID: uid, Name: "api", Image: "shop/api:1.2", Pod: "api-77",
				Namespace: "shop"}},
		{"CRI-O", "run/containers/storage/overlay-containers/" + id + "/userdata/config.json",
			`{"annotations":{"io.kubernetes.container.name":"api","io.kubernetes.cri-o.ImageName":"shop/api:1.2",` +
				`"io.kubernetes.pod.name":"api-77","io.kubernetes.pod.namespace":"shop"}}`,
			Container{ID: id, Runtime: CRIO},
			Container{ID: id, Runtime: CRIO, Name: "api", Image: "shop/api:1.2", Pod: "api-77", Namespace: "shop"}},
		{"a file that is no JSON", "var/lib/docker/containers/" + id + "/config.v2.json", "{",
			Container{ID: id, Runtime: Docker}, Container{ID: id, Runtime: Docker}},
		{"a file that is too long", "var/lib/docker/containers/" + id + "/config.v2.json",
			`{"Name":"` + strings.Repeat("a", maxBytes) + `"}`,
			Container{ID: id, Runtime: Docker}, Container{ID: id, Runtime: Docker}},
		{"a file of another runtime", "var/lib/docker/containers/" + id + "/config.v2.json", `{"Name":"/api"}`,
			Container{ID: id, Runtime: Podman}, Container{ID: id, Runtime: Podman}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			path := filepath.Join(root, test.path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := Describe(test.of, t.TempDir(), root); got != test.want {
				t.Errorf("%+v; want %+v", got, test.want)
			}
		})
	}
}

func TestALinkInPlaceOfARuntimesFileIsNotFollowed(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "var/lib/docker/containers", id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(root, "real")
	if err := os.WriteFile(real, []byte(`{"Name":"/api"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, filepath.Join(dir, "config.v2.json")); err != nil {
		t.Fatal(err)
	}
	of := Container{ID: id, Runtime: Docker}
	if got := Describe(of, root); got != of {
		t.Errorf("it says %+v", got)
	}
}

func FuzzOf(f *testing.F) {
	f.Add("/docker/" + id)
	f.Add("/kubepods.slice/kubepods-pod_.slice/crio-" + id + ".scope")
	f.Fuzz(func(t *testing.T, path string) {
		if c, ok := Of(path); ok != (c.ID != "") || ok && (!isID(c.ID) || !strings.Contains(path, c.ID)) {
			t.Errorf("%q: %+v, %v", path, c, ok)
		}
	})
}

func FuzzRuntimesFiles(f *testing.F) {
	f.Add([]byte(`{"Name":"/api","Config":{"Image":"shop/api:1.2","Labels":{"io.kubernetes.pod.name":"a\nb"}}}`))
	f.Add([]byte(`{"annotations":{"io.kubernetes.cri.sandbox-name":"api-77","nerdctl/name":"\u0000"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, parse := range []func([]byte) (Container, bool){parseDocker, parseOCI} {
			c, _ := parse(raw)
			for _, text := range []string{c.Name, c.Image, c.Pod, c.Namespace} {
				if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r") {
					t.Errorf("%q", text)
				}
			}
		}
	})
}
