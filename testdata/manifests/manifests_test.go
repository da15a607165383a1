// Package manifests holds what is for Kubernetes against Kubernetes' own types, which are too much
// for the module of the program.
package manifests

import (
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// read decodes a file of contrib, and refuses keys that the type does not have.
func read[T any](t *testing.T, name string) *T {
	t.Helper()
	raw, err := os.ReadFile("../../contrib/kubernetes/" + name)
	if err != nil {
		t.Fatal(err)
	}
	into := new(T)
	if err := yaml.UnmarshalStrict(raw, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return into
}

// granted is the pod of which check --grant prints a part.
func granted(t *testing.T, use string) *core.PodSpec {
	t.Helper()
	cmd := exec.Command("go", "run", "-C", "../..", "./cmd/gosched", "check", "--grant", use, "--json")
	cmd.Stderr = os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		SecurityContext string `json:"security_context"`
	}
	var pod struct {
		Spec core.PodSpec `json:"spec"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(doc.SecurityContext), &pod); err != nil {
		t.Fatalf("--grant %s: %v in\n%s", use, err, doc.SecurityContext)
	}
	return &pod.Spec
}

func TestEachGrantIsAPod(t *testing.T) {
	for _, use := range []string{"record", "sample", "all"} {
		pod := granted(t, use)
		c := pod.Containers[0].SecurityContext
		if !pod.HostPID || *c.Privileged || !*c.ReadOnlyRootFilesystem || len(c.Capabilities.Add) == 0 {
			t.Errorf("--grant %s makes %+v", use, c)
		}
	}
}

func TestTheProfileForDebuggingHasWhatCheckGrants(t *testing.T) {
	profile := read[core.Container](t, "debug-profile.json").SecurityContext
	want := granted(t, "record").Containers[0].SecurityContext
	if !reflect.DeepEqual(profile.Capabilities, want.Capabilities) || *profile.AllowPrivilegeEscalation {
		t.Errorf("the profile is %+v; want the capabilities of %+v", profile, want)
	}
}

func TestAKeyThatKubernetesDoesNotHaveIsRefused(t *testing.T) {
	var set apps.DaemonSet
	err := yaml.UnmarshalStrict([]byte("spec: {template: {spec: {hostPIDs: true}}}"), &set)
	if err == nil || !strings.Contains(err.Error(), "hostPIDs") {
		t.Errorf("it says %v", err)
	}
}
