package format

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// paragraph returns what is inside the one paragraph of a text.
func paragraph(t *testing.T, text string) string {
	t.Helper()
	blocks := Blocks(text)
	if len(blocks) != 1 {
		t.Errorf("%q has the blocks %q", text, blocks)
		return ""
	}
	if _, err := checkBlock(blocks[0]); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(blocks[0], "<p>"), "</p>")
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEmphasisWithoutSpaces(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		// Chinese
		"**注意：**请先保存。":             "<strong>注意：</strong>请先保存。",
		"这是**“重点”**内容。":            "这是<strong>“重点”</strong>内容。",
		"他说**‘好’**，":               "他说<strong>‘好’</strong>，",
		"这是**「重点」**内容":             "这是<strong>「重点」</strong>内容",
		"请看**《红楼梦》**和*【备注】*吧":      "请看<strong>《红楼梦》</strong>和<em>【备注】</em>吧",
		"使用**Markdown(标记)**来写":     "使用<strong>Markdown(标记)</strong>来写",
		"使用**`code`**来写":           "使用<strong><code>code</code></strong>来写",
		"价格是**$5**左右":              "价格是<strong>$5</strong>左右",
		"***注意：***请":               "<em><strong>注意：</strong></em>请",
		"已~~作废。~~请看":               "已<del>作废。</del>请看",
		"已~~(旧)~~改":                "已<del>(旧)</del>改",
		"**链接：[a](https://b.c)**请": "<strong>链接：" + a("https://b.c", "a") + "</strong>请",
		"第一**（重要）**，第二**（次要）**。":   "第一<strong>（重要）</strong>，第二<strong>（次要）</strong>。",
		"**第一步:**打开":               "<strong>第一步:</strong>打开",
		"**100%**的人":               "<strong>100%</strong>的人",
		"𠮷**“好”**𠮷":                "𠮷<strong>“好”</strong>𠮷",
		"葛\U000e0100**“好”**":       "葛\U000e0100<strong>“好”</strong>",
		"〽\ufe0e**“好”**":           "〽\ufe0e<strong>“好”</strong>",
		"这是_重点_内容，__init__方法":      "这是_重点_内容，__init__方法",
		"**（注）** 和 *a*b 和 2*3*4":   "<strong>（注）</strong> 和 <em>a</em>b 和 2*3*4",
		"a * b * c，** d **":        "a * b * c，** d **",
		// Japanese
		"**この機能（試験中）**は無効です。": "<strong>この機能（試験中）</strong>は無効です。",
		"これは**重要。**です":        "これは<strong>重要。</strong>です",
		"ｶﾀｶﾅ**｢ﾃｽﾄ｣**です":     "ｶﾀｶﾅ<strong>｢ﾃｽﾄ｣</strong>です",
		// Korean
		"한국어 **(중요)**는 굵게.":        "한국어 <strong>(중요)</strong>는 굵게.",
		"**마크다운(Markdown)**을 쓰세요.": "<strong>마크다운(Markdown)</strong>을 쓰세요.",
		"**\"인용\"**이라고":            "<strong>&quot;인용&quot;</strong>이라고",
		// Other scripts without spaces, and with prefixes that stick
		"นี่คือ**(สำคัญ)**ครับ": "นี่คือ<strong>(สำคัญ)</strong>ครับ",
		"و**\"النص\"**مهم":      "و<strong>&quot;النص&quot;</strong>مهم",
		"ב**\"הארץ\"**היום":     "ב<strong>&quot;הארץ&quot;</strong>היום",
		// As CommonMark has it, where there are spaces
		"foo**(bar)**baz":                  "foo**(bar)**baz",
		"**Gomphocarpus (*G. physo*)** is": "<strong>Gomphocarpus (<em>G. physo</em>)</strong> is",
		"foo_bar_baz __a__ _b_c, \\**d*":   "foo_bar_baz <strong>a</strong> _b_c, *<em>d</em>",
		// Otherwise than CommonMark, as people and models mean it
		"5*3*2 and 2**3**4, x*y*z":              "5*3*2 and 2<strong>3</strong>4, x<em>y</em>z",
		"**Note:**text and foo**bar**baz":       "<strong>Note:</strong>text and foo<strong>bar</strong>baz",
		"**a:**b**c:**d, **\"e\"**s":            "<strong>a:</strong>b<strong>c:</strong>d, <strong>&quot;e&quot;</strong>s",
		"__init__.py, a.__init__(), __all__":    "__init__.py, a.__init__(), <strong>all</strong>",
		"__main__() and __bold__. __B__, __c__": "__main__() and <strong>bold</strong>. <strong>B</strong>, <strong>c</strong>",
		"*(**foo**)* 🎉**(a)** b":                "<em>(<strong>foo</strong>)</em> 🎉<strong>(a)</strong> b",
	} {
		if got := paragraph(t, text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
	for _, block := range Blocks(testdata(t, "cjk_emphasis.md")) {
		if strings.Contains(block, "*") || strings.Count(block, "<strong>") != strings.Count(block, "<li>") {
			t.Errorf("emphasis is missing: %s", block)
		}
	}
}

func TestLinesWithoutSpaces(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"中文\n换行":              "中文换行",
		"中文，\n换行":             "中文，换行",
		"**中文**\n换行\n*行*":     "<strong>中文</strong>换行<em>行</em>",
		"中文\nabc\n中文":         "中文\nabc\n中文",
		"日本\nです":              "日本です",
		"한국어\n문장":             "한국어\n문장",
		"a\n**b**\n`c`\nd":    "a\n<strong>b</strong>\n<code>c</code>\nd",
		"中文  \n换行\\\n行":       "中文<br>\n换行<br>\n行",
		"[中](https://b.c)\n文": a("https://b.c", "中") + "文",
	} {
		if got := paragraph(t, text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestBareAddresses(t *testing.T) {
	t.Parallel()
	link := func(url string) string { return a(escape(url), escape(url)) }
	www := func(host string) string { return a("http://"+host, host) }
	mail := func(address string) string { return a("mailto:"+address, address) }
	for text, want := range map[string]string{
		"请看https://example.com/a，然后":                                            "请看" + link("https://example.com/a") + "，然后",
		"（https://example.com/a）":                                               "（" + link("https://example.com/a") + "）",
		"「https://example.com」と":                                                "「" + link("https://example.com") + "」と",
		"见：https://example.com/a?b=c&d=e。":                                      "见：" + link("https://example.com/a?b=c&d=e") + "。",
		"见【https://a.org】、《https://b.org》！":                                     "见【" + link("https://a.org") + "】、《" + link("https://b.org") + "》！",
		"打开https://a.org即可；https://b.org/：好":                                    "打开" + link("https://a.org") + "即可；" + link("https://b.org/") + "：好",
		"访问www.example.com，或www.b.org/c？":                                       "访问" + www("www.example.com") + "，或" + www("www.b.org/c") + "？",
		"邮箱first_last+x@example.com。或a.b@c.d":                                   "邮箱" + mail("first_last+x@example.com") + "。或" + mail("a.b@c.d"),
		"邮箱:support@example.com":                                                "邮箱:" + mail("support@example.com"),
		"**网址：https://a.org/b_c**，好":                                            "<strong>网址：" + link("https://a.org/b_c") + "</strong>，好",
		"https://a.org/b！https://c.org/d＂":                                      link("https://a.org/b") + "！" + link("https://c.org/d") + "＂",
		"주소는https://a.org입니다":                                                   "주소는" + link("https://a.org") + "입니다",
		"ดูhttps://a.org/bที่นี่":                                               "ดู" + link("https://a.org/b") + "ที่นี่",
		"انظرhttps://a.org/b، ثم":                                               "انظر" + link("https://a.org/b") + "، ثم",
		"“https://a.org” and “www.b.org”":                                       "“" + link("https://a.org") + "” and “" + www("www.b.org") + "”",
		"\"https://a.org/b\" 'https://c.org'.":                                  "&quot;" + link("https://a.org/b") + "&quot; '" + link("https://c.org") + "'.",
		"see:https://a.org/b, (https://a.org/b_(c)).":                           "see:" + link("https://a.org/b") + ", (" + link("https://a.org/b_(c)") + ").",
		"http://localhost:8080/x http://127.0.0.1":                              link("http://localhost:8080/x") + " " + link("http://127.0.0.1"),
		"HTTPS://A.ORG/B https://u:p@a.org/ https://a.org/?q=1&amp;":            link("HTTPS://A.ORG/B") + " " + link("https://u:p@a.org/") + " " + link("https://a.org/?q=1") + "&amp;",
		"https://de.wikipedia.org/wiki/Käse":                                    a("https://de.wikipedia.org/wiki/K%C3%A4se", "https://de.wikipedia.org/wiki/Käse"),
		"_https://a.org/b_ ~~https://a.org~~ *https://a.org/c*":                 "<em>" + link("https://a.org/b") + "</em> <del>" + link("https://a.org") + "</del> <em>" + link("https://a.org/c") + "</em>",
		"xhttps://a.org ahttp://b 1https://c.d a.www.b.c /www.d.e @a.b a@b a@-": "xhttps://a.org ahttp://b 1https://c.d a.www.b.c /www.d.e @a.b a@b a@-",
		"`请看https://a.org` [看https://a.org](https://b.org)":                     "<code>请看https://a.org</code> " + a("https://b.org", "看https://a.org"),
		"http://例え.jp/パス を見て。https://ja.wikipedia.org/wiki/日本語，然后":              a("http://%E4%BE%8B%E3%81%88.jp/%E3%83%91%E3%82%B9", "http://例え.jp/パス") + " を見て。" + a("https://ja.wikipedia.org/wiki/%E6%97%A5%E6%9C%AC%E8%AA%9E", "https://ja.wikipedia.org/wiki/日本語") + "，然后",
		"https://a.org/就可以 https://a.org/?q=中文&r=字a 见https://中文.中国/a。":          link("https://a.org/") + "就可以 " + a("https://a.org/?q=%E4%B8%AD%E6%96%87&amp;r=%E5%AD%97a", "https://a.org/?q=中文&amp;r=字a") + " 见" + a("https://%E4%B8%AD%E6%96%87.%E4%B8%AD%E5%9B%BD/a", "https://中文.中国/a") + "。",
		"https://hi.wikipedia.org/wiki/गणित।":                                   a("https://hi.wikipedia.org/wiki/%E0%A4%97%E0%A4%A3%E0%A4%BF%E0%A4%A4", "https://hi.wikipedia.org/wiki/गणित") + "।",
		"12:30, www. http:// https:// e.g. www.a mailto: ::":                    "12:30, www. http:// https:// e.g. www.a mailto: ::",
	} {
		if got := paragraph(t, text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestTildes(t *testing.T) {
	t.Parallel()
	for _, block := range Blocks(testdata(t, "tilde.md")) {
		if strings.Contains(block, "<del>") || !strings.Contains(block, "~") {
			t.Errorf("a tilde is gone: %s", block)
		}
	}
	for text, want := range map[string]string{
		"~a~ 3~5 ~~b~~ ~~c~ ~d~":    "~a~ 3~5 <del>b</del> ~~c~ ~d~",
		"x ~~~e~~~ f ~~*g* ~5~~":    "x ~~~e~~~ f <del><em>g</em> ~5</del>",
		"~~a ~~ b~~ ~~ c ~~, ~/x ~": "<del>a ~~ b</del> ~~ c ~~, ~/x ~",
	} {
		if got := paragraph(t, text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestTagsThatAreMarkup(t *testing.T) {
	t.Parallel()
	got := strings.Join(Blocks(testdata(t, "table_break.md")), "")
	if want := "<td>open the lid<br>fill in water<br>close it</td>"; !strings.Contains(got, want) {
		t.Errorf("no line breaks in %s", got)
	}
	for text, want := range map[string]string{
		"a<br>b<br/>c<br />d<BR>e":                    "a<br>b<br>c<br>d<br>e",
		"`a<br>b` \\<br>":                             "<code>a&lt;br&gt;b</code> &lt;br&gt;",
		"<br class=x> <br onclick=y> </br> <br":       "&lt;br class=x&gt; &lt;br onclick=y&gt; &lt;/br&gt; &lt;br",
		"H<sub>2</sub>O, x<sup>*n*</sup>":             "H<sub>2</sub>O, x<sup><em>n</em></sup>",
		"<kbd>Ctrl</kbd>+<KBD>C</KBD> <mark>m</mark>": "<kbd>Ctrl</kbd>+<kbd>C</kbd> <mark>m</mark>",
		"<sub>a<sup>b</sup></sub>":                    "<sub>a<sup>b</sup></sub>",
		"<sub>a<sup>b</sub></sup>":                    "&lt;sub&gt;a<sup>b&lt;/sub&gt;</sup>",
		"*a<sub>b*c</sub> </sub><sub>":                "<em>a&lt;sub&gt;b</em>c&lt;/sub&gt; &lt;/sub&gt;&lt;sub&gt;",
		"<sub id=a>b</sub> <b>c</b>":                  "&lt;sub id=a&gt;b&lt;/sub&gt; &lt;b&gt;c&lt;/b&gt;",
	} {
		if got := paragraph(t, text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

// TestHeadingsFollowEachOther takes the levels over all segments of a message.
func TestHeadingsFollowEachOther(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"# a\n\n## b\n\n### c\n\n## d\n\n# e":               "23432",
		"## a\n\n## b\n\n#### c\n\n## d":                    "2232",
		"### a\n\n## b\n\n# c\n\n###### d":                  "2223",
		"# 1\n## 2\n### 3\n#### 4\n##### 5\n###### 6\n# 7":  "2345662",
		"# a\n\n```\nx\n```\n\n- # b\n\n> ## c\n\n# d\n\ne": "2232",
		"a\n===\n\nb\n---\n\n### c":                         "234",
	} {
		var got strings.Builder
		for _, block := range Blocks(text) {
			for _, part := range strings.Split(block, "</h")[1:] {
				got.WriteByte(part[0])
			}
		}
		if got.String() != want {
			t.Errorf("%q: levels %s, want %s", text, got.String(), want)
		}
	}
}

// TestRegionsHaveNames is about all that may scroll, and the buttons and boxes beside.
func TestRegionsHaveNames(t *testing.T) {
	t.Parallel()
	got := strings.Join(Blocks("```python\na\n```\n\n```\nb\n```\n\n|a|b|\n|-|-|\n\n- ```python\n  c\n  ```\n- [x] buy **milk** `2`\n- [ ] find $x$\n- [ ]\n- [x](https://a.b)\n\n    d\n\n|e|\n|-|\n"), "\n")
	for _, want := range []string{
		`<pre tabindex="0" role="group" aria-label="Code, python">`, `<pre tabindex="0" role="group" aria-label="Code 2">`,
		`<pre tabindex="0" role="group" aria-label="Code 3, python">`, `aria-label="Copy python code" data-action="copy-code">Copy<`, `aria-label="Copy code" `,
		`<div class="table-frame" tabindex="0" role="group" aria-label="Table, 2 columns">`, `<div class="table-frame" tabindex="0" role="group" aria-label="Table 2, 1 column">`,
		`<input checked="" disabled="" type="checkbox" aria-label="buy milk 2">`, `<input disabled="" type="checkbox" aria-label="find x">`, `<input disabled="" type="checkbox" aria-label="Task">`, `<p>` + a("https://a.b", "x"),
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if long := Blocks("- [ ] " + strings.Repeat("é", 2*maxLabel)); !strings.Contains(long[0], `aria-label="`+strings.Repeat("é", maxLabel-1)+`…"`) {
		t.Errorf("a long name: %s", long)
	}
}
