package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTopLevel keeps the top folder short, so that a newcomer sees where to go.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	want := []string{"Dockerfile", "LICENSE", "Makefile", "README.md", "go.work", "go.work.sum", "server", "shared", "wasm", "web"}
	list := exec.CommandContext(t.Context(), "git", "ls-files")
	list.Dir = root
	files, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var got []string
	for name := range strings.Lines(string(files)) {
		first, _, _ := strings.Cut(strings.TrimSpace(name), "/")
		if !strings.HasPrefix(first, ".") && !slices.Contains(got, first) {
			got = append(got, first)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("%s lies at the top of the tree, where only %v belong", name, want)
		}
	}
}

// TestDockerfileReferences checks that the files, make targets, commands and variables
// in the Dockerfile exist. It stands in for a build of the image, which needs Docker.
func TestDockerfileReferences(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, "Dockerfile")
	sources := regexp.MustCompile(`(?m)^COPY ([^-\n].*) \S+$`).FindAllStringSubmatch(dockerfile, -1)
	if len(sources) < 5 {
		t.Errorf("found %d COPY lines", len(sources))
	}
	for _, line := range sources {
		for source := range strings.FieldsSeq(line[1]) {
			if files, err := filepath.Glob(filepath.Join(root, source)); err != nil || len(files) == 0 {
				t.Errorf("COPY %s: there is no such file, %v", source, err)
			}
		}
	}
	makefile := read(t, "Makefile")
	for _, target := range regexp.MustCompile(`\bmake ([a-z]+)`).FindAllStringSubmatch(dockerfile, -1) {
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("there is no make %s", target[1])
		}
	}
	commands := read(t, "web/docs/commands.md")
	for _, command := range regexp.MustCompile(`\["/gatehouse", "([a-z]+)"\]`).FindAllStringSubmatch(dockerfile, -1) {
		if !strings.Contains(commands, "gatehouse "+command[1]+" ") {
			t.Errorf("there is no gatehouse %s", command[1])
		}
	}
	for _, variable := range regexp.MustCompile(`GATEHOUSE_[A-Z_]+`).FindAllString(dockerfile, -1) {
		if !strings.Contains(commands, variable) {
			t.Errorf("gatehouse does not know %s", variable)
		}
	}
}

// TestDockerfileCopiesEveryModule checks that the step which downloads the dependencies
// has the go.mod of every module.
func TestDockerfileCopiesEveryModule(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, "Dockerfile")
	for _, module := range modules(t) {
		if line := "COPY " + module + "/go.* " + module + "/\n"; !strings.Contains(dockerfile, line) {
			t.Errorf("the Dockerfile lacks %q", line)
		}
	}
}
