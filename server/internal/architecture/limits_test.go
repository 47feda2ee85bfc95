package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// limitedPackages are the packages whose limits clients, users and operators meet.
var limitedPackages = []string{
	"server/internal/access", "server/internal/audit", "server/internal/auth",
	"server/internal/gateway", "server/internal/httpd", "server/internal/media",
	"server/internal/pairing", "server/internal/session", "server/internal/turn",
	"server/internal/webhook", "shared/protocol",
}

// innerLimits are limits at which nothing is refused: lists are cut with a mark, texts are
// shortened, work is split, memory is bounded.
var innerLimits = strings.Fields(`
	audit.maxReads audit.maxText audit.maxPendingFailures audit.maxWrongTokenAddresses
	auth.maxListed auth.maxListedText
	gateway.maxClientName gateway.maxConnected gateway.maxEncoded gateway.maxUserAgent
	httpd.maxEnvelope httpd.maxSignIn
	media.maxDecoded
	pairing.maxListedPaired pairing.maxListedUsers pairing.maxKnownUsers pairing.maxListedBytes
	pairing.maxUsersBytes pairing.maxSorted pairing.maxUserAgent pairing.maxCodeAttempts
	pairing.maxIssued pairing.maxRenewals
	session.maxRemoved
	webhook.maxAnswer
`)

var limitName = regexp.MustCompile(`^[mM]ax[A-Z]|PerMinute$|Cooldown$`)

// TestLimitsAreDocumented holds the constants against the page of fixed limits: a limit that
// one can meet has a row, whose value TestManualLimits holds against the constant.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	inner := map[string]bool{}
	for _, name := range innerLimits {
		inner[name] = true
	}
	for _, dir := range limitedPackages {
		for name, value := range constants(t, dir) {
			full := filepath.Base(dir) + "." + name
			switch has := hasRow(name + " = " + value); {
			case !limitName.MatchString(name) || has && !inner[full]:
			case inner[full] && !has:
				delete(inner, full)
			case inner[full]:
				t.Errorf("%s has a row in limits.md, and is in innerLimits", full)
			default:
				t.Errorf("%s = %s has no row: if somebody can meet the limit, give it a row in "+
					"web/docs/limits.md and in fixedLimits; otherwise add its name to innerLimits", full, value)
			}
		}
	}
	for name := range inner {
		t.Errorf("there is no limit %s", name)
	}
}

// hasRow reports whether a row of the page of fixed limits is about a constant.
func hasRow(constant string) bool {
	for _, expressions := range fixedLimits {
		for _, e := range expressions {
			if regexp.MustCompile("^" + e).MatchString(constant) {
				return true
			}
		}
	}
	return false
}

// constants returns the constants of a package with their values as they are written.
func constants(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text := read(t, filepath.Join(dir, filepath.Base(file)))
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				c := spec.(*ast.ValueSpec)
				for i, name := range c.Names {
					if i < len(c.Values) {
						v := c.Values[i]
						all[name.Name] = text[set.Position(v.Pos()).Offset:set.Position(v.End()).Offset]
					}
				}
			}
		}
	}
	return all
}
