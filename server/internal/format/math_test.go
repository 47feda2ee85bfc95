package format

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/mathml"
)

// tex returns a formula as it must be shown.
func tex(t *testing.T, source string) string { return mathOf(t, source, false) }

// display returns a display formula.
func display(t *testing.T, source string) string { return mathOf(t, source, true) }

func mathOf(t *testing.T, source string, display bool) string {
	t.Helper()
	html, ok := mathml.Convert(source, display)
	if !ok {
		t.Fatalf("%s is refused", source)
	}
	return html
}

// shownSource returns a formula in a line whose source is shown.
func shownSource(source string) string { return `<code class="tex">` + escape(source) + "</code>" }

func TestFormulasInALine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`Inline \(a^2 + b^2 = c^2\) and $E = mc^2$.`:  `Inline ` + tex(t, `a^2 + b^2 = c^2`) + ` and ` + tex(t, `E = mc^2`) + `.`,
		`\(x_1 * y_2\) *e* \(a*b*c\)`:                 tex(t, `x_1 * y_2`) + ` <em>e</em> ` + tex(t, `a*b*c`),
		`Set \{1, 2\} and $\{x_i\}_{i=1}^n$, $a*b*c$`: `Set {1, 2} and ` + tex(t, `\{x_i\}_{i=1}^n`) + `, ` + tex(t, `a*b*c`),
		"a $x$, $n$th, $i$-th, ($y$) “$z$” $x$。":      "a " + tex(t, "x") + ", " + tex(t, "n") + "th, " + tex(t, "i") + "-th, (" + tex(t, "y") + ") “" + tex(t, "z") + "” " + tex(t, "x") + "。",
		"设$x$为\\(y\\)的解":                              "设" + tex(t, "x") + "为" + tex(t, "y") + "的解",
		"**$x$** *\\(y\\)* [$z$](https://a.b)":        "<strong>" + tex(t, "x") + "</strong> <em>" + tex(t, "y") + "</em> " + a("https://a.b", tex(t, "z")),
		"$5$ and $3.14$ and $-2$ and $10\\%$":         tex(t, "5") + " and " + tex(t, "3.14") + " and " + tex(t, "-2") + " and " + tex(t, `10\%`),
		"$2 \\times 3$ $2n$ $0 < x < 1$":              tex(t, `2 \times 3`) + " " + tex(t, "2n") + " " + tex(t, "0 < x < 1"),
		"\\(a\nb\\) and $c\nd$":                       tex(t, "a\nb") + " and " + tex(t, "c\nd"),
		`sum \[ x_1 \] and $$ y_2 $$ here`:            `sum ` + display(t, " x_1 ") + ` and ` + display(t, " y_2 ") + ` here`,
		`in \begin{cases} a_1 & b_2 \end{cases} line`: `in ` + display(t, `\begin{cases} a_1 & b_2 \end{cases}`) + ` line`,
		`$\$5$ $x \$ y$`:                              tex(t, `\$5`) + ` ` + tex(t, `x \$ y`),
		// What is no formula
		"Cost: $5 and $10, and a_b_c * d * e.":             "Cost: $5 and $10, and a_b_c * d * e.",
		"$5-$10, US$5, A$ 6 and B$, a $ b $ c, 5$ or 6$":   "$5-$10, US$5, A$ 6 and B$, a $ b $ c, 5$ or 6$",
		"between $5 or 10$, from $1 million to 2$, $5，现在$": "between $5 or 10$, from $1 million to 2$, $5，现在$",
		"$HOME and $PATH, $HOME:$PATH, $a$b, ${a}${b}, $$": "$HOME and $PATH, $HOME:$PATH, $a$b, ${a}${b}, $$",
		"`$x$` \\$x\\$ $ \\\\(x\\\\) $`a`$ `\\(x\\)`":      "<code>$x$</code> $x$ $ \\(x\\) $<code>a</code>$ <code>\\(x\\)</code>",
		"about ~$1.50 each, or ~$10; $20k–$30k, $5/$6":     "about ~$1.50 each, or ~$10; $20k–$30k, $5/$6",
		"$x$5 and $y$x and $ z$ and $w $":                  "$x$5 and $y$x and $ z$ and $w $",
		"$$ to $$$, or $$$$, $$ – $$$. Cost: $$$":          "$$ to $$$, or $$$$, $$ – $$$. Cost: $$$",
		"$$ is a process; echo $$; kill $$":                "$$ is a process; echo $$; kill $$",
		"had $100 in A and $200 in B_1 and x^2":            "had $100 in A and $200 in B_1 and x^2",
		`as in \[1\] and \[2, 3\], \[4\]–\[5\]`:            `as in [1] and [2, 3], [4]–[5]`,
		"a $$ x $$ b $$x$$":                                "a " + display(t, " x ") + " b " + display(t, "x"),
		// What cannot be shown
		`a \(\foo{x} + *b*\) c`:    `a ` + shownSource(`\(\foo{x} + *b*\)`) + ` c`,
		`a $\frac{1}$ <b>`:         `a ` + shownSource(`$\frac{1}$`) + ` &lt;b&gt;`,
		`\(</math><script>x\)`:     tex(t, `</math><script>x`),
		`$\text{<img onerror=x>}$`: tex(t, `\text{<img onerror=x>}`),
	} {
		if got := paragraph(t, text); got != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestDisplayFormulas(t *testing.T) {
	t.Parallel()
	block := func(n, source string) string {
		return `<div class="math" tabindex="0" role="group" aria-label="Formula` + n + `">` + display(t, source) + "</div>"
	}
	source := func(text string) string { return `<p class="tex"><code>` + escape(text) + "</code></p>" }
	for text, want := range map[string][]string{
		"\\[\nx_1 * y_2\n\\]":                                 {block("", "\nx_1 * y_2\n")},
		"$$\nx\n$$\n\n$$ y $$\n\n\\[z\\]":                     {block("", "\nx\n"), block(" 2", " y "), block(" 3", "z")},
		"The formula:\n\\[\n- a\n+ b\n= c\n# d\n\\]\nfollows": {"<p>The formula:</p>", "", "<p>follows</p>"},
		"$$\na = b\n\n- c\n$$\n\nd":                           {block("", "\na = b\n\n- c\n"), "<p>d</p>"},
		"\\[\na\n\n    b\n\n1. c\n\\]\nd":                     {block("", "\na\n\n    b\n\n1. c\n"), "<p>d</p>"},
		"\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align}": {block("", "\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align}")},
		"$$x$$.\n\\[y\\],\n":                                  {block("", "x."), block(" 2", "y,")},
		"- a\n  \\[\n  b\n  \\]\n- c":                         {"<ul>\n<li>a\n" + block("", "\nb\n") + "\n</li>\n<li>c</li>\n</ul>"},
		"> $$\n> b\n> $$\n> c":                                {"<blockquote>\n" + block("", "\nb\n") + "\n<p>c</p>\n</blockquote>"},
		"1. a\n\\[\nb\n\\]\n2. c":                             {"<ol>\n<li>a</li>\n</ol>", block("", "\nb\n"), "<ol start=\"2\">\n<li>c</li>\n</ol>"},
		"> a \\(b\n> c\\) d":                                  {"<blockquote>\n<p>a " + tex(t, "b\nc") + " d</p>\n</blockquote>"},
		"```math\n\\frac{a}{b}\n```\n\n```tex\nx\n```":        {block("", "\\frac{a}{b}"), ""},
		"- ```math\n  a\n  ```":                               {"<ul>\n<li>\n" + block("", "a") + "\n</li>\n</ul>"},
		"\\[\n\\foo *a*\n\\]\n\n*b*":                          {source("\\[\n\\foo *a*\n\\]"), "<p><em>b</em></p>"},
		"$$x$$ is *a*":                                        {"<p>" + display(t, "x") + " is <em>a</em></p>"},
		// What is no formula
		"$$ is *the* pid\n\nb":      {"<p>$$ is <em>the</em> pid</p>", "<p>b</p>"},
		"\\[x] *a*\n\nb":            {"<p>[x] <em>a</em></p>", "<p>b</p>"},
		"```\n$$\nx\n$$\n```":       {pre("", "$$\nx\n$$")},
		"$$\n\n*a*\n\n```\n$$\n```": {"<p>$$</p>", "<p><em>a</em></p>", pre("", "$$")},
		"    \\[\n    x\n    \\]":   {pre("", "\\[\nx\n\\]")},
		"\\[\n" + strings.Repeat("a\n", maxDisplay/2) + "\n\\]": nil,
	} {
		got := Blocks(text)
		if want == nil {
			if strings.Contains(strings.Join(got, ""), "<math") {
				t.Errorf("%.40q… is a formula", text)
			}
			continue
		}
		if len(got) != len(want) {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
			continue
		}
		for i := range want {
			if _, err := checkBlock(got[i]); err != nil {
				t.Errorf("%q: %v", text, err)
			}
			if want[i] != "" && got[i] != want[i] {
				t.Errorf("%q\n got %s\nwant %s", text, got[i], want[i])
			}
		}
	}
	cells := Blocks("| a | b |\n|---|---|\n| $P(A\\|B)$ | \\(x_1\\) and $$y$$ |")
	for _, want := range []string{"<td>" + tex(t, "P(A|B)") + "</td>", "<td>" + tex(t, "x_1") + " and " + display(t, "y") + "</td>"} {
		if !strings.Contains(cells[0], want) {
			t.Errorf("no %s in %s", want, cells[0])
		}
	}
}

// TestFormulasThatArrive shows what readers see while a formula is written: its source,
// and nothing of it as markdown.
func TestFormulasThatArrive(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"So \\(x_1 * y_2 * z_3\\) is", "So $\\frac{a*b*c}{d_1}$ is", "\\[\n\\int_0^1 x_1 * y_2 \\, dx\n\n - z * w * v\n\\]\n", "$$\n\\sum_{i=1}^{n} i*j*k\n$$\n",
		"- a\n\n  \\[ x_1 *y* z_2 \\]\n", "\\begin{align}\n a &= *b* \\\\\n c &= d\n\\end{align}\n",
	} {
		whole := strings.Join(Blocks(text), "")
		if !strings.Contains(whole, "<math") {
			t.Errorf("%q has no formula: %s", text, whole)
		}
		for cut := range len(text) {
			for _, block := range Blocks(text[:cut]) {
				if strings.Contains(block, "<em>") {
					t.Errorf("%q has emphasis: %s", text[:cut], block)
				}
			}
		}
	}
	for text, want := range map[string][]string{
		"a \\(b *c* d":                  {"<p>a " + shownSource("\\(b *c* d") + "</p>"},
		"a \\(b *c* d\n\ne":             {"<p>a (b <em>c</em> d</p>", "<p>e</p>"},
		"\\[\nb *c* d":                  {`<p class="tex"><code>` + "\\[\nb *c* d</code></p>"},
		"\\[\nb *c* d\n\ne":             {`<p class="tex"><code>` + "\\[\nb *c* d\n\ne</code></p>"},
		"\\[ b *c* d\n\ne":              {"<p>[ b <em>c</em> d</p>", "<p>e</p>"},
		"it is $5 and *c*":              {"<p>it is $5 and <em>c</em></p>"},
		"a $x^ *c* \\(b":                {"<p>a " + shownSource("$x^ *c* \\(b") + "</p>"},
		"```math\n\\frac{a}{b}":         {pre("math", "\\frac{a}{b}")},
		"$x and *y*, \\[a\\](https://b": nil,
	} {
		if got := Blocks(text); want != nil && !slices.Equal(got, want) {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestFormulasBesidePrices(t *testing.T) {
	t.Parallel()
	got := strings.Join(Blocks(testdata(t, "math.md")), "\n")
	if n := strings.Count(got, "<math"); n != 6 {
		t.Errorf("%d formulas, want 6", n)
	}
	for _, want := range []string{"Cost: $5 and $10, and a_b_c * d * e.", "Set {1, 2} and <math>"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if strings.Contains(got, "<em>") {
		t.Errorf("emphasis in %s", got)
	}
}
