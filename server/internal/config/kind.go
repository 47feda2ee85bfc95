package config

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent/reasoning"
)

// A kind says which values of type T a key takes and how they are written. Reading
// what write returns gives the same value.
type kind[T any] struct {
	accepts string // completes "must be …"
	read    func(node) (T, []problem)
	write   func(T) node
}

// mismatch returns the problem of a value that the key does not accept. advice, if
// any, says what to write instead.
func mismatch(n node, accepts, advice string) []problem {
	if advice != "" {
		advice = "; " + advice
	}
	return []problem{{at: n.at, text: "must be " + accepts + advice + "; got " + n.describe()}}
}

// textKind is a kind whose values are written as text. For a text that the key does
// not accept, parse returns false, and advice if it knows what to write instead.
func textKind[T any](
	accepts string, parse func(string) (value T, advice string, ok bool), write func(T) string,
) kind[T] {
	return kind[T]{
		accepts: accepts,
		read: func(n node) (T, []problem) {
			var none T
			if n.shape != shapeText {
				return none, mismatch(n, accepts, "")
			}
			v, advice, ok := parse(n.text)
			if !ok {
				return none, mismatch(n, accepts, advice)
			}
			return v, nil
		},
		write: func(v T) node { return node{shape: shapeText, text: write(v)} },
	}
}

// textWhere is text for which ok returns true.
func textWhere(accepts string, ok func(string) bool) kind[string] {
	return textKind(accepts,
		func(s string) (string, string, bool) { return s, "", ok(s) },
		func(s string) string { return s })
}

// multiLine is text that may have line breaks, of at most that many characters.
func multiLine(most int) kind[string] {
	return textWhere(fmt.Sprintf("text of 1 to %d characters", most), func(s string) bool {
		n := utf8.RuneCountInString(s)
		return 1 <= n && n <= most && !strings.ContainsRune(s, 0)
	})
}

// oneLine is text on one line, of at most that many characters.
func oneLine(most int) kind[string] {
	return textWhere(fmt.Sprintf("text of 1 to %d characters on one line", most),
		func(s string) bool {
			n := utf8.RuneCountInString(s)
			return strings.TrimSpace(s) != "" && n <= most &&
				!strings.ContainsFunc(s, unicode.IsControl)
		})
}

// filePath is the name of a file or folder.
func filePath() kind[string] {
	return textWhere("a path in quotes", func(s string) bool {
		return strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, unicode.IsControl)
	})
}

// agentNameRule completes "must be …".
const agentNameRule = "1 to 32 of a-z, 0-9, _ and -, the first a letter or digit"

var validAgentName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// agentName is the name of an entry of agents.list.
func agentName() kind[string] {
	return textWhere("the name of an agent in agents.list: "+agentNameRule,
		validAgentName.MatchString)
}

// oneOf accepts only the words of the given values; write returns the word of a
// value.
func oneOf[T any](write func(T) string, values ...T) kind[T] {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = strconv.Quote(write(v))
	}
	last := len(words) - 1
	return textKind(strings.Join(words[:last], ", ")+" or "+words[last],
		func(s string) (T, string, bool) {
			i := slices.Index(words, strconv.Quote(s))
			if i < 0 {
				var none T
				return none, "", false
			}
			return values[i], "", true
		}, write)
}

// reasoningTags names the tags around a model's reasoning; false is another way to write
// "off".
func reasoningTags() kind[string] {
	tags := textWhere(reasoning.Rule, func(s string) bool {
		_, err := reasoning.Parse(s)
		return err == nil && strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, unicode.IsControl)
	})
	read := tags.read
	tags.read = func(n node) (string, []problem) {
		if n.shape == shapeBoolean && n.text == "false" {
			return "off", nil
		}
		return read(n)
	}
	return tags
}

func logFormat() kind[LogFormat] {
	return oneOf(func(f LogFormat) string { return string(f) }, LogText, LogJSON)
}

func logLevel() kind[slog.Level] {
	return oneOf(func(l slog.Level) string { return strings.ToLower(l.String()) },
		slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError)
}

func provider() kind[Provider] {
	return oneOf(func(p Provider) string { return string(p) }, Builtin, OpenAI, Anthropic)
}

// duration is a Go duration as text.
func duration(least, most time.Duration) kind[time.Duration] {
	accepts := fmt.Sprintf("a duration from %s to %s in quotes, such as \"30s\" or \"2m\"",
		formatDuration(least), formatDuration(most))
	return textKind(accepts, func(s string) (time.Duration, string, bool) {
		d, err := time.ParseDuration(s)
		return d, "", err == nil && least <= d && d <= most
	}, formatDuration)
}

// longestAge is ten years.
const longestAge = 3650 * day

const day = 24 * time.Hour

// age is how old something may become: a Go duration or whole days, as text.
func age(least time.Duration) kind[time.Duration] {
	accepts := fmt.Sprintf("a duration from %s to %s in quotes, such as \"36h\" or \"30d\"",
		formatDuration(least), formatAge(longestAge))
	return textKind(accepts, func(s string) (time.Duration, string, bool) {
		d, err := parseAge(s)
		return d, "", err == nil && least <= d && d <= longestAge
	}, formatAge)
}

