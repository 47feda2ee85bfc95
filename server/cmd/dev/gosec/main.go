// Command gosec reports what gosec finds in the packages that go list names for its
// arguments. gosec's own command links libraries of AI providers, which take longer to
// compile than the rest of the linters, and says nothing about packages that it could not
// load.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/securego/gosec/v2"
	"github.com/securego/gosec/v2/analyzers"
	"github.com/securego/gosec/v2/issue"
	"github.com/securego/gosec/v2/rules"
)

// excludedPackages are not part of the gateway: they build, develop and test it.
var excludedPackages = regexp.MustCompile(`/server/cmd/(check|dev)\b|/server/e2e\b|test$|/web/static/build$|/shared/protocol/gencodec$`)

// excludedRules are rules that do not apply somewhere: the generated codec uses unsafe
// everywhere; tests compare it with encoding/json.
var excludedRules = []gosec.PathExcludeRule{{Path: `shared/protocol/codec\.go$`,
	Rules: []string{"G103"}}}

func main() {
	found, err := check(os.Args[1:])
	for _, i := range found {
		fmt.Printf("%s:%s: %s: %s\n%s", i.File, i.Line, i.RuleID, i.What, i.Code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gosec:", err)
	}
	if err != nil || len(found) > 0 {
		os.Exit(1)
	}
}

// check returns what is found in packages. patterns are those of go list.
func check(patterns []string) ([]*issue.Issue, error) {
	dirs, err := directories(patterns)
	if err != nil {
		return nil, err
	}
	analyzer := gosec.NewAnalyzer(gosec.NewConfig(), false, false, false, runtime.GOMAXPROCS(0),
		log.New(io.Discard, "", 0))
	analyzer.LoadRules(rules.Generate(false).RulesInfo())
	analyzer.LoadAnalyzers(analyzers.Generate(false).AnalyzersInfo())
	if err := analyzer.Process(nil, dirs...); err != nil {
		return nil, err
	}
	filter, err := gosec.NewPathExclusionFilter(excludedRules)
	if err != nil {
		return nil, err
	}
	found, _, problems := analyzer.Report()
	for file, of := range problems {
		for _, p := range of {
			err = errors.Join(err, fmt.Errorf("%s:%d: %s", file, p.Line, p.Err))
		}
	}
	found, _ = filter.FilterIssues(found)
	found = slices.DeleteFunc(found, func(i *issue.Issue) bool { return len(i.Suppressions) > 0 })
	slices.SortFunc(found, func(a, b *issue.Issue) int { return strings.Compare(a.FileLocation(), b.FileLocation()) })
	return found, err
}

// directories returns the packages' directories, without the excluded packages.
func directories(patterns []string) ([]string, error) {
	list := exec.Command("go", append([]string{"list", "-f", "{{.ImportPath}} {{.Dir}}"},
		patterns...)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var dirs []string
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !excludedPackages.MatchString(path) {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("no packages match %v", patterns)
	}
	return dirs, nil
}
