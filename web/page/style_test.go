package page

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/web/htmltest"
)

func readCSS(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "static", "css", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sheets returns the names of the style sheets, sorted.
func sheets(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "static", "css", "*.css"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if name := filepath.Base(file); name != "index.css" {
			names = append(names, name)
		}
	}
	return names
}

func TestIndexListsEverySheetOnce(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, line := range regexp.MustCompile(`(?m)^@import "([a-z-]+\.css)";$`).FindAllStringSubmatch(readCSS(t, "index.css"), -1) {
		listed = append(listed, line[1])
	}
	slices.Sort(listed)
	if there := sheets(t); !slices.Equal(listed, there) {
		t.Errorf("index.css lists %v, the directory has %v", listed, there)
	}
}

// TestEveryWordingHasARule checks that the style sheet has a rule that shows each wording
// (data-when) in its state.
func TestEveryWordingHasARule(t *testing.T) {
	t.Parallel()
	var selectors []string
	comments := regexp.MustCompile(`(?s)/\*.*?\*/`)
	for _, name := range sheets(t) {
		for _, rule := range strings.Split(comments.ReplaceAllString(readCSS(t, name), ""), "}") {
			if head, body, ok := strings.Cut(rule, "{"); ok && strings.Contains(body, "display: ") && !strings.Contains(body, "display: none") {
				selectors = append(selectors, strings.Split(head, ",")...)
			}
		}
	}
	elements(t, func(view string, n *htmltest.Node) {
		when, ok := attr(n, markup.AttrWhen)
		if !ok {
			return
		}
		component := ""
		classes, _ := attr(n, "class")
		for _, class := range strings.Fields(classes) {
			if base, found := strings.CutSuffix(class, "-when"); found || class == "gone" || class == "cover" {
				component = base
			}
		}
		for _, state := range strings.Fields(when) {
			if !shows(selectors, component, state) {
				t.Errorf("%s: nothing shows %q of %q in state %q", view, textOf(n), component, state)
			}
		}
	})
}

func shows(selectors []string, component, state string) bool {
	set := regexp.MustCompile(`\[data-(state|status|pinned|finish)="` + state + `"\]`)
	kept := regexp.MustCompile(`\[data-when~?="` + state + `"\]`)
	return component != "" && slices.ContainsFunc(selectors, func(s string) bool {
		return set.MatchString(s) && kept.MatchString(s) && strings.Contains(s, component)
	})
}

// colours returns the custom properties that are plain colours, for the light and the dark
// scheme. A colour has three channels from 0 to 1.
func colours(t *testing.T) (light, dark map[string][3]float64) {
	t.Helper()
	first, second, ok := strings.Cut(readCSS(t, "tokens.css"), "@media screen and (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("tokens.css has no dark scheme")
	}
	read := func(text string) map[string][3]float64 {
		found := map[string][3]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(text, -1) {
			var r, g, b int
			if _, err := fmt.Sscanf(m[2], "%02x%02x%02x", &r, &g, &b); err != nil {
				t.Fatal(err)
			}
			found[m[1]] = [3]float64{float64(r) / 255, float64(g) / 255, float64(b) / 255}
		}
		return found
	}
	light, dark = read(first), read(second)
	for name := range light {
		if _, ok := dark[name]; !ok {
			t.Errorf("--%s has no dark value", name)
		}
	}
	return light, dark
}

// contrast is the ratio of WCAG 2.2, section 1.4.3.
func contrast(a, b [3]float64) float64 {
	luminance := func(c [3]float64) float64 {
		for i, v := range c {
			if v <= 0.04045 {
				c[i] = v / 12.92
			} else {
				c[i] = math.Pow((v+0.055)/1.055, 2.4)
			}
		}
		return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func TestContrast(t *testing.T) {
	t.Parallel()
	light, dark := colours(t)
	grounds := []string{"paper", "surface", "sunken", "accent-soft", "code-paper"}
	type need struct {
		on, ground string
		ratio      float64
	}
	needs := []need{
		{"on-accent", "accent", 4.5}, {"on-accent", "accent-strong", 4.5}, {"on-danger", "danger", 4.5}, {"on-danger", "danger-strong", 4.5},
		{"warn", "warn-soft", 4.5}, {"danger", "danger-soft", 4.5}, {"danger-strong", "danger-soft", 4.5}, {"ink", "danger-soft", 4.5},
		{"accent", "warn-soft", 3}, {"accent", "danger-soft", 3},
	}
	for _, ground := range grounds {
		for _, text := range []string{"ink", "ink-soft", "accent", "accent-strong"} {
			needs = append(needs, need{text, ground, 4.5})
		}
	}
	for _, ground := range []string{"paper", "surface", "sunken"} {
		for _, text := range []string{"good", "warn", "danger"} {
			needs = append(needs, need{text, ground, 4.5})
		}
		needs = append(needs, need{"line-strong", ground, 3}) // edges of inputs, section 1.4.11
	}
	for scheme, set := range map[string]map[string][3]float64{"light": light, "dark": dark} {
		for _, n := range needs {
			on, ok1 := set[n.on]
			ground, ok2 := set[n.ground]
			if !ok1 || !ok2 {
				t.Fatalf("%s: --%s or --%s is not a colour", scheme, n.on, n.ground)
			}
			if got := contrast(on, ground); got < n.ratio {
				t.Errorf("%s: --%s on --%s has %.2f:1, needs %.1f:1", scheme, n.on, n.ground, got, n.ratio)
			}
		}
	}
}

// TestBrowserChromeHasThePagesColour checks that the theme-color metas are --paper.
func TestBrowserChromeHasThePagesColour(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	if err := Notice(NoticeModel{Site: site(), Title: "x"}).Render(t.Context(), &page); err != nil {
		t.Fatal(err)
	}
	papers := regexp.MustCompile(`--paper: (#[0-9a-f]{6});`).FindAllStringSubmatch(readCSS(t, "tokens.css"), -1)
	if len(papers) != 2 {
		t.Fatalf("--paper is set %d times, want 2", len(papers))
	}
	for i, scheme := range []string{"light", "dark"} {
		want := fmt.Sprintf(`content="%s" media="(prefers-color-scheme: %s)"`, papers[i][1], scheme)
		if !strings.Contains(page.String(), want) {
			t.Errorf("no theme-color with %s", want)
		}
	}
}

func TestEveryPropertyIsSetAndUsed(t *testing.T) {
	t.Parallel()
	set, used := map[string]bool{}, map[string]bool{}
	for _, name := range sheets(t) {
		text := readCSS(t, name)
		for _, m := range regexp.MustCompile(`(?m)^\s*(--[a-z-]+):`).FindAllStringSubmatch(text, -1) {
			set[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`var\((--[a-z-]+)`).FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	}
	for name := range used {
		if !set[name] {
			t.Errorf("%s is used but not set", name)
		}
	}
	for name := range set {
		if !used[name] {
			t.Errorf("%s is set but not used", name)
		}
	}
}

// TestTablesOfTheManualWrap checks that code in the manual's tables wraps: a first column
// of long messages leaves no room for the others.
func TestTablesOfTheManualWrap(t *testing.T) {
	t.Parallel()
	rules := readCSS(t, "docs.css")
	if !strings.Contains(rules, ".docs-text td code {\n  overflow-wrap: break-word;\n}") {
		t.Error("long names in tables do not wrap")
	}
	if strings.Contains(rules, "nowrap") {
		t.Error("docs.css keeps code on one line")
	}
}
