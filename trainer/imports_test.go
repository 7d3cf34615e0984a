package trainer

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rlkd/rlkd/"

// mayImport lists, for each package of ours, the packages of ours that it may import; one that
// ends in /... includes those below it. A package not listed may import none.
var mayImport = map[string][]string{
	"cgo/pretend":      {"cgo"},
	"model/files":      {"model/tokenizer"},
	"model":            {"cgo", "model/..."},
	"reward":           {"reward/..."},
	"reward/openai":    {"reward"},
	"reward/cache":     {"reward"},
	"reward/backends":  {"reward/...", "reward"},
	"trainer":          {"cgo", "model/...", "reward/...", "trainer/plan"},
	"trainer/plan":     {"model/files"},
	"trainer/audit":    {"reward"},
	"trainer/serve":    {"reward"},
	"trainer/label":    {"reward", "trainer"},
	"trainer/openr1":   {"reward/...", "trainer"},
	"trainer/cmd/rlkd": {"cgo", "model/...", "reward/...", "trainer/..."},
	"bench":            {"cgo", "model/...", "reward/...", "trainer"},

	"trainer/recipes/wordproblems": {"model/rng", "reward"},
	"scripts/wordproblems":         {"trainer/recipes/..."},
	"scripts/gsrmdata":             {"trainer/recipes/..."},
}

// pretended is the device for tests. Tests alone may import it, so the table lets nobody do so.
const pretended = "cgo/pretend"

// TestImportsGoOneWay checks that cmd/rlkd → trainer → model → cgo and trainer → reward are all
// the arrows there are, and that only cgo imports "C".
func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}:{{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), ":")
		name := strings.TrimPrefix(path, module)
		for _, imported := range strings.Fields(imports) {
			if imported == "C" && name != "cgo" {
				t.Errorf(`%s imports "C"; only cgo may`, name)
			}
			if ours, ok := strings.CutPrefix(imported, module); ok && !allowed(name, ours) {
				t.Errorf("%s imports %s", name, ours)
			}
		}
	}
}

func allowed(from, to string) bool {
	return slices.ContainsFunc(mayImport[from], func(pattern string) bool {
		parent, below := strings.CutSuffix(pattern, "/...")
		return to == parent || below && strings.HasPrefix(to, parent+"/")
	})
}

// The device for tests is not in the program.
func TestProgramHasNoPretendDevice(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"trainer/cmd/rlkd").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, module+"cgo") || slices.Contains(deps, module+pretended) {
		t.Errorf("the program is made of %v", deps)
	}
}
