package mathml

import (
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected output of the corpus")

type formula struct {
	source  string
	display bool
}

func corpus(t testing.TB) (all []formula) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "corpus.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "# ") {
			continue
		}
		source, display := strings.CutPrefix(line, "display: ")
		all = append(all, formula{source, display})
	}
	return all
}

const refused = "refused"

// TestCorpus compares with the output that was looked at in browsers.
func TestCorpus(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	shown := 0
	for _, f := range corpus(t) {
		html, ok := Convert(f.source, f.display)
		if !ok {
			html = refused
		} else {
			shown++
			if err := check(html); err != nil {
				t.Errorf("%s: %v", f.source, err)
			}
			body, annotation, _ := strings.Cut(strings.TrimPrefix(html, "<math>"), "<annotation")
			if !strings.Contains(annotation, escape(strings.TrimSpace(f.source))) {
				t.Errorf("%s: its source is not annotated", f.source)
			}
			html = strings.TrimPrefix(body, "<semantics>")
		}
		fmt.Fprintf(&got, "%s\n\t%s\n", f.source, html)
	}
	if shown < 190 {
		t.Errorf("only %d formulas are shown", shown)
	}
	name := filepath.Join("testdata", "corpus.golden")
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%d lines, want %d: run with -update and look at the difference", len(gotLines), len(wantLines))
	}
	for i := range gotLines {
		if gotLines[i] != wantLines[i] {
			t.Errorf("%s\n got %s\nwant %s", gotLines[max(0, i-1)], gotLines[i], wantLines[i])
		}
	}
}

// children is how many children elements must have; 0: any number.
var children = map[string]int{
	"math": 1, "semantics": 2, "annotation": -1, "mrow": 0, "mi": -1, "mn": -1, "mo": -1, "mtext": -1, "mspace": -1, "mfrac": 2, "msqrt": 0,
	"mroot": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mtable": 0, "mtr": 0, "mtd": 0, "mstyle": 0,
	"mphantom": 0, "mpadded": 0,
}

var attributes = map[string][]string{
	"math": {"display"}, "annotation": {"encoding"}, "mi": {"mathvariant"}, "mspace": {"width"}, "mfrac": {"linethickness"},
	"mo":    {"stretchy", "fence", "form", "minsize", "maxsize", "lspace", "rspace", "movablelimits"},
	"mover": {"accent"}, "munder": {"accentunder"}, "mtable": {"class", "displaystyle"}, "mtr": {"class"}, "mtd": {"class"}, "mrow": {"class"},
	"mstyle": {"displaystyle", "scriptlevel"}, "mpadded": {"width", "height", "depth"},
}

// check fails unless html is one well-formed math element of allowed elements, each with
// as many children as it takes.
func check(html string) error {
	type node struct {
		name  string
		count int
	}
	var open []node
	decoder := xml.NewDecoder(strings.NewReader(html))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if _, ok := children[name]; !ok {
				return fmt.Errorf("<%s> is not allowed: %s", name, html)
			}
			var seen []string
			for _, a := range token.Attr {
				if !slices.Contains(attributes[name], a.Name.Local) || slices.Contains(seen, a.Name.Local) {
					return fmt.Errorf("attribute %s of %s: %s", a.Name.Local, name, html)
				}
				seen = append(seen, a.Name.Local)
			}
			if len(open) > 0 {
				open[len(open)-1].count++
			} else if name != "math" {
				return fmt.Errorf("starts with %s: %s", name, html)
			}
			open = append(open, node{name: name})
			if len(open) > 8*maxDepth {
				return fmt.Errorf("%d deep", len(open))
			}
		case xml.EndElement:
			last := open[len(open)-1]
			open = open[:len(open)-1]
			if want := children[last.name]; want > 0 && last.count != want || want < 0 && last.count > 0 {
				return fmt.Errorf("%s has %d children: %s", last.name, last.count, html)
			}
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" && (len(open) == 0 || children[open[len(open)-1].name] >= 0) {
				return fmt.Errorf("text %q between elements: %s", text, html)
			}
		default:
			return fmt.Errorf("%T in %s", token, html)
		}
	}
	return nil
}

// TestCheck shows that the check can fail.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, html := range []string{
		"<mi>x</mi>", "<math>x</math>", "<math><mi>x</math>", "<math><mfrac><mi>x</mi></mfrac></math>", "<math><script>x</script></math>",
		"<math><mi style='a'>x</mi></math>", `<math><mo form="a" form="b">x</mo></math>`, "<math><mi>a & b</mi></math>", "<math><!-- a --><mi>b</mi></math>",
	} {
		if check(html) == nil {
			t.Errorf("passed: %s", html)
		}
	}
}

// TestBounds is about what costs much: it is refused, or in proportion to its length.
func TestBounds(t *testing.T) {
	t.Parallel()
	deep := func(open, shut string, n int) string {
		return strings.Repeat(open, n) + "x" + strings.Repeat(shut, n)
	}
	for _, c := range []struct {
		source string
		want   bool
	}{
		{strings.Repeat("x", MaxSource), true}, {strings.Repeat("x", MaxSource+1), false},
		{deep("{", "}", maxDepth-1), true}, {deep("{", "}", maxDepth), false}, {deep("{", "}", 4000), false},
		{deep(`\sqrt{`, "}", 500), false}, {deep(`\frac{1}{`, "}", 500), false}, {deep(`\left(`, `\right)`, 500), false}, {deep("x^{", "}", 500), false},
		{deep(`\text{$`, "$}", 500), false}, {deep(`\sqrt[`, `]{x}`, 500), false}, {strings.Repeat(`\sqrt`, 1000) + "x", false}, {strings.Repeat(`\not`, 1000) + "=", false},
		{strings.Repeat(`\displaystyle`, 500), false}, {strings.Repeat(`\over`, 500), false},
		{`\begin{matrix}` + strings.Repeat("&", maxCells-1) + `\end{matrix}`, true}, {`\begin{matrix}` + strings.Repeat("&", maxCells) + `\end{matrix}`, false},
		{strings.Repeat(`\begin{matrix}`, 500), false}, {strings.Repeat(`\\`, 4000), true}, {strings.Repeat("'", 8000), true}, {"", false}, {" \n", false},
	} {
		html, ok := Convert(c.source, true)
		if ok != c.want {
			t.Errorf("%.40s…: shown: %v", c.source, ok)
		}
		if len(html) > 100*len(c.source)+1000 {
			t.Errorf("%.40s…: %d bytes of %d", c.source, len(html), len(c.source))
		}
		if ok {
			if err := check(html); err != nil {
				t.Errorf("%.40s…: %.200v", c.source, err)
			}
		}
	}
}

// FuzzConvert looks for formulas that break out of their element, or cost too much.
func FuzzConvert(f *testing.F) {
	for _, formula := range corpus(f) {
		f.Add(formula.source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		html, ok := Convert(source, len(source)%2 == 0)
		if !ok {
			return
		}
		if err := check(html); err != nil {
			t.Errorf("%q: %v", source, err)
		}
		if len(html) > 150*len(source)+1000 {
			t.Errorf("%q: %d bytes of %d", source, len(html), len(source))
		}
	})
}

func BenchmarkConvert(b *testing.B) {
	const source = `f(x) = \frac{1}{\sigma\sqrt{2\pi}} e^{-\frac{1}{2}\left(\frac{x-\mu}{\sigma}\right)^2}`
	b.SetBytes(int64(len(source)))
	b.ReportAllocs()
	for b.Loop() {
		Convert(source, true)
	}
}
