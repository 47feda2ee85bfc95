package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/a-h/templ"
	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
	templruntime "github.com/a-h/templ/runtime"
)

// templates generates Go from the templates that changed, as templ generate does for all
// of them. In templ's development mode, the gateway reads the text between a template's
// expressions from a file, so an edit of such text needs no new binary.
type templates struct {
	root    string // directory of the module with the templates
	changed map[string]bool
	// generated is the Go that was generated last, without its text, by template.
	generated map[string]string
	// texts are the files with text that the gateway gets at its next start.
	texts map[string]string
}

func newTemplates(root string) (*templates, error) {
	t := &templates{root: root, changed: map[string]bool{}, generated: map[string]string{},
		texts: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(root, "*", "*.templ"))
	for _, file := range files {
		t.changed[file] = true
	}
	return t, err
}

// generate writes the Go files of the templates that changed, and reports whether one of
// them needs a new binary. A template that cannot be generated is tried again next time.
func (t *templates) generate() (compile bool, err error) {
	for file := range t.changed {
		different, err := t.generateOne(file)
		if err != nil {
			return compile, err
		}
		compile = compile || different
		delete(t.changed, file)
	}
	return compile, nil
}

func (t *templates) generateOne(file string) (compile bool, err error) {
	target := strings.TrimSuffix(file, ".templ") + "_templ.go"
	tree, err := parser.Parse(file)
	if errors.Is(err, fs.ErrNotExist) {
		delete(t.generated, file)
		if err := os.Remove(target); !errors.Is(err, fs.ErrNotExist) {
			return true, err
		}
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	name, err := filepath.Rel(t.root, file)
	if err != nil {
		return false, err
	}
	var source bytes.Buffer
	output, err := generator.Generate(tree, &source, generator.WithVersion(templ.Version()),
		generator.WithFileName(filepath.ToSlash(name)))
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	formatted, err := format.Source(source.Bytes())
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	if there, err := os.ReadFile(target); err != nil || !bytes.Equal(there, formatted) {
		if err := os.WriteFile(target, formatted, 0o644); err != nil {
			return false, err
		}
	}
	t.texts[templruntime.GetDevModeTextFileName(file)] = strings.Join(output.Literals, "\n")
	code := text.ReplaceAllString(string(formatted), "$1")
	compile = t.generated[file] != code
	t.generated[file] = code
	return compile, nil
}

// text matches the parts of generated Go that need no new binary: the text between
// expressions, which the gateway reads from a file, and the positions of expressions,
// which only error messages use.
var text = regexp.MustCompile(`(?m)(templruntime\.WriteString\(templ_\w+, \d+, )".*"\)$|Line: \d+, Col: \d+`)

// publish writes the texts for the gateway that starts next. The previous gateway must
// have been stopped, since its templates may differ.
func (t *templates) publish() error {
	for name, text := range t.texts {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
		delete(t.texts, name)
	}
	return nil
}
