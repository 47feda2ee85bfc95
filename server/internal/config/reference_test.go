package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestReferenceHasEveryKeyOnce(t *testing.T) {
	t.Parallel()
	rows := strings.Split(strings.TrimSuffix(Reference(), "\n"), "\n")[2:]
	keys := schema()
	if len(rows) != len(keys) {
		t.Fatalf("%d rows for %d keys", len(rows), len(keys))
	}
	seen := map[string]bool{}
	for i, k := range keys {
		if !strings.HasPrefix(rows[i], "| `"+k.path+"` | ") || strings.Count(rows[i], "|") != 6 || strings.Contains(rows[i], "|  |") {
			t.Errorf("not a full row of %s: %s", k.path, rows[i])
		}
		if seen[k.path] {
			t.Errorf("%s stands twice in the schema", k.path)
		}
		seen[k.path] = true
	}
}

func TestReferenceRow(t *testing.T) {
	t.Parallel()
	for _, row := range []string{
		"| `gateway.rate_limit_rpm` | a whole number from 0 to 100000 | `0` | Requests per minute that a user may make over its WebSockets, with a burst of 5; as many files may be uploaded, with a burst of 10; 0 is no limit. | reload |\n",
		"| `log.format` | \"text\" or \"json\" | `\"text\"` | The format of log lines. Overridden by `-log-format`. | restart |\n",
		"| `agents.list.NAME.description` | text of 1 to 500 characters on one line | none | What the agent is for, as people see it. | reload |\n",
	} {
		if !strings.Contains(Reference(), row) {
			t.Errorf("not in the reference: %s", row)
		}
	}
}

// A file that sets a key to the default in the reference has the same configuration as a
// file without the key.
func TestDefaultsOfTheReference(t *testing.T) {
	t.Parallel()
	const agent = "{agents:{list:{default:{provider:'builtin'"
	for _, k := range schema() {
		if k.defaultDescription != "" || k.literal == "" {
			continue
		}
		with, without := "", "{}"
		if name, ok := strings.CutPrefix(k.path, "agents.list.NAME."); ok {
			with, without = agent+","+name+":"+k.literal+"}}}}", agent+"}}}}"
		} else {
			segments := strings.Split(k.path, ".")
			with = "{" + strings.Join(segments, ":{") + ":" + k.literal + strings.Repeat("}", len(segments))
		}
		if !reflect.DeepEqual(mustParse(t, with), mustParse(t, without)) {
			t.Errorf("%s and %s differ", with, without)
		}
	}
}

func TestEmbedReference(t *testing.T) {
	t.Parallel()
	const before, after = "# Gatehouse\n\n", "\n\nMore.\n"
	document := before + referenceBegin + "\nold\n" + referenceEnd + after
	got, err := EmbedReference(document)
	if want := before + referenceBegin + "\n" + Reference() + referenceEnd + after; err != nil || got != want {
		t.Fatalf("got %q, %v", got, err)
	}
	if again, err := EmbedReference(got); err != nil || again != got {
		t.Errorf("a document that is up to date changed: %v", err)
	}
	for _, bad := range []string{
		"", referenceBegin + "\n", referenceEnd + "\n" + referenceBegin + "\n", referenceBegin + " " + referenceEnd,
		document + document, document + referenceEnd,
	} {
		if out, err := EmbedReference(bad); err == nil {
			t.Errorf("%q became %q", bad, out)
		}
	}
}
