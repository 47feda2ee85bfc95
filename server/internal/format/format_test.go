package format

import (
	"slices"
	"strings"
	"testing"
)

// a returns the link that Blocks writes.
func a(href, label string) string {
	return `<a href="` + href + `" rel="noopener noreferrer nofollow ugc" target="_blank">` + label + `</a>`
}

// pre returns the first code block that Blocks writes.
func pre(lang, inner string) string {
	name, button := "Code", "Copy code"
	if lang != "" {
		name, button = "Code, "+lang, "Copy "+lang+" code"
	}
	return `<div class="code" data-lang="` + lang + `"><div class="code-head"><span class="code-lang">` + lang +
		`</span><button type="button" class="code-copy" aria-label="` + button + `" data-action="copy-code">Copy</button></div>` +
		`<pre tabindex="0" role="group" aria-label="` + name + `"><code class="chroma">` + inner + `</code></pre></div>`
}

// framed returns the first table that Blocks writes.
func framed(columns, rows string) string {
	return `<div class="table-frame" tabindex="0" role="group" aria-label="Table, ` + columns + `">` + "\n<table>\n" + rows + "</table></div>"
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing":             {"", nil},
		"blank":               {" \n\t\r\n", nil},
		"paragraphs":          {"a\nb\n\n\nc", []string{"<p>a\nb</p>", "<p>c</p>"}},
		"line ends":           {"a\r\n\r\nb\rc", []string{"<p>a</p>", "<p>b\nc</p>"}},
		"hard breaks":         {"a  \nb\\\nc", []string{"<p>a<br>\nb<br>\nc</p>"}},
		"NUL and bad UTF-8":   {"a\x00\xffb", []string{"<p>a\uFFFD\uFFFDb</p>"}},
		"headings":            {"# a\n###### b ##\n#c", []string{"<h2>a</h2>", "<h3>b</h3>", "<p>#c</p>"}},
		"setext headings":     {"a *b*\n===\nc\n---", []string{"<h2>a <em>b</em></h2>", "<h3>c</h3>"}},
		"headings have no id": {"# a {#b .c onclick=d}", []string{"<h2>a {#b .c onclick=d}</h2>"}},
		"break":               {"a\n\n***\nb", []string{"<p>a</p>", "<hr>", "<p>b</p>"}},
		"emphasis":            {"*a* __b__ ***c*** ~~d~~ ~e~ a_b_c", []string{"<p><em>a</em> <strong>b</strong> <em><strong>c</strong></em> <del>d</del> ~e~ a_b_c</p>"}},
		"code span":           {"`a <b>` `` ` `` `open", []string{"<p><code>a &lt;b&gt;</code> <code>`</code> `open</p>"}},
		"escapes, entities":   {"\\*a\\* &copy; &lt;b&gt; &#35; &nope; <", []string{"<p>*a* © &lt;b&gt; # &amp;nope; &lt;</p>"}},

		"link":                  {"[a *b*](https://c.d/e?f=g&h \"t\")", []string{"<p>" + a("https://c.d/e?f=g&amp;h", "a <em>b</em>") + "</p>"}},
		"link to mail":          {"[a](mailto:b@c.d) <b@c.d>", []string{"<p>" + a("mailto:b@c.d", "a") + " " + a("mailto:b@c.d", "b@c.d") + "</p>"}},
		"bare links":            {"https://a.b/c_d. www.e.f, g@h.i (http://j.k)", []string{"<p>" + a("https://a.b/c_d", "https://a.b/c_d") + ". " + a("http://www.e.f", "www.e.f") + ", " + a("mailto:g@h.i", "g@h.i") + " (" + a("http://j.k", "http://j.k") + ")</p>"}},
		"auto link":             {"<https://a.b/?c=d&e>", []string{"<p>" + a("https://a.b/?c=d&amp;e", "https://a.b/?c=d&amp;e") + "</p>"}},
		"other links are text":  {"[a](./b) [c](#d) [e](//f.g) [h](ftp://i.j) <ftp://k.l> ftp://m.n [o]()", []string{"<p>a c e h &lt;ftp://k.l&gt; ftp://m.n o</p>"}},
		"umlauts in a link":     {"[a](https://ä.de/ö)", []string{"<p>" + a("https://%C3%A4.de/%C3%B6", "a") + "</p>"}},
		"image":                 {"![a *b*](https://c.d/e.png) ![](https://f.g/h.png) ![i](j.png)", []string{"<p>" + a("https://c.d/e.png", "a <em>b</em>") + " " + a("https://f.g/h.png", "https://f.g/h.png") + " i</p>"}},
		"image in a link":       {"[![a](https://b.c)](https://d.e) ![a [b](https://c.d)](https://e.f)", []string{"<p>" + a("https://d.e", "a") + " " + a("https://e.f", "a b") + "</p>"}},
		"link in a link":        {"[a <https://b.c> https://d.e](https://f.g)", []string{"<p>" + a("https://f.g", "a https://b.c https://d.e") + "</p>"}},
		"no definitions":        {"[a]\n\n[a]: https://b.c", []string{"<p>[a]</p>", "<p>[a]: " + a("https://b.c", "https://b.c") + "</p>"}},
		"HTML is text":          {"<b>a</b> <!-- c -->\n\n<div class=\"d\">\n*e*\n</div>", []string{"<p>&lt;b&gt;a&lt;/b&gt; &lt;!-- c --&gt;</p>", "<p>&lt;div class=&quot;d&quot;&gt;\n<em>e</em>\n&lt;/div&gt;</p>"}},
		"quote, lazy":           {"> a\nb\n> > c\n\nd", []string{"<blockquote>\n<p>a\nb</p>\n<blockquote>\n<p>c</p>\n</blockquote>\n</blockquote>", "<p>d</p>"}},
		"tight list":            {"- a\n- b\n  - c\n", []string{"<ul>\n<li>a</li>\n<li>b\n<ul>\n<li>c</li>\n</ul>\n</li>\n</ul>"}},
		"loose list":            {"3. a\n\n4. b", []string{"<ol start=\"3\">\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ol>"}},
		"other marker":          {"- a\n\n* b\n\nc", []string{"<ul>\n<li>a</li>\n</ul>", "<ul>\n<li>b</li>\n</ul>", "<p>c</p>"}},
		"list after paragraph":  {"a\n- b\n2) c", []string{"<p>a</p>", "<ul>\n<li>b</li>\n</ul>", "<ol start=\"2\">\n<li>c</li>\n</ol>"}},
		"task list":             {"- [x] a\n- [ ] b\n- [y] c", []string{"<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\" aria-label=\"a\"> a</li>\n<li><input disabled=\"\" type=\"checkbox\" aria-label=\"b\"> b</li>\n<li>[y] c</li>\n</ul>"}},
		"table":                 {"a | b | c\n:-|:-:|-:\n`d\\|e` | *f*\n\ng", []string{framed("3 columns", "<thead>\n<tr>\n<th align=\"left\">a</th>\n<th align=\"center\">b</th>\n<th align=\"right\">c</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"left\"><code>d|e</code></td>\n<td align=\"center\"><em>f</em></td>\n<td></td>\n</tr>\n</tbody>\n"), "<p>g</p>"}},
		"table after paragraph": {"a\n| b |\n|---|", []string{"<p>a</p>", framed("1 column", "<thead>\n<tr>\n<th>b</th>\n</tr>\n</thead>\n")}},

		"code":                   {"```\n<a> & \"b\"\n\n  c\n```\nd", []string{pre("", "&lt;a&gt; &amp; &quot;b&quot;\n\n  c"), "<p>d</p>"}},
		"code of a language":     {"~~~ Go title=x\nvar a = 1\n~~~", []string{pre("go", `<span class="kd">var</span> a = <span class="mi">1</span>`)}},
		"code of no language":    {"```nonsense\nvar a\n```", []string{pre("nonsense", "var a")}},
		"bad language":           {"```\"><script>\na\n```", []string{pre("", "a")}},
		"no code":                {"```\n```", []string{pre("", "")}},
		"open code":              {"a\n```js\nlet b", []string{"<p>a</p>", pre("js", `<span class="kd">let</span> b`)}},
		"code in code":           {"````text\n```\na\n```\n````", []string{pre("text", "```\na\n```")}},
		"code that does not end": {"```\na\n``\n~~~\n``` b", []string{pre("", "a\n``\n~~~\n``` b")}},
		"indented fence":         {"  ```\n  a\n    b\n c\n  ```", []string{pre("", "a\n  b\nc")}},
		"not a fence":            {"``` a`b\nc", []string{"<p>``` a`b\nc</p>"}},
		"indented code":          {"a\n\n    b\n\n      c\n\nd", []string{"<p>a</p>", pre("", "b\n\n  c"), "<p>d</p>"}},
		"code in a list":         {"1. a\n   ```go\n   b\n\n   c\n   ```\n2. d", []string{"<ol>\n<li>a\n" + pre("go", "b\n\nc") + "\n</li>\n<li>d</li>\n</ol>"}},
		"code between items":     {"1. a\n```\nb\n\n- c\n```\n2. d", []string{"<ol>\n<li>a</li>\n</ol>", pre("", "b\n\n- c"), "<ol start=\"2\">\n<li>d</li>\n</ol>"}},
		"code after a list":      {"- a\n\n ```\n b\n\nc\n ```\n\nd", []string{"<ul>\n<li>a</li>\n</ul>", pre("", "b\n\nc"), "<p>d</p>"}},
	} {
		got := Blocks(test.text)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q\n got %q\nwant %q", name, test.text, got, test.want)
		}
		for _, block := range got {
			if _, err := checkBlock(block); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestLimitsShowText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", maxInline)
	for name, test := range map[string]struct{ text, want string }{
		"long paragraph": {"*b* https://c.d " + long, "<p>*b* " + a("https://c.d", "https://c.d") + " " + long + "</p>"},
		"long heading":   {"# *b* " + long, "<h2>*b* " + long + "</h2>"},
		"deep quotes":    {strings.Repeat("> ", maxNesting+2) + "b", strings.Repeat("<blockquote>\n", maxNesting) + "<p>&gt; &gt; b</p>\n" + strings.TrimSuffix(strings.Repeat("</blockquote>\n", maxNesting), "\n")},
		"deep lists":     {strings.Repeat("- ", maxNesting+1) + "b", strings.Repeat("<ul>\n<li>\n", maxNesting-1) + "<ul>\n<li>- b</li>\n</ul>\n" + strings.TrimSuffix(strings.Repeat("</li>\n</ul>\n", maxNesting-1), "\n")},
		"many marks":     {strings.Repeat("*b* ", maxMarks/2) + "*c*", "<p>" + strings.Repeat("<em>b</em> ", maxMarks/2) + "*c*</p>"},
		"many cells":     {strings.Repeat("|b", 100) + "\n" + strings.Repeat("|-", 100) + strings.Repeat("\nc", 99), "<p>" + strings.Repeat("|b", 100) + "\n" + strings.Repeat("|-", 100) + strings.Repeat("\nc", 99) + "</p>"},
		"many backticks": {strings.Repeat("`", maxBackticks+1) + "b" + strings.Repeat("`", maxBackticks+1), "<p>" + strings.Repeat("`", maxBackticks+1) + "b" + strings.Repeat("`", maxBackticks+1) + "</p>"},
		"escaped bars":   {"b|c\n-|-\n" + strings.Repeat("\\|", maxEscapedBars+1), "<p>b|c\n-|-\n" + strings.Repeat("|", maxEscapedBars+1) + "</p>"},
	} {
		if got := Blocks(test.text); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s:\n got %.500q\nwant %.500q", name, got, test.want)
		}
	}
}

// TestParserFault shows what becomes of a text on which the parser panics: here
// because it has no highlighter.
func TestParserFault(t *testing.T) {
	t.Parallel()
	got := formatProse([]byte("- <a>\n  ```go\n  b"), moreFollows, nil, &outline{})
	if want := []string{"<p>- &lt;a&gt;\n  ```go\n  b</p>"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
