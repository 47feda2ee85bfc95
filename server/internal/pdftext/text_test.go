package pdftext

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A process with this argument is an Extractor's.
const childArgument = "extract"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArgument {
		if Main(os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func newExtractor(t *testing.T) *Extractor {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return New(self, childArgument)
}

// extract extracts the text of a PDF in a process.
func extract(t *testing.T, ctx context.Context, e *Extractor, pdf string) (string, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, []byte(pdf), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	return e.Extract(ctx, file)
}

// A composite font, as programs that embed fonts write: its characters have two bytes, a
// table says what they mean, and another one how wide they are.
const composite = "<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts " +
	"[<< /DW 1000 /W [1 [500 500] 3 4 250] >>] /ToUnicode 6 0 R >>"

const toUnicode = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n" +
	"1 begincodespacerange <0000> <FFFF> endcodespacerange\n" +
	"4 beginbfchar <0001> <65E5> <0002> <672C> <0003> <FEF2> <0004> <FB01> endbfchar\n" +
	"endcmap CMapName currentdict /CMap defineresource pop end end"

func TestExtract(t *testing.T) {
	t.Parallel()
	e := newExtractor(t)
	form := stream("/Type /XObject /Subtype /Form /Matrix [1 0 0 1 0 20] "+
		"/Resources << /Font << /G 5 0 R >> >>", "BT /G 10 Tf (a form) Tj ET")
	for what, c := range map[string]struct{ pdf, want string }{
		"one text":     {simplePage("BT /F 10 Tf 10 700 Td (Hello, world) Tj ET"), "Hello, world"},
		"a compressed": {page(deflated("BT /F 10 Tf (Hello) Tj ET"), helvetica, "null"), "Hello"},
		"lines": {simplePage("BT /F 10 Tf 10 700 Td (one) Tj 0 -12 Td (two) Tj 12 TL T* (three) Tj " +
			"(four) ' 0 -30 TD (five) Tj ET"), "one\ntwo\nthree\nfour\n\nfive"},
		"a word in parts": {simplePage("BT /F 10 Tf [(Kern) 20 (ing) -15 (s)] TJ ET"), "Kernings"},
		"words without spaces": {simplePage("BT /F 10 Tf [(two) -333 (words)] TJ ET"),
			"two words"},
		"parts with positions": {simplePage("BT /F 10 Tf 1 0 0 1 10 700 Tm (of) Tj 1 0 0 1 20 700 Tm " +
			"(fice) Tj 1 0 0 1 45 700 Tm (work) Tj ET"), "office work"},
		"a table": {simplePage("BT /F 10 Tf 10 700 Td (Name) Tj 60 0 Td (Cost) Tj -60 -12 Td (Box) Tj " +
			"60 0 Td (10) Tj ET"), "Name Cost\nBox 10"},
		"scaled": {simplePage("q .5 0 0 .5 0 0 cm BT /F 20 Tf (a) Tj 20 0 Td (b) Tj ET Q"), "a b"},
		"a form": {page(stream("", "BT /F 10 Tf (page) Tj ET /X Do BT 60 20 Td (end) Tj ET"),
			helvetica, form), "page\n\na form end"},
		"a form in itself": {page(stream("", "/X Do"), helvetica, stream(
			"/Subtype /Form /Resources << /Font << /F 5 0 R >> /XObject << /X 6 0 R >> >>",
			"BT /F 10 Tf 0 700 Td (x) Tj ET /X Do")), strings.Repeat("x", maxForms)},
		"a composite font": {page(stream("", "BT /F 10 Tf <00010002> Tj ET"), composite,
			stream("", toUnicode)), "日本"},
		"shapes of letters": {page(stream("", "BT /F 10 Tf <0004> Tj 0 -12 Td <0003> Tj ET"),
			composite, stream("", toUnicode)), "fi\nي"},
		"a scan":      {simplePage("q 100 0 0 100 0 0 cm /X Do Q"), ""},
		"blank":       {simplePage("BT /F 10 Tf ( ) Tj ET"), ""},
		"no contents": {document("<< /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"), ""},
	} {
		if got, err := extract(t, t.Context(), e, c.pdf); err != nil || got != c.want {
			t.Errorf("%s: %q (%v), want %q", what, got, err, c.want)
		}
	}
}

// Files that cannot be read, or that are made to use up time, memory or the stack.
func TestHostile(t *testing.T) {
	t.Parallel()
	pages := func(kids string) string {
		return document("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids ["+kids+"] /Count 9 >>")
	}
	for what, pdf := range map[string]string{
		"nothing":             "%PDF-1.7\n",
		"noise":               "%PDF-1.7\n" + strings.Repeat("\x00\xff[<(", 999),
		"cut":                 simplePage("BT /F 10 Tf (Hello) Tj ET")[:300],
		"pages in themselves": pages("2 0 R"),
		"deep arrays":         page(deflated(strings.Repeat("[", 20<<20)), helvetica, "null"),
		"deep dictionaries":   page(deflated(strings.Repeat("<</A", 10<<20)), helvetica, "null"),
		"a bomb":              page(deflated("("+strings.Repeat("x", 1<<28)), helvetica, "null"),
		"endless operators":   page(deflated(strings.Repeat("q ", 1<<27)), helvetica, "null"),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			e := newExtractor(t)
			e.timeout = 2 * time.Second
			if got, err := extract(t, t.Context(), e, pdf); got != "" || err != nil &&
				!errors.Is(err, ErrUnreadable) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	e := newExtractor(t)
	long := "BT /F 10 Tf " + strings.Repeat("("+strings.Repeat("ä", 1<<9)+") Tj ", 1<<10) + "ET"
	got, err := extract(t, t.Context(), e, page(deflated(long), helvetica, "null"))
	if err != nil || len(got) > MaxText || len(got) < MaxText-4 || !utf8.ValidString(got) {
		t.Errorf("a long text has %d bytes (%v)", len(got), err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("the user has left")
	cancel(left)
	if _, err := extract(t, ctx, e, simplePage("BT ET")); !errors.Is(err, left) {
		t.Errorf("without a user: %v", err)
	}
	if _, err := extract(t, t.Context(), New("/does/not/exist"), ""); err == nil ||
		errors.Is(err, ErrUnreadable) {
		t.Errorf("without a program: %v", err)
	}
}

func FuzzTidy(f *testing.F) {
	f.Add("of\ufb01ce\n\n\n\nx\ufffd")
	f.Add("\ufef2\ufe91\ufeae\ufecb abc")
	f.Fuzz(func(t *testing.T, text string) {
		got := tidy(text)
		if !utf8.ValidString(got) || got != strings.TrimSpace(got) || strings.Contains(got, "\n\n\n") {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
