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
	network "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// read decodes a document of a file of contrib, and refuses keys that the type does not have.
func read[T any](t *testing.T, name string, document int) *T {
	t.Helper()
	raw, err := os.ReadFile("../../contrib/kubernetes/" + name)
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(raw), "\n---\n")
	if document >= len(documents) {
		t.Fatalf("%s has %d documents; want more", name, len(documents))
	}
	into := new(T)
	if err := yaml.UnmarshalStrict([]byte(documents[document]), into); err != nil {
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

func TestTheDaemonSetHasWhatCheckGrants(t *testing.T) {
	set := read[apps.DaemonSet](t, "daemonset.yaml", 2)
	spec, want := set.Spec.Template.Spec, granted(t, "record")
	c := spec.Containers[0]
	if !reflect.DeepEqual(c.SecurityContext, want.Containers[0].SecurityContext) || !spec.HostPID {
		t.Errorf("the securityContext is %+v; want %+v", c.SecurityContext, want.Containers[0].SecurityContext)
	}
	if spec.HostNetwork || spec.HostIPC || *spec.AutomountServiceAccountToken || len(spec.Containers) > 1 {
		t.Errorf("the pod has more than the node's processes: %+v", spec)
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Limits.Cpu().IsZero() {
		t.Error("it has no limits")
	}
	if len(c.VolumeMounts) != 1 || len(spec.Volumes) != 1 || spec.Volumes[0].Name != c.VolumeMounts[0].Name {
		t.Errorf("it mounts %v of %v; want one folder", c.VolumeMounts, spec.Volumes)
	}
	if !reflect.DeepEqual(set.Spec.Selector.MatchLabels, set.Spec.Template.Labels) {
		t.Errorf("it selects %v; its pods have %v", set.Spec.Selector.MatchLabels, set.Spec.Template.Labels)
	}
}

// TestTheDaemonSetSpeaksToNobody: nothing is allowed to go in or out in its namespace.
func TestTheDaemonSetSpeaksToNobody(t *testing.T) {
	place := read[core.Namespace](t, "daemonset.yaml", 0)
	policy := read[network.NetworkPolicy](t, "daemonset.yaml", 1)
	set := read[apps.DaemonSet](t, "daemonset.yaml", 2)
	if policy.Namespace != place.Name || set.Namespace != place.Name {
		t.Errorf("the namespaces are %s, %s and %s", place.Name, policy.Namespace, set.Namespace)
	}
	both := []network.PolicyType{network.PolicyTypeIngress, network.PolicyTypeEgress}
	want := network.NetworkPolicySpec{PolicyTypes: both}
	if !reflect.DeepEqual(policy.Spec, want) {
		t.Errorf("the policy is %+v; want %+v", policy.Spec, want)
	}
}

func TestTheProfileForDebuggingHasWhatCheckGrants(t *testing.T) {
	profile := read[core.Container](t, "debug-profile.json", 0).SecurityContext
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