// ageOrNever is an age, or 0 for "never".
func ageOrNever(least time.Duration) kind[time.Duration] {
	some := age(least)
	return textKind("\"0\" for never, or "+some.accepts,
		func(s string) (time.Duration, string, bool) {
			d, err := parseAge(s)
			return d, "", err == nil && (d == 0 || least <= d && d <= longestAge)
		}, formatAge)
}

var wholeDays = regexp.MustCompile(`^([0-9]{1,5})d$`)

func parseAge(s string) (time.Duration, error) {
	if m := wholeDays.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		return time.Duration(n) * day, err
	}
	return time.ParseDuration(s)
}

// formatAge writes an age, as days if it is two whole days or more.
func formatAge(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d >= 2*day && d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return formatDuration(d)
}

// formatDuration writes a duration without trailing zeros: 5m, not 5m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// secret is text that messages never repeat, not even in part.
func secret(least int) kind[Secret] {
	const most = 4096
	accepts := fmt.Sprintf(
		"text of %d to %d printable ASCII characters without spaces", least, most)
	got := func(n node, what string) []problem {
		return []problem{{at: n.at, text: "must be " + accepts + "; got " + what}}
	}
	return kind[Secret]{
		accepts: accepts,
		read: func(n node) (Secret, []problem) {
			if n.shape != shapeText {
				return Secret{}, got(n, "something other than text in quotes")
			}
			odd := strings.ContainsFunc(n.text, func(r rune) bool { return r <= ' ' || r > '~' })
			size := utf8.RuneCountInString(n.text)
			switch {
			case size < least || size > most:
				return Secret{}, got(n, fmt.Sprintf("%d characters", size))
			case odd:
				return Secret{}, got(n, "a space or another character outside that range")
			}
			return NewSecret(n.text), nil
		},
		write: func(s Secret) node { return node{shape: shapeText, text: s.Reveal()} },
	}
}

// integer is a whole number.
func integer(least, most int) kind[int] {
	accepts := fmt.Sprintf("a whole number from %d to %d", least, most)
	return kind[int]{
		accepts: accepts,
		read: func(n node) (int, []problem) {
			inRange := float64(least) <= n.number && n.number <= float64(most) // false for NaN
			if n.shape != shapeNumber || !inRange || n.number != float64(int(n.number)) {
				return 0, mismatch(n, accepts, "")
			}
			return int(n.number), nil
		},
		write: func(v int) node { return numberNode(float64(v)) },
	}
}

// optionalNumber is a number; nil means that the key is not set.
func optionalNumber(least, most float64) kind[*float64] {
	accepts := fmt.Sprintf("a number from %g to %g", least, most)
	return kind[*float64]{
		accepts: accepts,
		read: func(n node) (*float64, []problem) {
			if n.shape != shapeNumber || !(least <= n.number && n.number <= most) {
				return nil, mismatch(n, accepts, "")
			}
			return &n.number, nil
		},
		write: func(v *float64) node {
			if v == nil {
				return node{shape: shapeNull}
			}
			return numberNode(*v)
		},
	}
}

func numberNode(v float64) node {
	return node{shape: shapeNumber, number: v, text: strconv.FormatFloat(v, 'f', -1, 64)}
}

func boolean() kind[bool] {
	return kind[bool]{
		accepts: "true or false",
		read: func(n node) (bool, []problem) {
			if n.shape != shapeBoolean {
				return false, mismatch(n, "true or false", "")
			}
			return n.text == "true", nil
		},
		write: func(v bool) node { return node{shape: shapeBoolean, text: strconv.FormatBool(v)} },
	}
}

// listOf is a list of values of one kind. Each bad item is a problem of its own. An
// empty list is read as nil.
func listOf[T any](element kind[T]) kind[[]T] {
	accepts := "a list in [ ], each item " + element.accepts
	return kind[[]T]{
		accepts: accepts,
		read: func(n node) ([]T, []problem) {
			if n.shape != shapeList {
				return nil, mismatch(n, accepts, "")
			}
			var values []T
			var problems []problem
			for i, item := range n.items {
				v, ps := element.read(item)
				for _, p := range ps {
					p.suffix = "[" + strconv.Itoa(i) + "]" + p.suffix
					problems = append(problems, p)
				}
				values = append(values, v)
			}
			return values, problems
		},
		write: func(values []T) node {
			n := node{shape: shapeList}
			for _, v := range values {
				n.items = append(n.items, element.write(v))
			}
			return n
		},
	}
}

// units are those of a size, the largest first.
var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

var wholeSize = regexp.MustCompile(`^([0-9]{1,13}) ?(GiB|MiB|KiB|B)$`)

// size is a number of bytes as text.
func size(least, most int64) kind[int64] {
	accepts := fmt.Sprintf("a size from %s to %s in quotes, such as \"20MiB\"",
		formatSize(least), formatSize(most))
	return textKind(accepts, func(s string) (int64, string, bool) {
		m := wholeSize.FindStringSubmatch(s)
		if m == nil {
			return 0, "the units are B, KiB, MiB and GiB", false
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		for _, u := range units {
			if err == nil && u.name == m[2] && n <= most/u.bytes {
				return n * u.bytes, "", least <= n*u.bytes
			}
		}
		return 0, "", false
	}, formatSize)
}

// formatSize writes a size in the largest unit that divides it.
func formatSize(n int64) string {
	for _, u := range units {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
